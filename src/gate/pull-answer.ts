/** What GitHub's answers say about pull requests. Whatever GitHub need not give may be null. Pure. */
import { type Check, type CheckRunAnswer, fromStatus, type StatusAnswer, stateOf } from './evidence.ts';
import type { ChangedPath, ClosedIssue, Details, PullRequest, Review, Status } from './pull.ts';
import { GATE_CONTEXT } from './words.ts';

/** A pull request as a page told of it. */
export interface ReadPull {
  pull: PullRequest;
  sha: string;
  status: Status | null;
  /** Every check that was told of; `pull.details` holds the newest of each. */
  checks: readonly SeenCheck[];
  /** Where there are more than fitted into the page: the cursors behind which they stand. */
  more: { reviews: string | null; closes: string | null; checks: string | null };
  /** The other branches whose open pull requests have the same head, where it was asked for. */
  sharing: readonly string[];
}

/** A check, what it is a check of, and GitHub's number, which grows: the newest takes the others' place. */
interface SeenCheck {
  of: string;
  id: number;
  check: Check;
}

export type PullPage = readonly ReadPull[];

export interface Connection {
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
  nodes: (Record<string, unknown> | null)[] | null;
}

export interface CommitAnswer {
  oid: string;
  author?: { user: { login: string } | null } | null;
  status?: { context: { state: string; description: string | null; createdAt: string } | null } | null;
  statusCheckRollup?: { contexts: Connection } | null;
  associatedPullRequests?: Pick<Connection, 'nodes'> | null;
}

interface PullAnswer {
  number: number;
  title: string;
  author: { login: string } | null;
  isDraft: boolean;
  mergeable: string;
  reviewDecision: string | null;
  updatedAt: string;
  baseRefName: string;
  headRefName: string;
  headRefOid: string;
  changedFiles: number;
  additions: number;
  deletions: number;
  autoMergeRequest: object | null;
  repository?: { nameWithOwner: string };
  commits: { nodes: ({ commit: CommitAnswer } | null)[] | null };
  latestOpinionatedReviews?: Connection | null;
  closingIssuesReferences?: Connection | null;
}

/** The page of `pullsSelection` in the `repository` of an answer; `next` is the cursor of the next one. */
export function pullsFrom(answer: unknown): { pulls: PullPage; next: string | null } {
  const { pulls } = answer as { pulls: Omit<Connection, 'nodes'> & { nodes: (PullAnswer | null)[] | null } };
  const read = (pulls.nodes ?? []).filter((node) => node !== null).map(readPull);
  return { pulls: read, next: nextOf(pulls) };
}

function readPull(node: PullAnswer): ReadPull {
  const commit = headOf(node);
  const checks = checksIn(commit?.statusCheckRollup?.contexts);
  const { number, title, isDraft, headRefOid, changedFiles, additions, deletions } = node;
  const pull: PullRequest = {
    number,
    title,
    author: node.author?.login ?? null,
    draft: isDraft,
    mergeable: node.mergeable === 'UNKNOWN' ? null : node.mergeable === 'MERGEABLE',
    autoMerge: node.autoMergeRequest !== null,
    approved: node.reviewDecision === 'APPROVED',
    updated: node.updatedAt,
    files: changedFiles,
    additions,
    deletions,
    details: detailsOf(node, checks),
  };
  const more = {
    reviews: nextOf(node.latestOpinionatedReviews),
    closes: nextOf(node.closingIssuesReferences),
    checks: nextOf(commit?.statusCheckRollup?.contexts),
  };
  return { pull, sha: headRefOid, status: statusOf(commit), checks, more, sharing: sharingIn(node, commit) };
}

function sharingIn({ baseRefName, headRefName, headRefOid }: PullAnswer, commit: CommitAnswer | null): string[] {
  type Answer = Pick<PullAnswer, 'baseRefName' | 'headRefName' | 'headRefOid'> & { state: string };
  const others = nodesOf<Answer>(commit?.associatedPullRequests).filter(
    (one) => one.state === 'OPEN' && one.baseRefName === baseRefName && one.headRefOid === headRefOid,
  );
  return others.map((one) => one.headRefName).filter((name) => name !== headRefName);
}

/**
 * The newest commit where it is the head. For a moment after a push GitHub knows the one and not the other: what is
 * said about an older commit must not count for the head.
 */
function headOf(node: Pick<PullAnswer, 'commits' | 'headRefOid'>): CommitAnswer | null {
  const commit = node.commits.nodes?.[0]?.commit;
  return commit?.oid === node.headRefOid ? commit : null;
}

/** null where nothing of it was asked for. */
function detailsOf(node: PullAnswer, checks: readonly SeenCheck[]): Details | null {
  const { latestOpinionatedReviews: reviews, closingIssuesReferences: closes } = node;
  const rollup = node.commits.nodes?.[0]?.commit.statusCheckRollup;
  if (reviews === undefined && closes === undefined && rollup === undefined) return null;
  return {
    headBy: headOf(node)?.author?.user?.login ?? null,
    reviews: reviewsIn(reviews),
    closes: closesIn(closes, node.repository?.nameWithOwner ?? null),
    paths: null,
    checks: newestOf(checks),
  };
}

