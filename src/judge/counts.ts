/**
 * Counts and sums of money. The number in the watch, given the number in the reference, is predicted by a
 * gamma-Poisson mixture (negative binomial; Jeffreys' prior), so the reference's own error is in every limit.
 * Dispersion above Poisson's divides both (quasi-Poisson; McCullagh & Nelder 1989); a sum of money is a scaled
 * Poisson number (Bohm & Zech 2014), which is the same division. Load that is known from elsewhere (the old hosts, earlier days) enters as exposure. Pure.
 */
import { type CountFit, type CountReference, fitCounts } from './count-fit.ts';
import { crossing, incompleteBeta } from './distributions.ts';
import { beginnings, type Levels, levels, mix } from './evidence.ts';
import type { Estimate, Metric, Model, Plan, Process, Side, Visible } from './types.ts';

/** Harms that the quick part of the evidence looks for. */
const STRENGTHS: Record<Side, readonly number[]> = { up: [2, 5, 20], down: [0.5, 0.25, 0.02] };
const SIDES: readonly Side[] = ['up', 'down'];

/** The model of a count or of money; a text is why the reference is of no use. */
export function countModel(metric: Metric, reference: CountReference, plan: Plan): Model | string {
  const fit = fitCounts(metric, reference);
  if (typeof fit === 'string') return fit;
  const sides = metric.worse === 'either' ? 2 : 1;
  const level = levels(plan.alpha, sides);
  const bearable = bearableOf(metric, fit, reference.step, plan.ticks);
  const rate = (fit.events + 0.5) / fit.exposure;
  return {
    level: (fit.events * fit.dispersion) / Math.max(1, reference.values.filter((value) => value !== null).length),
    notes: fit.notes,
    visible: (ticks) => visible(fit, ticks * fit.perTick, level),
    information: (side) => {
      const r = bearable[side];
      if (r === null) return null;
      const divergence = rate * fit.perTick * (r * Math.log(Math.max(r, 1e-9)) - r + 1);
      return divergence > 0 ? divergence / Math.log(1 / level.alarm) : null;
    },
    begin: () => new CountProcess(fit, reference, plan.ticks, level, bearable),
  };
}

/** The tolerated harm. */
interface Bearable {
  /** As factors on the reference's rate; null where it is empty and no factor says anything. */
  up: number | null;
  down: number | null;
  /** As a rate of the watch itself, in scaled events per exposure; null where no absolute was declared. */
  rate: number | null;
}

/** Below this many events in the reference an absolute tolerance is held against the watch's own rate. */
const NEXT_TO_NOTHING = 10;

function bearableOf(metric: Metric, fit: CountFit, step: number, ticks: number): Bearable {
  const { absolute, per, up, down } = metric.tolerate;
  const mean = (fit.events * fit.dispersion * fit.perTick) / fit.exposure;
  const perTick = absolute === null ? 0 : per === 'second' ? absolute * step : absolute / ticks;
  return {
    up: mean > 0 ? Math.max(up, 1 + perTick / mean) : null,
    down: mean > 0 ? Math.min(down, 1 - perTick / mean) : null,
    rate: absolute === null ? null : Math.max(mean * up, mean + perTick) / fit.dispersion / fit.perTick,
  };
}

/** P(sum of the watch >= x | reference) where the harm is r and the watch's exposure t; continuous between lattice points. */
function atLeast(fit: CountFit, x: number, r: number, k: number, n: number, t: number): number {
  const a = x + 0.5 - fit.lattice / 2;
  if (a <= 0) return 1;
  return incompleteBeta((r * t) / (n + r * t), a, k);
}

function atMost(fit: CountFit, x: number, r: number, k: number, n: number, t: number): number {
  return x < 0 ? 0 : 1 - incompleteBeta((r * t) / (n + r * t), x + 0.5 + fit.lattice / 2, k);
}

/** The sum from which on the fixed-horizon test rejects; for `down` null where even nothing would not. */
function critical(fit: CountFit, side: Side, exposure: number, level: Levels): number | null {
  const k = fit.events + 0.5;
  const n = fit.exposure;
  const expected = (k * exposure) / n;
  const far = expected + 40 * Math.sqrt(expected * (1 + exposure / n)) + 2000;
  if (side === 'up') {
    const x = crossing((x) => atLeast(fit, x, 1, k, n, exposure) - level.fixed, 0, far) ?? far;
    return fit.lattice > 0 ? Math.ceil(x / fit.lattice - 1e-9) * fit.lattice : x;
  }
  if (atMost(fit, 0, 1, k, n, exposure) > level.fixed) return null;
  const x = crossing((x) => atMost(fit, x, 1, k, n, exposure) - level.fixed, 0, expected) ?? 0;
  return fit.lattice > 0 ? Math.floor(x / fit.lattice + 1e-9) * fit.lattice : x;
}

/** Exact power of the fixed-horizon test, solved for 80 %. */
function visible(fit: CountFit, exposure: number, level: Levels): Visible {
  const k = fit.events + 0.5;
  const up = critical(fit, 'up', exposure, level)!;
  const down = critical(fit, 'down', exposure, level);
  const rise = crossing(
    (log) => atLeast(fit, up, Math.exp(log), k, fit.exposure, exposure) - 0.8,
    0,
    Math.log(1e6),
    40,
  );
  const fall =
    down === null ? null : crossing((r) => atMost(fit, down, r, k, fit.exposure, exposure) - 0.8, 1e-6, 1, 40);
  return { up: rise === null ? null : Math.exp(rise), down: fall };
}

