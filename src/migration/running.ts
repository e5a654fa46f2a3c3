/**
 * Runs one script, a migration or its way back: in one transaction where the engine has one for schema changes, else
 * statement by statement, each journalled before it begins.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine, Observed, Observer, Session } from '../database/database.ts';
import type { Log } from '../log/log.ts';
import { type Failure, failureFrom } from '../outcome/outcome.ts';
import { cancelled, failed, isContention, isRefusal, NOTHING, reasonOf, UNSEEN } from './failing.ts';
import type { Statement } from './statements.ts';
import { lockTurns, type Turns } from './turns.ts';

/** What was run; times in milliseconds. */
export interface Applied {
  version: string;
  name: string;
  file: string;
  took: number;
  statements: { line: number; took: number; seen: Observed | null }[];
  /** How often a lock was not had in a turn and was tried for again. */
  retries: number;
}

/** How scripts are run. */
export interface RunningOptions {
  engine: Engine;
  /** Milliseconds that a statement may wait for locks in all; see `lockTurns`. */
  lockTimeout: number;
  log: Log;
  signal: AbortSignal;
  /** Watches each statement. Only in a rehearsal. */
  observer?: Observer | undefined;
  /** Called under the mutex before each migration, and before each statement outside a transaction; may wait. */
  pause?: (() => Promise<void>) | undefined;
}

/** A session that holds the mutex. */
export interface Run extends RunningOptions {
  session: Session;
  turns: Turns;
  /** The last commit has begun the next transaction already. */
  chained: boolean;
}

/** One script and its records. */
export interface Job {
  version: string;
  name: string;
  file: string;
  statements: Statement[];
  /** What it is, in a sentence: `migration 7`. */
  called: string;
  /** Another transaction follows at once. */
  chains: boolean;
  /** Makes the tables of the record where they are missing; inside the transaction, where there is one. */
  prepare(): Promise<void>;
  /** Journals that it begins outside a transaction with its first statement, and that statement `number` (from 1) does. */
  begins(): Promise<void>;
  statementBegins(number: number): Promise<void>;
  /** Records that all of it is done and ends the transaction with `commit`. `took` is in milliseconds. */
  ends(took: number, commit: string): Promise<void>;
  /**
   * The failure for statement `number`, which stopped outside a transaction. `left`: it may have left something behind.
   * Null where nothing of the script is in the database, which is journalled then.
   */
  half(number: number, left: boolean, why: string): Promise<Failure | null>;
}

/** The name of the mutex: two deliveries to one database meet here, wherever they run. */
export const MUTEX = 'changeline-migrations';

