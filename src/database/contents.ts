/** Comparing what two databases hold. */
import type { Contents } from './types.ts';

/**
 * The first thing in which two contents differ, in words, `a` first; null where they are equal. A table that one of
 * them does not have counts as empty there: whether it ought to be there is for the fingerprint to say.
 */
export function compareContents(a: Contents, b: Contents): string | null {
  const found: string[] = [];
  for (const name of union(a.tables, b.tables)) {
    const [x, y] = [own(a.tables, name), own(b.tables, name)];
    const [rows, others] = [x?.rows ?? 0, y?.rows ?? 0];
    if (rows !== others) found.push(`table ${name}: ${inWords(rows)} against ${inWords(others)}`);
    else if (rows > 0 && x?.sha256 !== y?.sha256)
      found.push(`table ${name}: ${inWords(rows)} on both sides, but the content differs`);
  }
  for (const name of union(a.sequences, b.sequences)) {
    const [x, y] = [own(a.sequences, name), own(b.sequences, name)];
    if (x !== y) found.push(`sequence ${name}: ${x ?? 'absent'} against ${y ?? 'absent'}`);
  }
  if (found.length === 0) return null;
  return found.length === 1 ? found[0]! : `${found[0]} (and ${found.length - 1} more)`;
}

function inWords(rows: number): string {
  return rows === 0 ? 'no rows' : rows === 1 ? '1 row' : `${rows} rows`;
}

/** Tables may be called anything, `__proto__` too. */
function own<T>(record: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function union(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
}
