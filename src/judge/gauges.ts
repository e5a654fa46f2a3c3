/**
 * Levels and windowed rates. What is new in each tick (the innovation of an autoregression fitted to the reference)
 * is turned into the normal score of its rank among the reference's innovations (van der Waerden 1952), so neither
 * heavy tails nor an outlier decide. The sum of the scores, scaled by n/(n+t), is a Gaussian martingale that holds the
 * reference's own error (n reference ticks, t watched ones; recursive residuals, Brown, Durbin & Evans 1975). Pure.
 */
import { type Autoregression, fitAutoregression, Innovations } from './autoregression.ts';
import { crossing, normalCdf, normalQuantile } from './distributions.ts';
import { beginnings, type Levels, levels, mix } from './evidence.ts';
import { Ranks } from './ranks.ts';
import type { Estimate, Metric, Model, Plan, Process, Side } from './types.ts';

/** The shift of the scores, in standard deviations, that the quick part of the evidence looks for. */
const STRENGTHS = [2] as const;
const SIDES: readonly Side[] = ['up', 'down'];
const ONE_SIDED_95 = normalQuantile(0.95);
const FAR = 60;
/** What a memory fitted to n points adds to the variance beyond its first-order error, times n (from simulation). */
const SHORT_MEMORY = 8;

/** A reference made ready: on the scale on which a harm is a shift. */
export interface GaugeReference {
  values: readonly (number | null)[];
  /** `log`: a shift is the logarithm of a factor. */
  scale: 'raw' | 'log';
  /** The reference's mean, in the metric's own unit. */
  level: number;
  /** Ticks that a value covers: 1, or the window over the step. */
  width: number;
  /** What is to be taken off a value of the watch before it is compared; by the tick from 0 and the other hosts' value. */
  compared(value: number, tick: number, other: number | null): number | null;
  /** The variance of what is taken off, in parts of the variance of the mean of the watch. */
  uncertainty: number;
}

interface Fit {
  memory: Autoregression;
  /** Among the reference's innovations. */
  ranks: Ranks;
  /** The mean of the reference's own scores (not 0 where many values are equal). */
  centre: number;
  /** The variance of a score, 1 plus the error of the fitted memory. */
  inflation: number;
  last: number[];
  spread: number;
}

/** The model of a gauge or a window. */
export function gaugeModel(metric: Metric, reference: GaugeReference, plan: Plan): Model {
  const fit = fitGauge(reference);
  const level = levels(plan.alpha, metric.worse === 'either' ? 2 : 1);
  const notes: string[] = [];
  if (fit.memory.persistence > 0.97)
    notes.push('the reference has a long memory: slow changes cannot be told from its own');
  if (reference.scale === 'log') notes.push('compared on a log scale');
  return {
    level: reference.level,
    notes,
    visible: (ticks) => ({
      up: visible(fit, reference, 'up', ticks, level),
      down: visible(fit, reference, 'down', ticks, level),
    }),
    information: (side) => {
      const shift = toleratedShift(metric, side, reference);
      if (shift === null) return null;
      const drift = expectedScores(fit, reference, shift, 20).reduce((sum, score) => sum + score, 0) / 20;
      return drift === 0 ? null : (drift * drift) / 2 / fit.inflation / Math.log(1 / level.alarm);
    },
    begin: () => new GaugeProcess(fit, metric, reference, plan.ticks, level),
  };
}

function fitGauge(reference: GaugeReference): Fit {
  const memory = fitAutoregression(reference.values);
  const filter = new Innovations(memory, 0);
  const order = memory.coefficients.length;
  const innovations = reference.values.map((value) => filter.next(value)).slice(order);
  const ranks = new Ranks(innovations.filter((value) => value !== null));
  const { sorted } = ranks;
  const n = sorted.length;
  const centre = sorted.reduce((sum, value) => sum + ranks.score(value), 0) / n;
  const rho = Math.max(0, memory.persistence);
  const inflation = 1 + (order > 0 ? (1 + rho) / (n * (1 - rho)) + SHORT_MEMORY / n : 0) + reference.uncertainty;
  const last = reference.values.slice(-Math.max(order * 3, 12)).map((value) => value ?? Number.NaN);
  const spread = (sorted.at(-1)! - sorted[0]!) / 2;
  return { memory, ranks, centre, inflation, last, spread };
}

