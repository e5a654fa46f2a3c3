/** Whether two schemas are the same, and in what they differ. */
import type { Fingerprint } from '../database/database.ts';
import { Failure } from '../outcome/outcome.ts';

/** At most so many differing lines are shown. */
const SHOWN = 6;

/** The lines that only one of two schemas has, as `- of the first` and `+ of the second`. */
export function schemaDifferences(first: Fingerprint, second: Fingerprint): string[] {
  const [left, right] = [first, second].map(({ form }) => form.split('\n').filter(Boolean));
  const [inLeft, inRight] = [new Set(left), new Set(right)];
  return [
    ...left!.filter((line) => !inRight.has(line)).map((line) => `- ${line}`),
    ...right!.filter((line) => !inLeft.has(line)).map((line) => `+ ${line}`),
  ];
}

/** Throws `schema-drifted` where the live schema is not the expected one. `after`: production is migrated already. */
export function refuseDrift(expected: Fingerprint, live: Fingerprint, where: string, after: boolean): void {
  if (expected.digest === live.digest) return;
  const differences = schemaDifferences(expected, live);
  const shown = differences.slice(0, SHOWN).map((line) => line.slice(0, 160));
  throw new Failure({
    code: 'schema-drifted',
    what: after
      ? 'the migrations are applied, but the live schema is not the one of the rehearsal'
      : 'the live schema is not the one that was rehearsed on',
    where,
    why: `${shown.join(' | ')}${differences.length > SHOWN ? ` and ${differences.length - SHOWN} more` : ''}`,
    untouched: after
      ? 'the schema changed beside the migrations while they ran'
      : 'no migration was applied to the live database',
    next: after
      ? 'find who changed the schema meanwhile, and compare by hand'
      : 'find who changed the schema, take a new backup, and deliver again',
    facts: { expected: expected.digest, live: live.digest, differences: shown },
  });
}
