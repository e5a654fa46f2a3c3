/**
 * Memory below noise: the pace of events wanders, and each count scatters around it. Its autocorrelation is a·φ^k,
 * that of an ARMA(1,1), whose sum gives the long-run variance (Box, Jenkins & Reinsel 2015, 3.4). An autoregression
 * of low order would miss most of it. Pure.
 */

/** Lags over which autocorrelations are added up to see whether there is memory at all. */
const SPANS = [1, 4, 12];
const MOST_MEMORY = 0.99;
/** How many standard errors of white noise a sum of autocorrelations must show: more in a short reference, which is told apart badly. */
const SHOWN = { short: 2.6, long: 2 };
const SHORT = 100;
/** So many points can show a long sum to vary by one more time its variance without memory. */
const POINTS_FOR_ONE = 40;

/** How much larger the variance of a long sum is than without memory, and how many independent points that leaves. */
export interface Memory {
  factor: number;
  effective: number;
}

/** The memory of a series of counts about their expectation. Points that are null are left out. */
export function memoryOf(series: readonly (number | null)[]): Memory {
  const n = series.filter((value) => value !== null).length;
  const lags = Math.min(24, Math.floor(n / 5));
  const correlation = autocorrelations(series, lags);
  const shown = n < SHORT ? SHOWN.short : SHOWN.long;
  const present = SPANS.some((span) => span <= lags && sum(correlation.slice(0, span)) / Math.sqrt(span / n) > shown);
  if (!present) return { factor: 1, effective: n };
  const persistence = persistenceOf(correlation, n);
  const weight = sum(correlation) / geometric(persistence, lags);
  const shownFactor = 1 + (2 * weight * persistence) / (1 - persistence);
  const factor = Math.min(Math.max(1, shownFactor), 1 + n / POINTS_FOR_ONE);
  return { factor, effective: Math.max(3, n / Math.max(1, factor)) };
}

/** φ of a·φ^k: by how much the correlations shrink when shifted by one lag; corrected for its bias (Kendall 1954). */
function persistenceOf(correlation: readonly number[], n: number): number {
  const cut = correlation.findIndex((value) => value < 0);
  const used = cut < 0 ? correlation : correlation.slice(0, Math.max(2, cut));
  const raw = used.length < 2 ? 0 : sum(used.slice(1)) / Math.max(1e-9, sum(used.slice(0, -1)));
  const bounded = Math.min(MOST_MEMORY, Math.max(0.1, raw));
  return Math.min(MOST_MEMORY, bounded + (1 + 3 * bounded) / n);
}

function autocorrelations(series: readonly (number | null)[], lags: number): number[] {
  const known = series.filter((value) => value !== null);
  const mean = sum(known) / known.length;
  const covariance = (lag: number) => {
    let total = 0;
    for (let t = lag; t < series.length; t++) {
      const [now, before] = [series[t]!, series[t - lag]!];
      if (now !== null && before !== null) total += (now - mean) * (before - mean);
    }
    return total / known.length;
  };
  const variance = covariance(0);
  return Array.from({ length: lags }, (_, i) => (variance > 0 ? covariance(i + 1) / variance : 0));
}

function geometric(ratio: number, terms: number): number {
  return (ratio * (1 - ratio ** terms)) / (1 - ratio);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
