/** Reads the evidence from GitHub: the first-parent chain in one query, then commit by commit until one decides. */

import type { GitHub } from '../github/github.ts';
import { Failure } from '../outcome/outcome.ts';
import { type Check, type CommitEvidence, checksFrom } from './evidence.ts';
import { isSettled, type Verdict, verdictOf } from './verdict.ts';

/** How many first-parent commits behind the head are asked. */
const BACK = 20;

/** One commit of the chain. */
interface Link {
  sha: string;
  author: string | null;
}

/** A branch with its newest first-parent commits, newest first. */
interface Chain {
  branch: string;
  commits: Link[];
}

/** The verdict on the branch (the default branch where it is null). Rejects with a Failure where GitHub cannot be read. */
export async function readVerdict(
  github: GitHub,
  branch: string | null,
  named: readonly string[] | null,
): Promise<Verdict> {
  const chain = await readChain(github, branch);
  const seen: CommitEvidence[] = [];
  for (const link of chain.commits) {
    seen.push({ ...link, checks: await readChecks(github, link.sha) });
    if (isSettled(seen, named)) break;
  }
  return verdictOf(chain.branch, seen, named);
}

interface CommitAnswer {
  oid: string;
  author: { name: string | null; user: { login: string } | null } | null;
  parents?: { nodes: CommitAnswer[] };
}

interface RefAnswer {
  name: string;
  target: CommitAnswer | null;
}

/** The head of the branch and up to twenty first parents. */
async function readChain(github: GitHub, branch: string | null): Promise<Chain> {
  const variables = branch === null ? { ...github.at } : { ...github.at, ref: `refs/heads/${branch}` };
  const answer = await github.graphql<{ repository: { ref: RefAnswer | null } }>(
    chainQuery(branch !== null),
    variables,
    'contents: read',
  );
  const ref = answer.repository.ref;
  if (!ref?.target?.oid) {
    throw new Failure({
      code: 'gate-unknown',
      what: branch === null ? 'the repository has no default branch with a commit' : `there is no branch ${branch}`,
      where: github.repository,
      next: branch === null ? 'push a first commit' : 'correct gate.branch in changeline.yml',
      outcome: 'inconclusive',
    });
  }
  const commits: Link[] = [];
  for (let commit: CommitAnswer | undefined = ref.target; commit; commit = commit.parents?.nodes[0]) {
    const author = commit.author?.user?.login ?? commit.author?.name ?? null;
    commits.push({ sha: commit.oid, author });
  }
  return { branch: ref.name, commits };
}

/** `history` would follow every parent, so the first parents are asked for one inside the other. */
function chainQuery(hasName: boolean): string {
  const fields = 'oid author { name user { login } }';
  let commit = fields;
  for (let back = 0; back < BACK; back++) commit = `${fields} parents(first: 1) { nodes { ${commit} } }`;
  const selection = `{ name target { ... on Commit { ${commit} } } }`;
  const ref = hasName ? `ref(qualifiedName: $ref) ${selection}` : `ref: defaultBranchRef ${selection}`;
  return `query ($owner: String!, $repo: String!${hasName ? ', $ref: String!' : ''}) {
  repository(owner: $owner, name: $repo) { ${ref} }
}`;
}

async function readChecks(github: GitHub, sha: string): Promise<Check[]> {
  const { paginate, rest } = await github.client();
  const commit = { ...github.at, ref: sha, per_page: 100 };
  const [runs, statuses, workflowRuns] = await Promise.all([
    paginate(rest.checks.listForRef, { ...commit, filter: 'latest' }),
    paginate(rest.repos.listCommitStatusesForRef, commit),
    paginate(rest.actions.listWorkflowRunsForRepo, { ...github.at, head_sha: sha, per_page: 100 }),
  ]);
  const checks = checksFrom(runs, statuses, workflowRuns, github.runner?.run ?? null);
  return withoutOwnVerdicts(github, checks);
}

/** Above this many failed jobs nobody asks whether each is Changeline's own. */
const MOST_ASKED = 10;

async function withoutOwnVerdicts(github: GitHub, checks: Check[]): Promise<Check[]> {
  if (checks.filter((check) => check.state === 'red' && check.job !== null).length > MOST_ASKED) return checks;
  const own = await Promise.all(checks.map((check) => isOwnVerdict(github, check)));
  return checks.filter((_, index) => !own[index]);
}

/**
 * True for a job that failed in a step of Changeline's: a delivery that was refused or turned back is no broken
 * build, and would hold the gate closed for ever. Such a step bears the name that GitHub gives it, `Run …/changeline…@…`,
 * and `Post Run …` at the end of the job. A step with a name of its own is a check like any other.
 */
async function isOwnVerdict(github: GitHub, check: Check): Promise<boolean> {
  if (check.state !== 'red' || check.job === null) return false;
  const { rest } = await github.client();
  const { data } = await rest.actions.getJobForWorkflowRun({ ...github.at, job_id: check.job });
  const failed = (data.steps ?? []).filter((step) => step.conclusion === 'failure' || step.conclusion === 'cancelled');
  return (
    failed.length > 0 &&
    failed.every((step) => /^(?:Post )?Run [^\s/]+\/changeline(\/actions\/[\w-]+)?@\S+$/.test(step.name))
  );
}
