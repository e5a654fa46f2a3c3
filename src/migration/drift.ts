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

/** Tables in which tools and Changeline keep what is applied: no part of what a way down leads back to. */
const RECORDS = /\b(schema_migrations|changeline_migrations|flyway_schema_history|__EFMigrationsHistory)\b/;

/** The first difference besides the tables of records; null where there is none. */
export function sameButRecords(first: Fingerprint, second: Fingerprint): string | null {
  return (
    schemaDifferences(first, second)
      .find((line) => !RECORDS.test(line))
      ?.slice(0, 160) ?? null
  );
}

/** Objects that may be added without old code taking notice. A table's own parts count with the table. */
const ADDITIONS = /^\+ (schema|extension|type|sequence|view|routine|statistics|relation|table) /;

/**
 * Whether code from before can live with a change that nothing but two schemas is known of. Only what adds is taken
 * to expand: new objects, plain indexes, columns that may be left out. All else contracts, also where it only might.
 */
export function kindOfChange(before: Fingerprint, after: Fingerprint): 'expand' | 'contract' {
  const lines = schemaDifferences(before, after).filter((line) => !RECORDS.test(line));
  const added = lines.flatMap((line) => /^\+ (?:relation|table) (.*?): /.exec(line)?.[1] ?? []);
  const expands = (line: string) => {
    if (ADDITIONS.test(line)) return true;
    if (/^\+ index /.test(line) && !/\bUNIQUE\b|: 0 /i.test(line)) return true; // MySQL says non_unique: 0
    if (/^\+ /.test(line) && added.some((table) => isPartOf(line, table))) return true;
    return (
      /^\+ column /.test(line) && (!/ (NOT NULL|NO)\b/.test(line) || /\b(DEFAULT|IDENTITY|GENERATED)\b/.test(line))
    );
  };
  return lines.every(expands) ? 'expand' : 'contract';
}

/** Parts are named after their table; an index says it in its definition, which has blanks around dots in PostgreSQL. */
function isPartOf(line: string, table: string): boolean {
  if (line.replace(/^\+ [a-z ]+? (?=\S)/, '').startsWith(`${table} `)) return true;
  const definition = line.replaceAll(' . ', '.');
  return /^\+ index /.test(line) && (definition.includes(` ON ${table} USING`) || definition.includes(`: ${table}: `));
}
