/** What a rehearsal's times mean for production: ranges, and how long each lock holds others up. Pure. */
import type { Observed } from '../database/database.ts';
import { inWords } from '../duration/duration.ts';
import { Failure } from '../outcome/outcome.ts';
import type { Applied } from './apply.ts';

/** Milliseconds; the truth is expected between them in four cases of five. */
export interface Range {
  low: number;
  high: number;
}

/** A lock of a rehearsal, as long as it was held. */
export interface HeldLock {
  file: string;
  /** The line of the statement that took it; null where no statement was seen, as within a command. */
  line: number | null;
  table: string;
  mode: string;
  blocks: 'reads' | 'writes';
  /** Milliseconds from its statement to the end of the transaction, in the rehearsal. */
  rehearsed: number;
  forecast: Range;
}

export interface Forecast {
  total: Range;
  /** By file. */
  steps: { file: string; forecast: Range; statements: { line: number; forecast: Range }[] }[];
  /** The longest first. */
  locks: HeldLock[];
  /** How many earlier deliveries it was calibrated by. */
  deliveries: number;
}

/** Below this (milliseconds) a time says nothing but that it is short. */
export const MOMENT = 50;
/** What is taken for granted before the first delivery: as one that was exact, and a spread of e^0.5 = 1.6 times. See `factors`. */
const PRIOR = { mean: 0, weight: 1, shape: 1, spread: 0.5 };
/** The 90 % quantile of Student's t for 2, 3, 4 … degrees of freedom. */
const STUDENT_90 = [
  1.886, 1.638, 1.533, 1.476, 1.44, 1.415, 1.397, 1.383, 1.372, 1.363, 1.356, 1.35, 1.345, 1.341, 1.337, 1.333, 1.33,
  1.328, 1.325, 1.323, 1.321,
];
/** So many of the newest deliveries count: machines and data change. */
const NEWEST = STUDENT_90.length - 1;

/**
 * By which factors production's time lies around the rehearsal's. The logarithms of earlier ratios (live against
 * rehearsed, newest first) are taken as normal with unknown mean and variance, under a normal-gamma prior that is wide;
 * what the next one is then expected to be is a Student t distribution (Murphy, Conjugate Bayesian analysis of the
 * Gaussian distribution, 2007, section 3; Gelman and others, Bayesian Data Analysis, 3rd ed., 3.3). Its interval of
 * 80 % is returned: 0.26 to 3.8 where nothing is known, narrower with each delivery that came as it was forecast.
 */
export function factors(ratios: readonly number[]): Range {
  const logs = counted(ratios).map(Math.log);
  const n = logs.length;
  const mean = n === 0 ? 0 : logs.reduce((sum, log) => sum + log, 0) / n;
  const squares = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0);
  const weight = PRIOR.weight + n;
  const shape = PRIOR.shape + n / 2;
  const middle = (PRIOR.weight * PRIOR.mean + n * mean) / weight;
  const rate =
    PRIOR.shape * PRIOR.spread ** 2 + squares / 2 + (PRIOR.weight * n * (mean - PRIOR.mean) ** 2) / (2 * weight);
  const scale = Math.sqrt((rate * (weight + 1)) / (shape * weight));
  const reach = STUDENT_90[n]! * scale; // 2 + n degrees of freedom
  return { low: Math.exp(middle - reach), high: Math.exp(middle + reach) };
}

/** Those of the ratios that count. */
function counted(ratios: readonly number[]): readonly number[] {
  return ratios.filter((ratio) => ratio > 0 && Number.isFinite(ratio)).slice(0, NEWEST);
}

/**
 * The forecast of what was rehearsed. `atomic` says of a version whether one transaction holds all of it. Of a step
 * without statements (a command) no lock was seen: it is taken to lock something for as long as it runs.
 */