class CountProcess implements Process {
  /** What came, and the part of it that counts as evidence, divided by the dispersion. */
  private total = 0;
  private sum = 0;
  private exposed = 0;
  private ticks = 0;
  private readonly marks: { tick: number; sum: number; exposed: number }[];
  private readonly horizon: number;
  private readonly limits: Record<Side, number | null>;
  private readonly attained: Record<Side, number>;
  private readonly fit: CountFit;
  private readonly reference: CountReference;
  private readonly level: Levels;
  private readonly bearable: Bearable;

  constructor(fit: CountFit, reference: CountReference, ticks: number, level: Levels, bearable: Bearable) {
    this.fit = fit;
    this.reference = reference;
    this.level = level;
    this.bearable = bearable;
    this.horizon = ticks * fit.perTick;
    this.marks = beginnings(ticks).map((tick) => ({ tick, sum: Number.NaN, exposed: Number.NaN }));
    this.limits = { up: critical(fit, 'up', this.horizon, level), down: critical(fit, 'down', this.horizon, level) };
    this.attained = { up: 0, down: 0 };
    for (const side of SIDES) this.attained[side] = this.rejection(side);
  }

  look(value: number | null, other: number | null): void {
    const exposure = this.reference.noisy
      ? other
      : this.reference.ahead
        ? (this.reference.ahead[this.ticks] ?? this.fit.perTick)
        : 1;
    for (const mark of this.marks)
      if (mark.tick === this.ticks) Object.assign(mark, { sum: this.sum, exposed: this.exposed });
    this.ticks++;
    if (value === null || exposure === null) return;
    this.total += value;
    this.sum += Math.min(value, this.fit.most * Math.max(exposure, this.fit.perTick)) / this.fit.dispersion;
    this.exposed += exposure;
  }

  evidence(side: Side): number {
    const { events, exposure } = this.fit;
    const immediate = STRENGTHS[side].map((r) => ratio(r, this.sum, this.exposed, events + 0.5, exposure));
    const later = this.marks.flatMap((mark) =>
      STRENGTHS[side].map((r) =>
        Number.isNaN(mark.sum)
          ? 1
          : ratio(
              r,
              this.sum - mark.sum,
              this.exposed - mark.exposed,
              events + 0.5 + mark.sum,
              exposure + mark.exposed,
            ),
      ),
    );
    return mix(this.level, this.attained[side], this.rejection(side), immediate, later);
  }

  /** The probability, from here, that the fixed-horizon test will reject at the horizon. */
  private rejection(side: Side): number {
    const limit = this.limits[side];
    if (limit === null) return 0;
    const left = this.horizon - this.exposed;
    if (left <= 1e-9 * this.horizon)
      return (side === 'up' ? this.sum >= limit - 1e-9 : this.sum <= limit + 1e-9) ? 1 : 0;
    const k = this.fit.events + 0.5 + this.sum;
    const n = this.fit.exposure + this.exposed;
    return side === 'up'
      ? atLeast(this.fit, limit - this.sum, 1, k, n, left)
      : atMost(this.fit, limit - this.sum, 1, k, n, left);
  }

  estimate(): Estimate {
    const { events, exposure, dispersion } = this.fit;
    if (this.exposed <= 0)
      return { scale: 'factor', effect: null, interval: null, excluded: { up: false, down: false }, missing: null };
    const k = events + 0.5;
    const tail = (f: typeof atLeast, r: number) => f(this.fit, this.sum, r, k, exposure, this.exposed) - 0.05;
    const far = Math.log(1e6);
    const low = this.sum <= 0 ? 0 : Math.exp(crossing((log) => tail(atLeast, Math.exp(log)), -far, far) ?? -far);
    const high = Math.exp(crossing((log) => tail(atMost, Math.exp(log)), -far, far) ?? far);
    const expected = ((events * dispersion) / exposure) * this.exposed;
    const { up, down } = this.bearable;
    return {
      scale: 'factor',
      effect: events > 0 ? this.total / expected : null,
      interval: [low, high],
      excluded: { up: (up !== null && high < up) || this.isBelowAbsolute(), down: down !== null && low > down },
      missing:
        events > 0 ? { amount: expected - this.total, low: expected * (1 - high), high: expected * (1 - low) } : null,
    };
  }

  /**
   * True where the watch's own rate is below what is tolerated in absolute terms (95 %): with next to nothing in the
   * reference no ratio to it can be excluded. The limit is Poisson's, as a negative binomial of very many events.
   */
  private isBelowAbsolute(): boolean {
    const { rate } = this.bearable;
    if (rate === null || this.fit.events >= NEXT_TO_NOTHING) return false;
    const many = 1e6 * Math.max(1, this.exposed);
    return atMost(this.fit, this.sum, rate, many, many, this.exposed) < 0.05;
  }
}

/** The likelihood ratio of a rate r times the predicted one, after `sum` events in the exposure t. */
function ratio(r: number, sum: number, t: number, k: number, n: number): number {
  return Math.exp(Math.min(600, sum * Math.log(r) + (k + sum) * Math.log((n + t) / (n + r * t))));
}
