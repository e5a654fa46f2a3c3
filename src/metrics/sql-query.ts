/** The user's query as a statement with bound times, and the one number of its answer. Pure. */
import type { Engine, Parameter, Row } from '../database/database.ts';
import type { Kind } from '../judge/judge.ts';
import type { Span } from './types.ts';

/** The user's query as a statement with bound times. */
export interface Bound {
  sql: string;
  parameters: Parameter[];
}

/**
 * Fills {from} and {to} (a time), {from:s} and {to:s} (seconds since 1970), {from:ms} and {to:ms} with bound
 * parameters, numbered from `first`.
 */
export function bindSpan(
  query: string,
  span: Span,
  engine: Engine,
  placeholder: (position: number) => string,
  first = 1,
): Bound {
  const parameters: Parameter[] = [];
  const sql = query
    .trim()
    .replace(/;\s*$/, '')
    .replaceAll(/\{(from|to)(:s|:ms)?\}/g, (_, end: 'from' | 'to', unit: string | undefined) => {
      parameters.push(unit === ':s' ? span[end] / 1000 : unit === ':ms' ? span[end] : timeOf(span[end], engine));
      return placeholder(first + parameters.length - 1);
    });
  return { sql, parameters };
}

/** A time as the engine compares it: UTC. SQLite compares texts, so it must be the ISO form that the table holds. */
function timeOf(ms: number, engine: Engine): string {
  const iso = new Date(ms).toISOString();
  return engine === 'mysql' || engine === 'mariadb' ? iso.replace('T', ' ').replace('Z', '') : iso;
}

/** How else SQLite may hold a time, with what the query must say then. SQLite itself knows no type for times. */
export const OTHER_TIMES = [
  {
    held: 'like 2026-01-31 12:00:00',
    write: 'datetime({from}) and datetime({to})',
    as: (query: string) => query.replaceAll(/\{(from|to)\}/g, 'datetime({$1})'),
  },
  {
    held: 'as seconds since 1970',
    write: '{from:s} and {to:s}',
    as: (query: string) => query.replaceAll(/\{(from|to)\}/g, '{$1:s}'),
  },
  {
    held: 'as milliseconds since 1970',
    write: '{from:ms} and {to:ms}',
    as: (query: string) => query.replaceAll(/\{(from|to)\}/g, '{$1:ms}'),
  },
];

/** The UTC day of a moment until that moment, and the day before: within one day no two forms of a time look alike. */
export function daysUntil(now: number): Span[] {
  const today = new Date(now).setUTCHours(0, 0, 0, 0);
  return [
    { from: today - 86_400_000, to: today - 1 },
    { from: today, to: now },
  ];
}

/** One statement for the query over many spans: its columns are v0, v1 … */
export function bindSpans(
  query: string,
  spans: readonly Span[],
  engine: Engine,
  placeholder: (position: number) => string,
): Bound {
  const parameters: Parameter[] = [];
  const columns = spans.map((span, i) => {
    const bound = bindSpan(query, span, engine, placeholder, parameters.length + 1);
    parameters.push(...bound.parameters);
    return `(${bound.sql}) AS v${i}`;
  });
  return { sql: `SELECT ${columns.join(', ')}`, parameters };
}

/** True where a query asks for a span of time. */
export function hasSpan(query: string): boolean {
  return /\{from(:m?s)?\}/.test(query) && /\{to(:m?s)?\}/.test(query);
}

/** The one number of a query's answer, or why it is none. NULL is nothing counted: 0 for counts and money. */
export function numberOf(rows: readonly Row[], kind: Kind): { value: number | null } | { why: string } {
  if (rows.length !== 1) return { why: `the query gives ${rows.length} rows where one number is needed` };
  const values = Object.values(rows[0]!);
  if (values.length !== 1) return { why: `the query gives ${values.length} columns where one number is needed` };
  return oneValue(values[0], kind);
}

/** A value of an answer as a number, or why it is none; see `numberOf`. */
export function oneValue(value: unknown, kind: Kind): { value: number | null } | { why: string } {
  if (value === null || value === undefined) return { value: kind === 'count' || kind === 'money' ? 0 : null };
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  const isText = typeof value === 'string' && value.trim() !== ''; // how engines give DECIMAL, and PostgreSQL count(*)
  const number = isNumber || isText ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? { value: number } : { why: 'the query gives something that is no number' };
}

/** The engine's statement for its own clock: `ms` since 1970, and `zone`: minutes by which its local time is ahead of UTC. */
export const CLOCK: Record<Exclude<Engine, 'sqlite'>, string> = {
  postgres:
    'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms, extract(timezone FROM clock_timestamp())::float8 / 60 AS zone',
  mysql: 'SELECT UNIX_TIMESTAMP(NOW(6)) * 1000 AS ms, TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), NOW()) AS zone',
  mariadb: 'SELECT UNIX_TIMESTAMP(NOW(6)) * 1000 AS ms, TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), NOW()) AS zone',
};
