/** The shape of the day, from the same clock time on earlier days. Pure. */
import { meanOf } from './autoregression.ts';
import { median, PER_MAD } from './distributions.ts';
import { regression } from './regression.ts';

/** Fewer days than this say nothing of the shape. */
export const FEWEST_DAYS = 2;
/** So few days are used, and said to be few. */
export const FEW_DAYS = 4;
/** The variance of a median against that of a mean, of normal numbers. */
const OF_MEDIAN = Math.PI / 2;
/** Days are taken to differ in shape where their variance is that many times what each day's own noise explains. */
const CLEARLY = 2.5;

/** What is expected at each tick of reference and watch. */
export interface DayShape {
  /** In parts of the day's mean; on a log scale, what is to be added to the mean of the logarithms. */
  shape: Float64Array;
  /** The variance with which the mean of the watch is known from that of the reference. */
  error: number;
  days: number;
}

/**
 * Each day's parabola by least squares (an hour of a day is smooth; more freedom would follow the noise), and of these
 * the median at each tick: one odd day does not count. Null where fewer than two days have half of their ticks.
 */
export function dayShape(
  days: readonly Float64Array[],
  length: number,
  watched: number,
  log: boolean,
): DayShape | null {
  const curves = days.map((day) => parabola(day.subarray(0, length), length, log)).filter((curve) => curve !== null);
  if (curves.length < FEWEST_DAYS) return null;
  const shape = new Float64Array(length);
  for (let t = 0; t < length; t++) shape[t] = median(curves.map(({ at }) => at[t]!));
  const start = length - watched;
  const steps = curves.map(({ at }) => step(at, start, log));
  const own = median(curves.map(({ noise }) => noise));
  const spread = scatter(steps);
  const between = spread > CLEARLY * own ? spread - own : 0;
  return { shape, error: between + (OF_MEDIAN * (between + own)) / curves.length, days: curves.length };
}

/** By how much the watch lies above the reference. */
function step(at: Float64Array, start: number, log: boolean): number {
  const [before, after] = [meanOf(at.subarray(0, start)).mean, meanOf(at.subarray(start)).mean];
  return log ? after - before : after / before;
}

function scatter(values: readonly number[]): number {
  const middle = median(values);
  const far = values.map((value) => Math.abs(value - middle));
  // Two or three days have no outliers to be told from.
  if (values.length < FEW_DAYS) return far.reduce((sum, value) => sum + value * value, 0) / (values.length - 1);
  return (PER_MAD * median(far)) ** 2;
}

function parabola(day: Float64Array, length: number, log: boolean): { at: Float64Array; noise: number } | null {
  const usable = log ? day.map((value) => (value > 0 ? Math.log(value) : Number.NaN)) : day;
  const { mean, known } = meanOf(usable);
  if (known < length / 2 || !(log || mean > 0)) return null;
  const relative = usable.map((value) => (log ? value - mean : value / mean));
  const coefficients = fitted(relative);
  if (coefficients === null) return null;
  const at = relative.map((_, t) => valueAt(coefficients, place(t, length)));
  let squares = 0;
  for (let t = 0; t < day.length; t++) if (!Number.isNaN(relative[t]!)) squares += (relative[t]! - at[t]!) ** 2;
  // The variance of a parabola's end is 9/n of one tick's.
  return { at, noise: (9 * squares) / known ** 2 };
}

/** Ticks as places between -1 and 1. */
function place(t: number, length: number): number {
  return (2 * t) / Math.max(1, length - 1) - 1;
}

function valueAt([a, b, c]: readonly number[], x: number): number {
  return a! + b! * x + c! * x * x;
}

function fitted(values: Float64Array): number[] | null {
  return regression(values, 3, (t, into) => {
    const x = place(t, values.length);
    into[0] = 1;
    into[1] = x;
    into[2] = x * x;
  });
}
