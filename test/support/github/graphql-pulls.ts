/** GraphQL's form of pull requests and of the merge queue. */
import { connection, type Paging } from './connection.ts';
import { commitNode } from './graphql-commits.ts';
import { actorNode, type Context, need, repositoryStub } from './graphql-context.ts';
import { comments, issueNode, labels } from './graphql-talk.ts';
import type { Entry, Pull, Review } from './records-talk.ts';
import type { Repository } from './world.ts';

type Node = Record<string, unknown>;

interface PullsGiven extends Paging {
  states?: string[] | null;
  baseRefName?: string | null;
  headRefName?: string | null;
  orderBy?: { field: string; direction: string } | null;
}

/** `Repository.pullRequests` */
export function pullRequests(repository: Repository, given: PullsGiven, context: Context) {
  need(context, { permission: 'pull-requests', level: 'read' });
  const pulls = repository.pulls.filter(
    (one) =>
      (!given.states || given.states.includes(stateOf(one))) &&
      (!given.baseRefName || one.base === given.baseRefName) &&
      (!given.headRefName || one.headRef === given.headRefName),
  );
  const { field = 'CREATED_AT', direction = 'ASC' } = given.orderBy ?? {};
  const sorted = pulls.toSorted((a, b) => (field === 'UPDATED_AT' ? a.updated.localeCompare(b.updated) : 0));
  if (direction === 'DESC') sorted.reverse();
  return connection(
    sorted,
    given,
    (one) => one.number,
    (one) => pullNode(repository, one, context),
  );
}

export function pullNode(repository: Repository, pull: Pull, context: Context): Node {
  return {
    __typename: 'PullRequest',
    id: `PR_${pull.id}`,
    databaseId: pull.id,
    number: pull.number,
    title: pull.title,
    body: pull.body,
    url: `https://github.com/${repository.full}/pull/${pull.number}`,
    author: actorNode(pull.author),
    isDraft: pull.draft,
    mergeable: pull.mergeable === null ? 'UNKNOWN' : pull.mergeable ? 'MERGEABLE' : 'CONFLICTING',
    autoMergeRequest: pull.autoMerge ? { enabledAt: pull.autoMerge, mergeMethod: 'MERGE' } : null,
    reviewDecision: () => decisionOf(repository, pull),
    createdAt: pull.at,
    updatedAt: pull.updated,
    state: stateOf(pull),
    closed: pull.state === 'closed',
    merged: pull.merged,
    mergedBy: actorNode(pull.mergedBy),
    baseRefName: pull.base,
    headRefName: pull.headRef,
    headRefOid: pull.head,
    isCrossRepository: pull.fork,
    headRepository: pull.fork ? null : repositoryStub(repository),
    repository: repositoryStub(repository),
    changedFiles: pull.files.length,
    additions: pull.files.reduce((sum, file) => sum + file.additions, 0),
    deletions: pull.files.reduce((sum, file) => sum + file.deletions, 0),
    labels: (given: Paging) => labels(pull.labels, given),
    comments: (given: Paging) => comments(repository, pull.number, given, context),
    reviews: (given: Paging & { states?: string[] | null }) =>
      reviewsOf(
        repository,
        pull.reviews.filter((one) => given.states?.includes(one.state) ?? true),
        given,
        context,
      ),
    latestOpinionatedReviews: (given: Paging & { writersOnly?: boolean | null }) => {
      const all = opinions(pull).filter((one) => !given.writersOnly || repository.mayPush(one.by));
      return reviewsOf(repository, all, given, context);
    },
    closingIssuesReferences: (given: Paging) => {
      need(context, { permission: 'issues', level: 'read' });
      const closed = pull.closes.flatMap((number) => repository.issues.find((one) => one.number === number) ?? []);
      return connection(
        closed,
        given,
        (one) => one.number,
        (one) => issueNode(repository, one, context),
      );
    },
    files: (given: Paging) =>
      connection(
        pull.files,
        given,
        (one) => one.path,
        ({ path, how, additions, deletions }) => ({ path, changeType: how, additions, deletions }),
      ),
    commits: (given: Paging) => commitsOf(repository, pull, given, context),
    isInMergeQueue: () => repository.entries.some((one) => one.pull === pull.number),
    mergeQueueEntry: () => {
      const entry = repository.entries.find((one) => one.pull === pull.number);
      return entry ? entryNode(repository, entry, context) : null;
    },
  };
}

