/** One cell, watched so and so many times: the judge, and on the same watches its rivals and the oracle. */
import { type Metric, type Prepared, prepare, type Side } from '../../src/judge/judge.ts';
import type { Cell, Drawn, Format, Seen } from './cells.ts';
import { fixedThresholds, limitFor, mannWhitney, mannWhitneyEachTick, shareBeyond } from './rivals.ts';

export const EFFECTS = [1.1, 1.2, 1.5, 2, 10, 0.8, 0.5, 1 / 3] as const;
/** Harms below these are the user's to bear. */
export const TOLERATE = { up: 2, down: 0.5, absolute: null, per: 'second' } as const;
/** The promised share of false alarms. */
export const ALPHA = 0.05;

/** What came of watches with one harm, in shares of them. */
export interface Power {
  effect: number;
  ours: number;
  mannWhitney: number;
  fixed: number;
  oracle: number;
  /** The median tick of the alarm; Infinity where fewer than half raised one. */
  ticks: number;
  /** No judge, whatever it knows, is faster on average (Wald 1945). */
  floor: number;
  passed: number;
}

/** A harm as large as the judge said, before the watch, that it sees in 80 %. */
export interface Stated {
  /** The median over the references; null where it said none for one in ten. */
  effect: number | null;
  seen: number | null;
}

/** A row of the table. */
export interface Measured {
  cell: Cell;
  format: Format;
  falseAlarms: Record<Side, number>;
  passed: number;
  refused: number;
  mannWhitneyEachTick: number;
  fixed: number;
  powers: Power[];
  stated: Record<Side, Stated>;
  /** What the judge said beside its numbers, and in which share of the watches. */
  notes: Map<string, number>;
}

/** How many watches: unharmed, and of each harm. */
export interface Size {
  unharmed: number;
  harmed: number;
}

interface Judged {
  side: Side | null;
  tick: number | null;
  outcome: string;
}

interface Scores {
  judged: Judged[];
  ranks: number[];
  fixed: { up: boolean; down: boolean }[];
  oracle: number[];
}

const share = <T>(all: readonly T[], is: (one: T) => boolean) => all.filter(is).length / all.length;

export function metricOf(cell: Pick<Cell, 'name' | 'kind'>): Metric {
  return { name: cell.name, kind: cell.kind, worse: 'either', critical: true, tolerate: TOLERATE, limit: null };
}

/** Watches one cell. */
export function measure(cell: Cell, format: Format, size: Size): Measured {
  const unharmed = noScores();
  const harmed = EFFECTS.map(noScores);
  const stated = {
    up: { effects: [] as (number | null)[], seen: 0 },
    down: { effects: [] as (number | null)[], seen: 0 },
  };
  const notes = new Map<string, number>();
  let refused = 0;
  let early = 0;
  for (let number = 0; number < size.unharmed; number++) {
    const drawn = cell.draw(format, number);
    const prepared = prepare(metricOf(cell), drawn.reference, { ticks: format.ticks, alpha: ALPHA });
    for (const note of new Set(prepared.notes.map(gist))) notes.set(note, (notes.get(note) ?? 0) + 1 / size.unharmed);
    refused += prepared.refused === null ? 0 : 1;
    const seen = drawn.watch(1);
    note(unharmed, prepared, drawn, seen);
    const { before, now } = drawn.pair(seen);
    early += mannWhitneyEachTick(before, now) === null ? 0 : 1;
    if (number >= size.harmed) continue;
    for (const [i, effect] of EFFECTS.entries()) note(harmed[i]!, prepared, drawn, drawn.watch(effect));
    for (const side of ['up', 'down'] as const) {
      const effect = prepared.visible[side];
      stated[side].effects.push(effect);
      if (effect !== null && judge(prepared, drawn.watch(effect)).side === side) stated[side].seen++;
    }
  }
  const falseAlarms = {
    up: share(unharmed.judged, ({ side }) => side === 'up'),
    down: share(unharmed.judged, ({ side }) => side === 'down'),
  };
  return {
    cell,
    format,
    falseAlarms,
    passed: share(unharmed.judged, ({ outcome }) => outcome === 'passed'),
    refused: refused / size.unharmed,
    mannWhitneyEachTick: early / size.unharmed,
    fixed: share(unharmed.fixed, ({ up, down }) => up || down),
    powers: EFFECTS.map((effect, i) => powerOf(cell, format, effect, harmed[i]!, unharmed, falseAlarms)),
    stated: { up: statedOf(stated.up), down: statedOf(stated.down) },
    notes,
  };
}

function noScores(): Scores {
  return { judged: [], ranks: [], fixed: [], oracle: [] };
}

function note(scores: Scores, prepared: Prepared, drawn: Drawn, seen: Seen): void {
  const { before, now } = drawn.pair(seen);
  scores.judged.push(judge(prepared, seen));
  scores.ranks.push(mannWhitney(before, now));
  scores.fixed.push(fixedThresholds(drawn.plain, now));
  scores.oracle.push(drawn.score(seen));
}

/** A watch is looked at each tick until it raises an alarm. */
export function judge(prepared: Prepared, { values, other }: Seen): Judged {
  const run = prepared.begin();
  for (const [t, value] of values.entries()) if (run.look(value, other?.[t] ?? null).alarm !== null) break;
  const { side, alarm, outcome } = run.verdict();
  return { side, tick: alarm, outcome };
}

function powerOf(
  cell: Cell,
  format: Format,
  effect: number,
  harmed: Scores,
  unharmed: Scores,
  falseAlarms: Record<Side, number>,
): Power {
  const side = effect > 1 ? 'up' : 'down';
  const sign = effect > 1 ? 1 : -1;
  const atEqual = (of: 'ranks' | 'oracle') =>
    shareBeyond(
      harmed[of].map((score) => sign * score),
      limitFor(
        unharmed[of].map((score) => sign * score),
        falseAlarms[side],
      ),
    );
  const ticks = harmed.judged.map((one) => (one.side === side ? one.tick! : Number.POSITIVE_INFINITY));
  return {
    effect,
    ours: share(harmed.judged, (one) => one.side === side),
    mannWhitney: atEqual('ranks'),
    fixed: share(harmed.fixed, (one) => one[side]),
    oracle: atEqual('oracle'),
    ticks: ticks.sort((a, b) => a - b)[ticks.length >> 1]!,
    floor: floorOf(cell, format, effect),
    passed: share(harmed.judged, ({ outcome }) => outcome === 'passed'),
  };
}

/** The ticks after which the evidence reaches 1/alpha of a side, on average. */
function floorOf(cell: Cell, format: Format, effect: number): number {
  for (let ticks = 1; ticks <= 10 * format.ticks; ticks++)
    if (cell.nats(effect, ticks, format) >= Math.log(2 / ALPHA)) return ticks;
  return Number.POSITIVE_INFINITY;
}

function statedOf({ effects, seen }: { effects: (number | null)[]; seen: number }): Stated {
  const known = effects.filter((effect) => effect !== null).sort((a, b) => a - b);
  if (known.length < 0.9 * effects.length) return { effect: null, seen: null };
  return { effect: known[known.length >> 1]!, seen: seen / known.length };
}

/** A note without its numbers and its advice. */
function gist(text: string): string {
  return text.split(/[:;(]/)[0]!.trim();
}
