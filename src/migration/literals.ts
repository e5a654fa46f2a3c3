/** Parameters written into a statement, where several statements go in one message. */
import type { Parameter } from '../database/database.ts';

/**
 * A statement of ours with its parameters as PostgreSQL's literals, since several statements in one message can have
 * none bound. In E'…' quotes and backslashes are doubled, which means the same under every setting of the server.
 */
export function literally(sql: string, parameters: Parameter[]): string {
  let position = 0;
  return sql.replace(/\?/g, () => {
    const value = parameters[position++];
    if (value === null || value === undefined) return 'NULL';
    return typeof value === 'number' ? String(value) : `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
  });
}
