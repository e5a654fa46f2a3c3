/** `changeline status`: the present of the environments, from the ledger. */
import { type EnvironmentState, holderInWords } from '../ledger/ledger.ts';
import { prepare } from '../stages/context.ts';
import { parseNamed } from './options.ts';
import { withDoor } from './shell.ts';
import type { TerminalLog } from './terminal.ts';

/** Prints what is live, open and unexplained in one environment. */
export function run(options: string[], log: TerminalLog): Promise<number> {
  const given = parseNamed(options, () => undefined);
  return withDoor(given, { log, signal: new AbortController().signal, workspace: process.cwd() }, async (door) => {
    const { loaded, ledger } = await prepare('watch', door);
    for (const line of stateLines(await ledger!.state(loaded!.environment!.name))) log.info(line);
    return 0;
  });
}

/** The lines for one environment. Pure. */
export function stateLines(state: EnvironmentState): string[] {
  const { environment, live, open, before, incidents } = state;
  return [
    `${environment}: ${live ? `${live.version} is live since ${live.since} (change ${live.change})` : 'nothing is live yet'}`,
    `  before: ${before.slice(0, 5).map((each) => each.version).join(', ') || 'nothing'}`,
    open ? `  open: ${open.version ?? 'a change'} since ${open.since}, held by ${holderInWords(open.holder)}` : '  open: nothing',
    ...incidents.map((incident) => `  incident ${incident.id}: ${incident.why}; its post-mortem is not written yet`),
  ];
}