/** A filter that has just followed the reference. */
function continued(fit: Fit): Innovations {
  const filter = new Innovations(fit.memory, 0);
  for (const value of fit.last) filter.next(Number.isNaN(value) ? null : value);
  return filter;
}

/** How a harm of one unit stands in the values: at once for a level, growing for a window. */
function shape(tick: number, width: number): number {
  return Math.min(1, (tick + 1) / width);
}

/** The mean score of each tick under a shift of the values, from the reference's own innovations (a hundred of them). */
function expectedScores(fit: Fit, reference: GaugeReference, shift: number, ticks: number): number[] {
  const filter = new Innovations({ ...fit.memory, constant: 0 }, 0);
  const size = Math.min(fit.ranks.sorted.length, 100);
  const some = Array.from(
    { length: size },
    (_, i) => fit.ranks.sorted[Math.floor(((i + 0.5) * fit.ranks.sorted.length) / size)]!,
  );
  const known = new Map<string, number>();
  return Array.from({ length: ticks }, (_, tick) => {
    const moved = shift * filter.next(shape(tick, reference.width))!;
    const key = moved.toPrecision(6);
    const mean =
      known.get(key) ?? some.reduce((sum, value) => sum + fit.ranks.score(value + moved), 0) / some.length - fit.centre;
    known.set(key, mean);
    return mean;
  });
}

/** The shift of a factor, or of an absolute difference; null where the factor says nothing (a level at or below zero). */
function shiftOf(factor: number, reference: GaugeReference): number | null {
  if (reference.scale === 'log') return Math.log(factor);
  return reference.level > 0 ? (factor - 1) * reference.level : null;
}

function factorOf(shift: number, reference: GaugeReference): number {
  if (reference.scale === 'log') return Math.exp(shift);
  return reference.level > 0 ? 1 + shift / reference.level : shift;
}

function toleratedShift(metric: Metric, side: Side, reference: GaugeReference): number | null {
  const sign = side === 'up' ? 1 : -1;
  const relative = shiftOf(metric.tolerate[side], reference);
  const { absolute } = metric.tolerate;
  if (absolute === null) return relative;
  const scaled =
    reference.scale === 'raw' ? sign * absolute : Math.log(Math.max(1e-9, 1 + (sign * absolute) / reference.level));
  return relative === null ? scaled : sign * Math.max(sign * relative, sign * scaled);
}

/** The factor that the fixed-horizon test sees in 80 % of watches. */
function visible(fit: Fit, reference: GaugeReference, side: Side, ticks: number, level: Levels): number | null {
  const n = fit.ranks.sorted.length;
  const variance = (n * ticks) / (n + ticks);
  const needed = (normalQuantile(0.8) - normalQuantile(level.fixed)) * Math.sqrt(variance * fit.inflation);
  const sign = side === 'up' ? 1 : -1;
  const reach = (shift: number) =>
    (sign * n * expectedScores(fit, reference, sign * shift, ticks).reduce((sum, score) => sum + score, 0)) /
      (n + ticks) -
    needed;
  const floor = side === 'down' ? shiftOf(1e-3, reference) : null;
  const far = floor === null ? FAR * Math.max(fit.spread, Math.abs(reference.level), 1e-9) : Math.abs(floor);
  if (side === 'up' && reference.level <= 0 && reference.scale === 'raw') return null;
  const shift = crossing(reach, 0, far, 30);
  return shift === null || reference.level <= 0 ? null : factorOf(sign * shift, reference);
}

class GaugeProcess implements Process {
  private readonly fit: Fit;
  private readonly metric: Metric;
  private readonly reference: GaugeReference;
  private readonly level: Levels;
  private readonly ticks: number;
  private readonly filter: Innovations;
  private readonly unit: Innovations;
  private readonly marks: { tick: number; sum: number; seen: number }[];
  private readonly news: { innovation: number; shape: number }[] = [];
  private tick = 0;
  private sum = 0;

