/** What goes wrong while a database is replaced, for people. */
import { Failure } from '../../outcome/outcome.ts';

export const AS_IT_WAS = 'the live database is as it was';

/** A Failure `restore-failed`: nothing of the live database was changed. */
export function notRestored(
  where: string,
  what: string,
  why?: string,
  next = 'see what the server or the program says, then run it again',
): Failure {
  return new Failure({ code: 'restore-failed', what, where, why, untouched: AS_IT_WAS, next });
}

/** A Failure `database-denied` for rights that the login lacks. */
export function lacksRights(where: string, lacking: readonly string[]): Failure {
  return new Failure({
    code: 'database-denied',
    what: `this login cannot replace the database: ${lacking.join('; ')}`,
    where,
    untouched: AS_IT_WAS,
    next: 'name a login that can, in rollback.admin of changeline.yml: an administrator of the same server',
  });
}

/** A Failure `data-irreversible` for what forbids a replacement altogether. */
export function impossible(where: string, what: string, next: string): Failure {
  return new Failure({ code: 'data-irreversible', what, where, untouched: AS_IT_WAS, next });
}
