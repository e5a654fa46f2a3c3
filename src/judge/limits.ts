/** Bounds of the user's own: they need no reference and leave nothing to chance. Pure. */
import type { Alarm, Limit, Side } from './types.ts';

/** Follows a metric against its limit. Ticks without a number neither count nor break a row. */
export class LimitWatch {
  private readonly limit: Limit;
  private readonly row: Record<Side, number> = { up: 0, down: 0 };
  private tick = 0;
  private seen = 0;
  /** Where the limit was left for as long as it takes; null until then. */
  alarm: Alarm | null = null;

  constructor(limit: Limit) {
    this.limit = limit;
  }

  look(value: number | null): void {
    this.tick++;
    if (value === null) return;
    this.seen++;
    const { above, below, ticks } = this.limit;
    this.row.up = above !== null && value > above ? this.row.up + 1 : 0;
    this.row.down = below !== null && value < below ? this.row.down + 1 : 0;
    const side = (['up', 'down'] as const).find((side) => this.row[side] >= Math.max(1, ticks));
    if (side && this.alarm === null) this.alarm = { side, tick: this.tick };
  }

  /** Why it cannot be said that the limit was kept, although there was no alarm; null where it can. */
  get open(): string | null {
    const { ticks } = this.limit;
    const row = Math.max(this.row.up, this.row.down);
    if (this.seen < ticks) return `only ${this.seen} of the ${ticks} ticks that its limit takes had a number`;
    return 2 * row > ticks ? `beyond its limit in the last ${row} ticks, ${ticks} of which are an alarm` : null;
  }
}

/** A limit for people: "above 3 or below 1 for 2 ticks". */
export function limitInWords({ above, below, ticks }: Limit): string {
  const bounds = [above === null ? [] : `above ${above}`, below === null ? [] : `below ${below}`].flat().join(' or ');
  return `${bounds} for ${ticks} tick${ticks === 1 ? '' : 's'}`;
}
