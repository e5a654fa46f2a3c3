/** `changeline status`: the present of the environments, from the ledger. */
import { type EnvironmentState, holderInWords } from '../ledger/ledger.ts';
import { type Doorway, prepare } from '../stages/context.ts';
import { parseKnown } from './options.ts';
import { withDoor } from './shell.ts';
import type { TerminalLog } from './terminal.ts';

/** Prints what is live, open and unexplained in one environment, or in each where none is named. */
export function run(options: string[], log: TerminalLog): Promise<number> {
  const given = parseKnown('status', options, ['environment', 'config']);
  return withDoor(given, { log, signal: new AbortController().signal, workspace: process.cwd() }, async (door) => {
    for (const environment of await environmentsOf(door)) {
      const { ledger } = await prepare('watch', { ...door, given: { ...given, environment } }, true);
      for (const line of stateLines(await ledger!.state(environment))) log.info(line);
    }
    return 0;
  });
}

/** The environment that was asked for, else all of the file. */
async function environmentsOf(door: Doorway): Promise<string[]> {
  if (door.given.environment) return [door.given.environment];
  const { loaded } = await prepare(
    'gate',
    { ...door, given: { config: '.github/changeline.yml', ...door.given } },
    true,
  );
  return Object.keys(loaded!.config.environments);
}

/** The lines for one environment. Pure. */
export function stateLines(state: EnvironmentState): string[] {
  const { environment, live, open, before, incidents } = state;
  const since = (at: string) => `${at.slice(0, 16).replace('T', ' ')} UTC`;
  const said = [
    `${environment}: ${live ? `${live.version} is live since ${since(live.since)}` : 'nothing is live yet'}`,
    ...(before.length > 0
      ? [
          `  before: ${before
            .slice(0, 5)
            .map((each) => each.version)
            .join(', ')}`,
        ]
      : []),
    ...(open
      ? [`  open:   ${open.version ?? 'a change'} since ${since(open.since)}, held by ${holderInWords(open.holder)}`]
      : []),
  ];
  const waiting = incidents.map(
    ({ from, opened, why }) =>
      `  waits for its post-mortem: ${from ?? 'a version'}, turned back ${since(opened)}: ${why}`,
  );
  return [...said, ...waiting];
}
