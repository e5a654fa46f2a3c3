/** The fixed-horizon test of a count, and the probability, from here, that it will reject. Pure. */
import { crossing } from './distributions.ts';
import { atLeast, atMost, type Known } from './prediction.ts';
import type { Side } from './types.ts';

/** The sum from which on the fixed-horizon test rejects; for `down` null where even nothing would not. */
export function criticalSum(known: Known, side: Side, exposure: number, level: number): number | null {
  const { k, n, lattice } = known;
  const expected = (k * exposure) / n;
  const spread = Math.sqrt(expected * (1 + exposure / n));
  const tail = side === 'up' ? atLeast : atMost;
  if (side === 'down' && tail(known, 0, 1, exposure) > level) return null;
  const logged = (x: number) => Math.log(Math.max(1e-300, tail(known, x, 1, exposure)) / level);
  let far = side === 'up' ? expected + 8 * spread + 5 : 0;
  while (side === 'up' && logged(far) > 0) far *= 2;
  const x =
    crossing(logged, side === 'up' ? Math.max(0, expected - spread) : 0, side === 'up' ? far : expected + spread) ??
    far;
  // With old hosts the limit moves with what they do, and has no reason to begin at a whole number.
  if (lattice === 0 || known.noisy) return x;
  return side === 'up' ? Math.ceil(x / lattice - 1e-6) * lattice : Math.floor(x / lattice + 1e-6) * lattice;
}

/** So small a probability has no way back. */
const NEVER = 1e-9;

/** What is known by now, with the sum of the watch so far. */
type Now = Known & { sum: number };

/**
 * The test of one side that decides at its horizon. Where the exposure turns out other than planned (a tick without a
 * number, old hosts with more or less to do), the test is changed to what is left, keeping the probability that it
 * will reject (Müller & Schäfer 2001).
 */
export class FixedCountTest {
  readonly ticks: number;
  /** The probability of rejecting, from here. */
  rejection: number;
  private readonly side: Side;
  private limit: number | null;
  private left: number;

  /** `limit` is the sum from which on it rejects; null: never. */
  constructor(side: Side, ticks: number, exposure: number, limit: number | null, known: Known) {
    this.side = side;
    this.ticks = ticks;
    this.left = exposure;
    this.limit = limit;
    this.rejection = limit === null ? 0 : this.tail({ ...known, sum: 0 }, limit, exposure);
  }

  /** Plans anew for the exposure `left`, before the tick is counted. */
  replan(now: Now, left: number): void {
    if (this.limit === null || Math.abs(left - this.left) < 1e-9) return;
    this.left = left;
    if (left <= 0 || this.rejection === 1) return;
    if (this.rejection < NEVER) {
      this.limit = null;
      this.rejection = 0;
      return;
    }
    const wanted = Math.log(this.rejection);
    const off = (x: number) => Math.log(Math.max(1e-300, this.tail(now, x, left))) - wanted;
    const expected = now.sum + (left * now.k) / now.n;
    let step = 1 + Math.sqrt(expected);
    const outward = this.side === 'up' ? 1 : -1;
    let [near, far] = [this.limit - outward * step, this.limit + outward * step];
    for (; off(near) < 0 && step < 1e12; step *= 2) near -= outward * step;
    for (; off(far) > 0 && step < 1e12; step *= 2) far += outward * step;
    this.limit = crossing(off, near, far, 1e-6) ?? this.limit;
  }

  /** After a tick that had a number, and this exposure; `now` has its events. */
  look(tick: number, now: Now, load: number): void {
    if (this.limit === null || tick > this.ticks) return;
    this.left -= load;
    this.rejection = this.left > 1e-9 * now.n ? this.tail(now, this.limit, this.left) : this.decided(now);
  }

  /** Between two possible sums the part that the plan had, so that a changed plan loses nothing. */
  private decided({ sum, lattice }: Now): number {
    const beyond = this.side === 'up' ? sum - this.limit! : this.limit! - sum;
    if (beyond >= -1e-9) return 1;
    return lattice > 0 ? Math.max(0, 1 + beyond / lattice) : 0;
  }

  private tail(now: Now, limit: number, left: number): number {
    return this.side === 'up' ? atLeast(now, limit - now.sum, 1, left) : atMost(now, limit - now.sum, 1, left);
  }
}