/** Runs `work` with a session that holds the mutex. Throws `database-busy` where another run does. */
export async function underMutex<T>(
  session: Session,
  options: RunningOptions,
  work: (begin: () => Promise<Run>) => Promise<T>,
): Promise<T> {
  const mutex = await session.mutex(MUTEX);
  const turns = lockTurns(options.lockTimeout, options.engine);
  const run: Run = { ...options, session, turns, chained: false };
  try {
    return await work(async () => {
      await session.lockTimeout(turns.each);
      if (options.engine === 'postgres') await noticeLoss(session);
      return run;
    });
  } finally {
    if (run.chained) await session.execute(['ROLLBACK']).catch(() => {}); // cancelled in between; it is empty
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

/** The whole script and its record in one transaction; where a lock is not had in a turn, all of it is tried again. */
export async function atomically(run: Run, job: Job): Promise<Applied> {
  const { session, signal, turns } = run;
  // A statement that runs for long is ended with its connection; the server rolls back what was not committed.
  const end = () => void session.close();
  signal.addEventListener('abort', end, { once: true });
  try {
    for (let retries = 0; ; retries++) {
      await run.pause?.();
      const reached = { statement: 0 };
      try {
        return await inTransaction(run, job, retries, reached);
      } catch (error) {
        run.chained = false;
        await session.execute(['ROLLBACK']).catch(() => {}); // where there was no transaction, or no connection any more
        const committing = reached.statement > job.statements.length;
        if (signal.aborted) throw cancelled(job, null, committing);
        const failure = failureFrom(error);
        const again = isContention(failure) && retries < turns.pauses.length;
        const unseen = committing && run.engine === 'postgres' && !isRefusal(failure);
        if (unseen) throw failed(job, reached.statement, failure, UNSEEN, { unseen: true });
        if (!again) throw failed(job, reached.statement, failure, 'it was rolled back');
        await wait(run, job, retries);
      }
    }
  } finally {
    signal.removeEventListener('abort', end);
  }
}

async function inTransaction(run: Run, job: Job, retries: number, reached: { statement: number }): Promise<Applied> {
  const { session } = run;
  if (!run.chained) await session.execute([beginning(run)]);
  await job.prepare();
  const applied: Applied = { ...namesOf(job), took: 0, statements: [], retries };
  for (const statement of job.statements) {
    reached.statement++;
    add(applied, statement, await watched(run, statement));
  }
  reached.statement++; // from here on what fails is the commit
  const chains = chainsOn(run, job);
  await job.ends(applied.took, chains ? 'COMMIT AND CHAIN' : 'COMMIT');
  run.chained = chains;
  return applied;
}

/**
 * Of hundreds of small migrations a third of the time is waiting for answers: PostgreSQL commits and begins in one.
 * What a script sets for its own transaction would go over into the next.
 */
function chainsOn({ engine, pause }: Run, { chains, statements }: Job): boolean {
  return chains && engine === 'postgres' && !pause && !statements.some(({ sql }) => /^SET\s+TRANSACTION\b/i.test(sql));
}

/**
 * Statement by statement, each journalled before it begins, where no transaction can hold all of it. A cancelled run
 * still finishes the script that it has begun, because a half is worse.
 */
export async function stepByStep(run: Run, job: Job): Promise<Applied> {
  await run.pause?.();
  await job.prepare().catch((error) => {
    throw failed(job, 0, failureFrom(error), NOTHING);
  });
  const applied: Applied = { ...namesOf(job), took: 0, statements: [], retries: 0 };
  await journalled(job, 1, false, () => job.begins());
  for (const [index, statement] of job.statements.entries()) {
    if (index > 0) {
      await pauseInside(run, job);
      await journalled(job, index, true, () => job.statementBegins(index + 1));
    }
    add(applied, statement, await oneStatement(run, job, index, applied));
  }
  await journalled(job, job.statements.length, true, async () => {
    await run.session.execute([beginning(run)]);
    await job.ends(applied.took, 'COMMIT');
  });
  return applied;
}

/** Writes into the journal. Where that fails, what it said last is what is known: statement `number` and its end. */
async function journalled(job: Job, number: number, left: boolean, write: () => Promise<void>): Promise<void> {
  await write().catch(async (error) => {
    const failure = failureFrom(error);
    throw (await job.half(number, left, reasonOf(failure))) ?? failed(job, 0, failure, NOTHING);
  });
}

/** What cannot wait any longer goes on: a replica that lags is better than a half. */
async function pauseInside(run: Run, job: Job): Promise<void> {
  await run.pause?.().catch((error) => {
    run.log.warn(`${job.file}: ${failureFrom(error).what}; going on all the same, since a half would be worse`);
  });
}

type Watched = { took: number; seen: Observed | null };

async function oneStatement(run: Run, job: Job, index: number, applied: Applied): Promise<Watched> {
  const statement = job.statements[index]!;
  for (let turn = 0; ; turn++) {
    try {
      return await watched(run, statement);
    } catch (error) {
      const failure = failureFrom(error);
      const left = leavesSomething(statement);
      if (failure.facts['lock-timeout'] !== true || left || turn >= run.turns.pauses.length) {
        await run.session.execute(['ROLLBACK']).catch(() => {}); // of a transaction that the script itself began
        const half = await job.half(index + 1, left, reasonOf(failure));
        throw half ?? failed(job, index + 1, failure, NOTHING);
      }
      applied.retries++;
      await wait(run, job, turn);
    }
  }
}

async function watched({ session, observer }: Run, { sql }: Statement): Promise<Watched> {
  await observer?.before();
  const took = (await session.execute([sql])).took[0] ?? 0;
  return { took, seen: (await observer?.after()) ?? null };
}

function add(applied: Applied, { line }: Statement, { took, seen }: Watched): void {
  applied.statements.push({ line, took, seen });
  applied.took += took;
}

/** An index that is built concurrently stays behind, invalid, where its building fails. Every other statement is all or nothing. */
function leavesSomething({ sql }: Statement): boolean {
  return /\bCONCURRENTLY\b/i.test(sql);
}

/** SQLite takes the lock that it needs at the beginning: one that is taken later may be refused. */
function beginning({ engine }: RunningOptions): string {
  return engine === 'sqlite' ? 'BEGIN IMMEDIATE' : 'BEGIN';
}

function namesOf({ version, name, file }: Job) {
  return { version, name, file };
}

async function wait({ log, signal, turns }: Run, { file }: Job, turn: number): Promise<void> {
  const ms = turns.pauses[turn]!;
  log.info(
    `${file}: a lock was not to be had in ${turns.each} ms; trying again in ${ms} ms (${turn + 1} of ${turns.pauses.length})`,
  );
  await sleep(ms, undefined, { signal }).catch(() => {}); // the next turn sees that the run was cancelled
}
