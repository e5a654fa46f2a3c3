/** A throwaway on a server of the user's: an empty database there, which goes again. */
import { randomBytes } from 'node:crypto';
import { Failure } from '../../outcome/outcome.ts';
import { parseAddress, type ServerAddress } from '../address.ts';
import type { ThrowawayOptions } from '../open.ts';
import { compareVersions } from '../programs.ts';
import type { Database, Throwaway, Traits } from '../types.ts';
import * as mysql from './mysql.ts';
import * as postgres from './postgres.ts';
import { createLike, createRoles, requireExtensions } from './postgres-like.ts';
import type { ServerEngine } from './survey.ts';

const PREFIX = 'changeline_verify_';
const DAY = 86_400_000;

/** The name of a database that is made at `now` (milliseconds since 1970): changeline_verify_20261121t163301_1a2b3c4d5e6f. */
export function verifyName(now: number, random: string): string {
  return `${PREFIX}${new Date(now)
    .toISOString()
    .replace(/[-:]|\..*/g, '')
    .toLowerCase()}_${random}`;
}

/** Whether a database is one of ours whose run must be dead: older than a day. */
export function isLeftover(name: string, now: number): boolean {
  const found = /^changeline_verify_(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)_[0-9a-f]{12}$/.exec(name);
  if (!found) return false;
  const [year, month, day, hour, minute, second] = found.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return now - Date.UTC(year, month - 1, day, hour, minute, second) > DAY;
}

/** Whether what SHOW GRANTS answers lets this login create such a database; a role may hold more than is shown, so it counts as yes. */
export function mayCreate(grants: string[]): boolean {
  return grants.some((grant) => {
    const found = /^GRANT (.*?) ON (\S+) TO /i.exec(grant);
    if (!found) return /^GRANT [^ ]+ TO /i.test(grant);
    const all = /^(?:ALL PRIVILEGES|.*\bCREATE\b(?! (?:USER|ROLE|VIEW|ROUTINE|TEMPORARY|TABLESPACE)))/i.test(found[1]!);
    return all && (found[2] === '*.*' || /^`changeline\\?_verify\\?_%`\.\*$/.test(found[2]!));
  });
}

interface Admin {
  address: ServerAddress;
  database: Database;
}

/**
 * Connects with the login of the URL, and looks whether a copy of such a database can be made there. Throws
 * `config-invalid` where the server is of another kind or older, `database-denied` where the login may not create
 * databases, and what connecting throws. Changes nothing; the caller closes it.
 */
