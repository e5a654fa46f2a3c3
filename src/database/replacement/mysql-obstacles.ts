/** What stands in the way of replacing a MariaDB or MySQL database, and what it would break. Reads only. */
import type { Failure } from '../../outcome/outcome.ts';
import type { Database } from '../types.ts';
import { impossible, lacksRights } from './failures.ts';
import { leftInWords } from './names.ts';

/** What a restore and a swap do, in the words of GRANT. */
const NEEDED = [
  'SELECT',
  'INSERT',
  'CREATE',
  'DROP',
  'ALTER',
  'INDEX',
  'REFERENCES',
  'LOCK TABLES',
  'TRIGGER',
  'CREATE VIEW',
  'SHOW VIEW',
  'CREATE ROUTINE',
  'ALTER ROUTINE',
  'EVENT',
];
/** Connections that the server must have left beside those of the fence. */
const SPARE = 10;

/** See `Replacement.breaks`. */
export async function breaksOf(live: Database, name: string): Promise<string[]> {
  const foreign = await live.query(
    'SELECT DISTINCT table_schema AS other, table_name AS name FROM information_schema.key_column_usage WHERE referenced_table_schema = DATABASE() AND table_schema <> DATABASE()',
  );
  const events = await live.query(
    'SELECT event_name AS name FROM information_schema.events WHERE event_schema = DATABASE()',
  );
  const outside = await live.query(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND engine NOT IN ('InnoDB', 'Aria', 'MyISAM')",
  );
  const names = (await live.query('SELECT schema_name AS name FROM information_schema.schemata')).map((row) =>
    String(row.name),
  );
  return [
    ...foreign.map(
      (row) => `the foreign key of ${row.other}.${row.name} will point to the replaced table: make it again afterwards`,
    ),
    ...events.map(
      (row) =>
        `the event ${row.name} may run in the copy while it is built; the comparison then fails: stop the event scheduler`,
    ),
    ...outside.map((row) => `the table ${row.name} keeps its rows elsewhere than in the server; they do not come back`),
    ...leftInWords(name, names, live.quote),
    'writers wait while writes are fenced, and views, routines and events are made again one by one after the swap',
  ];
}

/** Throws `database-denied` for missing rights, `data-irreversible` where the server has no room for the connections of the fence. */
export async function checkRights(live: Database, databases: readonly string[], tables: number): Promise<void> {
  const lacking = await lackingRights(live, databases);
  if (lacking) throw lacking;
  const [row] = await live.query('SELECT @@max_connections AS most');
  const [used] = await live.query("SHOW STATUS LIKE 'Threads_connected'");
  const left = Number(row!.most) - Number(used!.Value) - SPARE;
  if (left < tables)
    throw impossible(
      live.where,
      `the fence needs a connection for each of ${tables} tables, and the server has room for ${Math.max(0, left)} more`,
      'raise max_connections on the server (SET GLOBAL max_connections = …), then run it again',
    );
}

async function lackingRights(live: Database, databases: readonly string[]): Promise<Failure | null> {
  const mine =
    "grantee = CONCAT(QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', 1)), '@', QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)))";
  const global = await live.query(
    `SELECT privilege_type AS name FROM information_schema.user_privileges WHERE ${mine}`,
  );
  const schemas = await live.query(
    `SELECT privilege_type AS name, table_schema AS pattern FROM information_schema.schema_privileges WHERE ${mine}`,
  );
  const everywhere = new Set(global.map(({ name }) => String(name)));
  // Without PROCESS it would not see the transactions of others, without RELOAD it cannot hold them off.
  const server = ['RELOAD', 'PROCESS'].filter((privilege) => !everywhere.has(privilege));
  const lacking = databases.flatMap((database) => {
    const here = new Set(
      schemas.filter(({ pattern }) => matches(String(pattern), database)).map(({ name }) => String(name)),
    );
    const missing = NEEDED.filter((privilege) => !everywhere.has(privilege) && !here.has(privilege));
    return missing.length ? [`it lacks ${missing.join(', ')} on ${database}`] : [];
  });
  if (server.length) lacking.push(`it lacks ${server.join(', ')} on the server`);
  return lacking.length ? lacksRights(live.where, lacking) : null;
}

/** The pattern of a database in a GRANT: `_` and `%` are wild unless a backslash stands before them. Pure. */
export function matches(pattern: string, name: string): boolean {
  const parts = pattern.match(/\\.|[\s\S]/g) ?? [];
  const source = parts.map((part) =>
    part === '%' ? '[\\s\\S]*' : part === '_' ? '[\\s\\S]' : part.at(-1)!.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
  );
  return new RegExp(`^${source.join('')}$`, 'i').test(name);
}
