/** What a metric is held against: the time before, hosts of the old version at the same time, or earlier days. */
import { inWords } from '../duration/duration.ts';
import type { Reference } from '../judge/judge.ts';
import { withoutBeginning } from '../judge/judge.ts';
import type { Past, Source, Span } from '../metrics/metrics.ts';
import { type Comparison, comparisonOf } from './metric.ts';
import { type Recording, recordedPasts } from './recording.ts';
import { isAdditive, type Sides, stillThere, sumOver } from './summing.ts';

/** The judge wants at least this many ticks of reference, and as many watches. */
const REFERENCE_TICKS = 720;
const REFERENCE_WATCHES = 6;
/** `compare: days` reads so many days back. */
export const DAYS = 7;
export const DAY_MS = 86_400_000;
/** With fewer earlier days a day has no shape. */
export const FEWEST_DAYS = 2;
/** How long earlier days are read at most, in milliseconds. */
const DAYS_BUDGET_MS = 20_000;

/** Which ticks of the past a watch is held against; times in milliseconds. */
export interface Window {
  /** When the reference ends, and how far back it may reach. */
  end: number;
  reach: number;
  step: number;
  /** The most ticks that the watch may have. */
  ticks: number;
}

/** What was found to compare with. */
export interface Against {
  how: Comparison;
  reference: Reference | null;
  /** The hosts whose sum is judged, each with its own past; one entry with null where hosts are not told apart. */
  fresh: Past[];
  /** The hosts that they are held against at the same time. */
  old: Past[];
  /** Hosts that gave no number any more before the watch: not judged, whatever they give then. */
  left: string[];
  /** What a reader should know. */
  notes: string[];
}

/** How many ticks of reference there are. */
export function referenceTicks({ reach, step, ticks }: Pick<Window, 'reach' | 'step' | 'ticks'>): number {
  return Math.max(1, Math.min(Math.floor(reach / step), Math.max(REFERENCE_TICKS, REFERENCE_WATCHES * ticks)));
}

/** Reads what `section` is to be held against. Throws what the source throws. */
export async function readAgainst(
  source: Source,
  recording: Recording,
  window: Window,
  sides: Sides | null,
): Promise<Against> {
  const span = { from: window.end - referenceTicks(window) * window.step, to: window.end };
  const pasts = await readPast(source, recording, span, window.step);
  const against = againstOf(source, pasts, window.step, sides);
  if (against.how !== 'days' || against.reference === null) return against;
  const names = against.fresh.map(({ host }) => host);
  const earlier = await readDays(
    source,
    { from: span.from, to: span.to + window.ticks * window.step },
    window.step,
    names,
  );
  const few = `it is held against the time before, since its source holds ${earlier.length} of the ${DAYS} days before`;
  if (earlier.length < FEWEST_DAYS) return { ...against, notes: [...against.notes, few] };
  return { ...against, reference: { ...against.reference, earlier } };
}

async function readPast(source: Source, recording: Recording, span: Span, step: number): Promise<Past[]> {
  if (source.keepsHistory) return source.history(span, step);
  const { kept, sealed } = await recording.read();
  if (kept.length === 0) return [];
  const to = sealed ? kept.at(-1)!.at + 1 : span.to;
  return recordedPasts(kept, { from: span.from - span.to + to, to }, step);
}

/**
 * The reference that these numbers of the past are; with `only`, of these hosts alone. What is read on hosts is summed
 * over those that still answer; between waves over those with the new version. Pure.
 */
export function againstOf(
  source: Asked,
  pasts: readonly Past[],
  step: number,
  sides: Sides | null,
  only?: ReadonlySet<string | null>,
): Against {
  const { there, gone } = stillThere(pasts);
  const wanted = only ? there.filter(({ host }) => only.has(host)) : there;
  const { how, fresh, old } = splitOf(source, wanted, sides);
  const notes = [
    ...(gone.length > 0 && !only ? [`${gone.join(', ')} gave no number any more before the watch: left out`] : []),
    ...(source.metric.compare === 'hosts' && how !== 'hosts'
      ? [HOSTS_UNTOLD[sides === null ? 'alone' : 'together']]
      : []),
  ];
  if (fresh.length === 0) return { how, reference: null, fresh, old, left: gone, notes };
  const additive = isAdditive(source.kind);
  const summed = sumOver(fresh, additive);
  const values = additive ? withoutBeginning(summed) : summed;
  const begun = values.findIndex((value) => value !== null);
  if (begun > 0 && summed[begun - 1] === 0)
    notes.push(
      `taken to have begun ${inWords((values.length - begun) * step)} before: the zeroes before that are left out`,
    );
  const reference: Reference = {
    step: step / 1000,
    values,
    ...(old.length > 0 ? { other: sumOver(old, additive) } : {}),
    ...(source.window === null ? {} : { window: source.window / 1000 }),
  };
  return { how, reference, fresh, old, left: gone, notes };
}

/** What of a source matters for a comparison. */
export type Asked = Pick<Source, 'metric' | 'kind' | 'window'>;

function splitOf(
  { metric }: Asked,
  pasts: Past[],
  sides: Sides | null,
): { how: Comparison; fresh: Past[]; old: Past[] } {
  if (sides === null) return { how: comparisonOf(metric, false, null), fresh: pasts, old: [] };
  const of = (names: readonly string[]) => pasts.filter(({ host }) => host !== null && names.includes(host));
  const [fresh, old] = [of(sides.fresh), of(sides.old)];
  const how = comparisonOf(metric, fresh.length > 0 && old.length > 0, sides);
  return { how, fresh: fresh.length > 0 ? fresh : pasts, old: how === 'hosts' ? old : [] };
}

const HOSTS_UNTOLD = {
  alone: 'no host runs the old version beside the new one: held against the time before',
  together: 'its source does not tell the hosts apart: held against the time before',
};

/** The same clock time on earlier days, one row a day that the source still holds. Throws what the source throws. */
async function readDays(
  source: Source,
  span: Span,
  step: number,
  hosts: readonly (string | null)[],
): Promise<(number | null)[][]> {
  const rows: (number | null)[][] = [];
  const until = performance.now() + DAYS_BUDGET_MS;
  for (let day = 1; day <= DAYS && performance.now() < until; day++) {
    const then = { from: span.from - day * DAY_MS, to: span.to - day * DAY_MS };
    const row = dayOf(await source.history(then, step), source, hosts);
    if (row.some((value) => value !== null)) rows.push(row);
  }
  return rows;
}

/** One earlier day, of the same hosts where they were there already, else of all that were. Pure. */
export function dayOf(pasts: readonly Past[], source: Asked, hosts: readonly (string | null)[]): (number | null)[] {
  const same = pasts.filter(({ host }) => hosts.includes(host));
  return sumOver(same.length > 0 ? same : pasts, isAdditive(source.kind));
}