  constructor(fit: Fit, metric: Metric, reference: GaugeReference, ticks: number, level: Levels) {
    this.fit = fit;
    this.metric = metric;
    this.reference = reference;
    this.level = level;
    this.ticks = ticks;
    this.filter = continued(fit);
    this.unit = new Innovations({ ...fit.memory, constant: 0 }, 0);
    this.marks = beginnings(ticks).map((tick) => ({ tick, sum: Number.NaN, seen: 0 }));
  }

  look(value: number | null, other: number | null): void {
    for (const mark of this.marks)
      if (mark.tick === this.tick) Object.assign(mark, { sum: this.sum, seen: this.news.length });
    const compared = value === null ? null : this.reference.compared(value, this.tick, other);
    const innovation = this.filter.next(compared);
    const unit = this.unit.next(compared === null ? null : shape(this.tick, this.reference.width));
    this.tick++;
    if (innovation === null || unit === null) return;
    this.news.push({ innovation, shape: unit });
    this.sum += (this.fit.ranks.score(innovation) - this.fit.centre) / Math.sqrt(this.fit.inflation);
  }

  evidence(side: Side): number {
    const sign = side === 'up' ? 1 : -1;
    const n = this.fit.ranks.sorted.length;
    const immediate = likelihoods(sign * this.sum, this.news.length, n);
    const later = this.marks.flatMap((mark) => {
      if (Number.isNaN(mark.sum)) return STRENGTHS.map(() => 1);
      const t = this.news.length - mark.seen;
      return likelihoods(sign * (this.sum - mark.sum - (t * mark.sum) / (n + mark.seen)), t, n + mark.seen);
    });
    return mix(this.level, this.level.fixed, this.rejection(sign), immediate, later);
  }

  private rejection(sign: number): number {
    const n = this.fit.ranks.sorted.length;
    const t = this.news.length;
    const horizon = (n * this.ticks) / (n + this.ticks);
    const needed = -normalQuantile(this.level.fixed) * Math.sqrt(horizon);
    const left = horizon - (n * t) / (n + t);
    const ahead = (sign * n * this.sum) / (n + t) - needed;
    return left <= 1e-9 * horizon ? (ahead >= 0 ? 1 : 0) : normalCdf(ahead / Math.sqrt(left));
  }

  /** The sum of the scores, standardised, after taking a shift off the values. */
  private standardised(shift: number): number {
    const n = this.fit.ranks.sorted.length;
    const t = this.news.length;
    const sum = this.news.reduce(
      (total, { innovation, shape }) => total + this.fit.ranks.score(innovation - shift * shape) - this.fit.centre,
      0,
    );
    return (sum * Math.sqrt(n / (n + t) / t)) / Math.sqrt(this.fit.inflation);
  }

  estimate(): Estimate {
    const scale = this.reference.scale === 'log' || this.reference.level > 0 ? 'factor' : 'difference';
    const none = { scale, effect: null, interval: null, missing: null, excluded: { up: false, down: false } } as const;
    if (this.news.length === 0) return none;
    const middle = this.news.map(({ innovation }) => innovation).sort((a, b) => a - b)[this.news.length >> 1]!;
    const far = FAR * Math.max(this.fit.spread, Math.abs(middle), Math.abs(this.reference.level), 1e-9);
    const at = (wanted: number) => crossing((shift) => this.standardised(shift) - wanted, -far, far, 50);
    const [low, effect, high] = [at(ONE_SIDED_95), at(0), at(-ONE_SIDED_95)];
    const excluded = { up: false, down: false };
    for (const side of SIDES) {
      const shift = toleratedShift(this.metric, side, this.reference);
      if (shift !== null)
        excluded[side] =
          side === 'up' ? this.standardised(shift) < -ONE_SIDED_95 : this.standardised(shift) > ONE_SIDED_95;
    }
    const factor = (shift: number) => factorOf(shift, this.reference);
    return {
      scale,
      effect: effect === null ? null : factor(effect),
      interval: low === null || high === null ? null : [factor(low), factor(high)],
      missing: null,
      excluded,
    };
  }
}

function likelihoods(sum: number, t: number, n: number): number[] {
  const martingale = (n * sum) / (n + t);
  const variance = (n * t) / (n + t);
  return STRENGTHS.map((strength) =>
    Math.exp(Math.min(600, strength * martingale - (strength * strength * variance) / 2)),
  );
}
