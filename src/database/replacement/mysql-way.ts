/** Reaching the server of a MariaDB or MySQL database that is replaced. */
import type { ServerAddress } from '../address.ts';
import { openMysql } from '../mysql/mysql.ts';
import type { Database, OpenOptions } from '../types.ts';

/** As many characters as a name may have. */
export const LONGEST_NAME = 64;
/** What a rename moves; sequences are MariaDB's. */
const MOVED = "table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')";
// What was begun must be put back although the run was cancelled.
export const NEVER = new AbortController().signal;

/** Where to log in, and how. */
export interface Way {
  name: string;
  login: ServerAddress;
  options: OpenOptions;
}

/** A database of the server. */
export function openAt({ name, login, options }: Way, database: string): Promise<Database> {
  return openMysql(name, { ...login, database }, { ...options, signal: NEVER });
}

/** The tables of a database that a rename moves. */
export async function tablesOf(database: Pick<Database, 'query'>, name: string): Promise<string[]> {
  const rows = await database.query(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? AND ${MOVED}`,
    [name],
  );
  return rows.map((row) => String(row.name));
}
