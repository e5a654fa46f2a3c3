/** Brings reference and watch onto a scale on which a harm is a shift, and takes off what is known of the load. Pure. */
import { meanOf } from './autoregression.ts';
import { type DayShape, dayShape, FEW_DAYS } from './days.ts';
import { lastTick } from './evidence.ts';
import type { Metric, Plan, Reference } from './types.ts';

type Series = readonly (number | null)[];

/** From this share of zeros on, a harm that multiplies a level is no shift of it. */
const OFTEN_NOTHING = 0.1;
/** The last part of a reference of old hosts tells their pace in the watch better than all of it: so many watches. */
const RECENT_WATCHES = 2;
const RECENT_TICKS = 60;

/** A gauge's reference made ready: on the scale on which a harm is a shift. NaN is a tick without a number. */
export interface GaugeReference {
  values: Float64Array;
  /** `log`: a shift is the logarithm of a factor. */
  scale: 'raw' | 'log';
  /** The mean that a harm multiplies, in the metric's own unit. */
  level: number;
  /** Ticks that a value covers: 1, or the window over the step. */
  width: number;
  /** A value of the watch on the scale of `values`; by the tick from 0 and the other hosts' value. NaN: none. */
  compared(value: number, tick: number, other: number | null): number;
  /** The variance with which the level of the watch would be known if the reference had no noise. */
  error: number;
  notes: string[];
}

/** A count's reference made ready: one entry a tick, `exposure` is 1 where no load is known. NaN: no number. */
export interface CountReference {
  step: number;
  values: Float64Array;
  exposure: Float64Array;
  /** The exposure of each tick of the watch where it is known before; otherwise `other` of each look is taken. */
  ahead: Float64Array | null;
  /** The exposure is itself a Poisson number (the old hosts' count); what is expected of it in a tick of the watch. */
  pace: number | null;
  /** The variance of the exposure of the watch against that of the reference, in parts of itself. */
  error: number;
  /** A harm multiplies the sizes of what comes, not its number. */
  sizes: boolean;
  notes: string[];
}

/** A series as numbers; NaN where there is none. */
export function numbersOf(series: Series): Float64Array {
  const numbers = new Float64Array(series.length);
  for (let t = 0; t < series.length; t++) numbers[t] = series[t] ?? Number.NaN;
  for (let t = 0; t < numbers.length; t++) if (!Number.isFinite(numbers[t]!)) numbers[t] = Number.NaN;
  return numbers;
}

/** A gauge's reference on its scale. Null where it holds nothing to compare. */
export function gaugeReference(metric: Metric, reference: Reference, plan: Plan): GaugeReference | null {
  const values = numbersOf(reference.values);
  const { mean: level, known } = meanOf(values);
  if (known === 0) return null;
  const isWindow = metric.kind === 'window' && reference.window;
  const width = isWindow ? Math.max(1, Math.round(reference.window! / reference.step)) : 1;
  const positive = values.every((value) => !(value <= 0));
  const common = { level, width, error: 0, notes: [] };
  if (reference.other) return paired(values, numbersOf(reference.other), common, positive);
  const log = positive && isSkewed(values);
  if (reference.earlier && level > 0) {
    const day = shapeOf(reference, plan, log);
    if (day === null) return { ...bare(values, log, common), notes: [NO_DAYS] };
    return log ? seasonalLog(values, day, common) : seasonal(values, day, common);
  }
  return bare(values, log, common);
}

type Common = Pick<GaugeReference, 'level' | 'width' | 'error' | 'notes'>;

const NO_DAYS =
  'fewer than two earlier days have half of their ticks: compared with the time before, told nothing of the day';

const NO_OTHERS = 'the old hosts had none of it in the reference: compared with the time before';

function shapeOf(reference: Reference, plan: Plan, log: boolean): DayShape | null {
  const watched = lastTick(plan);
  return dayShape((reference.earlier ?? []).map(numbersOf), reference.values.length + watched, watched, log);
}

function dayNotes({ days }: DayShape): string[] {
  return days < FEW_DAYS ? [`only ${days} earlier days are known: limits are wider (give more days)`] : [];
}

function bare(values: Float64Array, log: boolean, common: Common): GaugeReference {
  const compared = (value: number) => (log ? logarithm(value) : value);
  return { ...common, values: values.map(compared), scale: log ? 'log' : 'raw', compared };
}

/** NaN stays NaN. */
function logarithm(value: number): number {
  return Math.log(value <= 0 ? Number.MIN_VALUE : value);
}

