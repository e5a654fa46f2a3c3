/**
 * What a reference says about a level. What is new in each tick (the innovation of an autoregression fitted to the
 * reference) is turned into the normal score of its rank among the reference's innovations (van der Waerden 1952), so
 * neither heavy tails nor an outlier decide. Pure.
 */
import { type Autoregression, fitAutoregression, MOST_MEMORY, meanOf, NEARLY_ALL } from './autoregression.ts';
import type { GaugeReference } from './comparison.ts';
import { lastTick } from './evidence.ts';
import { Innovations } from './innovations.ts';
import { forecastFactor, likeliest, memoryFactor, type Wandering, wanderings } from './memory.ts';
import { Ranks } from './ranks.ts';
import { SMALLEST_CHANGE } from './tolerance.ts';
import type { Metric, Plan, Side } from './types.ts';

/** What a memory fitted to n points adds to the variance beyond its first-order error, times n (from simulation). */
const SHORT_MEMORY = 8;
/** Innovations beyond so many standard deviations are taken for outliers or jumps. */
const CLIP = 4;
const OUTLYING = 5;
/** The distance of the quartiles of a normal distribution, in standard deviations. */
const QUARTILES = 1.349;
const NO_CLIP = Number.POSITIVE_INFINITY;
/** The smallest clip, in standard deviations of the values. */
const WAY_BACK = 0.25;
/** A moving average's answer is not followed further. */
const FARTHEST_ANSWER = 120;
/** What is left of a moving average's answer is smaller than this, and counts as nothing. */
const FADED = 0.02;
/** From this persistence on, the reference's own wandering is told from a change only by its speed. */
const LONG_MEMORY = 0.97;
/** Limits that memory widens by more than this are said to be. */
const NOTED = 1.3;
/** The mean score of a shift is taken over so many of the reference's innovations. */
const SAMPLE = 48;
/** So many different steps of a shift's way through the memory are told apart. */
const STEPS = 12;

/** A fitted reference. */
export interface GaugeFit {
  reference: GaugeReference;
  memory: Autoregression;
  /** Filters that have followed the reference: hardly moved by outliers and jumps, and as it is. Copy them. */
  filter: Innovations;
  plain: Innovations;
  /** Among the reference's innovations. */
  ranks: Ranks;
  /** The mean of the reference's own scores (not 0 where many values are equal). */
  centre: number;
  /** The variance of a sum of scores against that of independent ones. */
  inflation: number;
  /** What the reference's mean is worth, in independent ticks. */
  size: number;
  /** Half of the distance between the smallest and the largest innovation. */
  spread: number;
  notes: string[];
}

/** Fits a reference. */
export function fitGauge(reference: GaugeReference, plan: Plan): GaugeFit {
  const { values } = reference;
  const ticks = lastTick(plan);
  const { memory, uncertain, kinds } = memoryOf(withoutOutliers(values), ticks);
  const start = meanOf(values).mean;
  const plain = new Innovations(memory, start);
  const followed = values.map((value) => plain.next(value));
  const remembers = memory.coefficients.length > 0;
  const filter = new Innovations(memory, start, remembers ? clipOf(followed, values) : NO_CLIP);
  const innovations = values.map((value) => filter.next(value)).subarray(memory.coefficients.length);
  const size = values.reduce((most, value) => (Number.isNaN(value) ? most : Math.max(most, Math.abs(value))), 0);
  const ranks = new Ranks(
    innovations.filter((value) => !Number.isNaN(value)),
    size,
    SMALLEST_CHANGE * (reference.scale === 'log' ? 1 : Math.abs(reference.level)),
  );
  const centre = ranks.mean();
  const scores = () => innovations.map((value) => (Number.isNaN(value) ? value : ranks.score(value) - centre));
  const n = ranks.sorted.length;
  const left = remembers ? wanderings(scores()) : kinds;
  const factor = memoryFactor(left, n, ticks) * uncertain;
  return {
    reference,
    memory,
    filter,
    plain,
    ranks,
    centre,
    inflation: factor * (plan.widen ?? 1) ** 2,
    size: 1 / (1 / n + errorInScores(reference.error, memory, innovations)),
    spread: (ranks.sorted.at(-1)! - ranks.sorted[0]!) / 2,
    notes: [...reference.notes, ...notesOf(reference, memory, factor)],
  };
}

interface FittedMemory {
  memory: Autoregression;
  /** By how much the memory's own error raises the variance of a watch's sum. */
  uncertain: number;
  /** All that the memory of the values may be. */
  kinds: Wandering[];
}

/**
 * The memory of a level: an autoregression, or, where that explains it better, a level that wanders below noise
 * (memory.ts).
 */
function memoryOf(values: Float64Array, ticks: number): FittedMemory {
  const memory = fitAutoregression(values);
  const { mean, known } = meanOf(values);
  const kinds = wanderings(values);
  const wandering = likeliest(kinds);
  const none = kinds.find(({ share }) => share === 0)!;
  if (wandering !== null && wandering.share < 1) {
    const information = Math.log(wandering.squares / none.squares) + Math.log(known) / known;
    if (information < memory.information) {
      const { persistence, average } = wandering;
      return {
        memory: {
          constant: mean * (1 - persistence),
          coefficients: [persistence],
          average,
          persistence: 1 - (1 - persistence) / (1 + average),
        },
        uncertain: forecastFactor(kinds, wandering, ticks),
        kinds,
      };
    }
  }
  const rho = Math.max(0, Math.min(MOST_MEMORY, memory.persistence));
  const learnt = memory.coefficients.length > 0 && memory.information > Math.log(NEARLY_ALL);
  const fitted = learnt ? (1 + rho) / (known * (1 - rho)) + SHORT_MEMORY / known : 0;
  return { memory, uncertain: 1 + fitted, kinds };
}

