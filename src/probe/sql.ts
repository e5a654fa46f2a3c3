/** Asks a database for one value, in a transaction that can only read. */
import { type Database, queryReadOnly, type Row } from '../database/database.ts';
import type { Json } from '../outcome/outcome.ts';
import type { Asking } from './ask.ts';
import type { Objection, SqlCheck, Wanted } from './check.ts';
import { valueObjections } from './value.ts';

/** Everything that is wrong with the value; empty where nothing is. Rejects with why the database gave none. */
export async function askSql(check: SqlCheck, { reach, signal }: Asking): Promise<Objection[]> {
  const rows = await rowsOf(await reach.database(check.database), check.query, signal);
  const found = oneValue(rows);
  return 'why' in found
    ? [{ words: found.why }]
    : valueObjections('the value', check.value, comparable(found.value, check.value));
}

/** Runs a query that could write nothing, until `signal` fires. Throws `database-error`, and what a login throws. */
export async function rowsOf(database: Database, query: string, signal: AbortSignal): Promise<Row[]> {
  const session = await database.session();
  const end = () => void session.close(); // ends the statement on the server too
  signal.addEventListener('abort', end, { once: true });
  try {
    signal.throwIfAborted();
    return await queryReadOnly(database, session, query);
  } finally {
    signal.removeEventListener('abort', end);
    await session.close();
  }
}

/** The one value of a query's answer: undefined where there is no row. Pure. */
export function oneValue(rows: readonly Row[]): { value: Json | undefined } | { why: string } {
  const [row, ...more] = rows;
  if (more.length > 0) return { why: `the query gives ${rows.length} rows where one value is needed` };
  if (row === undefined) return { value: undefined };
  const columns = Object.values(row);
  if (columns.length !== 1) return { why: `the query gives ${columns.length} columns where one value is needed` };
  return { value: plain(columns[0]) };
}

/**
 * The value in the type that it is compared with: databases write long and exact numbers as text, MySQL and SQLite have
 * 0 and 1 for false and true, and NULL is no value unless null is what is wanted. Pure.
 */
export function comparable(value: Json | undefined, { is, not }: Wanted): Json | undefined {
  const like = is ?? not;
  if (value === null) return is === null ? null : undefined;
  if (typeof like === 'string' && value !== undefined) return String(value);
  if (typeof like === 'number' && typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)))
    return Number(value);
  return typeof like === 'boolean' && (value === 0 || value === 1) ? value === 1 : value;
}

function plain(value: unknown): Json {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return value instanceof Date ? value.toISOString() : String(value);
}
