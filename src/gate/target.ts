/** Which commits the status is written on, by what started the run. Pure. */
import type { Runner } from '../github/github.ts';

/** One pull request whose head bears the status. Names come from outside. */
export interface PullTarget {
  kind: 'pull';
  number: number;
  /** The name of the branch it comes from; null where the payload does not say it: a comment. */
  headRef: string | null;
  /** True where the token only reads: then a status that cannot be written is no failure. */
  readOnly: boolean;
}

/**
 * Nowhere and why, on one pull request, on those of one branch (by its name, in whatever fork), on one group of the
 * merge queue, or on all that is open.
 */
export type Target =
  | { kind: 'none'; why: string }
  | PullTarget
  | { kind: 'branch'; headRef: string }
  /** `ref`: the name of its branch, which says what it holds, where the payload says it. */
  | { kind: 'group'; sha: string; ref?: string }
  /** `pushed`: the commit that was pushed to the branch, where that is what started the run. */
  | { kind: 'all'; pushed: string | null };

/** What every open pull request is looked at for. */
const SWEEPS = ['schedule', 'workflow_dispatch', 'repository_dispatch'];
/** Runs that judge a pull request. That of pull_request_target is no such run: it is of the branch. */
const JUDGING = ['pull_request', 'pull_request_review', 'pull_request_review_comment'];
const PULL_EVENTS = [...JUDGING, 'pull_request_target'];

/** Where the verdict on `branch` belongs. The payload is GitHub's own; where a part is missing, nowhere. */
export function targetOf(runner: Runner | null, branch: string): Target {
  if (!runner) return none('no run of GitHub Actions asks');
  const { event } = runner;
  if (PULL_EVENTS.includes(event)) return pullTarget(runner, branch);
  if (event === 'merge_group') return groupTarget(runner, branch);
  if (event === 'issue_comment') return commentTarget(runner);
  if (event === 'workflow_run') return runTarget(runner);
  if (event === 'push') {
    if (runner.ref !== `refs/heads/${branch}`) return none(`the push is not to ${branch}`);
    const { after } = runner.payload;
    return { kind: 'all', pushed: isSha(after) ? after : null };
  }
  return SWEEPS.includes(event) ? { kind: 'all', pushed: null } : none(`the event ${event} is about no pull request`);
}

interface PullPayload {
  number?: unknown;
  state?: unknown;
  user?: { login?: unknown } | null;
  head?: { ref?: unknown; repo?: { full_name?: unknown } | null };
  base?: { ref?: unknown };
}

function pullTarget({ event, payload, repository, actor }: Runner, branch: string): Target {
  const pull = payload.pull_request as PullPayload | undefined;
  if (!isNumber(pull?.number)) return none('the event names no pull request');
  if (pull.state === 'closed') return none(`pull request ${pull.number} is closed`);
  const base = pull.base?.ref;
  // One that was taken to another branch keeps the status that it has: nothing is merged into this one by it.
  if (base !== branch) return none(`pull request ${pull.number} goes into ${String(base)}, not into ${branch}`);
  const headRef = typeof pull.head?.ref === 'string' ? pull.head.ref : null;
  const isForeign = pull.head?.repo?.full_name !== repository || [pull.user?.login, actor].includes('dependabot[bot]');
  return { kind: 'pull', number: pull.number, headRef, readOnly: event !== 'pull_request_target' && isForeign };
}

/** Looking at all that is open whenever the checks of one pull request end would use up GitHub's limits. */
function runTarget({ payload }: Runner): Target {
  const { event, head_branch: headRef } = (payload.workflow_run ?? {}) as { event?: unknown; head_branch?: unknown };
  const isOfPull = typeof event === 'string' && JUDGING.includes(event) && typeof headRef === 'string';
  return isOfPull ? { kind: 'branch', headRef } : { kind: 'all', pushed: null };
}

function groupTarget({ payload }: Runner, branch: string): Target {
  const group = payload.merge_group as { head_sha?: unknown; head_ref?: unknown; base_ref?: unknown } | undefined;
  if (!isSha(group?.head_sha)) return none('the event names no group');
  if (payload.action === 'destroyed') return none('the group is gone');
  if (group.base_ref !== `refs/heads/${branch}`) return none(`the group does not go into ${branch}`);
  const { head_sha: sha, head_ref: ref } = group;
  return { kind: 'group', sha, ...(typeof ref === 'string' ? { ref } : {}) };
}

function commentTarget({ payload }: Runner): Target {
  const issue = payload.issue as { number?: unknown; pull_request?: unknown } | undefined;
  if (!issue?.pull_request || !isNumber(issue.number)) return none('the comment is on no pull request');
  return { kind: 'pull', number: issue.number, headRef: null, readOnly: false };
}

function none(why: string): Target {
  return { kind: 'none', why };
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function isSha(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(value);
}
