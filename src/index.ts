/**
 * The bundle: `action` for the doors of the actions, `cli` for the shell. What they need is loaded after the first
 * line is out, so that a person sees at once that something happens.
 */
import { ACTIONS, type Verb } from './stages/contract.ts';

/** Runs a verb as GitHub's runner asks for it. */
export async function action(verb: Verb): Promise<void> {
  const isPost = process.env.STATE_changeline !== undefined;
  if (!isPost) console.log(`Changeline ${verb}: ${ACTIONS[verb].description}`);
  const door = await import('./doors/action.ts');
  await door.action(verb);
}

/** Runs a command line; returns the exit code. `home` is Changeline's own folder. */
export async function cli(argv: readonly string[], home: string): Promise<number> {
  const door = await import('./doors/cli.ts');
  return door.cli(argv, home);
}
