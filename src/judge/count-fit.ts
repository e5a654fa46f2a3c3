/** What a reference says about counts and sums: their rate, their dispersion, and how well these are known. Pure. */
import { memoryOf } from './bursts.ts';
import type { Metric } from './types.ts';

/** Below this many independent ticks the dispersion is known too badly to be taken as it is. */
const FEW = 100;
/** A sum of fewer orders of the typical size than this says nothing about their spread. */
const FEWEST_ORDERS = 8;
const RARELY_MORE = 3;

/** A reference made ready: one entry a tick, `exposure` is 1 where no load is known. */
export interface CountReference {
  step: number;
  values: readonly (number | null)[];
  exposure: readonly (number | null)[];
  /** The exposure of each tick of the watch where it is known before; otherwise `other` of each look is taken. */
  ahead: readonly number[] | null;
  /** The exposure is itself a Poisson number (the old hosts' count). */
  noisy: boolean;
}

export interface CountFit {
  /** Sum of the reference, divided by the dispersion. */
  events: number;
  exposure: number;
  dispersion: number;
  /** The distance between neighbouring possible sums, after the division; 0 for money. */
  lattice: number;
  perTick: number;
  /** The most that one tick may count for, per exposure: one giant order is no trend. */
  most: number;
  notes: string[];
}

/** Fits a reference; a text is why it is of no use. */
export function fitCounts(metric: Metric, reference: CountReference): CountFit | string {
  const known = reference.values.flatMap((value, t) => {
    const exposure = reference.exposure[t];
    return value === null || exposure === null || exposure === undefined ? [] : [{ value, exposure }];
  });
  const total = known.reduce((sum, { value }) => sum + value, 0);
  const exposure = known.reduce((sum, one) => sum + one.exposure, 0);
  const money = metric.kind === 'money';
  if (exposure <= 0 || total < 0 || (money && total === 0)) return 'the reference holds nothing to compare with';
  const mean = total / known.length;
  const ratio = total / exposure;
  const { dispersion, notes } = spread(reference, ratio, mean, known.length, money);
  if (money && total / dispersion < FEWEST_ORDERS) return 'the reference holds too few orders to know their spread';
  const largest = known.reduce((most, one) => Math.max(most, one.value / one.exposure), 0);
  const perTick = reference.ahead
    ? reference.ahead.reduce((sum, load) => sum + load, 0) / reference.ahead.length
    : exposure / known.length;
  return {
    events: total / dispersion,
    exposure,
    dispersion,
    lattice: money ? 0 : 1 / dispersion,
    perTick,
    most: money ? Math.max(largest, RARELY_MORE * ratio) : Number.POSITIVE_INFINITY,
    notes,
  };
}

/** Variance over mean: that of a tick, raised by the memory of the series and by what is not known of both. */
function spread(
  reference: CountReference,
  ratio: number,
  mean: number,
  ticks: number,
  money: boolean,
): { dispersion: number; notes: string[] } {
  if (mean === 0) return { dispersion: 1, notes: [] };
  const rest = reference.values.map((value, t) => {
    const exposure = reference.exposure[t];
    return value === null || exposure === null || exposure === undefined ? null : value - ratio * exposure;
  });
  const floor = money ? 0 : reference.noisy ? 1 + ratio : 1;
  const measured = rest.reduce<number>((sum, value) => sum + (value ?? 0) ** 2, 0) / Math.max(1, ticks - 1) / mean;
  const { factor, effective } = memoryOf(rest);
  const uncertain = effective < FEW && measured * factor > floor;
  const unknown = uncertain ? 1 / (1 - 0.84 * Math.min(0.85, Math.sqrt(2 / effective))) : 1;
  const notes = [
    ...(factor > 1.05
      ? [`the reference comes in bursts: limits widened ×${Math.sqrt(factor).toFixed(1)} for its memory`]
      : []),
    ...(unknown > 1.02
      ? [`the reference is short (${ticks} ticks): limits widened ×${Math.sqrt(unknown).toFixed(1)}`]
      : []),
  ];
  return { dispersion: Math.max(floor, measured * factor * unknown) || 1, notes };
}
