/** The names that a vault takes: letters, digits, `.`, `_`, `-`; no path, no hidden file, nothing that a program takes for an option. */
import { randomBytes } from 'node:crypto';
import { Failure } from '../outcome/outcome.ts';

/** What a file is called while it is written, before a random word. */
export const UNFINISHED = '.unfinished-';

/** A name for a file that is not whole yet. */
export function unfinishedName(): string {
  return `${UNFINISHED}${randomBytes(6).toString('hex')}`;
}

/** True for a name that a vault takes. */
export function isName(name: string): boolean {
  return /^[A-Za-z0-9][\w.-]{0,199}$/.test(name) && !name.includes('..');
}

/** The name, if it is one. */
export function checkedName(name: string): string {
  if (isName(name)) return name;
  throw new Failure({
    code: 'internal',
    what: 'a name that a vault does not take',
    next: 'please report it with the log of this run',
  });
}
