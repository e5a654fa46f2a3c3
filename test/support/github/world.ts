/** What the stand-in knows: repositories with their commits, checks, pull requests, releases, runs and deployments. */
import { createHash } from 'node:crypto';
import type { Artifact, CheckRun, Commit, CommitStatus, Deployment, JobGiven, Pull, Release, Run } from './records.ts';

/** One repository, with the words in which tests say what happened to it. */
export class Repository {
  readonly owner: string;
  readonly name: string;
  defaultBranch = 'main';
  isPrivate = true;
  readonly branches = new Map<string, string>();
  readonly commits = new Map<string, Commit>();
  readonly trees = new Map<string, Map<string, string>>();
  readonly checkRuns: CheckRun[] = [];
  readonly runs: Run[] = [];
  readonly statuses: CommitStatus[] = [];
  readonly pulls: Pull[] = [];
  readonly releases: Release[] = [];
  readonly artifacts: Artifact[] = [];
  readonly deployments: Deployment[] = [];
  /** Branches that a ruleset keeps from being created or pushed to. */
  readonly ruled = new Set<string>();
  readonly id: number;
  readonly #next: () => number;

  constructor(owner: string, name: string, next: () => number) {
    this.owner = owner;
    this.name = name;
    this.#next = next;
    this.id = next();
  }

  get full(): string {
    return `${this.owner}/${this.name}`;
  }

  nextId(): number {
    return this.#next();
  }

  /** A new commit at the head of a branch, which is created where it is not there. Returns its sha. */
  commit(
    branch = this.defaultBranch,
    given: { files?: Record<string, string>; author?: string; also?: string[]; sha?: string } = {},
  ): string {
    const head = this.branches.get(branch);
    const files = new Map([...(head ? this.filesAt(head) : []), ...Object.entries(given.files ?? {})]);
    const parents = [...(head ? [head] : []), ...(given.also ?? [])];
    const sha = this.addCommit(this.addTree(files), parents, 'a change', given.author ?? 'octocat', given.sha);
    this.branches.set(branch, sha);
    return sha;
  }

  addTree(files: Map<string, string>): string {
    const sha = hash(['tree', ...[...files].flat()]);
    this.trees.set(sha, files);
    return sha;
  }

  addCommit(tree: string, parents: string[], message: string, author: string, known?: string): string {
    const sha = known ?? hash(['commit', tree, ...parents, message, String(this.#next())]);
    this.commits.set(sha, { sha, tree, parents, message, author, date: now() });
    return sha;
  }

  filesAt(sha: string): Map<string, string> {
    return this.trees.get(this.commits.get(sha)?.tree ?? '') ?? new Map();
  }

  /** The commit behind a sha, a branch or a full ref. */
  find(ref: string): Commit | undefined {
    return this.commits.get(this.branches.get(ref.replace(/^(refs\/)?heads\//, '')) ?? ref);
  }

  /** A run of a workflow with its jobs; it is completed where each of them is. */
  run(
    sha: string,
    given: { event?: string; workflow?: string; actor?: string; jobs?: JobGiven[]; conclusion?: string },
  ): Run {
    const jobs = given.jobs ?? [];
    const isDone = given.conclusion !== undefined || jobs.every((job) => (job.status ?? 'completed') === 'completed');
    const isRed = jobs.some((job) => !['success', 'neutral', 'skipped'].includes(job.conclusion ?? 'success'));
    const name = given.workflow ?? 'CI';
    const run: Run = {
      id: this.#next(),
      suite: this.#next(),
      workflow: { id: Number.parseInt(hash([name]).slice(0, 6), 16), name },
      event: given.event ?? 'push',
      sha,
      branch: this.defaultBranch,
      actor: given.actor ?? 'octocat',
      status: isDone ? 'completed' : 'in_progress',
      conclusion: isDone ? (given.conclusion ?? (isRed ? 'failure' : 'success')) : null,
      startedAt: now(),
      attempt: 1,
    };
    this.runs.push(run);
    for (const job of jobs) this.#check(run.suite, sha, 'github-actions', job, `/actions/runs/${run.id}/job/`);
    return run;
  }

  /** A check run of another app than Actions. */
  check(sha: string, app: string, job: JobGiven): CheckRun {
    return this.#check(this.#next(), sha, app, job, '/runs/');
  }

  status(sha: string, context: string, state: string, more: Partial<CommitStatus> = {}): CommitStatus {
    const status = {
      id: this.#next(),
      sha,
      context,
      state,
      description: null,
      targetUrl: null,
      creator: 'octocat',
      at: now(),
      ...more,
    };
    this.statuses.push(status);
    return status;
  }

  /** The newest status of a context on a commit. */
  statusOf(sha: string, context: string): CommitStatus | undefined {
    return this.statuses.findLast((status) => status.sha === sha && status.context === context);
  }

  pull(head: string, base = this.defaultBranch, state: Pull['state'] = 'open'): Pull {
    const pull = { number: this.#next(), head, base, state };
    this.pulls.push(pull);
    return pull;
  }

  release(tag: string, assets: Record<string, Buffer>, draft = false): Release {
    const list = Object.entries(assets).map(([name, bytes]) => ({ id: this.#next(), name, bytes }));
    const release = { id: this.#next(), tag, draft, assets: list };
    this.releases.push(release);
    return release;
  }

  artifact(name: string, zip: Buffer, run: Run, more: Partial<Artifact> = {}): Artifact {
    const artifact = {
      id: this.#next(),
      name,
      run: run.id,
      sha: run.sha,
      zip,
      expired: false,
      fromFork: false,
      at: now(),
      ...more,
    };
    this.artifacts.push(artifact);
    return artifact;
  }

  deployment(sha: string, environment: string, states: { state: string; logUrl?: string }[] = []): Deployment {
    const statuses = states.map(({ state, logUrl }) => ({
      id: this.#next(),
      state,
      description: '',
      logUrl: logUrl ?? null,
      at: now(),
    }));
    const deployment = {
      id: this.#next(),
      sha,
      environment,
      production: false,
      description: null,
      statuses,
      at: now(),
    };
    this.deployments.push(deployment);
    return deployment;
  }

  #check(suite: number, sha: string, app: string, job: JobGiven, path: string): CheckRun {
    const id = this.#next();
    const isDone = (job.status ?? 'completed') === 'completed';
    const check: CheckRun = {
      id,
      suite,
      sha,
      name: job.name,
      app,
      status: job.status ?? 'completed',
      conclusion: isDone ? (job.conclusion ?? 'success') : null,
      startedAt: job.at ?? now(),
      completedAt: isDone ? (job.at ?? now()) : null,
      url: `https://github.com/${this.full}${path}${id}`,
      steps: job.steps ?? [],
    };
    this.checkRuns.push(check);
    return check;
  }
}

let clock = Date.parse('2026-11-20T10:00:00Z');

/** A time that never stands still: a second later at each call, in GitHub's form. */
export function now(): string {
  clock += 1000;
  return new Date(clock).toISOString().replace('.000Z', 'Z');
}

function hash(parts: readonly string[]): string {
  return createHash('sha1').update(parts.join('\0')).digest('hex');
}

/** sha256 in the form of GitHub's digests. */
export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
