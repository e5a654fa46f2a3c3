/** The growth of counters from one point in time to the next, over resets, gaps, and series that come and go. Pure. */
import { labelsInWords, type Series } from './prometheus-answer.ts';

/** A series as it was last seen, and at which point. */
interface Known {
  value: number;
  at: number;
}

/**
 * How much counters grew between neighbouring points in time.
 * - A counter that fell was reset, and counts from zero (as Prometheus' `rate` does).
 * - A series that comes back and did not fall gives this step its share of the growth since: a scrape that failed for
 *   a minute leaves no spike.
 * - A series that was never seen counts from zero where its target was scraped a step before (`wasUp`): it appeared
 *   with its first event. Otherwise the target is new, and counting begins with it.
 */
export class Growth {
  private readonly known = new Map<string, Known>();
  private points = 0;

  /** True for a series that no earlier point had, where there was one. */
  isNew(series: string): boolean {
    return this.points > 0 && !this.known.has(series);
  }

  /** The growth of each series that is there, by the names in `values`; null for the first point. */
  next(values: ReadonlyMap<string, number>, wasUp: (series: string) => boolean): Map<string, number> | null {
    const grown = new Map<string, number>();
    for (const [series, value] of values) {
      const last = this.known.get(series);
      if (last === undefined) grown.set(series, wasUp(series) ? value : 0);
      else grown.set(series, value < last.value ? value : (value - last.value) / (this.points - last.at));
      this.known.set(series, { value, at: this.points });
    }
    this.points += 1;
    return this.points === 1 ? null : grown;
  }
}

/** The target that a series was scraped from, as its labels name it; null for one that names none. */
export function targetOf({ job, instance }: Series['labels']): string | null {
  return job === undefined || instance === undefined ? null : JSON.stringify([job, instance]);
}

/** What the growth of many series along a grid is computed from. */
export interface Counted {
  series: readonly Series[];
  /** The grid: points at from, from + step …, `count` steps. */
  from: number;
  step: number;
  count: number;
  /** Whether the numbers at each of the `count + 1` points were scraped lately. */
  fresh: readonly boolean[];
  /** Whether a target (see `targetOf`) was scraped at a point. */
  wasUp(target: string, point: number): boolean;
  /** The host, or whatever numbers are wanted by. */
  groupOf(labels: Series['labels']): string | null;
}

/**
 * The growth of each group from step to step. null where the group has no series, and beside points that are not fresh:
 * there a counter stands still, and then leaps.
 */
export function growthAlong(counted: Counted): Map<string | null, (number | null)[]> {
  const { series, from, step, count, fresh } = counted;
  const columns = series.map(({ labels, points }) => ({
    name: labelsInWords(labels),
    group: counted.groupOf(labels),
    target: targetOf(labels),
    points: new Map(points.map(([at, value]) => [Math.round((at - from) / step), value])),
  }));
  const byName = new Map(columns.map((column) => [column.name, column]));
  const grown = new Map(columns.map(({ group }) => [group, new Array<number | null>(count).fill(null)]));
  let growth = new Growth();
  for (let i = 0; i <= count; i++) {
    if (!fresh[i]) {
      growth = new Growth();
      continue;
    }
    const values = new Map<string, number>();
    for (const { name, points } of columns) {
      const value = points.get(i);
      if (value !== undefined && Number.isFinite(value)) values.set(name, value);
    }
    const step = growth.next(values, (name) => {
      const { target } = byName.get(name)!;
      return target !== null && counted.wasUp(target, i - 1);
    });
    for (const [name, value] of step ?? []) {
      const column = grown.get(byName.get(name)!.group)!;
      column[i - 1] = (column[i - 1] ?? 0) + value;
    }
  }
  return grown;
}
