/** `changeline doctor`: what is missing in the repository's rules for the gate and the approvals to hold. */
import { closest } from '../../config/config.ts';
import { Failure } from '../../outcome/outcome.ts';
import { type Doorway, prepare } from '../../stages/frame/context.ts';
import { parseKnown } from '../options.ts';
import { withDoor } from '../shell.ts';
import type { TerminalLog } from '../terminal.ts';
import { findings } from './findings.ts';
import { readRepository } from './read.ts';
import { tableLines } from './table.ts';

const CONFIG = '.github/changeline.yml';

/** Prints the table. Returns 1 where something is missing, else 0. Changes nothing. */
export function run(options: string[], log: TerminalLog): Promise<number> {
  const given = parseKnown('doctor', options, ['environment', 'config']);
  return withDoor(given, { log, signal: new AbortController().signal, workspace: process.cwd() }, async (door) => {
    const environment = given.environment || door.env.CHANGELINE_ENVIRONMENT || '';
    const { loaded, github } = await prepare('gate', withoutEnvironment(door, environment), true);
    const names = Object.keys(loaded?.config.environments ?? {});
    const asked = environment ? [environmentOf(names, environment)] : names;
    const opened = github();
    log.progress(`  reading the rules of ${opened.repository}`);
    const rows = findings(await readRepository(opened, loaded?.config ?? null, asked));
    for (const line of tableLines(rows, process.stdout.isTTY ? process.stdout.columns : undefined)) log.info(line);
    return rows.some((row) => row.state === 'missing') ? 1 : 0;
  });
}

/** The door without an environment, so that the ledger is not opened; one that was named needs changeline.yml. */
function withoutEnvironment(door: Doorway, environment: string): Doorway {
  const { environment: _, ...given } = door.given;
  const config = environment && !given.config && !door.env.CHANGELINE_CONFIG ? { config: CONFIG } : {};
  return { ...door, given: { ...given, ...config }, env: { ...door.env, CHANGELINE_ENVIRONMENT: undefined } };
}

function environmentOf(names: string[], asked: string): string {
  if (names.includes(asked)) return asked;
  const meant = closest(asked, names);
  throw new Failure({
    code: 'environment-unknown',
    what: `there is no environment "${asked}"`,
    why: meant ? `did you mean ${meant}?` : `changeline.yml has ${names.join(', ') || 'none'}`,
    untouched: 'nothing was changed',
    next: 'name one of these, or leave --environment out for all of them',
  });
}