export async function openAdmin(
  url: string,
  like: Pick<Traits, 'engine' | 'version'>,
  scratch: string,
  signal: AbortSignal,
): Promise<Admin> {
  const address = parseAddress(url, 'backup.verify', scratch);
  if (address.engine === 'sqlite') throw unfit(address.where, 'the URL is one of a file');
  const access = { address, tunnel: null, version: like.version, engine: 'mysql', scratch } as const;
  const database = await (address.engine === 'postgres' ? postgres : mysql).openAt(access, signal);
  try {
    const version = await database.version();
    if (database.engine !== like.engine)
      throw unfit(address.where, `the server is ${database.engine}, the original ${like.engine}`);
    if (compareVersions(version, like.version, 1) < 0)
      throw unfit(address.where, `the server has version ${version}, older than the original's ${like.version}`);
    if (!(await createsDatabases(database))) throw denied(address.where);
    const near = await reachesOthers(database);
    if (near !== null) throw tooNear(address.where, near);
    return { address, database };
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function createsDatabases(admin: Database): Promise<boolean> {
  if (admin.engine !== 'postgres')
    return mayCreate((await admin.query('SHOW GRANTS')).map((row) => String(Object.values(row)[0])));
  const [row] = await admin.query('SELECT rolcreatedb OR rolsuper AS may FROM pg_roles WHERE rolname = current_user');
  return row?.may === true;
}

/**
 * How what runs in the copy could touch other databases of that server, in words; null where it cannot. PostgreSQL's
 * databases are apart. In MySQL and MariaDB views, triggers, events and migrations may name any database, so the login
 * must not see another one, and events, which run as they please, must not run at all.
 */
async function reachesOthers(admin: Database): Promise<string | null> {
  if (admin.engine === 'postgres') return null;
  const seen = await admin.query('SELECT schema_name AS name FROM information_schema.schemata');
  const others = seen
    .map(({ name }) => String(name))
    .filter((name) => !OWN_SCHEMAS.has(name) && !name.startsWith(PREFIX));
  if (others.length > 0) return `the login can reach ${others.slice(0, 5).join(', ')}`;
  const [row] = await admin.query('SELECT @@GLOBAL.event_scheduler AS events');
  return row?.events === 'ON' ? 'its event scheduler is on' : null;
}

const OWN_SCHEMAS = new Set(['information_schema', 'mysql', 'performance_schema', 'sys']);

/** Makes the database, filled by `restore`. Throws as `openAdmin` does, `backup-failed` where extensions are absent. */
export async function throwawayOnUrl(options: ThrowawayOptions & { url: string }): Promise<Throwaway> {
  const { like, scratch, signal, url } = options;
  const { address, database: admin } = await openAdmin(url, like, scratch, signal);
  const name = verifyName(Date.now(), randomBytes(6).toString('hex'));
  const engine = like.engine as ServerEngine;
  let roles: string[] = [];
  // Not through the connection of the run: a cancelled one is closed, and the database has to go all the same.
  const clear = async () => {
    await admin.close();
    const last = await openAdmin(url, like, scratch, new AbortController().signal);
    await dropDatabase(last.database, name, roles).finally(() => last.database.close());
  };
  try {
    await dropLeftovers(admin);
    let lacks: string[];
    if (engine === 'postgres') {
      await requireExtensions(admin, like.extensions);
      roles = await createRoles(admin, like.roles);
      lacks = await createLike(admin, name, like);
    } else lacks = await mysql.createLike(admin, name, like);
    const at = { ...address, database: name, where: `${address.where} (database ${name})` };
    const copy = await copyAt(at, await admin.version(), options);
    return { ...copy, lacks, close: () => copy.database.close().finally(clear) };
  } catch (error) {
    await clear().catch(() => {});
    throw error;
  }
}

type Copy = Omit<Throwaway, 'lacks' | 'close'>;

async function copyAt(
  address: ServerAddress,
  version: string,
  { like, scratch, signal }: ThrowawayOptions,
): Promise<Copy> {
  const theirs = 'its server is one of yours, with the settings that it has';
  if (address.engine === 'postgres') {
    const access = { address, tunnel: null, version };
    const database = await postgres.openAt(access, signal);
    return {
      database,
      unlike: [...postgres.differentVersion(version, like.version), theirs],
      restore: (from, stop) => postgres.restoreDump(from, access, [], stop),
      harden: async () => void (await database.execute(['ANALYZE'])),
    };
  }
  const access = { address, tunnel: null, version, engine: like.engine as 'mysql' | 'mariadb', scratch };
  const database = await mysql.openAt(access, signal);
  return {
    database,
    unlike: [...mysql.differentVersion(version, like.version), theirs],
    restore: (from, stop) => mysql.restoreDump(from, access, stop),
    harden: () => mysql.analyze(database),
  };
}

/** What runs that were killed left more than a day ago. */
async function dropLeftovers(admin: Database): Promise<void> {
  const names = await admin.query(
    admin.engine === 'postgres'
      ? 'SELECT datname AS name FROM pg_database WHERE datdba = (SELECT oid FROM pg_roles WHERE rolname = current_user)'
      : 'SELECT schema_name AS name FROM information_schema.schemata',
  );
  for (const { name } of names) if (isLeftover(String(name), Date.now())) await dropDatabase(admin, String(name), []);
}

async function dropDatabase(admin: Database, name: string, roles: string[]): Promise<void> {
  if (admin.engine === 'postgres') {
    // Sessions of a restore that was just ended may still be there; FORCE is known since version 13.
    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
    const force = Number.parseInt(await admin.version(), 10) >= 13 ? ' WITH (FORCE)' : '';
    await admin.execute([`DROP DATABASE IF EXISTS ${admin.quote(name)}${force}`]);
    // One that another run has come to need meanwhile stays: it cannot log in.
    for (const role of roles) await admin.execute([`DROP ROLE IF EXISTS ${admin.quote(role)}`]).catch(() => {});
  } else await admin.execute([`DROP DATABASE IF EXISTS ${admin.quote(name)}`]);
}

function unfit(where: string, why: string): Failure {
  return new Failure({
    code: 'config-invalid',
    what: 'a backup cannot be proven on the server of backup.verify.url',
    where,
    why,
    untouched: 'nothing was changed there',
    next: 'name a server of the same kind and at least the same major version',
  });
}

function tooNear(where: string, why: string): Failure {
  return new Failure({
    code: 'config-invalid',
    what: 'what runs in a copy could touch other databases on the server of backup.verify.url',
    where,
    why,
    untouched: 'nothing was changed there',
    next: 'name a login that is granted nothing but ALL ON `changeline\\_verify\\_%`.*, and SET GLOBAL event_scheduler = OFF there',
  });
}

function denied(where: string): Failure {
  return new Failure({
    code: 'database-denied',
    what: 'the login of backup.verify.url may not create databases',
    where,
    untouched: 'nothing was changed there',
    next: 'PostgreSQL: ALTER ROLE … CREATEDB; MySQL and MariaDB: GRANT ALL ON `changeline\\_verify\\_%`.* TO …',
  });
}
