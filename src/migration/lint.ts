/** What is unsafe under traffic: told by the linter squawk for PostgreSQL, and by what the rehearsal saw. */
import { access, constants, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { failureFrom } from '../outcome/outcome.ts';
import { lastWords, run } from '../process/process.ts';
import type { Applied } from './apply.ts';
import { type Forecast, MOMENT } from './forecast.ts';

/** One thing that is unsafe. */
export interface Finding {
  /** The linter's name for it, or ours. */
  rule: string;
  file: string;
  /** From 1. */
  line: number;
  message: string;
}

/** A script to look at. */
export interface Script {
  /** For messages. */
  file: string;
  /** Absolute. */
  path: string;
  /** One transaction holds all of it. */
  atomic: boolean;
}

export interface Linted {
  findings: Finding[];
  /** Why the linter said nothing; null where it has looked. */
  blind: string | null;
}

export interface LintOptions {
  /** Of the server, as digits and dots. */
  version: string;
  /** Where .squawk.toml and node_modules/.bin are looked for. */
  workspace: string;
  scratch: string;
  signal: AbortSignal;
}

/**
 * Rules that say nothing about traffic here: taste; time limits, which Changeline sets for the session; and what old
 * code cannot live with, which is recognised and held back by itself.
 */
const PASSED_OVER =
  /^(prefer-|require-lock-timeout$|require-statement-timeout$|require-timeout-settings$|require-table-schema$|require-enum-value-ordering$|ban-char-field$|ban-drop-(column|table|not-null)$|renaming-|identifier-too-long$|syntax-error$)/;

/** Looks at scripts for PostgreSQL by squawk, where it is installed. Whatever goes wrong with it is told in `blind`. */
export async function lintScripts(scripts: Script[], options: LintOptions): Promise<Linted> {
  if (scripts.length === 0) return { findings: [], blind: null };
  const program = await findLinter(options.workspace);
  if (program === null) return { findings: [], blind: NO_LINTER };
  const folder = join(options.scratch, 'lint');
  try {
    await mkdir(folder, { mode: 0o700 });
    const findings: Finding[] = [];
    for (const atomic of [true, false]) {
      const some = scripts.filter((script) => script.atomic === atomic);
      if (some.length > 0) findings.push(...(await lintSome(program, some, folder, atomic, options)));
    }
    return { findings, blind: null };
  } catch (error) {
    if (options.signal.aborted) throw error;
    return { findings: [], blind: `the linter squawk failed: ${failureFrom(error).what}` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a plan says where the linter is missing. */
export const NO_LINTER =
  'the linter squawk is not installed (npm install --save-dev squawk-cli): what is unsafe under traffic is told by the rehearsal alone';

/** The program, from the PATH or from the packages of the workspace; null where there is none. */
export async function findLinter(workspace: string): Promise<string | null> {
  const folders = [join(workspace, 'node_modules/.bin'), ...(process.env.PATH ?? '').split(delimiter)];
  for (const folder of folders.filter(Boolean)) {
    const file = join(folder, 'squawk');
    if (await there(file, constants.X_OK)) return file;
  }
  return null;
}

/** squawk takes paths as patterns, so each script is given to it under a number. */
async function lintSome(
  program: string,
  scripts: Script[],
  folder: string,
  atomic: boolean,
  { version, workspace, signal }: LintOptions,
): Promise<Finding[]> {
  const paths = scripts.map((_, index) => join(folder, `${atomic ? 'a' : 's'}${index}.sql`));
  for (const [index, { path }] of scripts.entries())
    await writeFile(paths[index]!, wayUp(await readFile(path, 'utf8')), { mode: 0o600 });
  const config = join(workspace, '.squawk.toml');
  const args = [
    ...['--reporter', 'json'],
    ...['--pg-version', version.split('.').slice(0, 2).join('.')],
    ...(atomic ? ['--assume-in-transaction'] : []),
    ...((await there(config, constants.R_OK)) ? ['--config', config] : []),
    ...paths,
  ];
  const finished = await run({ file: program, args, cwd: folder, signal, timeout: 60_000 });
  const names = new Map(paths.map((path, index) => [path, scripts[index]!.file]));
  const findings = findingsIn(finished.stdout, names);
  if (findings === null) throw new Error(lastWords(finished)); // status 1 is an answer: it has findings
  return findings;
}

/** The script without its way down, its lines where they were. */
export function wayUp(text: string): string {
  const down = /^--[ \t]*migrate:down\b/m.exec(text);
  return down ? text.slice(0, down.index) : text;
}

/**
 * What squawk printed with `--reporter json`: an array of objects with file, line (from 0), message, help and
 * rule_name. Null where it is something else. `names` tells the files under which it was given the scripts.
 */
export function findingsIn(printed: string, names: Map<string, string>): Finding[] | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(printed);
  } catch {
    return null;
  }
  if (!Array.isArray(parsed)) return null;
  return parsed.flatMap((each: Record<string, unknown> | null): Finding[] => {
    const { file, line, message, help, rule_name: rule } = each ?? {};
    const known = typeof file === 'string' && typeof line === 'number' && typeof message === 'string';
    if (!known || typeof rule !== 'string' || PASSED_OVER.test(rule)) return [];
    const advice = typeof help === 'string' ? ` ${help}` : '';
    return [{ rule, file: names.get(file) ?? file, line: line + 1, message: message + advice }];
  });
}

/** What the rehearsal itself saw, for every engine: tables written anew while others wait. What lasts moments is no finding. */
export function findingsOfRehearsal(steps: readonly Applied[], { locks, steps: forecasts }: Forecast): Finding[] {
  return steps.flatMap(({ file, statements }, step) =>
    statements.flatMap(({ line, seen }, index) =>
      (seen?.rewritten ?? []).flatMap(({ table, rows }): Finding[] => {
        const lock = locks.find((each) => each.file === file && each.table === table);
        const { high } = lock?.forecast ?? forecasts[step]!.statements[index]!.forecast;
        if (high < MOMENT || rows === 0) return [];
        const waits = lock ? `while ${lock.blocks === 'reads' ? 'reads and writes wait' : 'writes wait'}` : 'meanwhile';
        return [{ rule: 'table-rewritten', file, line, message: `${table} is written anew, ${rows} rows, ${waits}` }];
      }),
    ),
  );
}

function there(file: string, mode: number): Promise<boolean> {
  return access(file, mode).then(
    () => true,
    () => false,
  );
}
