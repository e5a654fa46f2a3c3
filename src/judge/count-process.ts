/** Counts or money on watch: evidence after each tick, and what can be said of their size. Pure. */
import type { Bearable, CountFit } from './count-fit.ts';
import { criticalSum, FixedCountTest } from './count-test.ts';
import { crossing } from './distributions.ts';
import { beginnings, type Levels, mix } from './evidence.ts';
import { atLeast, atMost, type Known, knownFrom, likelihoodRatio } from './prediction.ts';
import type { Estimate, Plan, Process, Side } from './types.ts';

/** Harms that the quick part of the evidence looks for: from the first tick on, and later. */
const HARMS: Record<Side, readonly number[]> = { up: [3, 10], down: [0.4, 0.05] };
const SIDES: readonly Side[] = ['up', 'down'];
/** Below this many events in the reference an absolute tolerance is held against the watch's own rate. */
const NEXT_TO_NOTHING = 10;
/** What the reference says of the old hosts' pace counts for so many ticks of the watch. */
const PACE_TICKS = 12;
const CONFIDENCE = 0.05;
const FAR = Math.log(1e6);

/** A beginning of a harm: what had come before it. */
interface Mark {
  tick: number;
  sum: number;
  exposed: number;
}

/** See `Process`. */
export class CountProcess implements Process {
  private readonly fit: CountFit;
  private readonly known: Known;
  private readonly level: Levels;
  private readonly bearable: Bearable;
  private readonly marks: Mark[] = [];
  private readonly begins: number[];
  private readonly tests: Record<Side, FixedCountTest[]>;
  private readonly attained: Record<Side, number>;
  /** What came, in the metric's own unit. */
  private total = 0;
  /** The part of it that counts as evidence, divided by the dispersion, and its exposure. */
  private sum = 0;
  private exposed = 0;
  private ticks = 0;

  constructor(fit: CountFit, plan: Plan, level: Levels, bearable: Bearable) {
    this.fit = fit;
    this.known = knownFrom(fit);
    this.level = level;
    this.bearable = bearable;
    this.begins = beginnings(plan).filter((tick) => tick > 0);
    const tests = (side: Side) =>
      level.horizons.map((horizon) => {
        const exposure = this.exposureUntil(horizon.ticks);
        return new FixedCountTest(
          side,
          horizon.ticks,
          exposure,
          criticalSum(this.known, side, exposure, horizon.level),
          this.known,
        );
      });
    this.tests = { up: tests('up'), down: tests('down') };
    const attained = (side: Side) => this.tests[side].reduce((sum, test) => sum + test.rejection, 0);
    this.attained = { up: attained('up'), down: attained('down') };
  }

  look(value: number | null, other: number | null): void {
    const { noisy, dispersion, most, reference } = this.fit;
    if (this.ticks === this.begins[this.marks.length])
      this.marks.push({ tick: this.ticks, sum: this.sum, exposed: this.exposed });
    const load = noisy ? other : this.plannedAt(this.ticks);
    this.ticks++;
    if (value === null || load === null) {
      this.replan(0);
      return;
    }
    const scaled = noisy ? load / dispersion : load;
    if (noisy) this.replan(scaled);
    this.total += value;
    this.sum += Math.min(value, most * Math.max(load, reference.pace ?? this.fit.perTick)) / dispersion;
    this.exposed += scaled;
    const now = this.now();
    for (const side of SIDES) for (const test of this.tests[side]) test.look(this.ticks, now, scaled);
  }

  /** The exposure turns out other than planned: this tick's is known, those to come are expected. */
  private replan(load: number): void {
    const now = this.now();
    for (const side of SIDES)
      for (const test of this.tests[side])
        if (this.ticks <= test.ticks) test.replan(now, load + this.exposureLeft(test.ticks));
  }

  /** What is known by now: the reference and the watch together. */
  private now(): Known & { sum: number } {
    const { k, n, noisy, lattice, excess } = this.known;
    return { k: k + this.sum, n: n + this.exposed, noisy, lattice, excess, sum: this.sum };
  }

