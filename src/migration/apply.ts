/** Applies migrations: one after the other, under one mutex in the database, each in a transaction where there is one. */
import type { Engine, Session } from '../database/database.ts';
import type { Failure } from '../outcome/outcome.ts';
import { cancelled } from './failing.ts';
import { halfApplied, type Pending, pendingMigrations } from './pending.ts';
import { Records } from './records.ts';
import { type Applied, atomically, type Job, type RunningOptions, stepByStep, underMutex } from './running.ts';
import { isAtomic, type Migration, type Tool } from './script.ts';

export type { Applied };

export interface ApplyOptions extends RunningOptions {
  /** The id of the change, for the journal. */
  change: string;
  /** Called under the mutex with what is pending, before anything is changed; may throw to refuse. */
  before?: ((pending: Pending) => Promise<void>) | undefined;
  /** Those for which it is false are left out, as if they were not pending. */
  only?: ((migration: Migration) => boolean) | undefined;
}

/** Whose record the migrations are in. An empty folder has none to differ about. */
function toolOf(migrations: Migration[]): Tool {
  return migrations[0]?.tool ?? 'dbmate';
}

function recordsOf(session: Pick<Session, 'query' | 'execute'>, engine: Engine, migrations: Migration[]) {
  return Records.open(session, engine, toolOf(migrations), migrations[0]?.ef?.history ?? null);
}

/** What is pending in a database. Changes nothing. Throws as `pendingMigrations` does. */
export async function findPending(
  session: Pick<Session, 'query' | 'execute'>,
  engine: Engine,
  migrations: Migration[],
): Promise<Pending> {
  const records = await recordsOf(session, engine, migrations);
  return pendingMigrations(migrations, await records.read(), toolOf(migrations));
}

/**
 * Applies what is pending of `migrations`, oldest first, and returns what was applied. The pending ones are found
 * again under the mutex, so that two runs never apply one twice. Throws `database-busy` where another run holds it,
 * `migration-failed` where the failed one left nothing behind (earlier ones stay), `migration-half-applied` where it
 * did, `cancelled` between two migrations.
 */
export async function applyMigrations(
  session: Session,
  migrations: Migration[],
  options: ApplyOptions,
): Promise<Applied[]> {
  return underMutex(session, options, async (begin) => {
    const records = await recordsOf(session, options.engine, migrations);
    const found = pendingMigrations(migrations, await records.read(), toolOf(migrations));
    const pending = options.only ? found.pending.filter(options.only) : found.pending;
    await options.before?.({ ...found, pending });
    const run = await begin();
    const done: Applied[] = [];
    const tables = { ready: await records.exist() };
    for (const [index, migration] of pending.entries()) {
      if (options.signal.aborted) throw cancelled(migration, done.length);
      const next = pending[index + 1];
      const chains = next !== undefined && isAtomic(next, options.engine);
      const job = { ...jobOf(migration, records, tables, options.change), chains };
      const applied = await (isAtomic(migration, options.engine) ? atomically(run, job) : stepByStep(run, job));
      tables.ready = true;
      done.push(applied);
      options.log.detail(
        `${migration.file}: ${migration.statements.length} statements in ${Math.round(applied.took)} ms`,
      );
    }
    return done;
  });
}

function jobOf(
  migration: Migration,
  records: Records,
  tables: { ready: boolean },
  change: string,
): Omit<Job, 'chains'> {
  const { version, name, file, statements } = migration;
  return {
    ...{ version, name, file, statements },
    called: `migration ${version}`,
    prepare: async () => (tables.ready ? undefined : records.create()),
    begins: () => records.begin(migration, change),
    statementBegins: (number) => records.statementBegins(migration, number),
    ends: (took, commit) => records.applied(migration, change, took, commit),
    half: (number, left, why) => half(migration, records, number, left, why),
  };
}

/** What a failed statement means: nothing done is a plain failure; anything done is a half, known to the statement. */
async function half(
  migration: Migration,
  records: Records,
  number: number,
  left: boolean,
  why: string,
): Promise<Failure | null> {
  const { file, tool, version, name, checksum, statements } = migration;
  const where = `${file}:${statements[number - 1]?.line ?? 1}`;
  try {
    const journal = await (left ? records.journalOf(migration) : records.statementFailed(migration));
    if (journal && journal.done === 0 && journal.begun === 0) {
      await records.forget(migration);
      return null;
    }
    if (journal) return halfApplied(journal, tool, why, where);
  } catch {
    // the connection is gone: the journal says what was begun, and that is all that is known
  }
  const all = statements.length;
  const known = {
    version,
    name,
    checksum,
    statements: all,
    done: number - 1,
    begun: number,
    applied: null,
    back: null,
  };
  return halfApplied(known, tool, why, where);
}
