/** The names that a vault takes: letters, digits, `.`, `_`, `-`; no path, no hidden file, nothing that a program takes for an option. */
import { Failure } from '../outcome/outcome.ts';

/** The name, if it is one. */
export function checkedName(name: string): string {
  if (/^[A-Za-z0-9][\w.-]{0,199}$/.test(name) && !name.includes('..')) return name;
  throw new Failure({
    code: 'internal',
    what: 'a name that a vault does not take',
    next: 'please report it with the log of this run',
  });
}
