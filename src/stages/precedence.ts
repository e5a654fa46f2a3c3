/** What must have come first: `after:` a pass elsewhere, its acceptance there, the approval here. */
import { Failure } from '../outcome/outcome.ts';
import { acceptanceOf } from './approving/accepting.ts';
import { planApproval } from './approving/guarding.ts';
import { artifactOf } from './artifact-of.ts';
import type { Planned, StageContext } from './stage.ts';

type Context = StageContext<'deploy' | 'migrate' | 'approve'>;

/**
 * The plan's lines about it; none where the environment comes after no other and nobody need approve. Throws
 * not-passed-before, not-accepted, and what the approval came to.
 */
export async function planPrecedence(context: Context): Promise<Planned[]> {
  const before = context.environment?.after;
  const lines = before ? await precedence(context, before) : [];
  const approval = context.verb === 'approve' ? [] : await planApproval(context as StageContext<'deploy' | 'migrate'>);
  return [...lines.map((text): Planned => ({ kind: 'will', text })), ...approval];
}

/** Where and when the version's digest has passed in the environment `before`, and who has accepted it there. */
async function precedence(context: Context, before: string): Promise<string[]> {
  const { version } = context.inputs;
  const [state, artifact] = await Promise.all([context.ledger!.state(before), artifactOf(context)]);
  const { digest } = artifact;
  const passed = state.passed.find((each) => each.digest === digest);
  if (passed) {
    const accepted = await acceptanceOf(context, { before, version, digest }, state);
    return [`this digest passed in ${before} as ${passed.version} at ${passed.at}`, ...(accepted ? [accepted] : [])];
  }
  const other = state.passed.find((each) => each.version === version);
  throw new Failure({
    code: 'not-passed-before',
    what: other ? `${version} passed in ${before} with other bytes` : `${version} has not passed in ${before}`,
    where: context.environment!.name,
    why: other
      ? `there it was ${other.digest}, here it is ${digest}`
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
