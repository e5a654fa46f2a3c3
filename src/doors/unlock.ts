/** `changeline unlock`: a person says that the run which holds a change no longer lives. */
import { Failure } from '../outcome/outcome.ts';
import { prepare } from '../stages/frame/context.ts';
import { recover } from '../stages/frame/recovery.ts';
import { parseKnown } from './options.ts';
import { withDoor } from './shell.ts';
import type { TerminalLog } from './terminal.ts';

/** Ends the open change of an environment, with the reason in the ledger. */
export async function run(options: string[], log: TerminalLog): Promise<number> {
  const { why = '', ...given } = parseKnown('unlock', options, ['environment', 'why', 'config']);
  if (!why.trim()) {
    throw new Failure({
      code: 'input-missing',
      what: 'unlock needs --why',
      why: 'the ledger keeps who ended the change of another, and why',
      untouched: 'nothing was changed',
      next: 'say why the run that holds the change is known to be dead',
    });
  }
  return withDoor(given, { log, signal: new AbortController().signal, workspace: process.cwd() }, async (door) => {
    const prepared = await prepare('watch', door);
    const state = await prepared.ledger!.state(prepared.loaded!.environment!.name);
    if (!state.open) {
      log.info(`${state.environment}: no change is open`);
      return 0;
    }
    await recover(door, prepared, { kind: 'recover', change: state.open.change, committed: state.open.committed }, why);
    log.info(`${state.environment}: change ${state.open.change} was ended`);
    return 0;
  });
}
