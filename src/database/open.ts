/** Opens the adapter that a URL asks for; each engine's client is loaded only when it is needed. */
import type { DatabaseSection } from '../config/config.ts';
import { parseAddress } from './address.ts';
import type { Database, Engine, OpenOptions, Throwaway, Traits } from './types.ts';

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
  /** Data lies below it where the server's user may enter it, else below the system's directory for temporary files. */
  scratch: string;
  like: Traits;
  signal: AbortSignal;
}

/**
 * Starts a server of our own, like the original: same major version or the next newer one installed, in a directory
 * of mode 0700, on a unix socket, with durable settings. Throws `tool-missing` where none can be had.
 */
export async function throwaway(options: ThrowawayOptions): Promise<Throwaway> {
  const { engine } = options.like;
  if (engine === 'sqlite') return (await import('./sqlite/sqlite.ts')).throwawaySqlite(options);
  if (engine === 'postgres') return (await import('./throwaway/postgres.ts')).throwawayPostgres(options);
  return (await import('./throwaway/mysql.ts')).throwawayMysql(options);
}

/** Throws `tool-missing` where `throwaway` would find no server of a fitting version. Changes nothing. */
export async function checkThrowaway(engine: Engine, version: string): Promise<void> {
  if (engine === 'postgres') await (await import('./throwaway/postgres.ts')).postgresServer(version);
  if (engine === 'mysql' || engine === 'mariadb') await (await import('./throwaway/mysql.ts')).mysqlServer(engine);
}
