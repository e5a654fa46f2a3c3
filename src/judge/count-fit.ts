/** What a reference says about counts and sums: their rate, their dispersion, and how well these are known. Pure. */
import { meanOf } from './autoregression.ts';
import type { CountReference } from './comparison.ts';
import { lastTick } from './evidence.ts';
import { independentTicks, memoryFactor, wanderings } from './memory.ts';
import type { Metric, Plan } from './types.ts';

/** Below this many independent ticks the dispersion is known too badly to be taken as it is. */
const FEW = 100;
/** A sum of fewer orders of the typical size than this says nothing about their spread. */
const FEWEST_ORDERS = 8;
const RARELY_MORE = 3;
/** A measured variance has a relative error of √(2/n): it is taken as large as in 80 % of cases it is at most. */
const SURE = 0.84;
const MOST_ERROR = 0.85;
/** Limits that memory widens by more than this are said to be. */
const NOTED = 1.3;

/** A fitted reference. Numbers of events are divided by the dispersion. */
export interface CountFit {
  reference: CountReference;
  /** Events of the reference, and their exposure. With old hosts the exposure is a number of events, divided too. */
  events: number;
  exposure: number;
  /** The exposure is a random number itself. */
  noisy: boolean;
  dispersion: number;
  /** The distance between neighbouring possible sums, after the division; 0 for money. */
  lattice: number;
  /** How the scatter grows with a harm (see prediction.ts). */
  excess: number;
  /** The exposure to expect in a tick of the watch. */
  perTick: number;
  /** The relative error with which that is known for a whole watch; beyond the scatter of Poisson numbers. */
  paceError: number;
  /** The reference's mean of a tick. */
  level: number;
  /** The most that one tick may count for, per exposure: one giant order is no trend. */
  most: number;
  notes: string[];
}

/** Fits a reference; a text is why it is of no use. */
export function fitCounts(metric: Metric, reference: CountReference, plan: Plan): CountFit | string {
  const { values, exposure } = reference;
  let [total, exposed, known, largest] = [0, 0, 0, 0];
  for (let t = 0; t < values.length; t++) {
    const [value, load] = [values[t]!, exposure[t] ?? Number.NaN];
    if (Number.isNaN(value + load)) continue;
    total += value;
    exposed += load;
    known++;
    if (load > 0) largest = Math.max(largest, value / load);
  }
  const money = metric.kind === 'money';
  if (exposed <= 0 || total < 0 || (money && total === 0)) return 'the reference holds nothing to compare with';
  const ratio = total / exposed;
  const { dispersion, notes } = spread(reference, ratio, total / known, known, money, plan);
  if (money && total / dispersion < FEWEST_ORDERS) return 'the reference holds too few orders to know their spread';
  const noisy = reference.pace !== null;
  const ahead = reference.ahead?.subarray(0, plan.ticks);
  const mean = ahead ? ahead.reduce((sum, load) => sum + load, 0) / ahead.length : exposed / known;
  const events = total / dispersion;
  // What is not known of the load makes the reference worth less.
  const worth = 1 / (1 + reference.error * (events + 0.5));
  return {
    reference,
    events: events * worth,
    exposure: (noisy ? exposed / dispersion : exposed) * worth,
    noisy,
    dispersion,
    lattice: money ? 0 : 1 / dispersion,
    excess: reference.sizes ? Number.POSITIVE_INFINITY : money ? 0 : dispersion - 1,
    perTick: noisy ? reference.pace! / dispersion : mean,
    paceError: noisy ? paceErrorOf(exposure, plan.ticks, dispersion) : 0,
    level: total / known,
    most: money ? Math.max(largest, RARELY_MORE * ratio) : Number.POSITIVE_INFINITY,
    notes: [...reference.notes, ...notes],
  };
}

/** By how much the old hosts' load changes from one watch to the next, in parts of it. */
function paceErrorOf(exposure: Float64Array, ticks: number, dispersion: number): number {
  const means: number[] = [];
  for (let end = exposure.length; end >= ticks; end -= ticks)
    means.push(meanOf(exposure.subarray(end - ticks, end)).mean);
  const { mean } = meanOf(exposure);
  if (means.length < 2 || !(mean > 0)) return 0;
  const changes = means.slice(1).reduce((sum, value, i) => sum + (value - means[i]!) ** 2, 0) / (means.length - 1);
  return Math.sqrt(Math.max(0, changes / mean ** 2 - (2 * dispersion) / (mean * ticks)));
}

/** Variance over mean: that of a tick, raised by the memory of the series and by what is not known of both. */
function spread(
  { values, exposure, pace }: CountReference,
  ratio: number,
  mean: number,
  ticks: number,
  money: boolean,
  plan: Plan,
): { dispersion: number; notes: string[] } {
  const widen = (plan.widen ?? 1) ** 2;
  if (mean === 0) return { dispersion: widen, notes: [] };
  const rest = values.map((value, t) => value - ratio * (exposure[t] ?? Number.NaN));
  let squares = 0;
  for (const value of rest) if (!Number.isNaN(value)) squares += value * value;
  // The old hosts' count scatters as well: a difference of two Poisson numbers.
  const explained = pace === null ? mean : mean * (1 + ratio);
  const measured = squares / Math.max(1, ticks - 1) / explained;
  const kinds = wanderings(rest);
  const factor = memoryFactor(kinds, ticks, lastTick(plan));
  const effective = independentTicks(kinds, ticks);
  const floor = money ? 0 : 1;
  const uncertain = effective < FEW && measured * factor > floor;
  const error = Math.min(MOST_ERROR, Math.sqrt(2 / Math.max(3, effective)));
  const unknown = uncertain ? 1 / (1 - SURE * error) : 1;
  const notes = [
    ...(factor > NOTED
      ? [`the reference comes in bursts: limits widened ×${Math.sqrt(factor).toFixed(1)} for its memory`]
      : []),
    ...(unknown > 1.02
      ? [`the spread of so few independent ticks is hardly known: limits widened ×${Math.sqrt(unknown).toFixed(1)}`]
      : []),
  ];
  return { dispersion: (Math.max(floor, measured * factor * unknown) || 1) * widen, notes };
}

/** The tolerated harm. */
export interface Bearable {
  /** As factors on the reference's rate; null where it is empty and no factor says anything. */
  up: number | null;
  down: number | null;
  /** As a rate of the watch itself, in scaled events per exposure; null where no absolute was declared. */
  rate: number | null;
}

/** What a metric tolerates, against its reference; `ticks` of a planned watch. */
export function bearableOf(metric: Metric, fit: CountFit, ticks: number): Bearable {
  const { absolute, per, up, down } = metric.tolerate;
  const mean = (fit.events * fit.dispersion * fit.perTick) / fit.exposure;
  const perTick = absolute === null ? 0 : per === 'second' ? absolute * fit.reference.step : absolute / ticks;
  return {
    up: mean > 0 ? Math.max(up, 1 + perTick / mean) : null,
    // From nothing there is no fall, so an absolute one is borne.
    down: mean > 0 ? Math.min(down, 1 - perTick / mean) : absolute === null ? null : 0,
    rate: absolute === null ? null : Math.max(mean * up, mean + perTick) / fit.dispersion / fit.perTick,
  };
}
