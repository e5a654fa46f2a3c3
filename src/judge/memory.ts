/**
 * Slow memory under noise: a level that wanders (an autoregression of order 1) below scatter of its own, with the
 * autocorrelation s·φ^k of an ARMA(1,1) (Box, Jenkins & Reinsel 2015, 3.4). How slow and how strong it is, a short
 * series hardly tells, so all that it could be is weighed by how well it explains the series (Bayesian model averaging;
 * Hoeting and others 1999): a small memory that lasts long is as dangerous as it is hard to see. Pure.
 */
import { meanOf } from './autoregression.ts';

const PERSISTENCES = [0.3, 0.5, 0.7, 0.85, 0.93, 0.97, 0.99, 0.997];
const SHARES = [0.03, 0.08, 0.16, 0.3, 0.5, 0.75, 1];
/** What speaks for no memory at all before the series is seen. */
const NONE_BEFORE = 0.7;
/** Of what a series could be, less likely than this is left out. */
const UNLIKELY = 1e-4;

/** One kind of memory. `share` of the variance wanders. */
export interface Wandering {
  persistence: number;
  share: number;
  /** The moving-average coefficient of the same series as an ARMA(1,1). */
  average: number;
  /** How likely it is, all together 1. Share 0 is no memory. */
  weight: number;
  /** The sum of the squared innovations. */
  squares: number;
}

const CANDIDATES = PERSISTENCES.flatMap((persistence) =>
  SHARES.map((share) => ({ persistence, share, average: averageOf(persistence, share) })),
);

/** All kinds of memory that a series may have. NaN is a tick without a number. */
export function wanderings(series: Float64Array): Wandering[] {
  const { mean, known } = meanOf(series);
  const rest = series.map((value) => value - mean);
  let variance = 0;
  for (const value of rest) if (!Number.isNaN(value)) variance += value * value;
  const none = { persistence: 0, share: 0, average: 0, weight: 1, squares: variance };
  if (known < 8 || !(variance > 1e-20 * known * mean * mean)) return [none];
  const before = (1 - NONE_BEFORE) / CANDIDATES.length;
  // Candidates come in fours.
  const squares =
    known === rest.length
      ? CANDIDATES.flatMap((_, i) => (i % 4 === 0 ? squaredOfFour(rest, CANDIDATES.slice(i, i + 4)) : []))
      : CANDIDATES.map(({ persistence, average }) => squaredInnovations(rest, persistence, average));
  const logLikelihood = (squares: number) => (-known / 2) * Math.log(Math.max(squares / variance, Number.MIN_VALUE));
  // Against the best, since a long series with a clear memory is likelier than no memory by more than a number can hold.
  const most = Math.max(0, ...squares.map(logLikelihood));
  const all = [
    { ...none, weight: NONE_BEFORE * Math.exp(-most) },
    ...CANDIDATES.map((candidate, i) => ({
      ...candidate,
      squares: squares[i]!,
      weight: before * Math.exp(logLikelihood(squares[i]!) - most),
    })),
  ];
  const total = all.reduce((sum, { weight }) => sum + weight, 0);
  return all
    .map((one) => ({ ...one, weight: one.weight / total }))
    .filter(({ weight, share }) => weight > UNLIKELY || share === 0);
}

/** θ of the ARMA(1,1) whose autocorrelation is s·φ^k. */
function averageOf(persistence: number, share: number): number {
  const variance = 1 + persistence ** 2 - 2 * share * persistence ** 2;
  const covariance = -persistence * (1 - share);
  return covariance === 0 ? 0 : (variance - Math.sqrt(variance ** 2 - 4 * covariance ** 2)) / (2 * covariance);
}

/** The same for four kinds at once: each waits for its own tick before, so that a processor does four in the time of one. */
function squaredOfFour(rest: Float64Array, of: readonly { persistence: number; average: number }[]): number[] {
  const [p0, p1, p2, p3] = of.map(({ persistence }) => persistence) as [number, number, number, number];
  const [a0, a1, a2, a3] = of.map(({ average }) => average) as [number, number, number, number];
  let [s0, s1, s2, s3, i0, i1, i2, i3, value] = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  for (let t = 0; t < rest.length; t++) {
    const now = rest[t]!;
    i0 = now - p0 * value - a0 * i0;
    i1 = now - p1 * value - a1 * i1;
    i2 = now - p2 * value - a2 * i2;
    i3 = now - p3 * value - a3 * i3;
    s0 += i0 * i0;
    s1 += i1 * i1;
    s2 += i2 * i2;
    s3 += i3 * i3;
    value = now;
  }
  return [s0, s1, s2, s3];
}

function squaredInnovations(rest: Float64Array, persistence: number, average: number): number {
  let [squares, value, innovation] = [0, 0, 0];
  for (let t = 0; t < rest.length; t++) {
    const expected = persistence * value + average * innovation;
    const now = rest[t]!;
    if (!Number.isNaN(now)) {
      innovation = now - expected;
      value = now;
      squares += innovation * innovation;
    } else {
      innovation = 0;
      value = expected;
    }
  }
  return squares;
}

/**
 * By how much more the difference between the means of `n` ticks and of the `t` that follow varies than without
 * memory, weighed over all that the memory may be. That the series' own spread hides a part of a long memory is in.
 */
export function memoryFactor(kinds: readonly Wandering[], n: number, t: number): number {
  let total = 0;
  for (const { persistence, share, weight } of kinds) {
    const shared = share === 0 ? 0 : (2 * share * persistence * ends(persistence, n) * ends(persistence, t)) / (n * t);
    const varies = sumFactor(persistence, share, t) / t + sumFactor(persistence, share, n) / n - shared;
    const seen = Math.max(0.05, 1 - (sumFactor(persistence, share, n) - 1) / n);
    total += (weight * varies) / (1 / t + 1 / n) / seen;
  }
  return total;
}

/** How many independent ticks a series is worth. */
export function independentTicks(kinds: readonly Wandering[], n: number): number {
  return n / kinds.reduce((sum, { persistence, share, weight }) => sum + weight * sumFactor(persistence, share, n), 0);
}

/** The variance of the sum of n ticks, in that of independent ones. */
function sumFactor(persistence: number, share: number, n: number): number {
  if (share === 0) return 1;
  return 1 + (2 * share * persistence * (1 - ends(persistence, n) / n)) / (1 - persistence);
}

/** 1 + φ + … + φ^(n−1). */
function ends(persistence: number, n: number): number {
  return (1 - persistence ** n) / (1 - persistence);
}

/** The memory that explains a series best; null where that is none. */
export function likeliest(kinds: readonly Wandering[]): Wandering | null {
  const best = kinds.reduce((most, kind) => (kind.squares < most.squares ? kind : most));
  return best.share === 0 ? null : best;
}

/**
 * By how much more the sum of the next `t` ticks, less what one kind of memory expects of it, varies, weighed over all
 * that the memory may be: its parameters are estimates.
 */
export function forecastFactor(kinds: readonly Wandering[], taken: Wandering, t: number): number {
  let total = 0;
  for (const kind of kinds) total += kind.weight * Math.max(1, forecastVariance(kind, t) / forecastVariance(taken, t));
  return total;
}

/** The variance of the error of the forecast of the next t ticks' sum: squared sums of the psi weights. */
function forecastVariance({ persistence, average, squares }: Wandering, t: number): number {
  let [psi, sum, total] = [1, 0, 0];
  for (let j = 0; j < t; j++) {
    sum += psi;
    total += sum * sum;
    psi = j === 0 ? persistence + average : psi * persistence;
  }
  return total * squares;
}
