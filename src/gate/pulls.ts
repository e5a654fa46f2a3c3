/** Reads the open pull requests of the gated branch and the groups of its merge queue from GitHub. */
import type { GateSection } from '../config/config.ts';
import type { GitHub } from '../github/github.ts';
import type { ChangedPath } from './pull.ts';
import { type Connection, type PullPage, pathsIn, type ReadPull, withRest } from './pull-answer.ts';
import { GATE_CONTEXT } from './words.ts';

/** What the rules that are switched on look at; it costs points, so what nobody looks at is not asked for. */
export interface PullsWanted {
  reviews: boolean;
  closes: boolean;
  checks: boolean;
}

/** What the rules of the section look at. */
export function wantedBy(section: GateSection | null): PullsWanted {
  return {
    reviews: section?.review !== undefined,
    closes: section?.['fix-brings-test'] !== undefined,
    checks: section?.evidence !== undefined,
  };
}

/** The permissions that `pullsSelection` takes, for the Failure where one is missing. */
export function pullsNeed(wanted: PullsWanted): string {
  const needs = ['contents: read', 'pull-requests: read', 'statuses: read'];
  if (wanted.closes) needs.push('issues: read');
  if (wanted.checks) needs.push('actions: read', 'checks: read');
  return needs.sort().join(', ');
}

/** GitHub counts points by what a page could hold, and of one branch there is hardly ever more than one. */
const PAGE = { all: 100, branch: 10 };

const MORE = 'pageInfo { hasNextPage endCursor }';
/** The pull requests that may share a head: the same commit under several names of a branch. */
const SHARING = 'associatedPullRequests(first: 20) { nodes { state baseRefName headRefName headRefOid } }';
const OWN_STATUS = `status { context(name: "${GATE_CONTEXT}") { state description createdAt } }`;

/**
 * One page of open pull requests, oldest first, aliased `pulls`, to stand inside `repository { … }`. Uses
 * `$branch: String!`, `$after: String`, and `$headRef: String` where `by.headRef`.
 */
export function pullsSelection(wanted: PullsWanted, by: { headRef: boolean }): string {
  const which = `states: OPEN, baseRefName: $branch${by.headRef ? ', headRefName: $headRef' : ''}`;
  const details = [wanted.reviews ? reviews(null) : '', wanted.closes ? closes(null) : ''];
  return `pulls: pullRequests(${which}, orderBy: { field: CREATED_AT, direction: ASC }, first: ${by.headRef ? PAGE.branch : PAGE.all}, after: $after) {
    ${MORE}
    nodes {
      number title author { login } isDraft mergeable reviewDecision updatedAt headRefOid
      changedFiles additions deletions autoMergeRequest { enabledAt }
      commits(last: 1) { nodes { commit {
        oid ${OWN_STATUS} ${wanted.reviews ? 'author { user { login } }' : ''} ${wanted.checks ? checks(null) : ''} ${by.headRef ? SHARING : ''}
      } } }
      ${by.headRef ? 'baseRefName headRefName' : ''}
      ${details.join(' ')}
    }
  }`;
}

/**
 * The groups that wait in the merge queue, aliased `queue`, to stand inside `repository { … }`. Uses
 * `$queuePrefix: String!`, see `queuePrefix`. GitHub makes a branch for each group; a token that reads contents sees
 * them, while the queue itself takes a permission that the job's own token cannot be given.
 */
export function queueSelection(): string {
  return `queue: refs(refPrefix: $queuePrefix, first: 100) {
    nodes { name target { ... on Commit { oid ${OWN_STATUS} } } }
  }`;
}

/** Below which GitHub makes a branch for each group that waits to be merged into `branch`. */
export function queuePrefix(branch: string): string {
  return `refs/heads/gh-readonly-queue/${branch}/`;
}

/**
 * The page with what did not fit into it: the further reviews, closed issues and checks of pull requests that have very
 * many. Reads nothing where all did fit. Rejects with a Failure.
 */
