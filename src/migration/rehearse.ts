/** Tries migrations on a copy first: what fails there never reaches production. */

import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Database,
  type Fingerprint,
  type Throwaway,
  type ThrowawayPlace,
  throwaway,
  throwawayRoom,
} from '../database/database.ts';
import { Failure, failureFrom } from '../outcome/outcome.ts';
import { kindOfChange, sameButRecords } from './drift.ts';
import type { Migrator, Run, RunOptions } from './migrator.ts';

/** What a rehearsal found out. */
export interface Rehearsal extends Run {
  /** The schema of the copy before: production is migrated only where its own is the same. */
  before: Fingerprint;
  /** The schema of the copy afterwards, which production's must become. */
  after: Fingerprint;
  /** Bytes by which the copy grew. */
  grew: number;
  /** Milliseconds that the way down took; null where there is none, and why. */
  down: number | null;
  noDown: string | null;
  /** In what the copy's server is not like production's, for people. */
  unlike: string[];
}

const ON_RUNNER: ThrowawayPlace = { kind: 'runner', scratch: null };

/** Throws `disk-full` where a dump (here) and a copy of the database (at `at`) would not fit. Changes nothing. */
export async function checkRoom(database: Database, scratch: string, at: ThrowawayPlace = ON_RUNNER): Promise<void> {
  const size = await database.size();
  const disk = await statfs(scratch);
  const here = disk.bavail * disk.bsize;
  const there = await throwawayRoom(at);
  const both = at.kind === 'runner' && (at.scratch === null || at.scratch === scratch);
  if (here < (both ? 2 * size : size)) throw tooLittle(both ? 2 * size : size, here, scratch);
  if (there !== null && there < size) throw tooLittle(size, there, 'backup.verify');
}

function tooLittle(needed: number, free: number, where: string): Failure {
  return new Failure({
    code: 'disk-full',
    what: `a copy to rehearse on needs about ${megabytes(needed)} and ${megabytes(free)} are free`,
    where,
    untouched: 'the database was only read',
    next: 'free some room, let the temporary files lie on a larger disk (TMPDIR), or rehearse elsewhere (backup.verify)',
  });
}

/**
 * Dumps the database and restores it into a throwaway server of our own. First all of the dump, then the restore: so
 * the database's snapshot is held no longer than the dump needs. The caller closes the copy.
 */
export async function copyOf(
  database: Database,
  scratch: string,
  signal: AbortSignal,
  at: ThrowawayPlace = ON_RUNNER,
): Promise<Throwaway> {
  await checkRoom(database, scratch, at);
  const path = join(scratch, `rehearsal-${randomUUID()}.dump`);
  try {
    await database.dump(createWriteStream(path, { mode: 0o600 }), signal);
    const copy = await throwaway({ scratch, like: await database.traits(), at, signal });
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
 * Applies what is pending to a restored copy with the same code that will apply it to production, after the copy was
 * made to behave like a server in production; then, where each has one, the way down. `live` is only read. Throws
 * `rehearsal-failed`; the caller closes the copy.
 */
export async function rehearse(
  copy: Throwaway,
  live: Database,
  migrator: Migrator,
  options: Pick<RunOptions, 'change' | 'log' | 'signal' | 'only'>,
): Promise<Rehearsal> {
  const { database, unlike } = copy;
  const before = await database.fingerprint();
  if (database.engine === 'postgres') await createRoles(database, live);
  await copy.harden();
  // nobody else holds a lock on a copy
  const settings = { ...options, lockTimeout: 10_000 };
  const sizeBefore = await database.size();
  const run = await migrator.apply(database, { ...settings, observe: true }).catch((error: unknown) => {
    throw rehearsalFailed(error);
  });
  const after = await database.fingerprint();
  const grew = (await database.size()) - sizeBefore;
  const { down, noDown } = await wayDown(migrator, database, run, before, settings);
  const migrations = run.migrations.map((each) => ({ ...each, kind: each.kind ?? kindOfChange(before, after) }));
  return { before, after, applied: run.applied, migrations, grew, down, noDown, unlike };
}

/** A way down counts only where it leads back to the schema that was there. */
async function wayDown(
  migrator: Migrator,
  copy: Database,
  run: Run,
  before: Fingerprint,
  options: RunOptions,
): Promise<Pick<Rehearsal, 'down' | 'noDown'>> {
  const none = (why: string) => ({ down: null, noDown: why });
  if (run.migrations.length === 0) return none('nothing was applied');
  try {
    const { took, why } = await migrator.down(copy, run, options);
    if (took === null) return none(why);
    const different = sameButRecords(before, await copy.fingerprint());
    return different === null ? { down: took, noDown: null } : none(`it leaves the schema different: ${different}`);
  } catch (error) {
    if (options.signal.aborted) throw error;
    const { where, what, why } = failureFrom(error);
    return none(`it failed on the copy: ${where ? `${where}: ` : ''}${what}${why ? ` (${why})` : ''}`);
  }
}

/** A migration may grant something to a role of production's; here the role needs to exist and nothing more. */
async function createRoles(copy: Database, live: Database): Promise<void> {
  const ordinary = "SELECT rolname AS name FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%'";
  const there = new Set((await copy.query(ordinary)).map(({ name }) => name));
  const missing = (await live.query(ordinary)).filter(({ name }) => !there.has(name));
  await copy.execute(missing.map(({ name }) => `CREATE ROLE ${copy.quote(String(name))} NOLOGIN`));
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
