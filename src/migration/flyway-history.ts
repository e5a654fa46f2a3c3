/** How Flyway writes and reads its own table. */
import type { Row } from '../database/database.ts';
import type { Dialect } from './lexer.ts';
import type { Recorded, ToolRecord } from './pending.ts';

/**
 * What the rows of its table say, in the order of installed_rank. Flyway adds rows and never changes them: a version
 * that was undone or deleted has a later row that says so.
 */
export function appliedByFlyway(rows: Row[]): Omit<Recorded, 'journal'> {
  const tool = new Map<string, ToolRecord>();
  let baseline: string | null = null;
  for (const row of rows) {
    if (row.version === null) continue; // the schema's own row, and repeatable migrations
    const version = String(row.version);
    const type = String(row.type);
    if (type === 'BASELINE') baseline = version;
    else if (type === 'DELETE' || type.startsWith('UNDO')) tool.delete(version);
    else
      tool.set(version, {
        version,
        checksum: row.checksum === null ? null : Number(row.checksum),
        success: isTrue(row.success),
      });
  }
  return { tool: [...tool.values()], baseline };
}

/** Adds a row; parameters: installed_rank, version, description, script, checksum, execution_time. */
export function flywayInsert(table: string, dialect: Dialect, success: boolean): string {
  const user = { sqlite: "''", mysql: "SUBSTRING_INDEX(USER(), '@', 1)", postgres: 'current_user' }[dialect];
  return (
    `INSERT INTO ${table} (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success) ` +
    `VALUES (?, ?, ?, 'SQL', ?, ?, ${user}, ?, ${success ? 'TRUE' : 'FALSE'})`
  );
}

function isTrue(value: unknown): boolean {
  return value === true || value === 't' || Number(value) === 1;
}
