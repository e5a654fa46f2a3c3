/** A gate that cannot decide says so on the pull requests: what they bore before may be true no more. */
import { commentedPull, type Target, targetOf, writeUndecided } from '../../gate/gate.ts';
import type { GitHub, Runner } from '../../github/github.ts';
import { type Code, Failure, failureFrom } from '../../outcome/outcome.ts';
import { defaultBranchOf } from '../frame/default-branch.ts';
import type { StageContext } from '../stage.ts';

/** What passes by itself: the next run may well decide, so until then what stands is left. */
const PASSING: Code[] = ['github-unreachable', 'ledger-conflict', 'cancelled', 'internal'];

/** True for a failure that every further run would meet, until somebody removes its cause. */
export function lasts({ code, facts, cause }: Failure): boolean {
  if (facts.passes || PASSING.includes(code)) return false;
  if (code === 'ledger-unreachable') return !(cause instanceof Failure && PASSING.includes(cause.code));
  // Without this one nothing can be said on a pull request either.
  return facts.permissions !== 'statuses: write';
}

/** Writes the failure on the heads that this run is about. Answers it with what was written. Never throws. */
export async function shownOnPulls(
  context: StageContext<'gate'>,
  github: GitHub,
  runner: Runner,
  failure: Failure,
): Promise<Failure> {
  const told = withBypass(failure);
  try {
    const named = failure.code === 'gate-unknown' ? undefined : context.config?.gate?.branch;
    const branch = named ?? context.defaultBranch ?? (await defaultBranchOf(github));
    const { written, unchanged } = await writeUndecided(
      github,
      { branch, target: await targetIn(github, runner, branch) },
      told,
    );
    return again(told, { untouched: `${written + unchanged} heads of pull requests and groups say so` });
  } catch (thrown) {
    context.log.warn(`pull requests do not say that the gate cannot decide: ${failureFrom(thrown).what}`);
    return told;
  }
}

async function targetIn(github: GitHub, runner: Runner, branch: string): Promise<Target> {
  const target = targetOf(runner, branch);
  return target.kind === 'pull' && target.headRef === null ? commentedPull(github, target, branch) : target;
}

/** What lies in changeline.yml is repaired by a pull request, and this one is shut like any other. */
function withBypass(failure: Failure): Failure {
  if (!failure.code.startsWith('config-') && failure.code !== 'gate-unknown') return failure;
  return again(failure, { next: `${failure.next}; let a bypass of the branch's rules merge the repair` });
}

function again(failure: Failure, parts: { untouched?: string; next?: string }): Failure {
  const { code, what, where, why, untouched, next, facts, outcome, cause } = failure;
  return new Failure({ code, what, where, why, untouched, next, facts, outcome, cause, ...parts });
}
