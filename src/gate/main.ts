/** Reads from GitHub how the branch stands, no further back than the verdict needs. */
import type { GitHub } from '../github/github.ts';
import { Failure } from '../outcome/outcome.ts';
import { type Check, checksFrom } from './evidence.ts';
import {
  type CommitAnswer,
  completed,
  EVIDENCE,
  NEEDS,
  readCommits,
  STEPS,
  type StepAnswer,
  stepsByJob,
  type WholeCommit,
} from './pages.ts';
import { type CommitEvidence, type Question, standing, type Verdict, verdictOf } from './verdict.ts';

/** What is asked about the branch. */
export interface MainQuestion {
  /** null for the default branch. */
  branch: string | null;
  /** The checks that count; null for all. */
  checks: readonly string[] | null;
  /** Milliseconds that a check may take to appear. */
  grace: number;
}

/** How many first-parent commits behind the head are asked. */
const BACK = 20;
/**
 * The steps of the head's failed jobs, two a suite, come with the first query: nearly always they are all. More would
 * cost more of GitHub's points each time than the second query that they save.
 */
const FAILED = `checkSuites(first: 100) { nodes {
  failed: checkRuns(first: 2, filterBy: { checkType: ALL, conclusions: [FAILURE, CANCELLED] }) { nodes { ${STEPS} } }
} }`;
/** How many of them first: the next one or two nearly always decide. */
const FIRST = 5;
/** Above this many failed jobs nobody asks whether each is Changeline's own. */
const MOST_ASKED = 10;

const LINK = 'id oid committedDate author { name user { login } }';

/**
 * What `mainFrom` needs to know first, as a selection inside `repository { … }` under the alias `main`. Where
 * `hasName` it is of the branch in the variable `$ref: String!` (`refs/heads/<name>`), else of the default branch.
 * `hasSteps`: with the steps of failed jobs, which saves a query where the branch is red and costs three points always.
 */
export function mainSelection(hasName: boolean, hasSteps = true): string {
  // `history` would follow every parent, so the first parents are asked for one inside the other.
  let parents = '';
  for (let back = 0; back < BACK; back++) parents = `parents(first: 1) { nodes { ${LINK} ${parents} } }`;
  const ref = hasName ? 'ref(qualifiedName: $ref)' : 'defaultBranchRef';
  return `main: ${ref} { name target { ... on Commit { ${LINK} ${EVIDENCE} ${hasSteps ? FAILED : ''} ${parents} } } }`;
}

/** The verdict on the branch. Rejects as `mainFrom` does. */
export async function readMain(github: GitHub, question: MainQuestion): Promise<Verdict> {
  const { branch } = question;
  const declared = branch === null ? '' : ', $ref: String!';
  const query = `query gateMain($owner: String!, $repo: String!${declared}) {
  repository(owner: $owner, name: $repo) { ${mainSelection(branch !== null)} }
}`;
  const variables = branch === null ? { ...github.at } : { ...github.at, ref: `refs/heads/${branch}` };
  const answer = await github.graphql<{ repository: unknown }>(query, variables, NEEDS);
  return mainFrom(github, answer.repository, question);
}

/**
 * The verdict from the `repository` of an answer to `mainSelection`; asks further where that is not enough. Rejects
 * with a Failure: `gate-unknown` where there is no such branch or its checks change faster than they can be read, and
 * the client's own.
 */
export async function mainFrom(github: GitHub, repository: unknown, question: MainQuestion): Promise<Verdict> {
  const ref = (repository as { main: RefAnswer | null } | null)?.main;
  if (!ref?.target?.oid) throw noBranch(github, question.branch);
  const asked = { named: question.checks, grace: question.grace, now: github.now() };
  const history = new History(chainOf(ref.target), github.runner?.run ?? null);
  history.add(await completed(github, [ref.target]));
  const failed = (ref.target.checkSuites?.nodes ?? []).flatMap((suite) => suite?.failed?.nodes ?? []);
  history.settle(stepsByJob(failed.filter((job) => job !== null)));
  for (;;) {
    const verdict = verdictOf(ref.name, history.commits, asked);
    const commits = verdict ? [] : history.unread();
    const jobs = history.suspects(verdict, asked);
    if (verdict && jobs.length === 0) return verdict;
    const told = await readCommits(github, commits, jobs);
    history.add(told.commits);
    history.settle(told.steps, jobs);
  }
}

interface LinkAnswer {
  id: string;
  oid: string;
  committedDate: string;
  author: { name: string | null; user: { login: string } | null } | null;
  parents?: { nodes: (LinkAnswer | null)[] | null };
}

