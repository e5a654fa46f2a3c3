/** The gate by itself: the status on pull requests and on the merge queue, by what started the run. */
import { type Config, gateOf } from '../../config/config.ts';
import {
  commentedPull,
  graceOf,
  type MainQuestion,
  type Past,
  readMain,
  type Taken,
  type Target,
  takeOverride,
  targetOf,
  type Verdict,
  type Written,
  writeStatuses,
} from '../../gate/gate.ts';
import type { GitHub } from '../../github/github.ts';
import { Failure, type Result } from '../../outcome/outcome.ts';
import { defaultBranchOf } from '../frame/default-branch.ts';
import type { StageContext } from '../stage.ts';
import { resultOfGate, resultOfMain } from './gate-result.ts';
import { lasts, shownOnPulls } from './undecided.ts';

type Context = StageContext<'gate'>;

/** What is asked about the branch. */
export function mainQuestion(config: Config | null, branch: string | null): MainQuestion {
  return { branch, checks: config?.gate?.checks ?? null, grace: graceOf(config) };
}

/**
 * Writes the status where it belongs. A closed gate passes: the status says it. Rejects with a Failure, which pull
 * requests say as well where it lasts.
 */
export async function gateAlone(context: Context, github: GitHub): Promise<Result> {
  const { config, ledger, runner } = context;
  // In a shell there is nothing to write on.
  if (!runner) return inShell(await readMain(github, mainQuestion(config, config?.gate?.branch ?? null)));
  if (context.unread) throw await shownOnPulls(context, github, runner, context.unread);
  const branch = config?.gate?.branch ?? context.defaultBranch ?? (await defaultBranchOf(github));
  const { taken, target } = await targetIn(context, github, branch);
  if (target.kind === 'none') context.log.info(`no status is written: ${target.why}`);
  try {
    const written = await writeStatuses(github, { branch, config, ledger, target });
    warn(context, written, taken);
    return resultOfGate({ target, taken, written, waited: github.waited });
  } catch (thrown) {
    throw thrown instanceof Failure && lasts(thrown) ? await shownOnPulls(context, github, runner, thrown) : thrown;
  }
}

/** In a shell nothing but the end of the process tells a script whether to go on. */
function inShell(verdict: Verdict): Result {
  const result = resultOfMain(verdict);
  return verdict.open ? result : { ...result, outcome: verdict.state === 'red' ? 'failed' : 'inconclusive' };
}

/** A comment is taken before its pull request is looked at: it may be what lets it in. */
async function targetIn(
  { runner, config, ledger }: Context,
  github: GitHub,
  branch: string,
): Promise<{ target: Target; taken: Taken | null }> {
  const target = targetOf(runner, branch);
  if (target.kind !== 'pull' || target.headRef !== null) return { target, taken: null };
  const taken = await takeOverride(github, ledger, config && gateOf(config), runner!);
  return { target: await commentedPull(github, target, branch), taken };
}

function warn({ log, runner }: Context, { denied, snapshot }: Written, taken: Taken | null): void {
  if (denied) log.warn(runner?.event === 'pull_request' ? READ_ONLY : READ_ONLY_REVIEW);
  if (taken?.code === 'override-refused') log.warn(`the override does not count: ${taken.summary}`);
  if (snapshot.past) log.warn(pastInWords(snapshot.past));
}

const READ_ONLY =
  'the status could not be written: the token of a pull request from a fork only reads. ' +
  'Start the gate on pull_request_target, without checking anything out, and it can be written';
const READ_ONLY_REVIEW =
  'the status could not be written: after a review of a pull request from a fork the token only reads. ' +
  'Let a workflow without permissions run on the review, and start the gate on workflow_run of that one';

function pastInWords({ pull, by, state, sha }: Past): string {
  const who = by ? `, merged by ${by},` : '';
  const bore = state === null ? 'no status of the gate' : `the status ${state}`;
  return `pull request ${pull}${who} landed past the gate as ${sha.slice(0, 7)}: its head bore ${bore}. Make the status changeline/gate required, for administrators too`;
}
