/** Opens the adapter that a URL asks for; each engine's client is loaded only when it is needed. */
import { tmpdir } from 'node:os';
import type { DatabaseSection } from '../config/config.ts';
import { Failure } from '../outcome/outcome.ts';
import { parseAddress, type ServerAddress } from './address.ts';
import type { Database, Engine, OpenOptions, Replacement, Throwaway, ThrowawayPlace, Traits } from './types.ts';

/**
 * Connects to a database of the environment. Throws `config-invalid` for a URL that is not one,
 * `database-unreachable` and `database-denied` for a server that is away or refuses the login.
 */
export async function openDatabase(section: DatabaseSection, options: OpenOptions): Promise<Database> {
  const address = parseAddress(section.url, section.name, options.workspace);
  if (address.engine === 'sqlite')
    return (await import('./sqlite/sqlite.ts')).openSqlite(section.name, address.path, options.scratch);
  if (address.engine === 'postgres')
    return (await import('./postgres/postgres.ts')).openPostgres(section.name, address, options);
  return (await import('./mysql/mysql.ts')).openMysql(section.name, address, options);
}

/** What a throwaway is made like, and where. */
export interface ThrowawayOptions {
  /** For files with a password, and for the data where `at` names no folder: below it where the server's user may enter it, else below the system's folder for temporary files. */
  scratch: string;
  like: Traits;
  /** Where its server runs. */
  at: ThrowawayPlace;
  signal: AbortSignal;
}

/**
 * A place to restore a copy into: a server of our own like the original (same major version or the next newer one), in a
 * directory of mode 0700, on a loopback port with a random password, with nothing durable until `harden`; or an empty
 * database on the server of `at.url`. Where this process dies, however it does, the server ends and its data are wiped.
 * SQLite's is a file here, whatever `at` says. Throws `tool-missing`, `backup-failed`, `disk-full`, `database-denied`,
 * `config-invalid` where none can be had, `cancelled`.
 */
export async function throwaway(options: ThrowawayOptions): Promise<Throwaway> {
  const { at, scratch } = options;
  const { engine } = options.like;
  if (engine === 'sqlite') {
    const folder = at.kind === 'runner' ? (at.scratch ?? scratch) : scratch;
    return (await import('./sqlite/sqlite.ts')).throwawaySqlite({ ...options, scratch: folder });
  }
  if (at.kind === 'url') return (await import('./throwaway/on-url.ts')).throwawayOnUrl({ ...options, url: at.url });
  if (engine === 'postgres') return (await import('./throwaway/postgres.ts')).throwawayPostgres(options);
  return (await import('./throwaway/mysql.ts')).throwawayMysql(options);
}

/**
 * Looks whether `throwaway` could have a server there at all. Throws `tool-missing` where there is none of a fitting version, and
 * for `at.url` what connecting throws, `config-invalid`, `database-denied`. Changes nothing, but may pull an image.
 */
export async function checkThrowaway(engine: Engine, version: string, at: ThrowawayPlace): Promise<void> {
  if (engine === 'sqlite') return;
  const scratch = tmpdir();
  if (at.kind === 'url') {
    const signal = new AbortController().signal;
    const { openAdmin } = await import('./throwaway/on-url.ts');
    return (await openAdmin(at.url, { engine, version }, scratch, signal)).database.close();
  }
  await (await import('./throwaway/server.ts')).fittingServer({ at, engine, version, scratch });
}

/** Free bytes where a throwaway's data would lie, on that machine; null where that cannot be told, as on a server of the user's. */
export async function throwawayRoom(at: ThrowawayPlace): Promise<number | null> {
  return at.kind === 'url' ? null : (await import('./throwaway/server.ts')).roomAt(at);
}

/** What replacing a live database needs beside its section. */
export interface ReplacementOptions extends OpenOptions {
  /** The URL of a login on the same server that may create and rename databases; the database's own where it is null. */
  admin: string | null;
}

/**
 * Prepares to replace a database of the environment by one that is built beside it. Changes nothing. Throws as
 * `openDatabase` does, and `data-irreversible` where the database cannot be replaced as it stands.
 */
export async function replacement(section: DatabaseSection, options: ReplacementOptions): Promise<Replacement> {
  const live = parseAddress(section.url, section.name, options.workspace);
  if (live.engine === 'sqlite')
    return (await import('./replacement/sqlite.ts')).replaceSqlite(section.name, live.path, options);
  const admin = adminOf(section, live.engine, options);
  if (live.engine === 'postgres')
    return (await import('./replacement/postgres.ts')).replacePostgres(section.name, live, admin, options);
  return (await import('./replacement/mysql.ts')).replaceMysql(section.name, live, admin, options);
}

/**
 * Lets writes in again where a run that was killed left its fence: only that of PostgreSQL outlives its run. True where
 * there was one. Throws as `replacement` does, and `database-denied` or `database-error` where the login may not.
 */
export async function liftFence(section: DatabaseSection, options: ReplacementOptions): Promise<boolean> {
  const live = parseAddress(section.url, section.name, options.workspace);
  if (live.engine !== 'postgres') return false;
  const { liftPostgresFence } = await import('./replacement/postgres.ts');
  return liftPostgresFence(section.name, live, adminOf(section, live.engine, options), options);
}

/** True where a restore that was killed has left the database read-only. */
export async function isFenced(database: Database): Promise<boolean> {
  if (database.engine !== 'postgres') return false;
  const { FENCED, readOnlySetting } = await import('./replacement/postgres-fence.ts');
  const [row] = await database.query('SELECT current_database() AS name');
  return (await readOnlySetting(database, String(row!.name))) === FENCED;
}

/** The login that replaces; null where it is the database's own. Throws `config-invalid` where it is of another engine. */
function adminOf(
  section: DatabaseSection,
  engine: ServerAddress['engine'],
  options: ReplacementOptions,
): ServerAddress | null {
  if (options.admin === null) return null;
  const admin = parseAddress(options.admin, `${section.name}, rollback.admin`, options.workspace);
  if (admin.engine === engine) return admin as ServerAddress;
  throw new Failure({
    code: 'config-invalid',
    what: 'rollback.admin is the URL of another kind of database',
    where: `database ${section.name}`,
    untouched: 'nothing was connected to',
    next: 'name a login on the server of the database itself; where there are several servers, one by the name of each database',
  });
}
