/** Tries migrations on a copy first: what fails there never reaches production. */

import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type Database, type Fingerprint, type Throwaway, throwaway } from '../database/database.ts';
import type { Log } from '../log/log.ts';
import { Failure } from '../outcome/outcome.ts';
import { type Applied, applyMigrations } from './apply.ts';
import { dialectOf, type Migration } from './script.ts';

/** What a rehearsal found out. */
export interface Rehearsal {
  /** The schema of the copy before: production is migrated only where its own is the same. */
  before: Fingerprint;
  /** The schema of the copy afterwards, which production's must become. */
  after: Fingerprint;
  applied: Applied[];
  /** In what the copy's server is not like production's, for people. */
  unlike: string[];
}

/** Throws `disk-full` where a dump and a copy of the database would not fit below `scratch`. Changes nothing. */
export async function checkRoom(database: Database, scratch: string): Promise<void> {
  const [needed, disk] = await Promise.all([database.size().then((size) => size * 2), statfs(scratch)]);
  const free = disk.bavail * disk.bsize;
  if (free >= needed) return;
  throw new Failure({
    code: 'disk-full',
    what: `a copy to rehearse on needs about ${megabytes(needed)} and ${megabytes(free)} are free`,
    where: scratch,
    untouched: 'the database was only read',
    next: 'free some room, or let the temporary files lie on a larger disk (TMPDIR)',
  });
}

/**
 * Dumps the database and restores it into a throwaway server of our own. First all of the dump, then the restore: so
 * the database's snapshot is held no longer than the dump needs. The caller closes the copy.
 */
export async function copyOf(database: Database, scratch: string, signal: AbortSignal): Promise<Throwaway> {
  await checkRoom(database, scratch);
  const path = join(scratch, `rehearsal-${randomUUID()}.dump`);
  try {
    await database.dump(createWriteStream(path, { mode: 0o600 }), signal);
    const copy = await throwaway({ scratch, like: await database.traits(), signal });
    try {
      await copy.restore(createReadStream(path), signal);
      return copy;
    } catch (error) {
      await copy.close();
      throw error;
    }
  } finally {
    await rm(path, { force: true });
  }
}

/**
 * Applies what is pending to a restored copy with the same code that will apply it to production, after the
 * statistics of the copy were made, as without them plans differ. `live` is only read. Throws `rehearsal-failed`; the caller closes the copy.
 */
export async function rehearse(
  copy: Throwaway,
  live: Database,
  migrations: Migration[],
  options: { change: string; log: Log; signal: AbortSignal },
): Promise<Rehearsal> {
  const { database, unlike } = copy;
  const before = await database.fingerprint();
  if (database.engine === 'postgres') await createRoles(database, live);
  await analyze(database);
  const session = await database.session();
  try {
    // nobody else holds a lock on a copy
    const applied = await applyMigrations(session, migrations, {
      ...options,
      engine: database.engine,
      lockTimeout: 10_000,
    });
    return { before, after: await database.fingerprint(), applied, unlike };
  } catch (error) {
    throw rehearsalFailed(error);
  } finally {
    await session.close();
  }
}

/** A migration may grant something to a role of production's; here the role needs to exist and nothing more. */
async function createRoles(copy: Database, live: Database): Promise<void> {
  const ordinary = "SELECT rolname AS name FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%'";
  const there = new Set((await copy.query(ordinary)).map(({ name }) => name));
  const missing = (await live.query(ordinary)).filter(({ name }) => !there.has(name));
  await copy.execute(missing.map(({ name }) => `CREATE ROLE ${copy.quote(String(name))} NOLOGIN`));
}

async function analyze(database: Database): Promise<void> {
  if (dialectOf(database.engine) !== 'mysql') return void (await database.execute(['ANALYZE']));
  const tables = await database.query(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
  );
  if (tables.length === 0) return;
  await database.query(`ANALYZE TABLE ${tables.map(({ name }) => database.quote(String(name))).join(', ')}`);
}

/** A migration that failed on the copy, whatever state it left there, has touched nothing that matters. */
function rehearsalFailed(error: unknown): unknown {
  if (!(error instanceof Failure) || (error.code !== 'migration-failed' && error.code !== 'migration-half-applied'))
    return error;
  return new Failure({
    code: 'rehearsal-failed',
    what: error.what,
    where: error.where,
    why: error.why,
    untouched: 'it failed on a copy; the live database is untouched',
    next: 'correct the migration and deliver again',
    facts: error.facts,
    cause: error,
  });
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
