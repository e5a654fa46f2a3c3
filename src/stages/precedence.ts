/** `after:`: only what passed in the environment before may come to this one. */
import { artifactOf } from './artifact-of.ts';
import { Failure } from '../outcome/outcome.ts';
import type { StageContext } from './stage.ts';

type Context = StageContext<'deliver' | 'deploy' | 'migrate'>;

/** Throws not-passed-before unless the version's digest has passed in the environment that `after` names. */
export async function requirePrecedence(context: Context): Promise<string | null> {
  const before = context.environment!.after;
  if (!before) return null;
  const { version } = context.inputs;
  const [state, artifact] = await Promise.all([context.ledger!.state(before), artifactOf(context)]);
  const passed = state.passed.find((each) => each.digest === artifact.digest);
  if (passed) return `this digest passed in ${before} as ${passed.version} at ${passed.at}`;
  const other = state.passed.find((each) => each.version === version);
  throw new Failure({
    code: 'not-passed-before',
    what: other ? `${version} passed in ${before} with other bytes` : `${version} has not passed in ${before}`,
    where: context.environment!.name,
    why: other ? `there it was ${other.digest}, here it is ${artifact.digest}` : `${before} has passed ${state.passed.map((each) => each.version).slice(0, 5).join(', ') || 'nothing yet'}`,
    untouched: 'nothing was changed',
    next: other ? 'give the new bytes a new version' : `deliver ${version} to ${before} first`,
  });
}
