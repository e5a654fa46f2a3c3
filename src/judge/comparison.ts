/** Brings reference and watch onto a scale on which a harm is a shift, and takes off what is known of the load. Pure. */
import type { CountReference } from './count-fit.ts';
import type { GaugeReference } from './gauges.ts';
import { regression } from './regression.ts';
import type { Metric, Plan, Reference } from './types.ts';

type Series = readonly (number | null)[];

/** From this share of zeros on, a harm that multiplies a level is no shift of it. */
const OFTEN_NOTHING = 0.1;

/** The shape of the day at each tick of reference and watch, from earlier days; null where there are none. */
export function dayShape(
  earlier: readonly Series[] | undefined,
  length: number,
): { shape: number[]; error: number } | null {
  const days = (earlier ?? []).map((day) => relative(day, length)).filter((day) => day !== null);
  if (days.length < 2) return null;
  const mean = Array.from({ length }, (_, t) => {
    const known = days.map((day) => day[t]).filter((value) => value !== null && value !== undefined);
    return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
  });
  return quadratic(mean);
}

/** A day as parts of its own mean, so that a busy Monday has the shape of a quiet Sunday. */
function relative(day: Series, length: number): (number | null)[] | null {
  const known = day.slice(0, length).filter((value) => value !== null);
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  return known.length >= length / 2 && mean > 0
    ? day.slice(0, length).map((value) => (value === null ? null : value / mean))
    : null;
}

/**
 * A parabola by least squares, and its error variance at the end in parts of one tick's. An hour of a day is smooth;
 * more freedom would follow the noise.
 */
function quadratic(series: Series): { shape: number[]; error: number } | null {
  const powers = (t: number) => {
    const x = (2 * t) / Math.max(1, series.length - 1) - 1;
    return [1, x, x * x];
  };
  const observed = series.flatMap((value, t) => (value === null ? [] : [{ regressors: powers(t), value }]));
  const coefficients = regression(observed);
  if (coefficients === null) return null;
  const shape = series.map((_, t) => powers(t).reduce((sum, power, i) => sum + coefficients[i]! * power, 0));
  const squares = series.reduce<number>((sum, value, t) => sum + (value === null ? 0 : (value - shape[t]!) ** 2), 0);
  return { shape, error: (9 * squares) / observed.length ** 2 };
}

/** A gauge's reference on its scale. Null where it holds too little to compare. */
export function gaugeReference(metric: Metric, reference: Reference, plan: Plan): GaugeReference | null {
  const { values, other } = reference;
  const known = values.filter((value) => value !== null);
  const level = known.reduce((sum, value) => sum + value, 0) / known.length;
  const width =
    metric.kind === 'window' && reference.window ? Math.max(1, Math.round(reference.window / reference.step)) : 1;
  const positive = known.every((value) => value > 0);
  if (other) return paired(values, other, level, width, positive);
  const day = dayShape(reference.earlier, values.length + plan.ticks);
  if (day && level > 0) return seasonal(values, day, level, width, plan);
  const scale = positive && skewed(known) ? 'log' : 'raw';
  const compared = (value: number) => (scale === 'log' ? Math.log(Math.max(value, Number.MIN_VALUE)) : value);
  return {
    values: values.map((value) => (value === null ? null : compared(value))),
    scale,
    level,
    width,
    compared,
    uncertainty: 0,
  };
}

/** New hosts against old ones: the logarithm of their ratio, or what is left over a multiple of the old. */
function paired(values: Series, other: Series, level: number, width: number, positive: boolean): GaugeReference | null {
  const both = values.map((value, t) => (value === null || other[t] == null ? null : { value, other: other[t] }));
  const known = both.filter((pair) => pair !== null);
  if (known.length === 0) return null;
  const log = positive && known.every((pair) => pair.other > 0);
  const ratio =
    known.reduce((sum, pair) => sum + pair.value * pair.other, 0) /
      known.reduce((sum, pair) => sum + pair.other ** 2, 0) || 0;
  const difference = (value: number, other: number) =>
    log ? Math.log(Math.max(value, Number.MIN_VALUE) / Math.max(other, Number.MIN_VALUE)) : value - ratio * other;
  return {
    values: both.map((pair) => (pair === null ? null : difference(pair.value, pair.other))),
    scale: log ? 'log' : 'raw',
    level,
    width,
    compared: (value, _, other) => (other === null ? null : difference(value, other)),
    uncertainty: 0,
  };
}

function seasonal(
  values: Series,
  day: { shape: number[]; error: number },
  level: number,
  width: number,
  plan: Plan,
): GaugeReference {
  const present = values
    .map((value, t) => (value === null ? null : { value, shape: day.shape[t]! }))
    .filter((entry) => entry !== null);
  const factor = level / (present.reduce((sum, entry) => sum + entry.shape, 0) / present.length);
  const expected = (t: number) => factor * day.shape[t]! - level;
  const rest = values.map((value, t) => (value === null ? null : value - expected(t)));
  const spread =
    present.reduce((sum, entry, i) => sum + (entry.value - factor * present[i]!.shape) ** 2, 0) / present.length;
  const uncertainty = spread > 0 ? Math.min(1, (day.error * factor ** 2 * plan.ticks) / spread) : 0;
  const offset = values.length;
  const now = (day.shape.slice(offset).reduce((sum, shape) => sum + shape, 0) / (day.shape.length - offset)) * factor;
  return {
    values: rest,
    scale: 'raw',
    // A harm multiplies what would be there now, not what was there an hour ago.
    level: now,
    width,
    compared: (value, tick) => value - expected(Math.min(offset + tick, day.shape.length - 1)),
    uncertainty,
  };
}

/** Clearly skewed to the right, and less so on a log scale (moment skewness). */
function skewed(values: readonly number[]): boolean {
  const raw = skewness(values);
  return raw > 1 && Math.abs(skewness(values.map(Math.log))) < raw / 2;
}

function skewness(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const moment = (power: number) => values.reduce((sum, value) => sum + (value - mean) ** power, 0) / values.length;
  const variance = moment(2);
  return variance > 0 ? moment(3) / variance ** 1.5 : 0;
}

/** A count's reference with the load that is known: the old hosts' count, the shape of the day, or none. */
export function countReference(reference: Reference, plan: Plan): CountReference {
  const { values, other, step } = reference;
  if (other) return { step, values, exposure: other, ahead: null, noisy: true };
  const day = dayShape(reference.earlier, values.length + plan.ticks)?.shape.map((load) => Math.max(load, 0.01));
  if (day)
    return { step, values, exposure: day.slice(0, values.length), ahead: day.slice(values.length), noisy: false };
  return { step, values, exposure: values.map(() => 1), ahead: null, noisy: false };
}

/** A level that is often nothing and sometimes something, such as a rate of errors: only its sum can be compared. */
export function isIntermittent(values: Series): boolean {
  const known = values.filter((value) => value !== null);
  const zeros = known.filter((value) => value === 0).length;
  return zeros >= OFTEN_NOTHING * known.length && zeros < known.length && known.every((value) => value >= 0);
}
