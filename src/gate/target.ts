/** Which commits the verdict is written on, by what started the run. Pure. */
import type { Runner } from '../github/github.ts';

/** Nowhere, on one commit (a pull request's head or a merge group's), or on every open pull request of the branch. */
export type Target =
  | { kind: 'none' }
  | { kind: 'commit'; sha: string; inQueue: boolean; pullRequest: number | null; readOnly: boolean }
  | { kind: 'all' };

/** What a repair of every open pull request may be started by. */
const SWEEPS = ['workflow_run', 'schedule'];

/** Where the verdict on `branch` belongs. The payload is GitHub's own; a part that is missing means nowhere. */
export function targetOf(runner: Runner | null, branch: string): Target {
  if (!runner) return { kind: 'none' };
  const { event, payload } = runner;
  if (event === 'pull_request' || event === 'pull_request_target') {
    const pull = payload.pull_request as {
      number?: unknown;
      head?: { sha?: unknown; repo?: { full_name?: unknown } | null };
    };
    const sha = pull?.head?.sha;
    if (!isSha(sha)) return { kind: 'none' };
    const isForeign = pull.head?.repo?.full_name !== runner.repository || runner.actor === 'dependabot[bot]';
    const number = typeof pull.number === 'number' ? pull.number : null;
    return {
      kind: 'commit',
      sha,
      inQueue: false,
      pullRequest: number,
      readOnly: event === 'pull_request' && isForeign,
    };
  }
  if (event === 'merge_group') {
    const sha = (payload.merge_group as { head_sha?: unknown } | undefined)?.head_sha;
    return isSha(sha) ? { kind: 'commit', sha, inQueue: true, pullRequest: null, readOnly: false } : { kind: 'none' };
  }
  if (event === 'push') return runner.ref === `refs/heads/${branch}` ? { kind: 'all' } : { kind: 'none' };
  return SWEEPS.includes(event) ? { kind: 'all' } : { kind: 'none' };
}

function isSha(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(value);
}
