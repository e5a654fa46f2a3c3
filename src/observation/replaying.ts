/** Unharmed traffic of the last days, read from a source once and replayed to see how wide the limits must be. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as breath } from 'node:timers/promises';
import { inWords } from '../duration/duration.ts';
import { type Metric, type Plan, type Replayed, replaySteps, type Trace, withoutBeginning } from '../judge/judge.ts';
import type { Past, Source, Span } from '../metrics/metrics.ts';
import { Failure } from '../outcome/outcome.ts';
import { type Asked, againstOf, DAY_MS, DAYS, dayOf, FEWEST_DAYS } from './reference.ts';
import { isAdditive, type Sides, stillThere, sumOver } from './summing.ts';

/** Clock times a day, this very one first, then those that lie furthest from what is known. */
const SLOTS = [0, 3, 5, 1, 6, 2, 4];
/** What is kept of one metric at most, in numbers: a fleet of many hosts is replayed less often. */
const MOST_NUMBERS = 2_000_000;
/** How long all metrics of a watch read together at most, in milliseconds. */
export const REPLAY_BUDGET_MS = 20_000;
/** Pieces that were read longer ago are read again. */
const STALE_MS = 6 * 3_600_000;

/** A piece of the past: `reference` ticks up to `end`, and `watch` ticks from there on, as if something was released then. */
export interface Piece {
  end: number;
  pasts: Past[];
}

/** What pieces of the past are as long as. `step` in milliseconds. */
export interface Shape {
  step: number;
  reference: number;
  watch: number;
}

/** What is asked of the past. Times in milliseconds. */
export interface Wanted {
  now: number;
  /** How far back it reaches. */
  back: number;
  /** What was not unharmed: no piece may touch it. */
  disturbed: readonly Span[];
  /** A moment of `performance.now()` at which reading ends with what there is. */
  until: number;
  signal: AbortSignal;
}

/** The ends of all pieces, the most telling ones first: none reaches over what was disturbed, or over now. Pure. */
export function pieceEnds(
  { step, reference, watch }: Shape,
  { now, back, disturbed }: Omit<Wanted, 'until' | 'signal'>,
): number[] {
  const days = Math.floor(back / DAY_MS);
  const ends = SLOTS.flatMap((slot) =>
    Array.from({ length: days }, (_, day) => {
      const back = (slot === 0 ? day + 1 : day) * DAY_MS + Math.round((slot * DAY_MS) / SLOTS.length);
      return now - back;
    }),
  );
  return ends.filter((end) => {
    const [from, to] = [end - reference * step, end + watch * step];
    return to <= now && disturbed.every((span) => to <= span.from || from >= span.to);
  });
}

/** Reads the pieces one after the other. Throws what the source throws, and `cancelled` where the run is. */
export async function readPieces(source: Source, shape: Shape, wanted: Wanted): Promise<Piece[]> {
  const pieces: Piece[] = [];
  let numbers = 0;
  for (const end of pieceEnds(shape, wanted)) {
    if (wanted.signal.aborted || performance.now() > wanted.until || numbers >= MOST_NUMBERS) break;
    const span = { from: end - shape.reference * shape.step, to: end + shape.watch * shape.step };
    const pasts = await source.history(span, shape.step);
    numbers += pasts.reduce((sum, { values }) => sum + values.length, 0);
    if (pasts.some(({ values }) => values.some((value) => value !== null))) pieces.push({ end, pasts });
  }
  return pieces;
}

/**
 * The pieces as the judge replays them, cut to the length of this watch and held against what the watch is held
 * against. A piece without its own earlier days is left out where these are compared. Pure.
 */
export function tracesOf(
  source: Asked,
  pieces: readonly Piece[],
  had: Shape,
  cut: Pick<Shape, 'reference' | 'watch'>,
  sides: Sides | null,
): Trace[] {
  const from = had.reference - cut.reference;
  const to = had.reference + cut.watch;
  return pieces.flatMap(({ end, pasts }): Trace[] => {
    const { there } = stillThere(part(pasts, from, to));
    const only = new Set(there.map(({ host }) => host));
    const { how, reference, fresh, old } = againstOf(source, part(pasts, from, had.reference), had.step, sides, only);
    if (reference === null) return [];
    const watched = (hosts: readonly Past[]) => {
      const names = hosts.map(({ host }) => host);
      const during = part(pasts, had.reference, to).filter(({ host }) => names.includes(host));
      return sumOver(during, isAdditive(source.kind));
    };
    const other = old.length > 0 ? { other: watched(old) } : {};
    if (how !== 'days') return [{ reference, watch: watched(fresh), ...other }];
    const names = fresh.map(({ host }) => host);
    const earlier = daysBefore(end, pieces).map((piece) => dayOf(part(piece.pasts, from, to), source, names));
    return earlier.length < FEWEST_DAYS ? [] : [{ reference: { ...reference, earlier }, watch: watched(fresh) }];
  });
}