export async function readRest(github: GitHub, page: PullPage, wanted: PullsWanted): Promise<PullPage> {
  let known = page;
  for (;;) {
    const asked = new Map(known.filter(hasMore).map((read) => [read.pull.number, restSelection(read)]));
    if (asked.size === 0) return known;
    const answers = await readEach(github, asked, pullsNeed(wanted));
    known = known.map((read) => (asked.has(read.pull.number) ? withRest(read, answers.get(read.pull.number)) : read));
  }
}

function hasMore({ more }: ReadPull): boolean {
  return Object.values(more).some((cursor) => cursor !== null);
}

function restSelection({ more }: ReadPull): string {
  const parts: string[] = [];
  if (more.reviews) parts.push(reviews(more.reviews));
  if (more.closes) parts.push(closes(more.closes));
  if (more.checks) parts.push(`commits(last: 1) { nodes { commit { oid ${checks(more.checks)} } } }`);
  return parts.join(' ');
}

/**
 * The paths that pull requests change, several in one query; GitHub shows the first 3,000 of each. A number is missing
 * from the answer where GitHub does not know the paths. Rejects with a Failure.
 */
export async function readPaths(github: GitHub, numbers: readonly number[]): Promise<Map<number, ChangedPath[]>> {
  const paths = new Map<number, ChangedPath[]>();
  let asked = new Map(numbers.map((number) => [number, files(null)]));
  while (asked.size > 0) {
    const next = new Map<number, string>();
    for (const [number, answer] of await readEach(github, asked, 'contents: read, pull-requests: read')) {
      const connection = (answer as { files?: Connection | null } | null)?.files;
      if (!connection) continue;
      paths.set(number, [...(paths.get(number) ?? []), ...pathsIn(connection)]);
      if (connection.pageInfo.hasNextPage) next.set(number, files(connection.pageInfo.endCursor));
    }
    asked = next;
  }
  return paths;
}

/** How many pull requests are asked for in one query. */
const AT_ONCE = 25;

/** Asks for a selection of each pull request; the answers by number, null where GitHub has none. */
async function readEach(
  github: GitHub,
  asked: ReadonlyMap<number, string>,
  needs: string,
): Promise<Map<number, unknown>> {
  const answers = new Map<number, unknown>();
  const all = [...asked];
  for (let at = 0; at < all.length; at += AT_ONCE) {
    const some = all.slice(at, at + AT_ONCE);
    const parts = some.map(([number, selection]) => `p${number}: pullRequest(number: ${number}) { ${selection} }`);
    const query = `query ($owner: String!, $repo: String!) {
  repository(owner: $owner, name: $repo) {
    ${parts.join('\n    ')}
  }
}`;
    const { repository } = await github.graphql<{ repository: Record<string, unknown> }>(
      query,
      { ...github.at },
      needs,
    );
    for (const [number] of some) answers.set(number, repository[`p${number}`] ?? null);
  }
  return answers;
}

/** The last opinion of each reviewer. */
function reviews(after: string | null): string {
  return `latestOpinionatedReviews(first: 50${from(after)}) {
    ${MORE} nodes { author { __typename login } state commit { oid } authorCanPushToRepository }
  }`;
}

function closes(after: string | null): string {
  return `repository { nameWithOwner } closingIssuesReferences(first: 2${from(after)}) {
    ${MORE} nodes { number repository { nameWithOwner } labels(first: 100) { nodes { name } } }
  }`;
}

function checks(after: string | null): string {
  return `statusCheckRollup { contexts(first: 100${from(after)}) {
    ${MORE}
    nodes {
      __typename
      ... on CheckRun {
        databaseId name status conclusion startedAt completedAt detailsUrl
        checkSuite { app { slug } workflowRun { event workflow { databaseId } } }
      }
      ... on StatusContext { context state createdAt targetUrl }
    }
  } }`;
}

function files(after: string | null): string {
  return `files(first: 100${from(after)}) { ${MORE} nodes { path changeType additions deletions } }`;
}

/** Cursors are GitHub's own and made of letters; written as JSON they are strings of GraphQL whatever they hold. */
function from(cursor: string | null): string {
  return cursor === null ? '' : `, after: ${JSON.stringify(cursor)}`;
}