/** Outliers drawn in to where they begin: a memory is not to be fitted to them. */
function withoutOutliers(values: Float64Array): Float64Array {
  const { middle, deviation } = quartiles(values);
  const [low, high] = [middle - OUTLYING * deviation, middle + OUTLYING * deviation];
  if (!(deviation > 0)) return values;
  return values.map((value) => Math.max(low, Math.min(high, value)));
}

/**
 * The size from which on an innovation is taken for an outlier or a jump. Never so small that a filter once off the way
 * could not find back to it.
 */
function clipOf(innovations: Float64Array, values: Float64Array): number {
  return Math.max(CLIP * quartiles(innovations).deviation, WAY_BACK * quartiles(values).deviation) || NO_CLIP;
}

/** The median, and the standard deviation of a normal distribution with the same quartiles. */
function quartiles(values: Float64Array): { middle: number; deviation: number } {
  // NaN is sorted to the end.
  const sorted = values.slice().sort();
  const { known } = meanOf(values);
  const at = (part: number) => sorted[Math.floor(part * (known - 1))]!;
  return { middle: at(0.5), deviation: (at(0.75) - at(0.25)) / QUARTILES };
}

/** The variance of the expected level, in that of a score. */
function errorInScores(error: number, memory: Autoregression, innovations: Float64Array): number {
  if (error === 0) return 0;
  let squares = 0;
  for (const value of innovations) if (!Number.isNaN(value)) squares += value * value;
  return squares > 0 ? (error * (1 - memory.persistence) ** 2 * innovations.length) / squares : 0;
}

function notesOf(reference: GaugeReference, memory: Autoregression, factor: number): string[] {
  const wider = factor > NOTED ? `: limits widened ×${Math.sqrt(factor).toFixed(1)}` : '';
  const drifts =
    memory.persistence > LONG_MEMORY || factor > NOTED
      ? [
          `the reference wanders more slowly than its own noise${wider}; slow changes cannot be told from its own (compare with old hosts or earlier days, or give a longer reference)`,
        ]
      : [];
  return [...drifts, ...(reference.scale === 'log' ? ['compared on a log scale'] : [])];
}

/** How a harm of one unit stands in the values: at once for a level, growing for a window. */
export function shapeAt(tick: number, width: number): number {
  return Math.min(1, (tick + 1) / width);
}

/** How a shift of one unit, from the first tick on, stands in the innovations; after these ticks it stays. */
export function wayOf(fit: GaugeFit): Float64Array {
  const { width } = fit.reference;
  const { average } = fit.memory;
  const filter = new Innovations({ ...fit.memory, constant: 0 }, 0);
  const fades = average === 0 ? 0 : Math.min(FARTHEST_ANSWER, Math.ceil(Math.log(FADED) / Math.log(Math.abs(average))));
  return new Float64Array(width + fit.memory.coefficients.length + fades).map((_, tick) =>
    filter.next(shapeAt(tick, width)),
  );
}

/** The mean score under a shift of the innovations. */
export function meanScore(fit: GaugeFit, shift: number): number {
  const { sorted } = fit.ranks;
  const size = Math.min(sorted.length, SAMPLE);
  let total = 0;
  for (let i = 0; i < size; i++)
    total += fit.ranks.score(sorted[Math.floor(((i + 0.5) * sorted.length) / size)]! + shift);
  return total / size - fit.centre;
}

/** The sum of the mean scores of the first `ticks` ticks under a shift of the values. */
export function expectedSum(fit: GaugeFit, way: Float64Array, shift: number, ticks: number): number {
  const known = Math.min(way.length, ticks);
  // The way is coarse where it is long (a window): its values grow evenly there.
  const stride = Math.max(1, Math.ceil(known / STEPS));
  let total = 0;
  for (let start = 0; start < known; start += stride) {
    const end = Math.min(known, start + stride);
    const here = (start + end - 1) >> 1;
    total += (end - start) * meanScore(fit, shift * way[here]!);
  }
  return ticks > known ? total + (ticks - known) * meanScore(fit, shift * way.at(-1)!) : total;
}

/** What a shift is large or small against: the level, or for a logarithm, which has no unit, a tenth. */
export function unitOf({ scale, level }: GaugeReference): number {
  return scale === 'log' ? 0.1 : Math.abs(level);
}

/** The shift of a factor; null where the factor says nothing (a level at or below zero). */
export function shiftOf(factor: number, reference: GaugeReference): number | null {
  if (reference.scale === 'log') return Math.log(factor);
  return reference.level > 0 ? (factor - 1) * reference.level : null;
}

/** The factor of a shift; the shift itself where there is no level to multiply. */
export function factorOf(shift: number, reference: GaugeReference): number {
  if (reference.scale === 'log') return Math.exp(shift);
  return reference.level > 0 ? 1 + shift / reference.level : shift;
}

/** The shift that is tolerated: by the factor or the absolute difference, whichever is larger. */
export function toleratedShift(metric: Metric, side: Side, reference: GaugeReference): number | null {
  const sign = side === 'up' ? 1 : -1;
  const relative = shiftOf(metric.tolerate[side], reference);
  const { absolute } = metric.tolerate;
  if (absolute === null) return relative;
  const scaled =
    reference.scale === 'raw' ? sign * absolute : Math.log(Math.max(1e-9, 1 + (sign * absolute) / reference.level));
  return relative === null ? scaled : sign * Math.max(sign * relative, sign * scaled);
}
