/** A level on watch: evidence after each tick, and what can be said of its size. Pure. */
import { crossing, normalCdf, normalQuantile } from './distributions.ts';
import { beginnings, type Horizon, type Levels, mix } from './evidence.ts';
import { factorOf, type GaugeFit, shapeAt, toleratedShift, unitOf, wayOf } from './gauge-fit.ts';
import { Innovations } from './innovations.ts';
import type { Estimate, Metric, Plan, Process, Side } from './types.ts';

/**
 * The harms that the quick part of the evidence looks for: a shift of every score, in standard deviations, and a shift
 * of the level, in those of the innovations, that memory lets through at once and then in part.
 */
const STEADY = 2;
const LEVEL_SHIFT = 8;
/** No rank is further out than this. */
const FARTHEST = 3;
const ONE_SIDED_95 = normalQuantile(0.95);
const FAR = 60;
const SIDES: readonly Side[] = ['up', 'down'];

/** See `Process`. */
export class GaugeProcess implements Process {
  private readonly fit: GaugeFit;
  private readonly metric: Metric;
  private readonly level: Levels;
  /** For the evidence, hardly moved by outliers; and as it is, for the size. */
  private readonly filter: Innovations;
  private readonly plain: Innovations;
  private readonly unit: Innovations;
  private readonly tests: Record<Side, FixedTest[]>;
  private readonly attained: number;
  private readonly harms: SupposedHarm[];
  private readonly deviation: number;
  /** Of the ticks with a number: what was new, and what a shift of one unit would have added. */
  private readonly news: number[] = [];
  private readonly shifts: number[] = [];
  private tick = 0;
  private sum = 0;

  constructor(fit: GaugeFit, metric: Metric, plan: Plan, level: Levels) {
    this.fit = fit;
    this.metric = metric;
    this.level = level;
    this.filter = fit.filter.copy();
    this.plain = fit.plain.copy();
    this.unit = new Innovations({ ...fit.memory, constant: 0 }, 0);
    this.deviation = Math.sqrt(fit.inflation);
    const tests = () => level.horizons.map((horizon) => new FixedTest(horizon, fit.size));
    this.tests = { up: tests(), down: tests() };
    this.attained = level.horizons.reduce((sum, horizon) => sum + horizon.level, 0);
    this.harms = supposedHarms(fit, plan);
  }

  look(value: number | null, other: number | null): void {
    const { width } = this.fit.reference;
    const compared = value === null ? Number.NaN : this.fit.reference.compared(value, this.tick, other);
    const innovation = this.filter.next(compared);
    const plain = this.plain.next(compared);
    const shift = this.unit.next(Number.isNaN(compared) ? Number.NaN : shapeAt(this.tick, width));
    const missing = Number.isNaN(innovation);
    const score = missing ? 0 : (this.fit.ranks.score(innovation) - this.fit.centre) / this.deviation;
    if (!missing) {
      this.news.push(plain);
      this.shifts.push(shift);
      this.sum += score;
      for (const harm of this.harms) harm.look(this.tick, score);
    }
    this.tick++;
    for (const test of this.tests.up) test.look(this.tick, this.news.length, this.sum, missing);
    for (const test of this.tests.down) test.look(this.tick, this.news.length, -this.sum, missing);
  }

  evidence(side: Side): number {
    const sign = side === 'up' ? 1 : -1;
    const total = this.fit.size + this.news.length;
    const [immediate, later] = [
      { sum: 0, count: 0 },
      { sum: 0, count: 0 },
    ];
    for (const harm of this.harms) {
      const into = harm.begin === 0 ? immediate : later;
      into.sum += harm.likelihood(sign, this.sum, total);
      into.count++;
    }
    const early = immediate.sum / immediate.count;
    let rejection = 0;
    for (const test of this.tests[side]) rejection += test.rejection;
    const late = later.count > 0 ? later.sum / later.count : early;
    return mix(this.level.alarm, this.attained, rejection, early, late);
  }

  /** The sum of the scores, standardised, after taking a shift off the values. */
  private standardised(shift: number): number {
    const { ranks, centre, size } = this.fit;
    const t = this.news.length;
    let sum = 0;
    for (let i = 0; i < t; i++) sum += ranks.score(this.news[i]! - shift * this.shifts[i]!) - centre;
    return (sum * Math.sqrt(size / (size + t) / t)) / this.deviation;
  }

