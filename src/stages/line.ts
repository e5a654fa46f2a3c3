/** The line: which stages a change passes, in which order. */
import { Failure } from '../outcome/outcome.ts';
import type { Verb } from './contract.ts';

/** The stages in the order in which a change passes them. */
export const LINE = [
  'gate',
  'approve',
  'load-test',
  'backup',
  'migrate',
  'deploy',
  'smoke-test',
  'watch',
] as const satisfies Verb[];
export type LineVerb = (typeof LINE)[number];

/** The part of the line that the inputs `from` and `until` leave. Throws input-invalid. */
export function partOfLine(from: string, until: string): LineVerb[] {
  const start = from ? LINE.indexOf(from as LineVerb) : 0;
  const end = until ? LINE.indexOf(until as LineVerb) : LINE.length - 1;
  if (start >= 0 && end >= start) return LINE.slice(start, end + 1);
  const unknown = start < 0 ? from : end < 0 ? until : null;
  throw new Failure({
    code: 'input-invalid',
    what: unknown === null ? `"${until}" comes before "${from}"` : `the line has no stage "${unknown}"`,
    why: `the line is ${LINE.join(', ')}`,
    untouched: 'nothing was changed',
    next: 'correct the inputs from and until',
  });
}
