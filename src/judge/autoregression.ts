/**
 * Memory of a series: AR(p) by least squares, its order by the Bayesian information criterion (Schwarz 1978),
 * corrected for the bias of short series (Kendall 1954). Pure.
 */
import { regression } from './regression.ts';

/** A fitted autoregression. `coefficients[0]` belongs to the tick before. */
export interface Autoregression {
  constant: number;
  coefficients: number[];
  /** The sum of the coefficients: 0 without memory, below 1. */
  persistence: number;
}

const MOST_MEMORY = 0.995;
/** Below this many points BIC cannot see memory that matters, so some is assumed where the data hint at it. */
const FEW = 100;

/** Fits a series; ticks that are null, or that follow one, are left out of the fit. */
export function fitAutoregression(series: readonly (number | null)[]): Autoregression {
  const present = series.filter((value) => value !== null);
  const centre = present.reduce((sum, value) => sum + value, 0) / Math.max(1, present.length);
  const highest = Math.min(6, Math.floor(present.length / 12));
  const rows = completeRows(series, highest, centre);
  let best: { coefficients: number[]; bic: number } = { coefficients: [], bic: information(rows, []) };
  for (let order = 1; order <= highest; order++) {
    const coefficients = leastSquares(rows, order);
    if (coefficients === null) break;
    const bic = information(rows, coefficients);
    const assumed = order === 1 && rows.length < FEW && coefficients[0]! > 0;
    if (bic < best.bic || assumed) best = { coefficients, bic };
  }
  return finished(series, unbiased(best.coefficients, rows.length), centre);
}

/**
 * Follows a series and answers what is new in each tick: the value less what the ticks before let expect.
 * After a gap the expectation is further off; the answer is scaled to the usual spread.
 */
export class Innovations {
  private readonly model: Autoregression;
  private readonly lags: number[];
  private gap = 0;

  constructor(model: Autoregression, start: number) {
    this.model = model;
    this.lags = model.coefficients.map(() => start);
  }

  next(value: number | null): number | null {
    const expected = this.model.constant + dot(this.model.coefficients, this.lags);
    const spread = this.gap === 0 ? 1 : gapSpread(this.model.coefficients, this.gap);
    this.gap = value === null ? this.gap + 1 : 0;
    this.lags.unshift(value ?? expected);
    this.lags.length = this.model.coefficients.length;
    return value === null ? null : (value - expected) / spread;
  }
}

/** The standard deviation of a forecast `gap` ticks further ahead, in innovations (sum of the squared psi weights). */
function gapSpread(coefficients: readonly number[], gap: number): number {
  const psi = [1];
  for (let j = 1; j <= Math.min(gap, 500); j++) {
    let weight = 0;
    for (let i = 0; i < Math.min(j, coefficients.length); i++) weight += coefficients[i]! * psi[j - 1 - i]!;
    psi.push(weight);
  }
  return Math.sqrt(psi.reduce((sum, weight) => sum + weight * weight, 0));
}

type Row = { value: number; lags: number[] };

function completeRows(series: readonly (number | null)[], order: number, centre: number): Row[] {
  const rows: Row[] = [];
  for (let t = order; t < series.length; t++) {
    const span = series.slice(t - order, t + 1);
    if (span.some((value) => value === null)) continue;
    const centred = span.map((value) => value! - centre).reverse();
    rows.push({ value: centred[0]!, lags: centred.slice(1) });
  }
  return rows;
}

function information(rows: readonly Row[], coefficients: readonly number[]): number {
  let squares = 0;
  for (const row of rows) squares += (row.value - dot(coefficients, row.lags)) ** 2;
  if (squares === 0) return Number.NEGATIVE_INFINITY;
  return rows.length * Math.log(squares / rows.length) + coefficients.length * Math.log(rows.length);
}

function leastSquares(rows: readonly Row[], order: number): number[] | null {
  return regression(rows.map(({ lags, value }) => ({ regressors: lags.slice(0, order), value })));
}

/** Least squares underestimates memory by about (1 + 3φ)/n. */
function unbiased(coefficients: readonly number[], points: number): number[] {
  if (coefficients.length === 0) return [];
  const persistence = sum(coefficients);
  const wanted = Math.min(MOST_MEMORY, persistence + Math.max(0, 1 + 3 * persistence) / points);
  return [coefficients[0]! + wanted - persistence, ...coefficients.slice(1)];
}

/** The constant is set so that the innovations of the series have mean zero. */
function finished(series: readonly (number | null)[], coefficients: number[], centre: number): Autoregression {
  const rows = completeRows(series, coefficients.length, 0);
  const constant =
    rows.length > 0
      ? rows.reduce((total, row) => total + row.value - dot(coefficients, row.lags), 0) / rows.length
      : centre;
  return { constant, coefficients, persistence: sum(coefficients) };
}

function dot(a: readonly number[], b: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
