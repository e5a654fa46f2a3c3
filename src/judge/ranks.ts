/** Normal scores of ranks (van der Waerden 1952) against a fixed set of values. Pure. */
import { normalQuantile } from './distributions.ts';

/** Tables of scores by the number of values; references of a shop are mostly of one length. */
const tables = new Map<number, Float64Array>();
const MOST_TABLES = 16;
const SAME = 1e-9;
const SMALLEST = 1e-200;

/** The values that others are ranked among. */
export class Ranks {
  /** Ascending. */
  readonly sorted: Float64Array;
  private readonly table: Float64Array;
  private readonly tie: number;

  /**
   * `values` must hold at least one number, and no NaN. Values nearer than a billionth of `size` are equal. Where all
   * values are, they tell nothing of what is usual: what lies within `constant` of them is equal as well.
   */
  constructor(values: Float64Array, size: number, constant = 0) {
    this.sorted = values.slice().sort();
    this.table = tableOf(values.length);
    const [first, last] = [this.sorted[0]!, this.sorted.at(-1)!];
    const tie = SAME * Math.max(size, Math.abs(first), Math.abs(last), SMALLEST);
    this.tie = last - first <= tie ? Math.max(tie, constant) : tie;
  }

  /** The normal score of a value's rank; equal values share the middle of their ranks. */
  score(value: number): number {
    const { sorted, tie } = this;
    const below = this.countBelow(value - tie);
    const isEqual = (at: number) => at < sorted.length && sorted[at]! <= value + tie;
    if (!isEqual(below)) return this.scoreAt(2 * below);
    return this.scoreAt(below + (isEqual(below + 1) ? this.countBelow(value + 2 * tie) : below + 1));
  }

  /** The mean score of the values themselves; not 0 where many are equal. */
  mean(): number {
    const { sorted, tie } = this;
    let total = 0;
    for (let start = 0, end = 0; start < sorted.length; start = end) {
      end++;
      while (end < sorted.length && sorted[end]! <= sorted[start]! + tie) end++;
      total += (end - start) * this.scoreAt(start + end);
    }
    return total / sorted.length;
  }

  /** `twice` is twice the number of values below, counting equal ones as half below. */
  private scoreAt(twice: number): number {
    const known = this.table[twice]!;
    if (!Number.isNaN(known)) return known;
    const score = normalQuantile((twice + 1) / 2 / (this.sorted.length + 1));
    this.table[twice] = score;
    return score;
  }

  private countBelow(value: number): number {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sorted[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function tableOf(length: number): Float64Array {
  const known = tables.get(length);
  if (known) return known;
  if (tables.size >= MOST_TABLES) tables.clear();
  const table = new Float64Array(2 * length + 1).fill(Number.NaN);
  tables.set(length, table);
  return table;
}