  private plannedAt(tick: number): number {
    const { ahead } = this.fit.reference;
    return ahead ? (ahead[tick] ?? this.fit.perTick) : this.fit.perTick;
  }

  private exposureUntil(ticks: number): number {
    if (this.fit.reference.ahead === null) return ticks * this.fit.perTick;
    let total = 0;
    for (let tick = 0; tick < ticks; tick++) total += this.plannedAt(tick);
    return total;
  }

  /** The exposure to expect from here to a horizon; of old hosts by their pace so far. */
  private exposureLeft(ticks: number): number {
    const left = ticks - this.ticks;
    if (left <= 0) return 0;
    if (!this.fit.noisy) return this.exposureUntil(ticks) - this.exposureUntil(this.ticks);
    return (left * (this.fit.perTick * PACE_TICKS + this.exposed)) / (PACE_TICKS + this.ticks - 1);
  }

  evidence(side: Side): number {
    let early = 0;
    for (const r of HARMS[side]) early += likelihoodRatio(this.known, Math.log(r), this.sum, this.exposed);
    early /= HARMS[side].length;
    // A harm that has not begun says nothing: its ratio is 1.
    let late = (this.begins.length - this.marks.length) * HARMS[side].length;
    for (const { sum, exposed } of this.marks) {
      const before = { ...this.known, k: this.known.k + sum, n: this.known.n + exposed };
      for (const r of HARMS[side]) late += likelihoodRatio(before, Math.log(r), this.sum - sum, this.exposed - exposed);
    }
    late = this.begins.length > 0 ? late / this.begins.length / HARMS[side].length : early;
    let rejection = 0;
    for (const test of this.tests[side]) rejection += test.rejection;
    return mix(this.level.alarm, this.attained[side], rejection, early, late);
  }

  estimate(error: number): Estimate {
    const { events, exposure, dispersion } = this.fit;
    if (this.exposed <= 0)
      return { scale: 'factor', effect: null, interval: null, excluded: { up: false, down: false }, missing: null };
    // More money back than came in says no more than nothing does.
    const sum = Math.max(0, this.sum);
    const tail = (f: typeof atLeast, r: number) => f(this.known, sum, r, this.exposed);
    const solved = (f: typeof atLeast) => crossing((log) => tail(f, Math.exp(log)) - CONFIDENCE, -FAR, FAR);
    const low = sum <= 0 ? 0 : Math.exp(solved(atLeast) ?? -FAR);
    const high = Math.exp(solved(atMost) ?? FAR);
    const expected = ((events * dispersion) / exposure) * this.exposed;
    const { up, down } = this.bearable;
    return {
      scale: 'factor',
      effect: events > 0 ? this.total / expected : null,
      interval: [low, high],
      excluded: {
        up: (up !== null && tail(atMost, up) < error) || this.isBelowAbsolute(error),
        // Where even nothing at all is borne, no fall is too large.
        down: down !== null && (down <= 0 || tail(atLeast, down) < error),
      },
      missing:
        events > 0 ? { amount: expected - this.total, low: expected * (1 - high), high: expected * (1 - low) } : null,
    };
  }

  /**
   * True where the watch's own rate is below what is tolerated in absolute terms: with next to nothing in the
   * reference no ratio to it can be excluded. The limit is Poisson's, as a negative binomial of very many events.
   */
  private isBelowAbsolute(error: number): boolean {
    const { rate } = this.bearable;
    if (rate === null || this.fit.events >= NEXT_TO_NOTHING) return false;
    const many = 1e6 * Math.max(1, this.exposed);
    // The rate is no factor on the reference's, so nothing grows with it.
    const sure = { ...this.known, k: many, n: many, noisy: false, excess: 0 };
    return atMost(sure, Math.max(0, this.sum), rate, this.exposed) < error;
  }
}
