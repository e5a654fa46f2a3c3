/**
 * Memory of a series: AR(p) by least squares, its order by the Bayesian information criterion (Schwarz 1978),
 * corrected for the bias of short series (Kendall 1954). Series hold NaN where a tick has no number. Pure.
 */
import { solve } from './regression.ts';

/** A fitted autoregression. `coefficients[0]` belongs to the tick before. */
export interface Autoregression {
  constant: number;
  coefficients: number[];
  /** The coefficient of the innovation before, where the series is an ARMA(1,1); otherwise 0. */
  average: number;
  /** The part of a shift that the memory takes over in the end: 0 without memory, below 1. */
  persistence: number;
}

const HIGHEST = 6;
/** No more memory than this is believed. */
export const MOST_MEMORY = 0.995;
/** Below this many points BIC cannot see memory that matters, so some is assumed where the data hint at it. */
const FEW = 100;
/** Where fewer rows than this share of the numbers have all their lags, pairs are taken instead. */
const GAPPY = 0.6;
/** A memory that leaves less than this part of the variance explains everything: no further order is better. */
const EXACT = 1e-6;
/** Where less than this part is left the memory is taken as known. */
export const NEARLY_ALL = 1e-4;
/** A variance below this part of the squared mean is rounding. */
const ROUNDING = 1e-20;

/** Fits a series. `information` is the criterion of the order taken, for a tick (less is better). */
export function fitAutoregression(series: Float64Array): Autoregression & { information: number } {
  const { mean, known } = meanOf(series);
  const highest = Math.min(HIGHEST, Math.floor(known / 12));
  const complete = products(series, mean, highest);
  const sums = complete.rows < GAPPY * known ? pairs(series, mean, highest) : complete;
  const varies = sums.gram[0]! > ROUNDING * sums.rows * mean * mean;
  const { coefficients, information } = varies ? chosen(sums, highest) : { coefficients: [], information: 0 };
  // A memory that explains nearly everything has no bias to speak of, and would be spoilt by a correction.
  const corrected = information < Math.log(NEARLY_ALL) ? coefficients : unbiased(coefficients, sums.rows);
  const persistence = corrected.reduce((total, value) => total + value, 0);
  const offset = sums.totals[0]! - corrected.reduce((total, value, i) => total + value * sums.totals[i + 1]!, 0);
  // The constant is set so that the innovations of the series have mean zero.
  const constant = mean * (1 - persistence) + (sums.rows > 0 ? offset / sums.rows : 0);
  return { constant, coefficients: corrected, average: 0, persistence, information };
}

/** Mean and number of the numbers of a series. */
export function meanOf(series: Float64Array): { mean: number; known: number } {
  let total = 0;
  let known = 0;
  for (const value of series)
    if (!Number.isNaN(value)) {
      total += value;
      known++;
    }
  return { mean: known > 0 ? total / known : 0, known };
}

/** Sums over the rows (a value with its lags, less the mean): of products, as a square matrix, and of each lag. */
interface Sums {
  gram: Float64Array;
  totals: Float64Array;
  rows: number;
}

function products(series: Float64Array, mean: number, order: number): Sums {
  const size = order + 1;
  const gram = new Float64Array(size * size);
  const totals = new Float64Array(size);
  let run = 0;
  let rows = 0;
  for (let t = 0; t < series.length; t++) {
    run = Number.isNaN(series[t]!) ? 0 : run + 1;
    if (run < size) continue;
    rows++;
    for (let i = 0; i < size; i++) {
      const value = series[t - i]! - mean;
      totals[i]! += value;
      for (let j = i; j < size; j++) gram[i * size + j]! += value * (series[t - j]! - mean);
    }
  }
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) gram[i * size + j] = gram[j * size + i]!;
  return { gram, totals, rows };
}

/** With many gaps: autocovariances of the pairs that are there (Parzen 1963), in the place of the sums over rows. */
function pairs(series: Float64Array, mean: number, order: number): Sums {
  const size = order + 1;
  const covariance = new Float64Array(size);
  let rows = 0;
  for (let lag = 0; lag < size; lag++) {
    let total = 0;
    let count = 0;
    for (let t = lag; t < series.length; t++) {
      const product = (series[t]! - mean) * (series[t - lag]! - mean);
      if (Number.isNaN(product)) continue;
      total += product;
      count++;
    }
    covariance[lag] = count > 0 ? total / count : 0;
    if (lag === Math.min(1, order)) rows = count;
  }
  const gram = new Float64Array(size * size);
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++) gram[i * size + j] = rows * covariance[Math.abs(i - j)]!;
  return { gram, totals: new Float64Array(size), rows };
}

/** The coefficients of the order that BIC takes. */
function chosen({ gram, rows }: Sums, highest: number): { coefficients: number[]; information: number } {
  const size = highest + 1;
  const information = (squares: number, order: number) =>
    Math.log(Math.max(squares / gram[0]!, EXACT)) + (order * Math.log(rows)) / rows;
  let best: number[] = [];
  let least = information(gram[0]!, 0);
  for (let order = 1; order <= highest; order++) {
    const matrix = Array.from({ length: order }, (_, i) => [
      ...gram.subarray((i + 1) * size + 1, (i + 1) * size + 1 + order),
      gram[i + 1]!,
    ]);
    const coefficients = solve(matrix);
    if (coefficients === null) break;
    if (!isStable(coefficients)) continue;
    const bic = information(gram[0]! - coefficients.reduce((sum, value, i) => sum + value * gram[i + 1]!, 0), order);
    const assumed = order === 1 && rows < FEW && coefficients[0]! > 0;
    if (bic < least || assumed) {
      best = coefficients;
      least = Math.min(least, bic);
    }
  }
  return { coefficients: best, information: least };
}

/** Least squares underestimates memory by about (1 + 3φ)/n. */
function unbiased(coefficients: readonly number[], points: number): number[] {
  if (coefficients.length === 0) return [];
  const persistence = coefficients.reduce((total, value) => total + value, 0);
  const wanted = Math.min(MOST_MEMORY, persistence + Math.max(0, 1 + 3 * persistence) / points);
  const corrected = [coefficients[0]! + wanted - persistence, ...coefficients.slice(1)];
  return isStable(corrected) ? corrected : [...coefficients];
}

/** True where a memory forgets: all reflection coefficients lie within 1 (the Levinson recursion backwards). */
function isStable(coefficients: readonly number[]): boolean {
  let rest = [...coefficients];
  while (rest.length > 0) {
    const last = rest.at(-1)!;
    if (!(Math.abs(last) < 1)) return false;
    const before = rest.slice(0, -1);
    rest = before.map((value, i) => (value + last * before[before.length - 1 - i]!) / (1 - last * last));
  }
  return true;
}
