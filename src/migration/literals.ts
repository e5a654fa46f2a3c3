/** Parameters written into a statement, where several statements go in one message. */
import type { Parameter } from '../database/database.ts';

/**
 * A statement of ours with its parameters as PostgreSQL's literals, since several statements in one message can have
 * none bound. In E'…' quotes and backslashes are doubled, which means the same under every setting of the server.
 */
export function literally(sql: string, parameters: Parameter[]): string {
  return withMarks(sql, (position) => {
    const value = parameters[position - 1];
    if (value === null || value === undefined) return 'NULL';
    return typeof value === 'number' ? String(value) : `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
  });
}

/** A statement of ours with `$1`, `$2` for its marks `?`, as PostgreSQL wants it. */
export function numbered(sql: string): string {
  return withMarks(sql, (position) => `$${position}`);
}

/** Replaces the marks of a statement, counted from 1, but not those in a quoted name. */
function withMarks(sql: string, replace: (position: number) => string): string {
  let position = 0;
  return sql.replace(/"(?:[^"]|"")*"|\?/g, (found) => (found === '?' ? replace(++position) : found));
}
