/** What becomes of a vault's errors: one Failure that a person can act on, whatever kind of vault it is. */
import { Failure } from '../outcome/outcome.ts';
import { redact } from '../secret/secret.ts';

const OLDER = 'older backups are as they were';

/** The Failure `vault-unreachable`. */
export function unusable(where: string, why: string | undefined, next: string, cause?: unknown): Failure {
  return new Failure({
    code: 'vault-unreachable',
    what: 'the place where backups lie cannot be used',
    where,
    why,
    untouched: OLDER,
    next,
    cause,
  });
}

/** The Failure `disk-full`. */
export function full(where: string, why: string | undefined, cause?: unknown): Failure {
  return new Failure({
    code: 'disk-full',
    what: 'the disk with the backups is full',
    where,
    why,
    untouched: OLDER,
    next: 'make room there, or keep fewer backups (backup.keep)',
    cause,
  });
}

/** The Failure for a name that is taken: nothing in a vault is ever replaced. */
export function taken(where: string, name: string): Failure {
  return unusable(where, `it has a file ${name} already`, 'run it again: each run has names of its own');
}

/** The Failure for bytes that did not come as they lie there. */
export function cutShort(where: string, name: string, why: string | undefined): Failure {
  return new Failure({
    code: 'vault-unreachable',
    what: `${name} could not be read to its end`,
    where,
    why,
    untouched: 'the file is as it was',
    next: 'check that the vault can be reached, and run it again',
  });
}

/** The Failure for a run that was cancelled. */
export function cancelled(): Failure {
  return new Failure({
    code: 'cancelled',
    what: 'the run was cancelled while backups were stored or read',
    untouched: 'nothing was left behind',
    next: 'run it again',
  });
}

/** An error in words: of a Failure what and why, of the system its code and call. What fetch throws has its reason as cause. */
export function inWords(error: unknown): string {
  if (error instanceof Failure) return [error.what, error.why].filter(Boolean).join(': ');
  const { cause } = error as Error;
  const { code, syscall, message } = (cause instanceof Error ? cause : error) as NodeJS.ErrnoException;
  const system = code !== undefined && /^E[A-Z]+$/.test(code);
  return redact(system ? [code, syscall].filter(Boolean).join(' in ') : message);
}
