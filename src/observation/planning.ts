/** What a watch would see, said before anything is touched. Pure. */
import { inWords } from '../duration/duration.ts';
import type { Metric, Prepared, Side } from '../judge/judge.ts';
import { toleranceInWords } from '../judge/judge.ts';
import type { Source } from '../metrics/metrics.ts';
import { Failure } from '../outcome/outcome.ts';
import type { Against } from './reference.ts';
import { isAdditive } from './summing.ts';
import type { Length, PlanLine } from './types.ts';
import { factorsInWords, figure, inColumns, levelInWords, visibleInWords } from './words.ts';

/** Other lengths of watch that are said, in minutes. */
const MINUTES = [5, 15, 30, 60];

/** A metric that is ready to be watched, as a track is. `step` is its tick in milliseconds. */
export interface Ready {
  prepared: Prepared;
  source: Pick<Source, 'keepsHistory' | 'notes'>;
  against: Against;
  /** What replays found; null where there were none. */
  replays: string | null;
  notes: readonly string[];
  step: number;
}

/** The key of the watch section that says how long this watch is. */
export type LengthKey = 'for' | 'between-waves';

/** What a plan says of one metric: its lines, and its row of the table where it can be compared. */
export interface Foreseen {
  lines: PlanLine[];
  row: string[] | null;
}

/** A metric whose source could not be opened or asked: an obstacle where it is critical. */
export function unreadable(critical: boolean, name: string, failure: Failure): PlanLine {
  const text = `"${name}" cannot be read: ${failure.why ?? failure.what}`;
  return critical ? { kind: 'obstacle', text, failure } : { kind: 'blind', text };
}

/** A metric whose source answers without a number. */
export function numberless(critical: boolean, name: string, why: string): PlanLine {
  const failure = new Failure({
    code: 'metric-silent',
    what: `the critical metric "${name}" gives no number`,
    why,
    untouched: 'nothing was changed',
    next: 'correct the metric in changeline.yml, see why its source is silent, or make it `critical: false`',
  });
  return unreadable(critical, name, failure);
}

/** What a watch of this length would see of a metric that was held against its reference. */
export function foreseen(ready: Ready, length: Length, key: LengthKey = 'for'): Foreseen {
  const { prepared, source, against, step } = ready;
  const { metric, refused } = prepared;
  const what = `"${metric.name}" (${metric.kind}, ${metric.critical ? 'critical' : 'not critical'}; ${source.notes.join('; ')})`;
  const limit = metric.limit === null ? '' : `; an alarm where it stays ${limitInWords(metric, step)}`;
  const notes = [...ready.notes, ...prepared.notes];
  if (prepared.limitOnly)
    return { lines: [{ kind: 'will', text: `watch ${what}${limit}` }, ...said(metric, notes)], row: null };
  if (refused !== null) return { lines: [unjudged(metric, source, what, refused)], row: null };
  const replays = ready.replays === null ? '' : `; ${ready.replays}`;
  const now = `now ${levelInWords(prepared, step)}, against ${heldAgainst(against)}`;
  const lines: PlanLine[] = [
    { kind: 'will', text: `watch ${what}: ${now}${limit}${replays}` },
    ...said(metric, notes),
    ...blindLines(prepared, step, length, key),
  ];
  return { lines, row: rowOf(prepared, step, length) };
}

/** A reference of no use: what keeps no history may have a better one by then, what keeps it has none. */
function unjudged(metric: Metric, source: Ready['source'], what: string, refused: string): PlanLine {
  const sampled = `it keeps no history, so it is sampled from the first stage on until the version is flipped (${refused} yet)`;
  if (!source.keepsHistory) return { kind: 'blind', text: `${what}: ${sampled}` };
  const text = `${what}: ${refused}`;
  if (!metric.critical) return { kind: 'blind', text };
  const next =
    'wait until there is more to compare with, let `reference` reach further back, give the metric a `limit`';
  return { kind: 'obstacle', text, failure: tooBlind(metric.name, text, next) };
}

function said({ name }: Metric, notes: readonly string[]): PlanLine[] {
  return notes.map((note) => ({ kind: 'blind', text: `"${name}": ${note}` }));
}

function heldAgainst({ how, reference }: Against): string {
  if (how === 'hosts') return 'the hosts of the old version at the same time';
  const days = reference?.earlier?.length ?? 0;
  return days > 0 ? `the same clock time on ${days} days before` : 'the time before';
}

