/** Applies migrations: one after the other, under one mutex in the database, each in a transaction where there is one. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Engine, Session } from '../database/database.ts';
import type { Log } from '../log/log.ts';
import { Failure, failureFrom } from '../outcome/outcome.ts';
import { halfApplied, type Pending, pendingMigrations } from './pending.ts';
import { Records } from './records.ts';
import { isAtomic, type Migration, type Tool } from './script.ts';
import { lockTurns, type Turns } from './turns.ts';

/** What was applied; times in milliseconds. */
export interface Applied {
  version: string;
  name: string;
  file: string;
  took: number;
  statements: { line: number; took: number }[];
  /** How often a lock was not had in a turn and was tried for again. */
  retries: number;
}

export interface ApplyOptions {
  engine: Engine;
  /** Milliseconds that a statement may wait for locks in all; see `lockTurns`. */
  lockTimeout: number;
  /** The id of the change, for the journal. */
  change: string;
  log: Log;
  signal: AbortSignal;
  /** Called under the mutex with what is pending, before anything is changed; may throw to refuse. */
  before?: ((pending: Pending) => Promise<void>) | undefined;
}

/** The name of the mutex: two deliveries to one database meet here, wherever they run. */
const MUTEX = 'changeline-migrations';

/** One migration at work. */
interface Work {
  session: Session;
  records: Records;
  options: ApplyOptions;
  turns: Turns;
  /** True once the tables of the record are known to be there. */
  ready: boolean;
}

/** Whose record the migrations are in. An empty folder has none to differ about. */
function toolOf(migrations: Migration[]): Tool {
  return migrations[0]?.tool ?? 'dbmate';
}

/** What is pending in a database. Changes nothing. Throws as `pendingMigrations` does. */
export async function findPending(
  session: Pick<Session, 'query' | 'execute'>,
  engine: Engine,
  migrations: Migration[],
): Promise<Pending> {
  const records = await Records.open(session, engine, toolOf(migrations));
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
  const mutex = await session.mutex(MUTEX);
  try {
    const records = await Records.open(session, options.engine, toolOf(migrations));
    const found = pendingMigrations(migrations, await records.read(), toolOf(migrations));
    await options.before?.(found);
    const turns = lockTurns(options.lockTimeout, options.engine);
    await session.lockTimeout(turns.each);
    if (options.engine === 'postgres') await noticeLoss(session);
    const done: Applied[] = [];
    const work: Work = { session, records, options, turns, ready: await records.exist() };
    for (const migration of found.pending) {
      if (options.signal.aborted) throw cancelled(migration, done.length);
      done.push(
        await (isAtomic(migration, options.engine) ? atomically(work, migration) : stepByStep(work, migration)),
      );
      options.log.detail(
        `${migration.file}: ${migration.statements.length} statements in ${Math.round(done.at(-1)!.took)} ms`,
      );
    }
    return done;
  } finally {
    await mutex.release().catch(() => {}); // a session that broke has released it already
  }
}

/**
 * Lets the server look every second whether we are still there (PostgreSQL 14 and newer, on Linux). Otherwise the
 * statement of a killed run goes on to its end, and holds its locks and the mutex until then.
 */
async function noticeLoss(session: Session): Promise<void> {
  const setting = 'client_connection_check_interval';
  await session
    .query("SELECT set_config(name, '1000', false) FROM pg_settings WHERE name = $1", [setting])
    .catch(() => {});
}

/** The whole migration and its record in one transaction; where a lock is not had in a turn, all of it is tried again. */
async function atomically(work: Work, migration: Migration): Promise<Applied> {
  const { session, options } = work;
  // A statement that runs for long is ended with its connection; the server rolls back what was not committed.
  const end = () => void session.close();
  options.signal.addEventListener('abort', end, { once: true });
  try {
    for (let retries = 0; ; retries++) {
      const reached = { statement: 0 };
      try {
        return await inTransaction(work, migration, retries, reached);
      } catch (error) {
        await session.execute(['ROLLBACK']).catch(() => {}); // where there was no transaction, or no connection any more
        if (options.signal.aborted) throw cancelled(migration, null);
        const failure = failureFrom(error);
        const again = isContention(failure) && retries < work.turns.pauses.length;
        if (!again) throw failed(migration, reached.statement, failure, 'it was rolled back');
        await wait(work, migration, retries);
      }
    }
  } finally {
    options.signal.removeEventListener('abort', end);
  }
}

async function inTransaction(
  work: Work,
  migration: Migration,
  retries: number,
  reached: { statement: number },
): Promise<Applied> {
  const { session, records, options } = work;
  await session.execute([options.engine === 'sqlite' ? 'BEGIN IMMEDIATE' : 'BEGIN']);
  if (!work.ready) await records.create();
  const applied: Applied = { ...namesOf(migration), took: 0, statements: [], retries };
  for (const { sql, line } of migration.statements) {
    reached.statement++;
    const took = (await session.execute([sql])).took[0] ?? 0;
    applied.statements.push({ line, took });
    applied.took += took;
  }
  reached.statement++; // from here on what fails is the commit
  await records.applied(migration, options.change, applied.took);
  await session.execute(['COMMIT']);
  work.ready = true;
  return applied;
}