/** What `readRest` asked for of one pull request, added to what its page told. null: GitHub has it no more. */
export function withRest(read: ReadPull, answer: unknown): ReadPull {
  const done = { ...read, more: { reviews: null, closes: null, checks: null } };
  const node = answer as (Partial<PullAnswer> & Pick<PullAnswer, 'repository'>) | null;
  const { details } = read.pull;
  if (!node || !details) return done;
  const newest = node.commits?.nodes?.[0]?.commit;
  // Pushed to meanwhile: the checks of another head say nothing of this one, and half of its own say too little.
  const isMoved = newest !== undefined && newest.oid !== read.sha;
  const contexts = newest?.statusCheckRollup?.contexts;
  const checks = isMoved ? [] : [...read.checks, ...checksIn(contexts)];
  const reviews = [...details.reviews, ...reviewsIn(node.latestOpinionatedReviews)];
  const closes = [...details.closes, ...closesIn(node.closingIssuesReferences, node.repository?.nameWithOwner ?? null)];
  const more = {
    reviews: nextOf(node.latestOpinionatedReviews),
    closes: nextOf(node.closingIssuesReferences),
    checks: isMoved ? null : nextOf(contexts),
  };
  const whole = { ...details, reviews, closes, checks: newestOf(checks) };
  return { ...read, pull: { ...read.pull, details: whole }, checks, more };
}

/** The last opinion of each. The account of an app is no person, and one that is gone cannot be asked. */
function reviewsIn(connection: Connection | null | undefined): Review[] {
  interface Answer {
    author: { __typename: string; login: string } | null;
    state: string;
    commit: { oid: string } | null;
    authorCanPushToRepository: boolean;
  }
  return nodesOf<Answer>(connection).map(({ author, state, commit, authorCanPushToRepository }) => ({
    by: author?.login ?? 'ghost',
    state,
    sha: commit?.oid ?? null,
    counts: author?.__typename === 'User' && authorCanPushToRepository,
  }));
}

function closesIn(connection: Connection | null | undefined, own: string | null): ClosedIssue[] {
  type Answer = { number: number; repository: { nameWithOwner: string }; labels: Connection | null };
  return nodesOf<Answer>(connection).map(({ number, repository, labels }) => ({
    number,
    repository: repository.nameWithOwner === own ? null : repository.nameWithOwner,
    labels: nodesOf<{ name: string }>(labels).map((label) => label.name),
  }));
}

/** The paths of a page of `readPaths`. */
export function pathsIn(connection: Connection): ChangedPath[] {
  type Answer = { path: string; changeType: string; additions: number; deletions: number };
  return nodesOf<Answer>(connection).map(({ path, changeType, additions, deletions }) => {
    return { path, how: changeType, additions, deletions };
  });
}

type RollupAnswer =
  | (Omit<CheckRunAnswer, 'id' | 'url'> & {
      __typename: 'CheckRun';
      checkSuite: {
        app: { slug: string } | null;
        workflowRun: { event: string; workflow: { databaseId: number | null } } | null;
      };
    })
  | (StatusAnswer & { __typename: 'StatusContext' });

function checksIn(connection: Connection | null | undefined): SeenCheck[] {
  return nodesOf<RollupAnswer>(connection)
    .map(checkOf)
    .filter(({ check }) => check.name !== GATE_CONTEXT);
}

function checkOf(node: RollupAnswer): SeenCheck {
  if (node.__typename === 'StatusContext') return { of: `status ${node.context}`, id: 0, check: fromStatus(node) };
  const { app, workflowRun } = node.checkSuite;
  const check: Check = {
    name: node.name,
    ...stateOf(node.status, node.conclusion),
    at: node.completedAt ?? node.startedAt,
    by: null,
    url: node.detailsUrl,
    job: app?.slug === 'github-actions' ? node.databaseId : null,
  };
  const run = `${app?.slug ?? ''} ${workflowRun?.workflow.databaseId ?? ''} ${workflowRun?.event ?? ''}`;
  return { of: `check ${run} ${node.name}`, id: node.databaseId ?? 0, check };
}

/**
 * The newest of each name, app, workflow and event: a rerun takes the place of what it repeats. The run of a push and
 * that of a pull request tell of different code, so neither takes the other's.
 */
function newestOf(checks: readonly SeenCheck[]): Check[] {
  const newest = new Map<string, SeenCheck>();
  for (const seen of checks) {
    const known = newest.get(seen.of);
    if (!known || seen.id >= known.id) newest.set(seen.of, seen);
  }
  return [...newest.values()].map(({ check }) => check);
}

const STATES = ['success', 'pending', 'failure', 'error'] as const;

/** What the gate wrote on the commit; null where it wrote nothing. */
export function statusOf(commit: CommitAnswer | null): Status | null {
  const given = commit?.status?.context;
  const state = STATES.find((one) => one === given?.state.toLowerCase());
  return given && state ? { state, description: given.description ?? '', at: given.createdAt } : null;
}

function nextOf(connection: Pick<Connection, 'pageInfo'> | null | undefined): string | null {
  return connection?.pageInfo.hasNextPage ? connection.pageInfo.endCursor : null;
}

/** The records of a connection; GitHub gives null for one that this token may not see. */
export function nodesOf<T>(connection: Pick<Connection, 'nodes'> | null | undefined): T[] {
  return (connection?.nodes ?? []).filter((node) => node !== null) as T[];
}
