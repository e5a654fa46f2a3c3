/** A metric of changeline.yml as the judge knows it, and what it can be held against. Pure. */
import type { MetricSection } from '../config/config.ts';
import { milliseconds } from '../duration/duration.ts';
import { type Metric, parseTolerance } from '../judge/judge.ts';
import type { Source } from '../metrics/metrics.ts';
import { Failure } from '../outcome/outcome.ts';
import { isAdditive, type Sides } from './summing.ts';

/** What a metric is held against. */
export type Comparison = 'before' | 'hosts' | 'days';

/** For how many ticks a limit may be left, where the section does not say. */
const LIMIT_TICKS = 3;

/** The length of a metric's tick: the watch's, or the next multiple that holds a new number of its source. */
export function stepOf(every: number, cadence: number): number {
  return every * Math.max(1, Math.ceil(cadence / every - 1e-6));
}

/**
 * The metric as the judge knows it; `step` is its tick in milliseconds. Throws `config-invalid` for a tolerance that
 * bears nothing or everything, a limit without the unit it needs, and a comparison that the source cannot give.
 */
export function judgedMetric(section: MetricSection, source: Source, step: number): Metric {
  const tolerate = parseTolerance(section.tolerate);
  if (tolerate === null)
    throw invalid(
      section,
      `tolerate ${section.tolerate} bears nothing or everything`,
      'write a factor (x2, -50%, +20%), an absolute (3, 0.5/s), or one "or" the other',
    );
  if (section.compare === 'days' && !source.keepsHistory)
    throw invalid(
      section,
      'compare: days, but its source keeps no history',
      'take a source that can be asked about the past (Prometheus, SQL with {from} and {to}), or compare: before',
    );
  const { name, worse, critical } = section;
  return { name, kind: source.kind, worse, critical, tolerate, limit: limitOf(section, source, step) };
}

/** The section's limit for one tick: a level as it stands, of what adds up its pace times the tick. */
function limitOf(section: MetricSection, source: Source, step: number): Metric['limit'] {
  const { limit } = section;
  if (!limit) return null;
  const additive = isAdditive(source.kind);
  const bound = (written: number | string | undefined): number | null => {
    if (written === undefined) return null;
    if (typeof written === 'number' && !additive) return written;
    const [, amount, unit] = /^(\d+(?:\.\d+)?)\/(s|min|h)$/.exec(String(written)) ?? [];
    if (amount === undefined || !additive)
      throw invalid(
        section,
        `the limit ${written} ${additive ? 'is no pace' : 'is a pace'}, and the metric is a ${source.kind}`,
        additive ? 'write it as a pace: 0.5/s, 3/min or 40/h' : 'write it as a number, as the metric gives it',
      );
    return (Number(amount) * step) / { s: 1000, min: 60_000, h: 3_600_000 }[unit as 's' | 'min' | 'h'];
  };
  const length = limit.for === undefined ? null : milliseconds(limit.for);
  const ticks = length === null ? LIMIT_TICKS : Math.max(1, Math.round(length / step));
  return { above: bound(limit.above), below: bound(limit.below), ticks };
}

/**
 * What a metric is held against in this watch: as it says, else old hosts at the same time where there are some and its
 * source tells hosts apart, else the time before.
 */
export function comparisonOf({ compare }: MetricSection, telling: boolean, sides: Sides | null): Comparison {
  if (compare === 'days') return 'days';
  return telling && sides !== null && compare !== 'before' ? 'hosts' : 'before';
}

/** How often a limit would have been crossed by these values: each crossing ends with a tick within the limit. */
export function crossings(
  { above, below, ticks }: NonNullable<Metric['limit']>,
  values: readonly (number | null)[],
): number {
  let row = 0;
  let found = 0;
  for (const value of values) {
    if (value === null) continue;
    row = (above !== null && value > above) || (below !== null && value < below) ? row + 1 : 0;
    if (row === ticks) found++;
  }
  return found;
}

/** A metric section that cannot be meant as it stands. */
function invalid(section: MetricSection, what: string, next: string): Failure {
  return new Failure({
    code: 'config-invalid',
    what,
    where: `watch.metrics: ${section.name}`,
    untouched: 'nothing was changed',
    next,
  });
}
