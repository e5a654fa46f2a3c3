/** The user's own queries, which only read: what one of them would write by mistake, the database refuses. */
import type { Database, Parameter, Row, Session } from './types.ts';

/**
 * The rows of one query that can write nothing. It is a transaction of its own, so that the next one sees what was
 * committed since, and that a pooler hands no setting of ours to others. Throws `database-error`.
 */
export async function queryReadOnly(
  { engine }: Pick<Database, 'engine'>,
  session: Pick<Session, 'query'>,
  sql: string,
  parameters: Parameter[] = [],
): Promise<Row[]> {
  if (engine === 'sqlite') {
    await session.query('PRAGMA query_only = ON');
    return session.query(sql, parameters);
  }
  await session.query('START TRANSACTION READ ONLY');
  try {
    return await session.query(sql, parameters);
  } finally {
    await session.query('ROLLBACK').catch(() => {}); // a connection that is lost has no transaction any more
  }
}

/** What an engine's own words say of a query that failed. */
export type Blame = 'missing' | 'wrong' | 'lost' | 'error';

// PostgreSQL: SQLSTATE ("PostgreSQL Error Codes"): 08 connection, 57P shutdown, 42P01 table, 42703 column, 42883
// function, 42601 syntax, 25006 a write where none may be. MySQL and MariaDB: names of errors. SQLite: its messages.
const BLAMES: readonly (readonly [Blame, RegExp, RegExp])[] = [
  [
    'missing',
    /^(42P01|42703|42883|ER_NO_SUCH_TABLE|ER_BAD_FIELD_ERROR|ER_SP_DOES_NOT_EXIST)$/,
    /^no such (table|column|function)/,
  ],
  [
    'wrong',
    /^(42601|25006|ER_PARSE_ERROR|ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION)$/,
    /: syntax error$|^incomplete input$|^attempt to write a readonly database$/,
  ],
  ['lost', /^(08...|57P..|ECONN\w+|EPIPE|ETIMEDOUT|PROTOCOL_\w+|ER_SERVER_SHUTDOWN|ER_CONNECTION_KILLED|)$/, /^$/],
];

/**
 * What a `database-error` is about: a name that is not there (`missing`), a query that can never be asked (`wrong`), a
 * connection that ended (`lost`), anything else. `native` is the engine's own code. Pure.
 */
export function blameOf(native: string, message: string): Blame {
  return BLAMES.find(([, code, words]) => code.test(native) || words.test(message))?.[0] ?? 'error';
}
