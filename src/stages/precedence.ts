/** `after:`: only what passed in the environment before may come to this one. */
import { Failure } from '../outcome/outcome.ts';
import { artifactOf } from './artifact-of.ts';
import type { Planned, StageContext } from './stage.ts';

type Context = StageContext<'deploy'> | StageContext<'migrate'>;

/** The plan's line about it; none where the environment comes after no other. Throws not-passed-before. */
export async function planPrecedence(context: Context): Promise<Planned[]> {
  const before = context.environment?.after;
  return before ? [{ kind: 'will', text: await precedence(context, before) }] : [];
}

/** Where and when the version's digest has passed in the environment `before`. */
async function precedence(context: Context, before: string): Promise<string> {
  const { version } = context.inputs;
  const [state, artifact] = await Promise.all([context.ledger!.state(before), artifactOf(context)]);
  const passed = state.passed.find((each) => each.digest === artifact.digest);
  if (passed) return `this digest passed in ${before} as ${passed.version} at ${passed.at}`;
  const other = state.passed.find((each) => each.version === version);
  throw new Failure({
    code: 'not-passed-before',
    what: other ? `${version} passed in ${before} with other bytes` : `${version} has not passed in ${before}`,
    where: context.environment!.name,
    why: other
      ? `there it was ${other.digest}, here it is ${artifact.digest}`
      : `${before} has passed ${
          state.passed
            .map((each) => each.version)
            .slice(0, 5)
            .join(', ') || 'nothing yet'
        }`,
    untouched: 'nothing was changed',
    next: other ? 'give the new bytes a new version' : `deliver ${version} to ${before} first`,
  });
}