interface RefAnswer {
  name: string;
  target: (LinkAnswer & CommitAnswer) | null;
}

type Link = CommitEvidence & { id: string };

/** The head and its first parents, newest first, as they are read. */
class History {
  readonly commits: Link[];
  readonly #ownRun: string | null;
  /** The node ids of jobs by their numbers, and the jobs that were asked about. */
  readonly #jobs = new Map<number, string>();
  readonly #asked = new Set<string>();

  constructor(commits: Link[], ownRun: string | null) {
    this.commits = commits;
    this.#ownRun = ownRun;
  }

  add(read: ReadonlyMap<string, WholeCommit>): void {
    for (const commit of this.commits) {
      const whole = read.get(commit.id);
      if (!whole) continue;
      commit.checks = checksFrom(whole.suites, whole.statuses, this.#ownRun);
      for (const { runs } of whole.suites)
        for (const run of runs) if (run.databaseId !== null) this.#jobs.set(run.databaseId, run.id);
    }
  }

  /** The node ids of the commits to read next. */
  unread(): string[] {
    const unread = this.commits.filter(({ checks }) => checks === null).map(({ id }) => id);
    return unread.length === this.commits.length - 1 ? unread.slice(0, FIRST) : unread;
  }

  /** The node ids of jobs that hold the gate closed and may be Changeline's own. */
  suspects(verdict: Verdict | null, { named }: Question): string[] {
    const [head] = this.commits;
    const running = head && standing(head, named) === 'pending' ? (head.checks ?? []).filter(isRunning) : [];
    return [running, [...(verdict?.red ?? []), ...(verdict?.void ?? [])]].flatMap((checks) => {
      const jobs = checks.flatMap(({ job }) => (job === null ? [] : (this.#jobs.get(job) ?? [])));
      return jobs.length > MOST_ASKED ? [] : jobs.filter((id) => !this.#asked.has(id));
    });
  }

  /** Takes out the jobs whose steps say that they are Changeline's own. None of `jobs` is asked about again. */
  settle(steps: ReadonlyMap<string, StepAnswer[]>, jobs: readonly string[] = [...steps.keys()]): void {
    for (const id of jobs) this.#asked.add(id);
    const own = jobs.filter((id) => isOwn(steps.get(id) ?? []));
    for (const commit of this.commits) {
      const checks = commit.checks?.filter(({ job }) => job === null || !own.includes(this.#jobs.get(job) ?? ''));
      commit.checks = checks ?? null;
    }
  }
}

function isRunning({ state, said }: Check): boolean {
  return state === 'pending' && said === 'in_progress';
}

/**
 * True for a job that failed in a step of Changeline's, or is in one: a delivery that was refused or turned back is no
 * broken build, and would hold the gate closed for ever; one that is under way is no unfinished build. Such a step
 * bears the name that GitHub gives it, `Run …/changeline…@…`, and `Post Run …` at the end of the job. A step with a
 * name of its own is a check like any other, and a job that has one to come is not finished.
 */
function isOwn(steps: readonly StepAnswer[]): boolean {
  const failed = steps.filter(({ conclusion }) => conclusion === 'FAILURE' || conclusion === 'CANCELLED');
  const telling = failed.length > 0 ? failed : steps.filter(isLeft);
  return telling.length > 0 && telling.every(({ name }) => OURS.test(name));
}

const OURS = /^(?:Post )?Run [^\s/]+\/changeline(\/actions\/[\w-]+)?@\S+$/;
/** What a runner does at the end of every job. */
const ENDS = /^(?:Post |Complete job$)/;

function isLeft({ status, name }: StepAnswer): boolean {
  return status === 'IN_PROGRESS' || (status !== 'COMPLETED' && !ENDS.test(name));
}

function chainOf(head: LinkAnswer): Link[] {
  const commits: Link[] = [];
  for (let commit: LinkAnswer | null | undefined = head; commit; commit = commit.parents?.nodes?.[0]) {
    const author = commit.author?.user?.login ?? commit.author?.name ?? null;
    commits.push({ id: commit.id, sha: commit.oid, author, date: commit.committedDate, checks: null });
  }
  return commits;
}

function noBranch(github: GitHub, branch: string | null): Failure {
  return new Failure({
    code: 'gate-unknown',
    what: branch === null ? 'the repository has no default branch with a commit' : `there is no branch ${branch}`,
    where: github.repository,
    next: branch === null ? 'push a first commit' : 'correct gate.branch in changeline.yml',
    outcome: 'inconclusive',
  });
}