/** `Repository.mergeQueue`: null where the branch has none. */
export function mergeQueue(repository: Repository, { branch }: { branch?: string | null }, context: Context) {
  need(context, { permission: 'contents', level: 'read' });
  const base = branch ?? repository.defaultBranch;
  if (!repository.hasQueue(base)) return null;
  return {
    __typename: 'MergeQueue',
    id: `MQ_${base}`,
    url: `https://github.com/${repository.full}/queue/${base}`,
    entries: (given: Paging) =>
      connection(
        repository.queueOf(base),
        given,
        (one) => one.id,
        (one) => entryNode(repository, one, context),
      ),
  };
}

function entryNode(repository: Repository, entry: Entry, context: Context): Node {
  const pull = repository.pulls.find((one) => one.number === entry.pull)!;
  const commit = (sha: string) => {
    need(context, { permission: 'contents', level: 'read' });
    const known = repository.find(sha);
    return known ? commitNode(repository, known, context) : null;
  };
  return {
    __typename: 'MergeQueueEntry',
    id: `MQE_${entry.id}`,
    position: repository.queueOf(entry.base).indexOf(entry) + 1,
    state: entry.state,
    enqueuedAt: entry.at,
    enqueuer: actorNode(pull.author ?? 'ghost'),
    jump: false,
    solo: false,
    headCommit: () => commit(entry.head),
    baseCommit: () => commit(entry.baseSha),
    pullRequest: () => {
      need(context, { permission: 'pull-requests', level: 'read' });
      return pullNode(repository, pull, context);
    },
  };
}

function stateOf(pull: Pull): string {
  return pull.merged ? 'MERGED' : pull.state.toUpperCase();
}

/** The last opinion of each reviewer: comments are none. */
function opinions(pull: Pull): Review[] {
  const last = new Map<string | null, Review>();
  for (const review of pull.reviews) {
    if (!['APPROVED', 'CHANGES_REQUESTED', 'DISMISSED'].includes(review.state)) continue;
    last.delete(review.by);
    last.set(review.by, review);
  }
  return [...last.values()];
}

/** Those who may write decide. Where no rule asks for reviews GitHub decides nothing, whatever reviews there are. */
function decisionOf(repository: Repository, pull: Pull): string | null {
  const wanted = repository.reviewsWanted(pull.base);
  if (wanted === 0) return null;
  const states = opinions(pull)
    .filter((one) => repository.mayPush(one.by))
    .map((one) => one.state);
  if (states.includes('CHANGES_REQUESTED')) return 'CHANGES_REQUESTED';
  return states.filter((state) => state === 'APPROVED').length >= wanted ? 'APPROVED' : 'REVIEW_REQUIRED';
}

function reviewsOf(repository: Repository, all: readonly Review[], given: Paging, context: Context) {
  return connection(
    all,
    given,
    (one) => one.id,
    (one) => ({
      __typename: 'PullRequestReview',
      id: `PRR_${one.id}`,
      databaseId: one.id,
      author: actorNode(one.by),
      authorCanPushToRepository: repository.mayPush(one.by),
      body: '',
      state: one.state,
      createdAt: one.at,
      submittedAt: one.at,
      commit: () => {
        const commit = one.sha === null ? undefined : repository.find(one.sha);
        return commit ? commitNode(repository, commit, context) : null;
      },
    }),
  );
}

/** The commits of the head that its base does not have, oldest first. */
function commitsOf(repository: Repository, pull: Pull, given: Paging, context: Context) {
  const head = repository.find(pull.head);
  const base = repository.reachable(repository.find(pull.base)?.sha ?? '');
  const own = [...repository.reachable(pull.head).values()].filter((one) => !base.has(one.sha)).reverse();
  const shown = own.length > 0 || !head ? own : [head];
  return connection(
    shown,
    given,
    (one) => one.sha,
    (one) => ({
      __typename: 'PullRequestCommit',
      id: `PRC_${pull.number}_${one.sha}`,
      commit: commitNode(repository, one, context),
    }),
  );
}
