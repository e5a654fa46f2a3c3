/** What a rename of tables leaves behind in MariaDB and MySQL: triggers, views, routines and events, as statements that make them again. */
import type { Row, Session } from '../types.ts';

export interface Made {
  kind: 'TRIGGER' | 'VIEW' | 'PROCEDURE' | 'FUNCTION' | 'EVENT';
  name: string;
  /** The table of a trigger. */
  table: string | null;
  sql: string;
  sqlMode: string | null;
  timeZone: string | null;
}

const LISTS: { kind: Made['kind']; sql: string }[] = [
  {
    kind: 'FUNCTION',
    sql: "SELECT routine_name AS name, NULL AS of_table FROM information_schema.routines WHERE routine_schema = ? AND routine_type = 'FUNCTION'",
  },
  {
    kind: 'PROCEDURE',
    sql: "SELECT routine_name AS name, NULL AS of_table FROM information_schema.routines WHERE routine_schema = ? AND routine_type = 'PROCEDURE'",
  },
  {
    kind: 'VIEW',
    sql: 'SELECT table_name AS name, NULL AS of_table FROM information_schema.views WHERE table_schema = ?',
  },
  {
    kind: 'TRIGGER',
    sql: 'SELECT trigger_name AS name, event_object_table AS of_table FROM information_schema.triggers WHERE trigger_schema = ? ORDER BY event_object_table, action_timing, event_manipulation, action_order',
  },
  {
    kind: 'EVENT',
    sql: 'SELECT event_name AS name, NULL AS of_table FROM information_schema.events WHERE event_schema = ?',
  },
];

/** All of a database, in an order in which they can be made. `quote` quotes an identifier. */
export async function madeIn(session: Session, database: string, quote: (name: string) => string): Promise<Made[]> {
  await session.query(`USE ${quote(database)}`);
  const made: Made[] = [];
  for (const { kind, sql } of LISTS) {
    for (const { name, of_table: table } of await session.query(sql, [database])) {
      const [row] = await session.query(`SHOW CREATE ${kind} ${quote(String(name))}`);
      const text = statementIn(row!);
      if (text === null) throw new Error(`this login may not see the definition of the ${kind.toLowerCase()} ${name}`);
      // Where a view looks into a third database, the server qualifies every name in it.
      const own = kind === 'VIEW' ? text.replaceAll(`${quote(database)}.`, '') : text;
      made.push({
        ...{ kind, name: String(name), table: table === null ? null : String(table), sql: own },
        sqlMode: (row!.sql_mode as string | undefined) ?? null,
        timeZone: (row!.time_zone as string | undefined) ?? null,
      });
    }
  }
  return made;
}

function statementIn(row: Row): string | null {
  const key = ['SQL Original Statement', 'Create View', 'Create Procedure', 'Create Function', 'Create Event'].find(
    (each) => each in row,
  );
  return key === undefined || row[key] === null ? null : String(row[key]);
}

/** Makes them in a database; views that need each other are tried until they stand. Answers what could not be made, with why. */
export async function make(
  session: Session,
  database: string,
  made: readonly Made[],
  quote: (name: string) => string,
): Promise<string[]> {
  await session.query(`USE ${quote(database)}`);
  let waiting = [...made];
  for (;;) {
    const failed: { one: Made; why: string }[] = [];
    for (const one of waiting)
      await makeOne(session, one).catch((error) => failed.push({ one, why: error.why ?? error.message }));
    if (failed.length === 0 || failed.length === waiting.length)
      return failed.map(({ one, why }) => `${one.kind.toLowerCase()} ${one.name} (${why})`);
    waiting = failed.map(({ one }) => one);
  }
}

/** Makes one in the session's database, under the settings that it was made under. */
export async function makeOne(session: Session, { sql, sqlMode, timeZone }: Made): Promise<void> {
  if (sqlMode !== null) await session.query('SET SESSION sql_mode = ?', [sqlMode]);
  if (timeZone !== null) await session.query('SET SESSION time_zone = ?', [timeZone]);
  await session.execute([sql]);
}

/** Removes them from a database. */
export async function unmake(
  session: Session,
  database: string,
  made: readonly Made[],
  quote: (name: string) => string,
): Promise<void> {
  for (const { kind, name } of made) await session.query(`DROP ${kind} IF EXISTS ${quote(database)}.${quote(name)}`);
}
