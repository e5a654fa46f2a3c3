/** One row of the doctor's table, and the ways to make one. Pure. */
import type { Seen } from './facts.ts';

/**
 * One row. ok: it holds. missing: it does not, so the gate or the approvals can be passed by or never work. unknown:
 * this token cannot tell. advice: it holds as it is, and could hold better.
 */
export interface Finding {
  /** A short stable name of the row: `context-required`. */
  row: string;
  /** What it is about, as a heading: a branch, a workflow, an environment. */
  about: string;
  /** What is asked, as a statement that should be true. */
  asked: string;
  state: 'ok' | 'missing' | 'unknown' | 'advice';
  /** What was found. Text from outside in it is raw. */
  found: string;
  /** The setting to change, or for unknown how to know; '' where nothing is to be done. */
  next: string;
}

/** What a row is about and asks; the functions below say what came of it. */
export type Row = Pick<Finding, 'row' | 'about' | 'asked'>;

export const ok = (row: Row, found: string): Finding => ({ ...row, state: 'ok', found, next: '' });
export const missing = (row: Row, found: string, next: string): Finding => ({ ...row, state: 'missing', found, next });
export const advice = (row: Row, found: string, next: string): Finding => ({ ...row, state: 'advice', found, next });

/** A row that this token cannot judge. `look` says where a person sees it. */
export function unknown(row: Row, unseen: { unseen: string; needs: string | null } | string, look: string): Finding {
  if (typeof unseen === 'string') return { ...row, state: 'unknown', found: unseen, next: look };
  const token = unseen.needs ? `give a token with ${unseen.needs}, or ` : '';
  return { ...row, state: 'unknown', found: unseen.unseen, next: `${token}${look}` };
}

/** True where the look gave a value. */
export function isSeen<T>(seen: Seen<T>): seen is { value: T } {
  return 'value' in seen;
}

/** Names from outside, quoted, at most five of them. */
export function named(names: readonly string[]): string {
  const unique = [...new Set(names)];
  const shown = unique.slice(0, 5).map((name) => `"${name.length > 80 ? `${name.slice(0, 79)}…` : name}"`);
  return [...shown, ...(unique.length > 5 ? [`${unique.length - 5} more`] : [])].join(', ');
}
