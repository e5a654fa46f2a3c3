/** Where a MySQL or MariaDB server stands in its own log, and how far it is behind the one it copies. */
import type { Row } from '../types.ts';

type Query = (sql: string) => Promise<Row[]>;

/**
 * Where the server's binary log ends, as `file:offset`; null where it writes none or does not show it to this login.
 * Asked before a dump: everything before it is in the dump, and a little after it may be.
 */
export async function binlogPosition(query: Query): Promise<string | null> {
  const [row] = (await first(query, ['SHOW BINARY LOG STATUS', 'SHOW MASTER STATUS'])) ?? [];
  return row ? `${row.File}:${row.Position}` : null;
}

/**
 * Seconds that this server is behind the one it copies (the slowest of its connections): Infinity where the copying
 * has stopped, null where it copies none or does not show it.
 */
export async function replicaLag(query: Query): Promise<number | null> {
  const rows = (await first(query, ['SHOW ALL SLAVES STATUS', 'SHOW REPLICA STATUS', 'SHOW SLAVE STATUS'])) ?? [];
  if (rows.length === 0) return null;
  return Math.max(...rows.map((row) => Number(row.Seconds_Behind_Source ?? row.Seconds_Behind_Master ?? Infinity)));
}

/** The rows of the first of these statements that this server knows and allows; null where it is none. */
async function first(query: Query, statements: string[]): Promise<Row[] | null> {
  for (const sql of statements) {
    const rows = await query(sql).catch(() => null);
    if (rows) return rows;
  }
  return null;
}
