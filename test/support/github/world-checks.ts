/** What is said about commits: runs of workflows, check suites, check runs and statuses. */
import type { CheckRun, CommitStatus, JobGiven, Run, Suite } from './records.ts';
import { Code, hash } from './world-code.ts';

/** What a test may say about a run. */
export interface RunGiven {
  event?: string;
  workflow?: string;
  /** `.github/workflows/ci.yml` by default. */
  path?: string;
  actor?: string;
  jobs?: JobGiven[];
  conclusion?: string;
  branch?: string;
  at?: string;
}

const ACTIONS = 'github-actions';

export class Checks extends Code {
  readonly checkRuns: CheckRun[] = [];
  readonly suites: Suite[] = [];
  readonly runs: Run[] = [];
  readonly statuses: CommitStatus[] = [];

  /** A run of a workflow with its jobs; it is completed where each of them is. */
  run(sha: string, given: RunGiven): Run {
    const name = given.workflow ?? 'CI';
    const path = given.path ?? '.github/workflows/ci.yml';
    const at = given.at ?? this.now();
    const suite = this.suite(sha, ACTIONS, given.actor ?? 'octocat', at);
    const run: Run = {
      id: this.nextId(),
      suite: suite.id,
      workflow: { id: workflowId(name), name, path },
      event: given.event ?? 'push',
      sha,
      branch: given.branch ?? this.defaultBranch,
      actor: given.actor ?? 'octocat',
      ...stateOf(given.jobs ?? [], given.conclusion),
      startedAt: at,
      attempt: 1,
    };
    this.runs.push(run);
    this.#jobs(run, given.jobs ?? []);
    return run;
  }

  /** Runs a run again: a new attempt with new check runs in the same suite. */
  rerun(run: Run, jobs: JobGiven[], conclusion?: string): Run {
    Object.assign(run, { attempt: run.attempt + 1, ...stateOf(jobs, conclusion) });
    this.#jobs(run, jobs);
    return run;
  }

  #jobs(run: Run, jobs: JobGiven[]): void {
    for (const job of jobs) this.#check(run.suite, run.sha, ACTIONS, job, `/actions/runs/${run.id}/job/`);
  }

  /** A check run of another app than Actions. An app has one suite a commit. */
  check(sha: string, app: string, job: JobGiven): CheckRun {
    const suite = this.suites.find((one) => one.sha === sha && one.app === app) ?? this.suite(sha, app);
    return this.#check(suite.id, sha, app, job, '/runs/');
  }

  /** A suite without check runs, as each installed app gets one for each push, whether it ever reports or not. */
  suite(sha: string, app: string, creator: string | null = 'octocat', at = this.now()): Suite {
    const suite = { id: this.nextId(), sha, app, creator, at };
    this.suites.push(suite);
    return suite;
  }

  /** How a suite stands, folded from its run or its check runs. `at` is when it last changed. */
  suiteState(suite: Suite): { status: string; conclusion: string | null; at: string } {
    const run = this.runs.find((one) => one.suite === suite.id);
    const checks = this.latestChecks(suite.id);
    const at = checks.reduce((newest, one) => maximum(newest, one.completedAt ?? one.startedAt), suite.at);
    if (run) return { status: run.status, conclusion: run.conclusion, at };
    if (checks.length === 0) return { status: 'queued', conclusion: null, at };
    return { ...stateOf(checks), at };
  }

  /** The newest check run of each name in a suite, newest first. */
  latestChecks(suite: number): CheckRun[] {
    const latest = new Map<string, CheckRun>();
    for (const one of this.checkRuns) if (one.suite === suite) latest.set(one.name, one);
    return [...latest.values()].sort((a, b) => b.id - a.id);
  }

  status(sha: string, context: string, state: string, more: Partial<CommitStatus> = {}): CommitStatus {
    const status: CommitStatus = {
      id: this.nextId(),
      sha,
      context,
      state,
      description: null,
      targetUrl: null,
      creator: 'octocat',
      at: this.now(),
      hidden: 0,
      ...more,
    };
    this.statuses.push(status);
    return status;
  }

  /** The newest status of a context on a commit, whether a read sees it yet or not. */
  statusOf(sha: string, context: string): CommitStatus | undefined {
    return this.statuses.findLast((status) => status.sha === sha && status.context === context);
  }

  /** The statuses of a commit that one read sees, oldest first. Each read brings those not seen yet nearer. */
  readStatuses(sha: string): CommitStatus[] {
    return this.statuses.filter((status) => status.sha === sha && isSeen(status));
  }

  #check(suite: number, sha: string, app: string, job: JobGiven, path: string): CheckRun {
    const id = this.nextId();
    const isDone = (job.status ?? 'completed') === 'completed';
    const check: CheckRun = {
      id,
      suite,
      sha,
      name: job.name,
      app,
      status: job.status ?? 'completed',
      conclusion: isDone ? (job.conclusion ?? 'success') : null,
      startedAt: job.at ?? this.now(),
      completedAt: isDone ? (job.at ?? this.now()) : null,
      url: `https://github.com/${this.full}${path}${id}`,
      steps: job.steps ?? [],
    };
    this.checkRuns.push(check);
    return check;
  }
}

/** The number of a workflow, which GitHub keeps for its file. */
export function workflowId(name: string): number {
  return Number.parseInt(hash([name]).slice(0, 6), 16);
}

type Told = { status?: string | undefined; conclusion?: string | null | undefined };

function stateOf(jobs: readonly Told[], conclusion?: string): { status: string; conclusion: string | null } {
  const isDone = conclusion !== undefined || jobs.every((job) => (job.status ?? 'completed') === 'completed');
  const isRed = jobs.some((job) => !['success', 'neutral', 'skipped'].includes(job.conclusion ?? 'success'));
  const said = conclusion ?? (isRed ? 'failure' : 'success');
  return { status: isDone ? 'completed' : 'in_progress', conclusion: isDone ? said : null };
}

function maximum(a: string, b: string): string {
  return a > b ? a : b;
}

function isSeen(status: CommitStatus): boolean {
  if (status.hidden === 0) return true;
  status.hidden--;
  return false;
}
