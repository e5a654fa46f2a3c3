/** Making a PostgreSQL database like the live one in what no dump of it restores: how it was created, its settings, its privileges. */
import type { Database, Row } from '../types.ts';
import { notRestored } from './failures.ts';

/** A row of pg_database with the columns that the server's version has. */
interface Created {
  datlocprovider?: string;
  datcollate: string | null;
  datctype: string | null;
  /** The names of the same in version 15, 16, and 17 and newer. */
  daticulocale?: string | null;
  datlocale?: string | null;
  daticurules?: string | null;
}

/** Creates an empty database with the encoding, sort order, owner and place of `live`; nobody else may connect to it. Throws `restore-failed`. */
export async function createLike(maintenance: Database, live: string, name: string): Promise<void> {
  const [row] = await maintenance.query(
    `SELECT to_jsonb(d) AS created, pg_encoding_to_char(d.encoding) AS encoding, pg_get_userbyid(d.datdba) AS owner, t.spcname AS place,
     EXISTS (SELECT FROM pg_database WHERE datname = $2) AS there FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = $1`,
    [live, name],
  );
  if (row!.there === true)
    throw notRestored(
      maintenance.where,
      `there is a database ${name} already`,
      'a run that was killed left it',
      `look at it, remove it (DROP DATABASE ${maintenance.quote(name)}), then run it again`,
    );
  await maintenance
    .execute([
      createStatement(name, row!, maintenance.quote),
      `REVOKE ALL ON DATABASE ${maintenance.quote(name)} FROM PUBLIC`,
    ])
    .catch((error) => {
      throw notRestored(maintenance.where, `the database ${name} could not be created`, error.why);
    });
}

function createStatement(name: string, { created, encoding, owner, place }: Row, quote: Database['quote']): string {
  const { datlocprovider: provider = 'c', datcollate, datctype, daticurules, ...more } = created as Created;
  const locale = more.datlocale ?? more.daticulocale ?? null;
  return [
    `CREATE DATABASE ${quote(name)} TEMPLATE template0 OWNER ${quote(String(owner))} ENCODING ${literal(String(encoding))}`,
    ...(datcollate === null ? [] : [`LC_COLLATE ${literal(datcollate)}`]),
    ...(datctype === null ? [] : [`LC_CTYPE ${literal(datctype)}`]),
    ...(provider === 'i' ? [`LOCALE_PROVIDER icu ICU_LOCALE ${literal(locale ?? '')}`] : []),
    ...(provider === 'b' ? [`LOCALE_PROVIDER builtin BUILTIN_LOCALE ${literal(locale ?? '')}`] : []),
    ...(daticurules ? [`ICU_RULES ${literal(daticurules)}`] : []),
    `TABLESPACE ${quote(String(place))}`,
  ].join(' ');
}

/** Gives `name` the settings, privileges, limit of connections and comment of `live`; its own are gone. A setting of the fence (`fenced`) stays behind. */
export async function likeTheLive(maintenance: Database, live: string, name: string, fenced: string): Promise<void> {
  const { quote } = maintenance;
  const statements = [
    `ALTER DATABASE ${quote(name)} RESET ALL`,
    ...(await settings(maintenance, live, name, fenced)),
    `REVOKE ALL ON DATABASE ${quote(name)} FROM PUBLIC`,
    ...(await privileges(maintenance, live, name)),
  ];
  const [row] = await maintenance.query(
    "SELECT datconnlimit AS most, shobj_description(oid, 'pg_database') AS text FROM pg_database WHERE datname = $1",
    [live],
  );
  // Only now: while it is filled, more than the application's connections may be needed.
  statements.push(`ALTER DATABASE ${quote(name)} CONNECTION LIMIT ${Number(row!.most)}`);
  if (row!.text !== null) statements.push(`COMMENT ON DATABASE ${quote(name)} IS ${literal(String(row!.text))}`);
  const session = await maintenance.session();
  await session.execute(statements, { transaction: true }).finally(() => session.close());
}

/** Those of the database, and those of roles in it. Lists keep their own quoting only by way of the session's value. */
async function settings({ query, quote }: Database, live: string, name: string, fenced: string): Promise<string[]> {
  const rows = await query(
    `SELECT r.rolname AS role, split_part(c, '=', 1) AS key, substr(c, strpos(c, '=') + 1) AS value
     FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) AS c WHERE d.datname = $1`,
    [live],
  );
  return rows.flatMap(({ role, key, value }) => {
    if (role === null && key === 'default_transaction_read_only' && value === fenced) return [];
    const parameter = String(key).split('.').map(quote).join('.');
    const whose =
      role === null ? `ALTER DATABASE ${quote(name)}` : `ALTER ROLE ${quote(String(role))} IN DATABASE ${quote(name)}`;
    if (!LISTS.includes(String(key))) return [`${whose} SET ${parameter} TO ${literal(String(value))}`];
    return [
      `SELECT set_config(${literal(String(key))}, ${literal(String(value))}, true)`,
      `${whose} SET ${parameter} FROM CURRENT`,
    ];
  });
}

/** The parameters whose values are lists of quoted names (GUC_LIST_QUOTE in the server's source). */
const LISTS = [
  'search_path',
  'temp_tablespaces',
  'local_preload_libraries',
  'session_preload_libraries',
  'shared_preload_libraries',
  'unix_socket_directories',
];

async function privileges({ query, quote }: Database, live: string, name: string): Promise<string[]> {
  const rows = await query(
    `SELECT r.rolname AS role, a.privilege_type AS privilege, a.is_grantable AS grantable
     FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a LEFT JOIN pg_roles r ON r.oid = a.grantee
     WHERE d.datname = $1 AND (a.grantee = 0 OR r.oid IS NOT NULL)`,
    [live],
  );
  return rows.map(({ role, privilege, grantable }) => {
    const to = role === null ? 'PUBLIC' : quote(String(role));
    return `GRANT ${privilege} ON DATABASE ${quote(name)} TO ${to}${grantable ? ' WITH GRANT OPTION' : ''}`;
  });
}

/** A string as it may stand in PostgreSQL's SQL, whatever its settings: an escape string where it holds a backslash. */
function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}
