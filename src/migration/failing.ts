/** How a migration fails: what is in the database then, as far as it was seen. */
import { type Facts, Failure } from '../outcome/outcome.ts';
import type { Statement } from './statements.ts';

/** What a failure names of a script. */
interface Failing {
  version: string;
  file: string;
  statements: Statement[];
  /** What it is, in a sentence: `migration 7`. */
  called: string;
}

/** What is left of it, in words. */
export const NOTHING = 'nothing of it is in the database';
export const UNSEEN = 'whether it was committed was not seen; the next run reads it in the database';

/** A lock that was not had in its turn, or a deadlock of PostgreSQL's that it resolved against us. */
export function isContention(failure: Failure): boolean {
  return failure.facts['lock-timeout'] === true || failure.facts.native === '40P01';
}

/**
 * The server itself has refused a commit: an SQLSTATE, and not one of those that end the connection, which may come
 * after the commit (classes 08 and 57P of "PostgreSQL Error Codes"; the network's own codes begin with E).
 */
export function isRefusal({ facts }: Failure): boolean {
  return /^(?!08|57P|E)[0-9A-Z]{5}$/.test(String(facts.native ?? ''));
}

/** The failure of statement `statement` (from 1); 0 stands for the beginning, one more than there are for the commit. `state`: what is left of it. */
export function failed(
  { file, version, statements, called }: Failing,
  statement: number,
  failure: Failure,
  state: string,
  more: Facts = {},
) {
  const line = statements[statement - 1]?.line;
  const what =
    statement === 0
      ? `the beginning of ${called} failed`
      : line === undefined
        ? `the commit of ${called} failed`
        : `statement ${statement} of ${statements.length} of ${called} failed`;
  return new Failure({
    code: 'migration-failed',
    what,
    where: line === undefined ? file : `${file}:${line}`,
    why: reasonOf(failure),
    untouched: `${state}; those before it stay`,
    next: isContention(failure)
      ? 'find what holds the lock (a long query or transaction), or deliver at a quieter time'
      : 'correct the migration and deliver again',
    facts: {
      ...failure.facts,
      file,
      version,
      statement,
      statements: statements.length,
      ...(line === undefined ? {} : { line }),
      ...more,
    },
    cause: failure,
  });
}

export function reasonOf(failure: Failure): string {
  return failure.why ?? failure.what;
}

/** `before`: how many were done before it in this run, where that is known. `committing`: its commit was under way. */
export function cancelled({ file }: { file: string }, before: number | null, committing = false): Failure {
  return new Failure({
    code: 'cancelled',
    what: 'the run was cancelled',
    where: file,
    untouched: `${committing ? UNSEEN : 'nothing of it was done'}; ${before === null ? 'those before it stay' : `${before} before it stay`}`,
    next: 'run it again: it goes on with this one',
  });
}
