/** What stands in the way of replacing a PostgreSQL database, and what it would break. Reads only. */
import type { Failure } from '../../outcome/outcome.ts';
import type { Database } from '../types.ts';
import { impossible, lacksRights } from './failures.ts';
import { leftInWords } from './names.ts';
import { FENCED } from './postgres-fence.ts';

/** Extensions that keep processes or state of their own in the server, beside the database. */
const WITH_WORKERS = [
  'pg_cron',
  'timescaledb',
  'citus',
  'pglogical',
  'bdr',
  'pg_partman',
  'pg_net',
  'pgagent',
  'pg_squeeze',
];

/** What each row means, and what to do. `name` is that of the thing. */
const BREAKS: { sql: string; words: (name: string) => string }[] = [
  {
    sql: 'SELECT slot_name AS name FROM pg_replication_slots WHERE database = current_database()',
    words: (name) =>
      `the logical replication slot ${name} stays with the replaced database: drop it there, create it anew, and fill its subscriber again`,
  },
  {
    sql: 'SELECT subname AS name FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())',
    words: (name) =>
      `the subscription ${name} comes back disabled and without its slot: disable the old one now (ALTER SUBSCRIPTION … DISABLE), and copy its tables again afterwards`,
  },
  {
    sql: 'SELECT pubname AS name FROM pg_publication',
    words: (name) =>
      `the publication ${name} comes back as it was in the backup; its subscribers hold rows that will be gone: fill them again`,
  },
  {
    sql: 'SELECT srvname AS name FROM pg_foreign_server',
    words: (name) =>
      `the foreign server ${name} and its user mappings come back as they were in the backup; what lies behind it does not`,
  },
  {
    sql: `SELECT extname AS name FROM pg_extension WHERE extname = ANY ('{${WITH_WORKERS.join(',')}}')`,
    words: (name) =>
      `the extension ${name} keeps state outside the database: restart its workers and look at its jobs afterwards`,
  },
  {
    sql: `SELECT coalesce(r.rolname, 'every role') AS name FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) AS c
      WHERE s.setrole <> 0 AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) AND c LIKE 'default\\_transaction\\_read\\_only=%'`,
    words: (name) => `${name} has a setting of its own for default_transaction_read_only, which goes before the fence`,
  },
  {
    sql: `SELECT d.datname AS name FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS c
      WHERE d.datname = current_database() AND s.setrole = 0 AND c = 'default_transaction_read_only=${FENCED}'`,
    words: () =>
      'writes are still held off by a run that was killed; this one takes its fence over and lets them in again at its end',
  },
  {
    sql: `SELECT provider AS name FROM pg_shseclabel WHERE classoid = 'pg_database'::regclass AND objoid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    words: (name) => `the security label of ${name} stays with the replaced database: set it again`,
  },
];

/** See `Replacement.breaks`. `live` is connected to the live database. Throws `data-irreversible` for prepared transactions. */
export async function breaksOf(live: Database, maintenance: Database, name: string): Promise<string[]> {
  const prepared = await live.query('SELECT gid FROM pg_prepared_xacts WHERE database = current_database()');
  if (prepared.length > 0)
    throw impossible(
      live.where,
      `the database holds ${prepared.length} prepared transactions, and cannot be renamed while it does`,
      `end them first: COMMIT PREPARED or ROLLBACK PREPARED (${prepared
        .slice(0, 3)
        .map(({ gid }) => gid)
        .join(', ')})`,
    );
  const found: string[] = [];
  for (const { sql, words } of BREAKS) found.push(...(await live.query(sql)).map((row) => words(String(row.name))));
  const names = (await maintenance.query('SELECT datname AS name FROM pg_database')).map((row) => String(row.name));
  const [row] = await live.query(
    "SELECT count(*) AS clients, pg_size_pretty(pg_database_size(current_database())) AS size FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND coalesce(backend_type, 'client backend') = 'client backend'",
  );
  return [
    ...found,
    ...leftInWords(name, names, maintenance.quote),
    `${row!.clients} connections are ended, twice, and must connect again`,
    `the server needs room for a second database (the live one has ${row!.size}); it cannot say how much it has`,
  ];
}

const LACKING: { sql: string; words: (names: string[]) => string }[] = [
  {
    sql: 'SELECT current_user AS name FROM pg_roles WHERE rolname = current_user AND NOT rolcreatedb AND NOT rolsuper',
    words: ([name]) => `${name} may not create databases`,
  },
  {
    sql: "SELECT pg_get_userbyid(datdba) AS name FROM pg_database WHERE datname = current_database() AND NOT pg_has_role(datdba, 'MEMBER')",
    words: ([name]) => `it is not the owner of the database, ${name}, nor a member of that role`,
  },
  {
    sql: `SELECT DISTINCT pg_get_userbyid(relowner) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT pg_has_role(relowner, 'MEMBER')
      AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')`,
    words: (names) => `it is not a member of roles that own tables: ${names.join(', ')}`,
  },
  {
    // Without these rights it could neither see nor end the connections of others.
    sql: `SELECT DISTINCT usename AS name FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL
      AND NOT pg_has_role(usesysid, 'USAGE') AND ((SELECT rolsuper FROM pg_roles WHERE oid = usesysid)
      OR NOT pg_has_role('pg_signal_backend', 'USAGE') OR NOT pg_has_role('pg_read_all_stats', 'USAGE'))`,
    words: (names) => `it may not end the connections of ${names.join(', ')}`,
  },
  {
    sql: `SELECT e.extname AS name FROM pg_extension e JOIN pg_available_extension_versions v ON v.name = e.extname AND v.version = e.extversion
      WHERE v.superuser AND NOT coalesce((to_jsonb(v) ->> 'trusted')::boolean, false) AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)`,
    words: (names) => `only a superuser may create the extensions ${names.join(', ')}`,
  },
];

/** What the login of `live` lacks to replace this database, as one `database-denied`; null where it lacks nothing. */
export async function lackingRights(live: Database): Promise<Failure | null> {
  const lacking: string[] = [];
  for (const { sql, words } of LACKING) {
    const names = (await live.query(sql)).map((row) => String(row.name));
    if (names.length > 0) lacking.push(words(names));
  }
  return lacking.length > 0 ? lacksRights(live.where, lacking) : null;
}