function limitInWords({ limit, kind }: Metric, step: number): string {
  const { above, below, ticks } = limit!;
  const bound = (value: number) => (isAdditive(kind) ? `${figure((value * 60_000) / step)}/min` : figure(value));
  const bounds = [
    ...(above === null ? [] : [`above ${bound(above)}`]),
    ...(below === null ? [] : [`below ${bound(below)}`]),
  ];
  return `${bounds.join(' or ')} for ${inWords(ticks * step)}`;
}

function rowOf(prepared: Prepared, step: number, length: Length): string[] {
  const { metric, floorTicks } = prepared;
  const sees = (ms: number) => factorsInWords(prepared.visibleAt(Math.max(1, Math.floor(ms / step))), metric.worse);
  return [
    metric.name,
    sees(length.min),
    ...(length.max > length.min ? [sees(length.max)] : []),
    ...MINUTES.map((minutes) => sees(minutes * 60_000)),
    toleranceInWords(metric.tolerate, metric.worse),
    floorTicks === null ? '–' : inWords(floorTicks * step),
  ];
}

/** The smallest effects that are seen, one line a metric; none where no metric can be compared. */
export function tableLines(rows: readonly string[][], length: Length): PlanLine[] {
  if (rows.length === 0) return [];
  const lengths = length.max > length.min ? [length.min, length.max] : [length.min];
  const head = [
    'seen in 80 % of watches',
    ...lengths.map((ms) => `in ${inWords(ms)}`),
    ...MINUTES.map((minutes) => `${minutes} min`),
    'tolerates',
    'earliest proof',
  ];
  return inColumns([head, ...rows]).map((text) => ({ kind: 'will', text, shown: true }));
}

function blindLines(prepared: Prepared, step: number, length: Length, key: LengthKey): PlanLine[] {
  const { metric } = prepared;
  const sides = blindSides(prepared, step, length.max);
  if (sides.length === 0) return [];
  const visible = prepared.visibleAt(Math.max(1, Math.floor(length.max / step)));
  const text = `"${metric.name}" cannot see the ${sides.map((side) => (side === 'up' ? 'rise' : 'fall')).join(' and the ')} that is to be excluded (${toleranceInWords(metric.tolerate, metric.worse)}); it sees ${visibleInWords(visible, metric.worse)} in ${inWords(length.max)}`;
  if (!metric.critical) return [{ kind: 'blind', text }];
  return [{ kind: 'obstacle', text, failure: tooBlind(metric.name, text, waysOut(prepared, step, length.max, key)) }];
}

/** The sides on which the tolerated harm is smaller than what is seen in `length`. */
function blindSides(prepared: Prepared, step: number, length: number): Side[] {
  const { metric, level } = prepared;
  const visible = prepared.visibleAt(Math.max(1, Math.floor(length / step)));
  const { absolute, per } = metric.tolerate;
  const perTick =
    absolute === null
      ? 0
      : !isAdditive(metric.kind)
        ? absolute
        : per === 'second'
          ? (absolute * step) / 1000
          : (absolute * step) / length;
  const relative = level !== null && level > 0 ? perTick / level : Number.POSITIVE_INFINITY;
  const sides: Side[] = metric.worse === 'either' ? ['up', 'down'] : [metric.worse];
  return sides.filter((side) => {
    const seen = visible[side];
    if (absolute !== null && relative === Number.POSITIVE_INFINITY) return false;
    if (side === 'up') return seen === null || seen > Math.max(metric.tolerate.up, 1 + relative);
    return seen === null || seen < Math.min(metric.tolerate.down, 1 - relative);
  });
}

/** The first of the other lengths in which the tolerated harm would be seen. */
function waysOut(prepared: Prepared, step: number, length: number, key: LengthKey): string {
  const enough = MINUTES.map((minutes) => minutes * 60_000).find(
    (ms) => ms > length && blindSides(prepared, step, ms).length === 0,
  );
  return enough === undefined
    ? 'no watch of up to an hour sees it: tolerate more (`tolerate`)'
    : `watch for longer (\`${key}: ${enough / 60_000}m\` sees it), tolerate more (\`tolerate\`)`;
}

function tooBlind(name: string, text: string, ways: string): Failure {
  return new Failure({
    code: 'metric-blind',
    what: text,
    where: `watch.metrics: ${name}`,
    untouched: 'nothing was changed',
    next: `${ways}, make the metric \`critical: false\`, or say in the input override (\`--override "…"\`) why this may pass`,
  });
}
