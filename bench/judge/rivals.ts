/**
 * What stands beside the judge in the table. Mann and Whitney's test on the watch against as much of the reference,
 * as in Netflix's Kayenta; fixed thresholds on one tick; and the level at which each is held: the limit is set so that
 * it raises as many false alarms on a side as the judge did, on the very same unharmed watches.
 */

/** Kayenta's nominal level: a confidence of 98 %, so that both sides together err in 2 %. */
const KAYENTA = 2.326;
/** It looks from this tick on. */
const FIRST_LOOK = 4;
const FIXED = { up: 1.5, down: 0.5 };

/** Mann & Whitney (1947): the normal approximation with correction for ties; above zero where the watch is larger. */
export function mannWhitney(before: readonly number[], now: readonly number[]): number {
  const counts = new Ties();
  for (const value of before) counts.add(value);
  let below = 0;
  const sorted = [...before].sort((a, b) => a - b);
  for (const value of now) {
    below += pairsBelow(sorted, value);
    counts.add(value);
  }
  return standardised(below, before.length, now.length, counts.cubes);
}

/** The first tick, from 1, at which the nominal test would have raised an alarm, looking each tick; null: never. */
export function mannWhitneyEachTick(before: readonly number[], now: readonly number[]): number | null {
  const counts = new Ties();
  for (const value of before) counts.add(value);
  const sorted = [...before].sort((a, b) => a - b);
  let below = 0;
  for (const [t, value] of now.entries()) {
    below += pairsBelow(sorted, value);
    counts.add(value);
    const z = standardised(below, before.length, t + 1, counts.cubes);
    if (t + 1 >= FIRST_LOOK && Math.abs(z) > KAYENTA) return t + 1;
  }
  return null;
}

/** How often each value came, and the sum of n³ - n over them. */
class Ties {
  cubes = 0;
  private readonly counts = new Map<number, number>();

  add(value: number): void {
    const n = this.counts.get(value) ?? 0;
    this.cubes += 3 * n * n + 3 * n;
    this.counts.set(value, n + 1);
  }
}

/** How many of the sorted values are below; equal ones count half. */
function pairsBelow(sorted: readonly number[], value: number): number {
  return (firstFrom(sorted, (other) => other >= value) + firstFrom(sorted, (other) => other > value)) / 2;
}

function firstFrom(sorted: readonly number[], isFar: (value: number) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isFar(sorted[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function standardised(below: number, m: number, n: number, cubes: number): number {
  const all = m + n;
  const variance = ((m * n) / 12) * (all + 1 - cubes / (all * (all - 1)));
  return variance > 0 ? (below - (m * n) / 2) / Math.sqrt(variance) : 0;
}

/** Whether a single tick was ever beyond a fixed factor of the reference's mean. */
export function fixedThresholds(reference: readonly number[], now: readonly number[]): { up: boolean; down: boolean } {
  const mean = reference.reduce((sum, value) => sum + value, 0) / reference.length;
  return { up: now.some((value) => value > FIXED.up * mean), down: now.some((value) => value < FIXED.down * mean) };
}

/** A limit that a share of the unharmed scores exceeds; of scores equal to it, `equal` are counted as alarms. */
export interface Limit {
  at: number;
  equal: number;
}

/** The limit of a side: the `share` largest of the unharmed scores are beyond it, ties by lot (Neyman & Pearson 1933). */
export function limitFor(unharmed: readonly number[], share: number): Limit {
  const falling = [...unharmed].sort((a, b) => b - a);
  const wanted = share * falling.length;
  const at = falling[Math.min(falling.length - 1, Math.floor(wanted))]!;
  const above = falling.filter((score) => score > at).length;
  const same = falling.filter((score) => score === at).length;
  return { at, equal: (wanted - above) / same };
}

/** The share of scores beyond a limit. */
export function shareBeyond(scores: readonly number[], { at, equal }: Limit): number {
  return scores.reduce((sum, score) => sum + (score > at ? 1 : score === at ? equal : 0), 0) / scores.length;
}
