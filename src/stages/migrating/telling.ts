/** What the stage of migrations has to tell: summary, facts, outputs and a table. */
import type { Database } from '../../database/database.ts';
import { markdownTable } from '../../escape/escape.ts';
import {
  type Finding,
  type Found,
  type Run,
  rangeInWords,
  roundedRange,
  type Waiting,
} from '../../migration/migration.ts';
import type { Facts, Json, Result } from '../../outcome/outcome.ts';
import { type Holding, heldInWords } from './holding.ts';
import type { Rehearsed } from './rehearsing.ts';

/** What was done to the live database. */
interface Done extends Run {
  fingerprint: { digest: string };
}

/** The result where nothing is to be applied now. `version`: the one that comes. */
export async function nothingToDo(
  database: Database,
  found: Found,
  holding: Holding,
  version: string,
): Promise<Result> {
  const { digest } = await database.fingerprint();
  const applied = found.applied === null ? '' : `, ${found.applied} are applied`;
  const held = heldInWords(holding, version);
  return {
    outcome: 'passed',
    code: 'nothing-to-do',
    summary: held.length
      ? [`no migration is applied now${applied}`, ...held].join('; ')
      : `no migration is pending${applied}`,
    facts: {
      database: database.name,
      fingerprint: digest,
      migrations: [],
      held: heldFacts(holding),
      missing: found.missing,
      unchecked: found.unchecked,
    },
    outputs: { applied: 0, fingerprint: digest },
  };
}

/** The result of what was applied, with its times. */
export function done(
  database: Database,
  found: Found,
  holding: Holding,
  rehearsed: Rehearsed,
  findings: Finding[],
  { applied, migrations, fingerprint }: Done,
  version: string,
): Result {
  const outputs = { applied: migrations.length, fingerprint: fingerprint.digest };
  const facts = factsOf(database, found, holding, rehearsed, findings, { applied, migrations, fingerprint });
  if (migrations.length === 0)
    return {
      outcome: 'passed',
      code: 'nothing-to-do',
      summary: 'another run applied the pending migrations meanwhile',
      facts,
      outputs,
    };
  const summary = `${count(migrations.length)}, rehearsed in ${seconds(rehearsed.applied)} on ${rehearsed.on}, applied in ${seconds(applied)}, schema as rehearsed`;
  return {
    outcome: 'passed',
    code: 'ok',
    summary: [summary, ...heldInWords(holding, version)].join('; '),
    facts,
    outputs,
    markdown: [tableOf(applied, rehearsed), tableOfHeld(holding), tableOfFindings(findings)].filter(Boolean).join('\n'),
  };
}

function factsOf(
  database: Database,
  found: Found,
  holding: Holding,
  rehearsed: Rehearsed,
  findings: Finding[],
  { applied, fingerprint }: Done,
): Facts {
  const { forecast } = rehearsed;
  return {
    database: database.name,
    fingerprint: fingerprint.digest,
    before: rehearsed.before.digest,
    migrations: applied.map((one) => stepFacts(one, rehearsed)),
    forecast: { ...roundedRange(forecast.total), deliveries: forecast.deliveries },
    locks: forecast.locks
      .filter(({ line }) => line !== null)
      .map(
        ({ rehearsed: ms, forecast: range, ...lock }): Json => ({
          ...lock,
          rehearsed: tenth(ms),
          ...roundedRange(range),
        }),
      ),
    grew: rehearsed.grew,
    down: rehearsed.down === null ? null : tenth(rehearsed.down),
    'no-down': rehearsed.noDown,
    held: heldFacts(holding),
    findings: findings.map((finding): Json => ({ ...finding })),
    missing: found.missing,
    late: found.late,
    unchecked: found.unchecked,
    unlike: rehearsed.unlike,
  };
}

function heldFacts({ held }: Holding): Json[] {
  return held.map(({ version, file, contracts }) => ({
    version,
    file,
    contracts: contracts.map((each) => ({ ...each })),
  }));
}

/** Times in milliseconds: of the rehearsal, as forecast, and of the live database. */
function stepFacts(one: Run['applied'][number], { applied, forecast }: Rehearsed): Json {
  const at = applied.findIndex(({ version }) => version === one.version);
  const [before, expected] = [applied[at], forecast.steps[at]];
  return {
    version: one.version,
    name: one.name,
    file: one.file,
    rehearsed: Math.round(before?.took ?? 0),
    forecast: expected ? roundedRange(expected.forecast) : null,
    took: Math.round(one.took),
    retries: one.retries,
    statements: one.statements.map(({ line, took }, index) => {
      const seen = before?.statements[index]?.seen ?? null;
      return {
        line,
        rehearsed: tenth(before?.statements[index]?.took ?? 0),
        took: tenth(took),
        ...(seen ? { locks: seen.locks, rewritten: seen.rewritten, grew: seen.grew, logged: seen.logged } : {}),
      };
    }),
  };
}

function tableOf(applied: Run['applied'], { applied: before, forecast }: Rehearsed): string {
  const rows = applied.map((one) => {
    const at = before.findIndex(({ version }) => version === one.version);
    const expected = forecast.steps[at];
    const longest = forecast.locks.find(({ file, line }) => file === one.file && line !== null);
    return [
      one.file,
      String(one.statements.length || ''),
      at < 0 ? '' : seconds([before[at]!]),
      expected ? rangeInWords(expected.forecast) : '',
      seconds([one]),
      longest ? `${longest.blocks} of ${longest.table}, ${rangeInWords(longest.forecast)}` : '',
    ];
  });
  return markdownTable(['Migration', 'Statements', 'Rehearsed', 'Forecast', 'Applied', 'Holds up'], rows);
}

function tableOfHeld({ held }: Holding): string {
  const rows = held.map(({ file, contracts }) => [
    file,
    contracts.map((each) => `${each.what}, line ${each.line}`).join('; '),
  ]);
  return markdownTable(['Held for a later delivery', 'Because of'], rows);
}

function tableOfFindings(findings: Finding[]): string {
  const rows = findings.map(({ rule, file, line, message }) => [`${file}:${line}`, rule, message]);
  return markdownTable(['Unsafe under traffic', 'Rule', 'Why'], rows);
}

function tenth(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** The time of all of it, for people. */
export function seconds(applied: readonly { took: number }[]): string {
  return `${(applied.reduce((sum, { took }) => sum + took, 0) / 1000).toFixed(2)} s`;
}

/** A number of migrations, for people. */
export function count(migrations: number | readonly Waiting[]): string {
  const amount = typeof migrations === 'number' ? migrations : migrations.length;
  return amount === 1 ? '1 migration' : `${amount} migrations`;
}
