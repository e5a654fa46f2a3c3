/** `changeline status`: the present of the environments, from the ledger. */
import type { FreezeSection } from '../config/config.ts';
import { activeFreezes, nextWindow } from '../freeze/freeze.ts';
import { type EnvironmentState, holderInWords } from '../ledger/ledger.ts';
import { nowBy } from '../stages/frame/clock.ts';
import { type Doorway, prepare } from '../stages/frame/context.ts';
import { parseKnown } from './options.ts';
import { withDoor } from './shell.ts';
import type { TerminalLog } from './terminal.ts';

/** Prints what is live, open, frozen, asked and unexplained in one environment, or in each where none is named. */
export function run(options: string[], log: TerminalLog): Promise<number> {
  const given = parseKnown('status', options, ['environment', 'config']);
  return withDoor(given, { log, signal: new AbortController().signal, workspace: process.cwd() }, async (door) => {
    for (const environment of await environmentsOf(door)) {
      const { ledger, loaded, github } = await prepare('watch', { ...door, given: { ...given, environment } }, true);
      const state = await ledger!.state(environment);
      for (const line of stateLines(state, loaded!.environment!.freeze, nowBy(github))) log.info(line);
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
export function stateLines(state: EnvironmentState, freeze: FreezeSection | undefined, now: Date): string[] {
  const { environment, live, open, before, incidents } = state;
  const said = [
    `${environment}: ${live ? `${live.version} is live since ${minute(live.since)}` : 'nothing is live yet'}`,
    ...(before.length > 0
      ? [
          `  before: ${before
            .slice(0, 5)
            .map((each) => each.version)
            .join(', ')}`,
        ]
      : []),
    ...(open
      ? [`  open:   ${open.version ?? 'a change'} since ${minute(open.since)}, held by ${holderInWords(open.holder)}`]
      : []),
  ];
  const waiting = incidents.map(
    ({ from, opened, why }) =>
      `  waits for its post-mortem: ${from ?? 'a version'}, turned back ${minute(opened)}: ${why}`,
  );
  return [...said, ...freezeLines(state, freeze, now), ...requestLines(state, now), ...waiting];
}

/** What is frozen, and when the calendar freezes next; a change in flight has its line already. */
function freezeLines(state: EnvironmentState, freeze: FreezeSection | undefined, now: Date): string[] {
  const active = activeFreezes(state.environment, freeze, state, now, 'deliveries');
  const next = nextWindow(freeze, now);
  return [...active.map(({ inWords }) => `  ${inWords}`), ...(next ? [`  ${next.inWords}`] : [])];
}

/** What people were asked and can still answer. */
function requestLines({ requests }: EnvironmentState, now: Date): string[] {
  return requests
    .filter(({ ended, expires }) => ended === null && Date.parse(expires) > now.getTime())
    .map(
      ({ asks, bound, by, expires, url }) =>
        `  waits for approval: ${asks} of ${bound.version}, asked by ${by}, until ${minute(expires)}: ${url}`,
    );
}

function minute(at: string): string {
  return `${at.slice(0, 16).replace('T', ' ')} UTC`;
}
