/** SQLite, by the library that is part of Node. A file is its own server; its copies are files too. */
import { constants, createReadStream, createWriteStream } from 'node:fs';
import { access, mkdtemp, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { backup, DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { Failure } from '../../outcome/outcome.ts';
import { type CatalogueEntry, fingerprintOf } from '../canonical.ts';
import { databaseError, type Explained, runStatements } from '../execute.ts';
import type { ThrowawayOptions } from '../open.ts';
import type {
  Contents,
  Database,
  DumpFacts,
  Executed,
  Fingerprint,
  Mutex,
  Observer,
  Parameter,
  Row,
  Session,
  Throwaway,
  Traits,
} from '../types.ts';
import { readContents } from './contents.ts';
import { observeSqlite } from './observer.ts';

// Foreign keys are off, as they are for every other client unless it asks: tools expect it.
const SETTINGS = { timeout: 5000, enableForeignKeyConstraints: false };
// All pages in one step: smaller steps begin again whenever another process writes, and may never end.
const ALL_PAGES = 2 ** 31 - 1;
const NEVER = new AbortController().signal;

/** Opens a file that exists. Throws `database-unreachable` and `database-denied`. */
export async function openSqlite(name: string, path: string, scratch: string): Promise<Database> {
  const denied = await access(path, constants.R_OK | constants.W_OK).then(
    () => null,
    (error: NodeJS.ErrnoException) => error,
  );
  if (denied) throw unreachable(path, denied.code === 'EACCES', denied.message);
  const database = new SqliteDatabase(name, path, scratch, open(path));
  try {
    await database.query('SELECT count(*) FROM sqlite_schema');
  } catch (error) {
    await database.close();
    throw unreachable(path, false, (error as Failure).why ?? (error as Error).message);
  }
  return database;
}

class SqliteSession implements Session {
  readonly path: string;
  readonly db: DatabaseSync;

  constructor(path: string, db: DatabaseSync) {
    this.path = path;
    this.db = db;
  }

  async query(sql: string, parameters: Parameter[] = []): Promise<Row[]> {
    try {
      return this.db.prepare(sql).all(...(parameters as SQLInputValue[])) as Row[];
    } catch (error) {
      throw databaseError({ where: `sqlite:${this.path}`, explain, signal: NEVER }, error, {});
    }
  }

  execute(statements: string[], options: { transaction?: boolean } = {}): Promise<Executed> {
    const runner = {
      where: `sqlite:${this.path}`,
      one: async (sql: string) => this.db.exec(sql),
      explain,
      signal: NEVER,
    };
    return runStatements(runner, statements, options.transaction ?? false);
  }

  async lockTimeout(ms: number): Promise<void> {
    this.db.exec(`PRAGMA busy_timeout = ${Math.ceil(ms)}`);
  }

  /**
   * SQLite has no advisory locks. A lock on an empty file beside the database serves: the kernel ends it with its
   * process. The file stays, since removing it could let two processes lock two files of the same name.
   */
  async mutex(name: string): Promise<Mutex> {
    const file = join(dirname(this.path), `.${basename(this.path)}.${encodeURIComponent(name)}.lock`);
    const lock = open(file);
    try {
      lock.exec('PRAGMA busy_timeout = 0');
      lock.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      lock.close();
      throw new Failure({
        code: 'database-busy',
        what: `another process holds ${name}`,
        where: `sqlite:${this.path}`,
        why: (error as Error).message,
        untouched: 'nothing was changed',
        next: `wait until it has ended (fuser ${basename(file)} names it); the lock ends with its process`,
      });
    }
    return { release: async () => void (lock.isOpen && lock.close()) };
  }

  async close(): Promise<void> {
    if (this.db.isOpen) this.db.close();
  }
}

class SqliteDatabase implements Database {
  readonly engine = 'sqlite';
  readonly name: string;
  readonly where: string;
  readonly #path: string;
  readonly #scratch: string;
  readonly #main: SqliteSession;
  readonly #alone: boolean;

  /** `alone`: nobody else uses the file. */
  constructor(name: string, path: string, scratch: string, db: DatabaseSync, alone = false) {
    this.name = name;
    this.where = `sqlite:${path}`;
    this.#path = path;
    this.#scratch = scratch;
    this.#alone = alone;
    this.#main = new SqliteSession(path, db);
  }

  observer = (session: Session): Observer => observeSqlite(session);
  lag = async (): Promise<number | null> => null;
  url = (): string => `sqlite:${this.#path}`;
  placeholder = (): string => '?';
  quote = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`;
  query = (sql: string, parameters?: Parameter[]): Promise<Row[]> => this.#main.query(sql, parameters);
  execute = (statements: string[], options?: { transaction?: boolean }): Promise<Executed> =>
    this.#main.execute(statements, options);
  session = async (): Promise<Session> => new SqliteSession(this.#path, open(this.#path));
  checkTools = async (): Promise<string> => `SQLite ${await this.version()}`;
  close = (): Promise<void> => this.#main.close();

  async version(): Promise<string> {
    return String((await this.query('SELECT sqlite_version() AS version'))[0]?.version);
  }

  async traits(): Promise<Traits> {
    return {
      engine: 'sqlite',
      version: await this.version(),
      name: basename(this.#path),
      encoding: null,
      collation: null,
      ctype: null,
      provider: null,
      icu: null,
      roles: [],
      owners: [],
      extensions: [],
    };
  }

  /** What SQLite keeps of each object is the text that made it; `sqlite_…` objects are its own. */
  async fingerprint(): Promise<Fingerprint> {
    const rows = await this.query(
      "SELECT type AS kind, name, tbl_name || ': ' || coalesce(sql, '') AS body FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    );
    return fingerprintOf(rows as unknown as CatalogueEntry[]);
  }

  async size(): Promise<number> {
    const wal = await stat(`${this.#path}-wal`).catch(() => null);
    return (await stat(this.#path)).size + (wal?.size ?? 0);
  }

  /** An online backup into a file of our own, which is then sent and read; the original is held only for the copying. */
  async dump(to: Writable, signal: AbortSignal): Promise<DumpFacts> {
    try {
      const began = performance.now();
      return await this.#copied(signal, async (copy) => {
        const held = Math.round(performance.now() - began);
        const bytes = (await stat(copy)).size;
        await pipeline(createReadStream(copy, { highWaterMark: 262_144 }), to, { end: false, signal });
        to.end();
        await finished(to);
        // Read only now: opening the copy may change its file.
        const tool = await this.checkTools();
        return { contents: await contentsOf(copy, signal), position: null, bytes, held, tool };
      });
    } catch (error) {
      to.destroy(error as Error);
      throw error;
    }
  }

  /** Read from a copy where someone else may want to write: without a WAL, a reader keeps every writer out. */
  contents(signal: AbortSignal): Promise<Contents> {
    if (this.#alone) return contentsOf(this.#path, signal);
    return this.#copied(signal, (copy) => contentsOf(copy, signal));
  }

  async #copied<T>(signal: AbortSignal, use: (copy: string) => Promise<T>): Promise<T> {
    const directory = await mkdtemp(join(this.#scratch, 'sqlite-'));
    try {
      const copy = join(directory, 'copy.db');
      await backup(this.#main.db, copy, { rate: ALL_PAGES });
      return await use(copy);
    } catch (error) {
      throw error instanceof Failure ? error : copyFailure(this.where, error, signal);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
}

/** A file of our own, in a directory of mode 0700. */
export async function throwawaySqlite({ scratch, like }: ThrowawayOptions): Promise<Throwaway> {
  const directory = await mkdtemp(join(scratch, 'throwaway-'));
  const path = join(directory, like.name);
  const db = new DatabaseSync(path, { ...SETTINGS, open: false });
  const database = new SqliteDatabase('throwaway', path, scratch, db, true);
  return {
    database,
    unlike: [],
    lacks: [],
    restore: async (from, signal) => {
      await pipeline(from, createWriteStream(path, { mode: 0o600 }), { signal });
      try {
        db.open();
        const [row] = db.prepare('PRAGMA quick_check(1)').all();
        if (row?.quick_check !== 'ok') throw new Error(String(row?.quick_check));
      } catch (error) {
        throw copyFailure('the restored copy', error, signal);
      }
    },
    // The bytes of the file are the original's, with its statistics and settings.
    harden: async () => {},
    close: async () => {
      await database.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function open(path: string): DatabaseSync {
  return new DatabaseSync(path, SETTINGS);
}

/** What the file holds, read by a connection of its own. */
async function contentsOf(path: string, signal: AbortSignal): Promise<Contents> {
  const db = open(path);
  try {
    return await readContents(db, signal);
  } catch (error) {
    throw copyFailure(`sqlite:${path}`, error, signal);
  } finally {
    db.close();
  }
}

function explain(error: unknown): Explained {
  const { message, errcode } = error as { message: string; errcode?: number };
  return { message, native: errcode === undefined ? '' : String(errcode), lockTimeout: (errcode ?? 0) % 256 === 5 };
}

function unreachable(path: string, denied: boolean, why: string): Failure {
  return new Failure({
    code: denied ? 'database-denied' : 'database-unreachable',
    what: denied ? 'the database may not be opened by this user' : 'this is not a database that can be opened',
    where: `sqlite:${path}`,
    why,
    untouched: 'nothing was created',
    next: 'check the path in the URL and the permissions of the file and its directory',
  });
}

function copyFailure(where: string, error: unknown, signal: AbortSignal): Failure {
  const full = (error as NodeJS.ErrnoException).code === 'ENOSPC' || (error as { errcode?: number }).errcode === 13;
  return new Failure({
    code: signal.aborted ? 'cancelled' : full ? 'disk-full' : 'backup-failed',
    what: signal.aborted ? 'the copying was ended because the run was cancelled' : 'the copy cannot be used',
    where,
    why: (error as Error).message,
    untouched: 'the original was only read',
    next: full ? 'make room on the disk' : 'run it again',
    cause: error,
  });
}