  estimate(error: number): Estimate {
    const { reference, spread } = this.fit;
    const scale = reference.scale === 'log' || reference.level > 0 ? 'factor' : 'difference';
    const none = { scale, effect: null, interval: null, missing: null, excluded: { up: false, down: false } } as const;
    if (this.news.length === 0) return none;
    const middle = [...this.news].sort((a, b) => a - b)[this.news.length >> 1]!;
    const far = FAR * Math.max(spread, Math.abs(middle), unitOf(reference), 1e-9);
    const at = (wanted: number) => crossing((shift) => this.standardised(shift) - wanted, -far, far, 1e-8);
    const [low, effect, high] = [at(ONE_SIDED_95), at(0), at(-ONE_SIDED_95)];
    const excluded = { up: false, down: false };
    for (const side of SIDES) {
      const shift = toleratedShift(this.metric, side, reference);
      if (shift === null) continue;
      const off = (side === 'up' ? -1 : 1) * this.standardised(shift);
      excluded[side] = off > -normalQuantile(error);
    }
    const factor = (shift: number) => factorOf(shift, reference);
    return {
      scale,
      effect: effect === null ? null : factor(effect),
      interval: low === null || high === null ? null : [factor(low), factor(high)],
      missing: null,
      excluded,
    };
  }
}

/**
 * The test of one side that decides at its horizon, and the probability, from here, that it will reject there. Where a
 * tick has no number the test is changed to what is left, keeping that probability (Müller & Schäfer 2001).
 */
class FixedTest {
  rejection: number;
  private readonly ticks: number;
  private readonly size: number;
  private limit: number;
  private end: number;

  constructor({ ticks, level }: Horizon, size: number) {
    this.ticks = ticks;
    this.size = size;
    this.rejection = level;
    this.end = this.variance(ticks);
    this.limit = -normalQuantile(level) * Math.sqrt(this.end);
  }

  /** After `tick` ticks, `seen` of which had a number; `sum` is that of the scores. */
  look(tick: number, seen: number, sum: number, missing: boolean): void {
    if (tick > this.ticks || this.rejection === 0 || this.rejection === 1) return;
    const now = this.variance(seen);
    const ahead = (this.size * sum) / (this.size + seen);
    if (missing) {
      const z = (ahead - this.limit) / Math.sqrt(this.end - now);
      this.end = this.variance(seen + this.ticks - tick);
      this.limit = ahead - z * Math.sqrt(this.end - now);
      return;
    }
    const left = this.end - now;
    this.rejection =
      tick === this.ticks ? (ahead >= this.limit ? 1 : 0) : normalCdf((ahead - this.limit) / Math.sqrt(left));
  }

  private variance(ticks: number): number {
    return (this.size * ticks) / (this.size + ticks);
  }
}

/** A harm of a given size and beginning, and the likelihood ratio of what was seen since (known noise, unknown mean). */
class SupposedHarm {
  readonly begin: number;
  private readonly strengths: Float64Array;
  private scored = 0;
  private strength = 0;
  private squares = 0;

  constructor(begin: number, strengths: Float64Array) {
    this.begin = begin;
    this.strengths = strengths;
  }

  look(tick: number, score: number): void {
    if (tick < this.begin) return;
    const strength = this.strengths[Math.min(tick - this.begin, this.strengths.length - 1)]!;
    this.scored += strength * score;
    this.strength += strength;
    this.squares += strength * strength;
  }

  /** `sum` of all scores; `total` is the ticks of reference and watch. */
  likelihood(sign: number, sum: number, total: number): number {
    const shared = this.strength / total;
    const exponent = sign * (this.scored - shared * sum) - (this.squares - shared * this.strength) / 2;
    return Math.exp(Math.min(600, exponent));
  }
}

function supposedHarms(fit: GaugeFit, plan: Plan): SupposedHarm[] {
  const way = wayOf(fit);
  const sd = Math.sqrt(fit.inflation);
  const through = way.map((part) => Math.max(-FARTHEST, Math.min(FARTHEST, LEVEL_SHIFT * part)) / sd);
  const steady = new Float64Array([STEADY]);
  // Without memory a shift of the level is a steady one.
  const kinds = fit.memory.coefficients.length > 0 ? [steady, through] : [steady];
  return beginnings(plan).flatMap((begin) => kinds.map((strengths) => new SupposedHarm(begin, strengths)));
}
