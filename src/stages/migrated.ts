/** What the stage of migrations has to tell: summary, facts, outputs and a table. */
import type { Database } from '../database/database.ts';
import { markdownTable } from '../escape/escape.ts';
import type { Applied, Migrated, Pending, Rehearsal } from '../migration/migration.ts';
import type { Facts, Result } from '../outcome/outcome.ts';

/** The result where every migration of the folder is applied. */
export async function nothingToDo(database: Database, found: Pending): Promise<Result> {
  const { digest } = await database.fingerprint();
  return {
    outcome: 'passed',
    code: 'nothing-to-do',
    summary: `no migration is pending, ${found.applied} are applied`,
    facts: {
      database: database.name,
      fingerprint: digest,
      migrations: [],
      missing: found.missing,
      unchecked: found.unchecked,
    },
    outputs: { applied: 0, fingerprint: digest },
  };
}

/** The result of what was applied, with its times. */
export function done(
  database: Database,
  found: Pending,
  rehearsal: Rehearsal,
  { applied, fingerprint }: Migrated,
): Result {
  const outputs = { applied: applied.length, fingerprint: fingerprint.digest };
  const facts: Facts = {
    database: database.name,
    fingerprint: fingerprint.digest,
    before: rehearsal.before.digest,
    migrations: applied.map((one) => factsOf(one, rehearsal)),
    missing: found.missing,
    late: found.late,
    unchecked: found.unchecked,
    unlike: rehearsal.unlike,
  };
  if (applied.length === 0)
    return {
      outcome: 'passed',
      code: 'nothing-to-do',
      summary: 'another run applied the pending migrations meanwhile',
      facts,
      outputs,
    };
  const rows = applied.map((one) => [
    one.file,
    String(one.statements.length),
    `${seconds(rehearsed(one, rehearsal))}`,
    seconds([one]),
  ]);
  return {
    outcome: 'passed',
    code: 'ok',
    summary: `${count(applied.length)}, rehearsed in ${seconds(rehearsal.applied)} on a copy, applied in ${seconds(applied)}, schema as rehearsed`,
    facts,
    outputs,
    markdown: markdownTable(['Migration', 'Statements', 'Rehearsed', 'Applied'], rows),
  };
}

function rehearsed(one: Applied, rehearsal: Rehearsal): Applied[] {
  return rehearsal.applied.filter(({ version }) => version === one.version);
}

/** Times in milliseconds, of the rehearsal and of the live database. */
function factsOf(one: Applied, rehearsal: Rehearsal): Facts {
  const before = rehearsed(one, rehearsal)[0];
  return {
    version: one.version,
    name: one.name,
    file: one.file,
    rehearsed: Math.round(before?.took ?? 0),
    took: Math.round(one.took),
    retries: one.retries,
    statements: one.statements.map(({ line, took }, index) => ({
      line,
      rehearsed: tenth(before?.statements[index]?.took ?? 0),
      took: tenth(took),
    })),
  };
}

function tenth(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** The time of all of it, for people. */
export function seconds(applied: Applied[]): string {
  return `${(applied.reduce((sum, { took }) => sum + took, 0) / 1000).toFixed(2)} s`;
}

/** A number of migrations, for people. */
export function count(migrations: number): string {
  return migrations === 1 ? '1 migration' : `${migrations} migrations`;
}