/**
 * Statement by statement, each journalled before it begins, where no transaction can hold all of it. A cancelled run
 * still finishes the migration that it has begun, because a half is worse.
 */
async function stepByStep(work: Work, migration: Migration): Promise<Applied> {
  const { records, options } = work;
  if (!work.ready) await records.create();
  work.ready = true;
  await records.begin(migration, options.change);
  const applied: Applied = { ...namesOf(migration), took: 0, statements: [], retries: 0 };
  for (const [index, { sql, line }] of migration.statements.entries()) {
    await records.statementBegins(migration, index + 1);
    const took = await oneStatement(work, migration, index, sql, applied);
    applied.statements.push({ line, took });
    applied.took += took;
  }
  await records.applied(migration, options.change, applied.took);
  return applied;
}

async function oneStatement(
  work: Work,
  migration: Migration,
  index: number,
  sql: string,
  applied: Applied,
): Promise<number> {
  for (let turn = 0; ; turn++) {
    try {
      return (await work.session.execute([sql])).took[0] ?? 0;
    } catch (error) {
      const failure = failureFrom(error);
      const again = failure.facts['lock-timeout'] === true && leavesNothing(sql) && turn < work.turns.pauses.length;
      if (!again) throw await stopped(work, migration, index, failure);
      applied.retries++;
      await wait(work, migration, turn);
    }
  }
}

/** What a failed statement means: nothing done is a plain failure; anything done is a half, known to the statement. */
async function stopped(
  { session, records }: Work,
  migration: Migration,
  index: number,
  failure: Failure,
): Promise<Failure> {
  await session.execute(['ROLLBACK']).catch(() => {}); // of a transaction that the script itself began
  const { sql, line } = migration.statements[index]!;
  const where = `${migration.file}:${line}`;
  try {
    const journal = leavesNothing(sql) ? await records.statementFailed(migration) : await records.journalOf(migration);
    if (journal && journal.done === 0 && journal.begun === 0) {
      await records.forget(migration);
      return failed(migration, index + 1, failure, 'nothing of it is in the database');
    }
    if (journal) return halfApplied(journal, migration.tool, reasonOf(failure), where);
  } catch {
    // the connection is gone: the journal says what was begun, and that is all that is known
  }
  const { version, name, checksum, statements } = migration;
  const known = {
    version,
    name,
    checksum,
    statements: statements.length,
    done: index,
    begun: index + 1,
    applied: null,
  };
  return halfApplied(known, migration.tool, reasonOf(failure), where);
}

/** An index that is built concurrently stays behind, invalid, where its building fails. Every other statement is all or nothing. */
function leavesNothing(sql: string): boolean {
  return !/\bCONCURRENTLY\b/i.test(sql);
}

function namesOf({ version, name, file }: Migration) {
  return { version, name, file };
}

/** A lock that was not had in its turn, or a deadlock of PostgreSQL's that it resolved against us. */
function isContention(failure: Failure): boolean {
  return failure.facts['lock-timeout'] === true || failure.facts.native === '40P01';
}

async function wait({ options, turns }: Work, migration: Migration, turn: number): Promise<void> {
  const ms = turns.pauses[turn]!;
  options.log.info(
    `${migration.file}: a lock was not to be had in ${turns.each} ms; trying again in ${ms} ms (${turn + 1} of ${turns.pauses.length})`,
  );
  await pause(ms, undefined, { signal: options.signal }).catch(() => {}); // the next turn sees that the run was cancelled
}

function failed(migration: Migration, statement: number, failure: Failure, state: string): Failure {
  const { file, version, statements } = migration;
  const line = statements[statement - 1]?.line;
  const ofIt = `of migration ${version}`;
  const what =
    statement === 0
      ? `the beginning ${ofIt} failed`
      : line === undefined
        ? `the commit ${ofIt} failed`
        : `statement ${statement} of ${statements.length} ${ofIt} failed`;
  const busy = isContention(failure);
  return new Failure({
    code: 'migration-failed',
    what,
    where: line === undefined ? file : `${file}:${line}`,
    why: reasonOf(failure),
    untouched: `${state}; migrations before it stay applied`,
    next: busy
      ? 'find what holds the lock (a long query or transaction), or deliver at a quieter time'
      : 'correct the migration and deliver again',
    facts: {
      ...failure.facts,
      file,
      version,
      statement,
      statements: statements.length,
      ...(line === undefined ? {} : { line }),
    },
    cause: failure,
  });
}

function reasonOf(failure: Failure): string {
  return failure.why ?? failure.what;
}

/** `before`: how many were applied before it in this run, where that is known. */
function cancelled(migration: Migration, before: number | null): Failure {
  return new Failure({
    code: 'cancelled',
    what: 'the run was cancelled',
    where: migration.file,
    untouched: `nothing of this migration is in the database; ${before === null ? 'those before it stay' : `${before} before it were`} applied`,
    next: 'run it again: it goes on with this one',
  });
}
