/** What `ls -ln` and `df -Pk` say. Pure. */
import { isName } from './name.ts';
import type { Entry } from './vault.ts';

/** Mode, links, user, group, size, a date of three words, and the name; `./` is what find puts before it. */
const LINE = /^-\S{9,}\s+\d+\s+\d+\s+\d+\s+(\d+)\s+\S+\s+\S+\s+\S+\s+(?:\.\/)?(\S+)$/;

/** The files with a name that a vault takes, sorted; all other lines are passed over. */
export function entriesOf(said: string): Entry[] {
  return said
    .split('\n')
    .flatMap((line) => {
      const [, bytes, name] = LINE.exec(line) ?? [];
      return name !== undefined && isName(name) ? [{ name, bytes: Number(bytes) }] : [];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Free bytes: the number before the percentage, in units of 1024 (POSIX, df -P). Null where there is none. */
export function freeOf(said: string): number | null {
  const [, kilobytes] = /\s(-?\d+)\s+\d+%/.exec(said.trim().split('\n').slice(1).join(' ')) ?? [];
  return kilobytes === undefined ? null : Math.max(0, Number(kilobytes) * 1024);
}