/**
 * The pieces without those from before the source began: of what adds up, a past of nothing but zeroes that would be
 * all but impossible at the pace of later ones, and of `lately`, is no unharmed traffic. Pure.
 */
export function sinceBeginning(
  { kind }: Asked,
  pieces: readonly Piece[],
  lately: readonly (number | null)[],
): readonly Piece[] {
  if (!isAdditive(kind)) return pieces;
  const sums = pieces
    .map((piece) => ({ piece, sum: sumOver(piece.pasts, true) }))
    .sort((a, b) => a.piece.end - b.piece.end);
  const all = withoutBeginning([...sums.flatMap(({ sum }) => sum), ...lately]);
  const first = all.findIndex((value) => value !== null && value !== 0);
  const cleared = first > 0 && all.slice(0, first).every((value) => value === null);
  if (!cleared) return pieces;
  let ticks = 0;
  const before = new Set<Piece>();
  for (const { piece, sum } of sums) {
    ticks += sum.length;
    if (ticks <= first) before.add(piece);
  }
  return pieces.filter((piece) => !before.has(piece));
}

function part(pasts: readonly Past[], from: number, to: number): Past[] {
  return pasts.map(({ host, values }) => ({ host, values: values.slice(from, to) }));
}

/** The pieces of the same clock time on the days before that `compare: days` would have read then. */
function daysBefore(end: number, pieces: readonly Piece[]): Piece[] {
  return pieces.filter((piece) => {
    const days = (end - piece.end) / DAY_MS;
    return days > 0 && days <= DAYS && Number.isInteger(days);
  });
}

/** The replays of one environment's metrics, kept in the handover so that plan and watch read the past once. */
export class Rehearsal {
  private readonly directory: string;
  private readonly known = new Map<string, Promise<Piece[]>>();

  constructor(directory: string) {
    this.directory = directory;
  }

  /** The pieces of a metric of this shape: from memory or the disk, else from its source. Throws as `readPieces` does. */
  pieces(source: Source, shape: Shape, wanted: Wanted): Promise<Piece[]> {
    const key = keyOf(source.metric, source.kind, shape);
    const reading = this.known.get(key) ?? this.readOnce(key, source, shape, wanted);
    this.known.set(key, reading);
    reading.catch(() => this.known.delete(key));
    return reading;
  }

  private readOnce(key: string, source: Source, shape: Shape, wanted: Wanted): Promise<Piece[]> {
    const isFresh = ({ read }: { read: number }) => wanted.now - read < STALE_MS;
    return this.kept(`past-${key}`, isFresh, async () => {
      const pieces = await readPieces(source, shape, wanted);
      return { keep: !wanted.signal.aborted, value: { read: wanted.now, pieces } };
    }).then(({ pieces }) => pieces);
  }

  /** What `work` finds for these pieces, found once for a plan and its watch. Throws what it throws. */
  async found(pieces: readonly Piece[], of: unknown[], work: () => Promise<Replayed>): Promise<Replayed> {
    const key = keyOf(
      pieces.map(({ end }) => end),
      ...of,
    );
    return this.kept(
      `replayed-${key}`,
      () => true,
      async () => ({ keep: true, value: await work() }),
    );
  }

  private async kept<T>(
    name: string,
    isGood: (kept: T) => boolean,
    make: () => Promise<{ keep: boolean; value: T }>,
  ): Promise<T> {
    const file = join(this.directory, `${name}.json`);
    const text = await readFile(file, 'utf8').catch(() => null);
    const had = text === null ? null : (JSON.parse(text) as T);
    if (had !== null && isGood(had)) return had;
    const { keep, value } = await make();
    if (!keep) return value;
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    await writeFile(`${file}.part`, JSON.stringify(value), { mode: 0o600 });
    await rename(`${file}.part`, file);
    return value;
  }
}

function keyOf(...parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24);
}

/**
 * How wide the limits must be by these replays. Others go on between two of them, so that a cancelled run ends and no
 * tick waits. Throws `cancelled` where the run is.
 */
export async function replayed(
  metric: Metric,
  traces: readonly Trace[],
  plan: Plan,
  signal: AbortSignal,
): Promise<Replayed> {
  const steps = replaySteps(metric, traces, plan);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await breath();
    if (signal.aborted) throw new Failure({ code: 'cancelled', what: 'the run was cancelled', next: 'start again' });
  }
}

/** What a reader should know of replays that reached `back` milliseconds: what they found, and where that is too little. Pure. */
export function replaysInWords(
  { watches, alarms, alarmsWidened, widen, note }: Replayed,
  back: number,
): { found: string | null; note: string | null } {
  const of = `${watches} replayed watches of the last ${inWords(back).replace(/ d\b/, ' days')}`;
  const found =
    widen > 1
      ? `limits widened ×${Number(widen.toPrecision(3))}: ${alarms} of ${of} would have alarmed (${alarmsWidened} with the wider limits)`
      : `${alarms} of ${of} would have alarmed`;
  return { found: watches > 0 ? found : null, note };
}
