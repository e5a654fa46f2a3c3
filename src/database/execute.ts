/** Running statements one by one, so that an error can be told to the statement, and mapping of errors. */
import { Failure } from '../outcome/outcome.ts';
import { redact } from '../secret/secret.ts';
import type { Executed } from './types.ts';

/** What an engine says about an error of its own. */
export interface Explained {
  message: string;
  /** The engine's error code, as text. */
  native: string;
  lockTimeout: boolean;
}

export interface StatementRunner {
  where: string;
  /** Runs one statement. */
  one(sql: string): Promise<unknown>;
  explain(error: unknown): Explained;
  signal: AbortSignal;
}

/** See `Runner.execute`. */
export async function runStatements(
  runner: StatementRunner,
  statements: string[],
  transaction: boolean,
): Promise<Executed> {
  const took: number[] = [];
  if (transaction) await runner.one('BEGIN');
  for (const [index, sql] of statements.entries()) {
    const began = performance.now();
    try {
      if (runner.signal.aborted) throw new Error('the run was cancelled before this statement');
      await runner.one(sql);
    } catch (error) {
      // A lost connection has rolled back by itself.
      if (transaction) await runner.one('ROLLBACK').catch(() => {});
      throw databaseError(runner, error, { statement: index + 1, of: statements.length });
    }
    took.push(performance.now() - began);
  }
  if (transaction) await runner.one('COMMIT').catch((error) => Promise.reject(databaseError(runner, error, {})));
  return { took };
}

/** The Failure for an error of a statement; `place` goes into its facts. */
export function databaseError(
  runner: Pick<StatementRunner, 'where' | 'explain' | 'signal'>,
  error: unknown,
  place: { statement?: number; of?: number },
): Failure {
  if (error instanceof Failure) return error;
  const { message, native, lockTimeout } = runner.explain(error);
  const statement = place.statement === undefined ? 'a statement' : `statement ${place.statement} of ${place.of}`;
  return new Failure({
    code: runner.signal.aborted ? 'cancelled' : 'database-error',
    what: runner.signal.aborted ? `${statement} was ended because the run was cancelled` : `${statement} failed`,
    where: runner.where,
    why: redact(message).slice(0, 500),
    next: lockTimeout
      ? 'try again when nothing holds the lock'
      : 'correct the statement or what it meets in the database',
    facts: { ...place, native, 'lock-timeout': lockTimeout },
    cause: error,
  });
}