export function forecastOf(
  steps: readonly Applied[],
  atomic: (version: string) => boolean,
  ratios: readonly number[],
): Forecast {
  const { low, high } = factors(ratios);
  const range = (ms: number): Range => ({ low: ms * low, high: ms * high });
  return {
    total: range(steps.reduce((sum, { took }) => sum + took, 0)),
    steps: steps.map(({ file, took, statements }) => ({
      file,
      forecast: range(took),
      statements: statements.map((each) => ({ line: each.line, forecast: range(each.took) })),
    })),
    locks: steps
      .flatMap((step) => locksOf(step, atomic(step.version)))
      .map((lock) => ({ ...lock, forecast: range(lock.rehearsed) }))
      .sort((a, b) => b.rehearsed - a.rehearsed),
    deliveries: counted(ratios).length,
  };
}

/** Each table's locks, those that hold up reads and those that hold up writes: a transaction keeps a lock to its end. */
function locksOf(step: Applied, atomic: boolean): Omit<HeldLock, 'forecast'>[] {
  const { file, statements, took } = step;
  if (statements.length === 0)
    return [{ file, line: null, table: 'what it locks', mode: 'unknown', blocks: 'reads', rehearsed: took }];
  const longest = new Map<string, Omit<HeldLock, 'forecast'>>();
  for (const [index, { line, took: own, seen }] of statements.entries()) {
    const rehearsed = atomic ? statements.slice(index).reduce((sum, later) => sum + later.took, 0) : own;
    for (const { table, mode, blocks } of (seen as Observed | null)?.locks ?? []) {
      if (blocks === 'schema') continue;
      const known = longest.get(`${blocks} ${table}`);
      if (!known || known.rehearsed < rehearsed)
        longest.set(`${blocks} ${table}`, { file, line, table, mode, blocks, rehearsed });
    }
  }
  return [...longest.values()];
}

/** Throws `migration-unsafe` where a lock may hold others up for longer than `longest` milliseconds. */
export function refuseLongLocks({ locks, deliveries }: Forecast, longest: number): void {
  const over = locks
    .filter(({ forecast }) => forecast.high > longest)
    .sort((a, b) => b.forecast.high - a.forecast.high);
  const [worst, ...others] = over;
  if (!worst) return;
  const { file, line, table, mode, blocks, rehearsed, forecast } = worst;
  const held = `${blocks === 'reads' ? 'reads and writes of' : 'writes to'} ${table} may be held up for ${milliseconds(forecast.high)}`;
  const lock = line === null ? 'no lock can be seen within a command, so all of its time counts' : `lock ${mode}`;
  const known = deliveries === 0 ? 'no earlier delivery to calibrate by' : `calibrated by ${deliveries}`;
  throw new Failure({
    code: 'migration-unsafe',
    what: `${held}, ${milliseconds(longest)} is allowed (migrate.max-lock)`,
    where: line === null ? file : `${file}:${line}`,
    why: `${lock}, ${milliseconds(rehearsed)} in the rehearsal, ${known}${others.length ? `; and ${others.length} more locks` : ''}`,
    untouched: 'the live database is untouched',
    next:
      'do it in small steps (an index with CONCURRENTLY, a constraint with NOT VALID that is validated later, rows in batches), ' +
      'in a transaction of its own, or at a quiet time with a larger migrate.max-lock',
    facts: { locks: over.map((each) => ({ ...each, forecast: { ...each.forecast } })) },
  });
}

/** The ratio that calibrates later forecasts; null where either time (milliseconds) is too short to say anything. */
export function ratioOf(rehearsed: number, live: number): number | null {
  return rehearsed < MOMENT || live < MOMENT ? null : Number((live / rehearsed).toPrecision(3));
}

/** A range for people: `moments`, `up to 0.8 s`, `2 s to 28 s`. */
export function rangeInWords({ low, high }: Range): string {
  if (high < MOMENT) return 'moments';
  return low < MOMENT ? `up to ${inWords(high)}` : `${inWords(low)} to ${inWords(high)}`;
}

/** A range in whole milliseconds with two telling digits, for facts. */
export function roundedRange({ low, high }: Range): { low: number; high: number } {
  const round = (ms: number) => Math.round(Number(ms.toPrecision(2)));
  return { low: round(low), high: round(high) };
}

function milliseconds(ms: number): string {
  return ms < 100 ? `${Number(ms.toPrecision(2))} ms` : inWords(ms);
}
