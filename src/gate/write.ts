/** Writes the verdict as a commit status where people and branch protection look. */
import type { GitHub } from '../github/github.ts';
import { Failure } from '../outcome/outcome.ts';
import type { Target } from './target.ts';
import type { Verdict } from './verdict.ts';
import { GATE_CONTEXT, type Status, statusOf } from './words.ts';

/** What was written where. `warning` says why a status could not be written although the verdict stands. */
export interface Written {
  written: number;
  unchanged: number;
  warning: string | null;
}

/** One commit that bears the status, with the status that it has. */
interface Bearer {
  sha: string;
  inQueue: boolean;
  status: { state: string; description: string | null; targetUrl: string | null } | null;
}

/** Writes the verdict on the commits of the target; on many only where it differs. Rejects with a Failure. */
export async function writeVerdict(github: GitHub, verdict: Verdict, target: Target): Promise<Written> {
  const page = `${github.runner?.serverUrl ?? 'https://github.com'}/${github.repository}/commits/${encodeURI(verdict.branch)}`;
  if (target.kind === 'none') return { written: 0, unchanged: 0, warning: null };
  if (target.kind === 'commit') {
    try {
      await write(github, target.sha, statusOf(verdict, target.inQueue, page));
      return { written: 1, unchanged: 0, warning: null };
    } catch (thrown) {
      const isDenied = thrown instanceof Failure && thrown.code === 'github-denied';
      if (!isDenied || !target.readOnly) throw thrown;
      return { written: 0, unchanged: 0, warning: READ_ONLY };
    }
  }
  const pulls = await writeWhereDiffering(github, verdict, await openPullRequests(github, verdict.branch), page);
  const groups = await writeWhereDiffering(github, verdict, await queued(github, verdict.branch), page);
  return { written: pulls.written + groups.written, unchanged: pulls.unchanged + groups.unchanged, warning: null };
}

async function writeWhereDiffering(
  github: GitHub,
  verdict: Verdict,
  bearers: Bearer[],
  page: string,
): Promise<Written> {
  const differing = bearers.filter((one) => differs(one, statusOf(verdict, one.inQueue, page)));
  for (const one of differing) await write(github, one.sha, statusOf(verdict, one.inQueue, page));
  return { written: differing.length, unchanged: bearers.length - differing.length, warning: null };
}

const READ_ONLY =
  'the status could not be written: the token of a pull request from a fork only reads. ' +
  'Start the gate on pull_request_target, without checking anything out, and it can be written';

async function write(github: GitHub, sha: string, status: Status): Promise<void> {
  const { rest } = await github.client();
  const { state, description, target_url } = status;
  const link = target_url ? { target_url } : {};
  await rest.repos.createCommitStatus({ ...github.at, sha, context: GATE_CONTEXT, state, description, ...link });
}

function differs({ status }: Bearer, wanted: Status): boolean {
  if (!status) return true;
  return (
    status.state.toLowerCase() !== wanted.state ||
    status.description !== wanted.description ||
    status.targetUrl !== wanted.target_url
  );
}

const STATUS = `oid status { context(name: "${GATE_CONTEXT}") { state description targetUrl } }`;
const PULLS = `query ($owner: String!, $repo: String!, $branch: String!, $after: String) {
  repository(owner: $owner, name: $repo) {
    pullRequests(states: OPEN, baseRefName: $branch, first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { commits(last: 1) { nodes { commit { ${STATUS} } } } }
    }
  }
}`;
/** GitHub makes a branch below this prefix for each group that waits; a token that reads contents sees them. */
const QUEUE_BRANCHES = 'refs/heads/gh-readonly-queue/';
const QUEUE = `query ($owner: String!, $repo: String!, $prefix: String!) {
  repository(owner: $owner, name: $repo) {
    refs(refPrefix: $prefix, first: 100) { nodes { target { ... on Commit { ${STATUS} } } } }
  }
}`;

interface CommitAnswer {
  oid: string;
  status: { context: Bearer['status'] } | null;
}

interface Page {
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
  nodes: { commits: { nodes: { commit: CommitAnswer }[] } }[];
}

async function openPullRequests(github: GitHub, branch: string): Promise<Bearer[]> {
  const bearers: Bearer[] = [];
  let after: string | null = null;
  do {
    const variables: Record<string, unknown> = { ...github.at, branch, after };
    const answer: { repository: { pullRequests: Page } } = await github.graphql(
      PULLS,
      variables,
      'pull-requests: read',
    );
    const page = answer.repository.pullRequests;
    for (const pull of page.nodes) bearers.push(...pull.commits.nodes.map(({ commit }) => bearer(commit, false)));
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  } while (after !== null);
  return bearers;
}

/** Groups that wait in the merge queue: without a status of their own they would wait until the queue gives up. */
async function queued(github: GitHub, branch: string): Promise<Bearer[]> {
  type Answer = { repository: { refs: { nodes: { target: CommitAnswer }[] } | null } };
  const prefix = `${QUEUE_BRANCHES}${branch}/`;
  const answer = await github.graphql<Answer>(QUEUE, { ...github.at, prefix }, 'contents: read');
  return (answer.repository.refs?.nodes ?? []).map(({ target }) => bearer(target, true));
}

function bearer(commit: CommitAnswer, inQueue: boolean): Bearer {
  return { sha: commit.oid, inQueue, status: commit.status?.context ?? null };
}
