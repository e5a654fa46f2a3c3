/** Replacing what a live SQLite file holds: built beside it, then copied into the very same file, which is never renamed. */
import { constants, createWriteStream } from 'node:fs';
import { access, open as openFile, readdir, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../../outcome/outcome.ts';
import { openSqlite } from '../sqlite/sqlite.ts';
import type { Beside, Database, Fence, OpenOptions, Replacement, Swapped } from '../types.ts';
import { AS_IT_WAS, lacksRights, notRestored } from './failures.ts';

/** How long the fence waits for a writer to end its transaction, in milliseconds. */
const WAIT_MS = 10_000;
// All pages in one step: one transaction of the destination, and no beginning again where another process writes.
const ALL_PAGES = { rate: 2 ** 31 - 1 };

/** See `replacement`. Throws as `openSqlite` does. */
export async function replaceSqlite(name: string, path: string, options: OpenOptions): Promise<Replacement> {
  await (await openSqlite(name, path, options.scratch)).close();
  return new SqliteReplacement(name, path, options);
}

class SqliteReplacement implements Replacement {
  readonly #name: string;
  readonly #path: string;
  readonly #options: OpenOptions;
  #fence: DatabaseSync | null = null;

  constructor(name: string, path: string, options: OpenOptions) {
    this.#name = name;
    this.#path = path;
    this.#options = options;
  }

  async breaks(): Promise<string[]> {
    const names = (await readdir(dirname(this.#path))).filter((name) => name.startsWith(`${basename(this.#path)}.`));
    const left = names.filter((name) => /\.changeline-[A-Za-z0-9]+$/.test(name));
    const kept = names.filter((name) => /\.replaced-[A-Za-z0-9]+$/.test(name));
    return [
      ...left.map((name) => `the file ${name} was left by a run that did not finish: look at it, then remove it`),
      ...kept.map((name) => `the file ${name} is kept from an earlier restore; it takes room until it is removed`),
      'a write that comes in the moment between the fence and the swap is lost: stop the application where that matters',
    ];
  }

  async check(): Promise<void> {
    const folder = dirname(this.#path);
    for (const [path, what] of [
      [folder, 'it may not write into the folder of the database'],
      [this.#path, 'it may not write the file of the database'],
    ] as const)
      await access(path, constants.W_OK).catch(() => {
        throw lacksRights(path, [what]);
      });
    const [{ size }, { bavail, bsize }] = [await stat(this.#path), await statfs(folder)];
    if (bavail * bsize > 2 * size) return;
    throw new Failure({
      code: 'disk-full',
      what: `a restore needs room for two more copies of the database, ${2 * size} bytes, and ${bavail * bsize} are free`,
      where: folder,
      untouched: AS_IT_WAS,
      next: 'make room there',
    });
  }

  /** A write transaction that writes nothing: other writers wait for as long as they have patience, readers go on. */
  async fence(): Promise<Fence> {
    const db = new DatabaseSync(this.#path, { timeout: WAIT_MS });
    try {
      db.exec('BEGIN IMMEDIATE');
    } catch (error) {
      db.close();
      throw new Failure({
        code: 'database-busy',
        what: 'another process does not end its write transaction',
        where: `sqlite:${this.#path}`,
        why: (error as Error).message,
        untouched: AS_IT_WAS,
        next: 'wait until it has ended, then run it again',
      });
    }
    this.#fence = db;
    return { release: async () => this.#unfence() };
  }

  async beside(id: string): Promise<Beside> {
    const [file, kept] = ['changeline', 'replaced'].map(
      (kind) => `${this.#path}.${kind}-${id.replace(/[^A-Za-z0-9]/g, '')}`,
    );
    const { mode } = await stat(this.#path);
    const made = await openFile(file!, 'wx', mode & 0o777).catch((error: NodeJS.ErrnoException) => {
      const next =
        error.code === 'EEXIST'
          ? 'a run that was killed left it: look at it, remove it, then run it again'
          : 'see what the system says';
      throw notRestored(file!, 'the file for the restored database could not be made', error.code, next);
    });
    await made.close();
    const open = () => openSqlite(this.#name, file!, this.#options.scratch);
    return new SqliteBeside(await open(), {
      live: this.#path,
      file: file!,
      kept: kept!,
      open,
      unfence: () => this.#unfence(),
    });
  }

  async close(): Promise<void> {
    this.#unfence();
  }

  #unfence(): void {
    this.#fence?.close();
    this.#fence = null;
  }
}

/** The paths, and what a copy beside needs of its replacement. */
interface Paths {
  live: string;
  file: string;
  kept: string;
  open: () => Promise<Database>;
  unfence: () => void;
}

class SqliteBeside implements Beside {
  database: Database;
  readonly #paths: Paths;

  constructor(database: Database, paths: Paths) {
    this.database = database;
    this.#paths = paths;
  }

  async restore(from: Readable, signal: AbortSignal): Promise<void> {
    const { file, open } = this.#paths;
    await this.database.close();
    try {
      await pipeline(from, createWriteStream(file, { flags: 'r+', flush: true }), { signal });
      this.database = await open();
      const [row] = await this.database.query('PRAGMA quick_check(1)');
      if (row?.quick_check !== 'ok') throw new Error(String(row?.quick_check));
    } catch (error) {
      if (error instanceof Failure && error.code !== 'database-unreachable') throw error;
      throw notRestored(file, 'the restored file cannot be used', (error as Error).message);
    }
  }

  /** The fence ends here: the destination of a backup must not be locked, not even by ourselves. */
  async swap(): Promise<Swapped> {
    const { live, file, kept, unfence } = this.#paths;
    await copied(live, kept, true);
    const began = performance.now();
    unfence();
    await copied(file, live, false).catch(async (error) => {
      await rm(kept, { force: true });
      throw error;
    });
    const away = performance.now() - began;
    await this.discard();
    return { kept: `file ${kept}`, remove: `rm ${basename(kept)}`, away, missing: [] };
  }

  async discard(): Promise<void> {
    await this.database.close();
    for (const ending of ['', '-wal', '-shm', '-journal']) await rm(`${this.#paths.file}${ending}`, { force: true });
  }
}

/** Copies one database into the file of another, in one transaction of its own. */
async function copied(from: string, to: string, anew: boolean): Promise<void> {
  const db = new DatabaseSync(from, { readOnly: true, timeout: WAIT_MS });
  try {
    if (anew) await (await openFile(to, 'wx', (await stat(from)).mode & 0o777)).close();
    await backup(db, to, ALL_PAGES);
  } catch (error) {
    if (anew && (error as NodeJS.ErrnoException).code !== 'EEXIST') await rm(to, { force: true });
    throw notRestored(to, `${basename(from)} could not be copied there`, (error as Error).message);
  } finally {
    db.close();
  }
}
