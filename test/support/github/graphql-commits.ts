/** GraphQL's form of code: refs, commits, trees and blobs. */
import { connection, type Paging } from './connection.ts';
import { checkRunNode, checkSuites, combined, contextNode, statusNode } from './graphql-checks.ts';
import { type Context, need, repositoryStub } from './graphql-context.ts';
import { pullNode } from './graphql-pulls.ts';
import type { Commit } from './records.ts';
import type { Repository } from './world.ts';

type Node = Record<string, unknown>;

export function refNode(repository: Repository, branch: string, context: Context): Node | null {
  const commit = repository.find(`refs/heads/${branch}`);
  if (!commit || !repository.branches.has(branch)) return null;
  return {
    __typename: 'Ref',
    id: `REF_${branch}`,
    name: branch,
    prefix: 'refs/heads/',
    target: () => commitNode(repository, commit, context),
  };
}

/** `Repository.refs`: the branches below a prefix. */
export function refs(repository: Repository, given: Paging & { refPrefix: string }, context: Context) {
  need(context, { permission: 'contents', level: 'read' });
  const prefix = given.refPrefix.replace('refs/heads/', '');
  const names = [...repository.branches.keys()].filter((name) => name.startsWith(prefix));
  return connection(
    names,
    given,
    (name) => name,
    (name) => refNode(repository, name, context),
  );
}

/** `Repository.object`: a commit, or what lies at `<branch, sha or HEAD>:<path>`. */
export function object(repository: Repository, given: { oid?: string; expression?: string }, context: Context) {
  need(context, { permission: 'contents', level: 'read' });
  const [, ref = '', path] = /^([^:]*)(?::(.*))?$/s.exec(given.oid ?? given.expression ?? '') ?? [];
  const commit = repository.find(ref);
  if (!commit) return null;
  if (path === undefined) return commitNode(repository, commit, context);
  return treeEntry(repository.filesAt(commit.sha), path)?.object ?? null;
}

export function commitNode(repository: Repository, commit: Commit, context: Context): Node {
  const [headline = '', ...rest] = commit.message.split('\n');
  return {
    __typename: 'Commit',
    id: `C_${commit.sha}`,
    oid: commit.sha,
    abbreviatedOid: commit.sha.slice(0, 7),
    message: commit.message,
    messageHeadline: headline,
    messageBody: rest.join('\n').trim(),
    committedDate: commit.date,
    authoredDate: commit.date,
    url: `https://github.com/${repository.full}/commit/${commit.sha}`,
    author: { name: commit.author, date: commit.date, user: { __typename: 'User', login: commit.author } },
    committer: { name: commit.author, date: commit.date, user: { __typename: 'User', login: commit.author } },
    repository: repositoryStub(repository),
    file: ({ path }: { path: string }) => treeEntry(repository.filesAt(commit.sha), path),
    parents: (given: Paging) => {
      const parents = commit.parents.flatMap((sha) => repository.find(sha) ?? []);
      return connection(
        parents,
        given,
        (one) => one.sha,
        (one) => commitNode(repository, one, context),
      );
    },
    history: (given: Paging) =>
      connection(
        [...repository.reachable(commit.sha).values()].toSorted((a, b) => b.date.localeCompare(a.date)),
        given,
        (one) => one.sha,
        (one) => commitNode(repository, one, context),
      ),
    status: () => statusNode(repository, commit.sha, context),
    checkSuites: (given: Paging) => checkSuites(repository, commit.sha, given, context),
    statusCheckRollup: () => rollup(repository, commit, context),
    associatedPullRequests: (given: Paging) => {
      need(context, { permission: 'pull-requests', level: 'read' });
      const pulls = repository.pulls.filter((one) => isPartOf(repository, commit, one.head));
      return connection(
        pulls,
        given,
        (one) => one.number,
        (one) => pullNode(repository, one, context),
      );
    },
  };
}

/** True for the head itself and, as a merge, for a commit that has the head among its parents. */
function isPartOf(repository: Repository, commit: Commit, head: string): boolean {
  return commit.sha === head || commit.parents.slice(1).includes(head) || repository.find(head)?.sha === commit.sha;
}

function rollup(repository: Repository, commit: Commit, context: Context): Node | null {
  need(context, { permission: 'checks', level: 'read' });
  const checks = repository.suites
    .filter((one) => one.sha === commit.sha)
    .flatMap((suite) => repository.latestChecks(suite.id));
  const statuses = [...new Map(repository.readStatuses(commit.sha).map((one) => [one.context, one])).values()];
  if (checks.length + statuses.length === 0) return null;
  const states = checks.map((one) => {
    if (one.status !== 'completed') return 'pending';
    return ['success', 'neutral', 'skipped'].includes(one.conclusion ?? '') ? 'success' : 'failure';
  });
  const all = [...states, ...(statuses.length > 0 ? [combined(statuses)] : [])];
  const state = all.includes('failure') ? 'FAILURE' : all.includes('pending') ? 'PENDING' : 'SUCCESS';
  return {
    __typename: 'StatusCheckRollup',
    id: `SCR_${commit.sha}`,
    state,
    contexts: (given: Paging) =>
      connection(
        [...checks.map((run) => ({ run })), ...statuses.map((status) => ({ status }))],
        given,
        (one) => ('run' in one ? one.run.id : one.status.id),
        (one) => ('run' in one ? checkRunNode(repository, one.run, context) : contextNode(one.status)),
      ),
  };
}

function treeEntry(files: Map<string, string>, path: string) {
  const text = files.get(path);
  if (text !== undefined) return { name: path.slice(path.lastIndexOf('/') + 1), path, object: blobNode(text) };
  const under = path === '' ? '' : `${path}/`;
  const below = [...files.keys()].filter((file) => file.startsWith(under)).map((file) => file.slice(under.length));
  if (below.length === 0) return null;
  const names = [...new Set(below.map((file) => file.split('/')[0]!))];
  const entries = names.map((name) => ({
    name,
    path: `${under}${name}`,
    type: below.includes(name) ? 'blob' : 'tree',
    object: () => treeEntry(files, `${under}${name}`)?.object,
  }));
  return { name: path, path, object: { __typename: 'Tree', entries } };
}

/** GitHub gives the first 512,000 bytes of a text. */
const MOST_TEXT = 512_000;

function blobNode(text: string): Node {
  const bytes = Buffer.from(text);
  const isBinary = text.includes('\0');
  const isTruncated = bytes.length > MOST_TEXT;
  const shown = isTruncated ? bytes.subarray(0, MOST_TEXT).toString() : text;
  return { __typename: 'Blob', text: isBinary ? null : shown, byteSize: bytes.length, isTruncated, isBinary };
}
