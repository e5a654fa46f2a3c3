/** The pull request that a comment stands on: the event names only its number. */
import type { GitHub } from '../github/github.ts';
import type { PullTarget, Target } from './target.ts';

interface Answer {
  repository: { pullRequest: { state: string; baseRefName: string; headRefName: string } | null };
}

const QUERY = `query ($owner: String!, $repo: String!, $number: Int!) {
  repository(owner: $owner, name: $repo) { pullRequest(number: $number) { state baseRefName headRefName } }
}`;

/** The target with the branch that the pull request comes from; nowhere where it is not open against `branch`. */
export async function commentedPull(github: GitHub, target: PullTarget, branch: string): Promise<Target> {
  const { number } = target;
  const { repository } = await github.graphql<Answer>(QUERY, { ...github.at, number }, 'pull-requests: read');
  const pull = repository.pullRequest;
  if (pull?.state !== 'OPEN') return { kind: 'none', why: `pull request ${number} is closed` };
  if (pull.baseRefName !== branch) {
    return { kind: 'none', why: `pull request ${number} goes into ${pull.baseRefName}, not into ${branch}` };
  }
  return { ...target, headRef: pull.headRefName };
}