/** New hosts against old ones: the logarithm of their ratio, or what is left over a multiple of the old. */
function paired(values: Float64Array, other: Float64Array, common: Common, positive: boolean): GaugeReference | null {
  const log = positive && other.every((value) => !(value <= 0));
  let [products, squares, known] = [0, 0, 0];
  for (let t = 0; t < values.length; t++) {
    const product = values[t]! * other[t]!;
    if (Number.isNaN(product)) continue;
    products += product;
    squares += other[t]! ** 2;
    known++;
  }
  if (known === 0) return null;
  const ratio = products / squares || 0;
  const difference = (value: number, other: number) =>
    log ? logarithm(value) - logarithm(other) : value - ratio * other;
  return {
    ...common,
    values: values.map((value, t) => difference(value, other[t] ?? Number.NaN)),
    scale: log ? 'log' : 'raw',
    compared: (value, _, other) => (other === null ? Number.NaN : difference(value, other)),
  };
}

function seasonal(values: Float64Array, day: DayShape, common: Common): GaugeReference {
  const offset = values.length;
  const known = day.shape.subarray(0, offset).map((shape, t) => (Number.isNaN(values[t]!) ? Number.NaN : shape));
  const factor = common.level / meanOf(known).mean;
  const expected = (t: number) => factor * day.shape[Math.min(t, day.shape.length - 1)]! - common.level;
  return {
    ...common,
    values: values.map((value, t) => value - expected(t)),
    scale: 'raw',
    // A harm multiplies what would be there now, not what was there an hour ago.
    level: meanOf(day.shape.subarray(offset)).mean * factor,
    compared: (value, tick) => value - expected(offset + tick),
    error: day.error * factor ** 2,
    notes: dayNotes(day),
  };
}

function seasonalLog(values: Float64Array, day: DayShape, common: Common): GaugeReference {
  const offset = values.length;
  const expected = (t: number) => day.shape[Math.min(t, day.shape.length - 1)]!;
  return {
    ...common,
    values: values.map((value, t) => logarithm(value) - expected(t)),
    scale: 'log',
    compared: (value, tick) => logarithm(value) - expected(offset + tick),
    error: day.error,
    notes: dayNotes(day),
  };
}

/** Clearly skewed to the right, and less so on a log scale (moment skewness). */
function isSkewed(values: Float64Array): boolean {
  const raw = skewness(values);
  return raw > 1 && Math.abs(skewness(values.map(Math.log))) < raw / 2;
}

function skewness(values: Float64Array): number {
  const { mean, known } = meanOf(values);
  let [second, third] = [0, 0];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    const rest = value - mean;
    second += rest * rest;
    third += rest * rest * rest;
  }
  return second > 0 ? third / known / (second / known) ** 1.5 : 0;
}

/** A count's reference with the load that is known: the old hosts' count, the shape of the day, or none. */
export function countReference(reference: Reference, plan: Plan): CountReference {
  const values = numbersOf(reference.values);
  const common = { step: reference.step, values, ahead: null, pace: null, error: 0, sizes: false, notes: [] };
  const even = { ...common, exposure: values.map(() => 1) };
  if (reference.other) {
    const exposure = numbersOf(reference.other);
    const { mean, known } = meanOf(exposure);
    // Nothing is a multiple of nothing.
    if (mean === 0 && known > 0) return { ...even, notes: [NO_OTHERS] };
    const recent = exposure.subarray(-Math.max(RECENT_TICKS, RECENT_WATCHES * plan.ticks));
    return { ...common, exposure, pace: meanOf(recent).mean || mean };
  }
  if (!reference.earlier) return even;
  const day = shapeOf(reference, plan, false);
  if (day === null) return { ...even, notes: [NO_DAYS] };
  const load = day.shape.map((part) => Math.max(part, 0.01));
  return {
    ...common,
    exposure: load.slice(0, values.length),
    ahead: load.slice(values.length),
    error: day.error,
    notes: dayNotes(day),
  };
}

/** A level that is often nothing and sometimes something, such as a rate of errors: only its sum can be compared. */
export function isIntermittent(values: Series): boolean {
  let [known, zeros] = [0, 0];
  for (const value of values) {
    if (value === null) continue;
    if (value < 0) return false;
    known++;
    if (value === 0) zeros++;
  }
  return zeros >= OFTEN_NOTHING * known && zeros < known;
}
