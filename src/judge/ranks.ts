/** Normal scores of ranks (van der Waerden 1952) against a fixed set of values. Pure. */
import { normalQuantile } from './distributions.ts';

/** The values that others are ranked among. */
export class Ranks {
  readonly sorted: readonly number[];
  private readonly known: Float64Array;

  constructor(values: readonly number[]) {
    this.sorted = [...values].sort((a, b) => a - b);
    this.known = new Float64Array(2 * values.length + 1).fill(Number.NaN);
  }

  /** The normal score of a value's rank; equal values share the middle of their ranks. */
  score(value: number): number {
    const { sorted } = this;
    const tie = 1e-9 * Math.max(Math.abs(value), Math.abs(sorted[0]!), Math.abs(sorted.at(-1)!));
    const below = this.countBelow(value - tie, false);
    return this.scoreAt(below + this.countBelow(value + tie, true));
  }

  /** `twice` is twice the number of values below, counting equal ones as half below. */
  private scoreAt(twice: number): number {
    const known = this.known[twice]!;
    if (!Number.isNaN(known)) return known;
    const score = normalQuantile((twice + 1) / 2 / (this.sorted.length + 1));
    this.known[twice] = score;
    return score;
  }

  /** How many of the values are smaller, or with `orEqual` not larger. */
  private countBelow(value: number, orEqual: boolean): number {
    let [low, high] = [0, this.sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sorted[middle]! < value || (orEqual && this.sorted[middle] === value)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
