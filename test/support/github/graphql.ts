/** The GraphQL API: GitHub's published schema, executed by graphql-js over the stand-in's world. */
import { buildSchema, GraphQLError, type GraphQLSchema, graphql } from 'graphql';
import { acceptedHeader, allows, type Needs, type Permissions } from './access.ts';
import type { Commit, Deployment } from './records.ts';
import { now, type Repository } from './world.ts';

interface Context {
  find(full: string): Repository | undefined;
  permissions: Permissions;
}

let schema: GraphQLSchema | undefined;

/** Executes one request. Returns GitHub's form: `type` stands beside `message`, not in `extensions`. */
export async function executeGraphql(source: string, variableValues: Record<string, unknown>, context: Context) {
  schema ??= buildSchema((await import('@octokit/graphql-schema')).schema.idl, { assumeValidSDL: true });
  const result = await graphql({ schema, source, variableValues, contextValue: context, rootValue: ROOT });
  const errors = result.errors?.map(({ message, path, locations, extensions, originalError }) => ({
    ...(typeof extensions.type === 'string' ? { type: extensions.type } : {}),
    path,
    locations,
    message,
    // A defect of the stand-in, or a request that the schema does not allow.
    unexpected: originalError ? typeof extensions.type !== 'string' : extensions.type === undefined,
  }));
  const unexpected = (errors ?? []).filter((error) => error.unexpected).map((error) => error.message);
  const told = errors?.map(({ unexpected: _, ...error }) => error);
  return {
    body: { ...(result.data === undefined ? {} : { data: result.data }), ...(told ? { errors: told } : {}) },
    unexpected,
  };
}

const ROOT = {
  repository: ({ owner, name }: { owner: string; name: string }, context: Context) =>
    repositoryNode(found(context, `${owner}/${name}`), context),
  createCommitOnBranch: ({ input }: { input: CommitInput }, context: Context) => createCommit(input, context),
};

interface CommitInput {
  branch: { repositoryNameWithOwner: string; branchName: string };
  expectedHeadOid: string;
  message: { headline: string };
  fileChanges?: { additions?: { path: string; contents: string }[]; deletions?: { path: string }[] };
}

function repositoryNode(repository: Repository, context: Context) {
  return {
    isPrivate: repository.isPrivate,
    ref: ({ qualifiedName }: { qualifiedName: string }) => {
      need(context, { permission: 'contents', level: 'read' });
      return refNode(repository, qualifiedName.replace('refs/heads/', ''), context);
    },
    defaultBranchRef: () => {
      need(context, { permission: 'contents', level: 'read' });
      return refNode(repository, repository.defaultBranch, context);
    },
    object: ({ oid, expression }: { oid?: string; expression?: string }) => {
      need(context, { permission: 'contents', level: 'read' });
      const commit = repository.find(oid ?? expression ?? '');
      return commit ? commitNode(repository, commit, context) : null;
    },
    pullRequests: (given: { baseRefName?: string; first: number; after?: string }) => {
      need(context, { permission: 'pull-requests', level: 'read' });
      const pulls = repository.pulls.filter(
        (one) => one.state === 'open' && one.base === (given.baseRefName ?? one.base),
      );
      return connection(pulls, given, (pull) => ({
        number: pull.number,
        headRefOid: pull.head,
        commits: { nodes: [{ commit: () => commitNode(repository, repository.find(pull.head)!, context) }] },
      }));
    },
    refs: ({ refPrefix, first }: { refPrefix: string; first: number }) => {
      need(context, { permission: 'contents', level: 'read' });
      const prefix = refPrefix.replace('refs/heads/', '');
      const names = [...repository.branches.keys()].filter((name) => name.startsWith(prefix));
      return { nodes: names.slice(0, first).map((name) => refNode(repository, name, context)) };
    },
    deployments: ({ environments, first }: { environments?: string[]; first: number }) => {
      need(context, { permission: 'deployments', level: 'read' });
      const fitting = repository.deployments.filter((one) => environments?.includes(one.environment) ?? true);
      return { nodes: fitting.toReversed().slice(0, first).map(deploymentNode) };
    },
  };
}

function refNode(repository: Repository, branch: string, context: Context) {
  const commit = repository.find(`refs/heads/${branch}`);
  return commit && repository.branches.has(branch)
    ? { name: branch, target: commitNode(repository, commit, context) }
    : null;
}

function commitNode(repository: Repository, commit: Commit, context: Context): Record<string, unknown> {
  return {
    __typename: 'Commit',
    oid: commit.sha,
    author: { name: commit.author, user: { login: commit.author } },
    file: ({ path }: { path: string }) => treeEntry(repository.filesAt(commit.sha), path),
    parents: ({ first }: { first: number }) => ({
      nodes: () => commit.parents.slice(0, first).map((sha) => commitNode(repository, repository.find(sha)!, context)),
    }),
    status: () => {
      need(context, { permission: 'statuses', level: 'read' });
      if (!repository.statuses.some((one) => one.sha === commit.sha)) return null;
      return {
        context: ({ name }: { name: string }) => {
          const status = repository.statusOf(commit.sha, name);
          return status ? { ...status, state: status.state.toUpperCase() } : null;
        },
      };
    },
  };
}

function treeEntry(files: Map<string, string>, path: string) {
  const text = files.get(path);
  if (text !== undefined) {
    return { name: path, object: { __typename: 'Blob', text, isTruncated: false, isBinary: false } };
  }
  const below = [...files.keys()]
    .filter((file) => file.startsWith(`${path}/`))
    .map((file) => file.slice(path.length + 1));
  if (below.length === 0) return null;
  const names = [...new Set(below.map((file) => file.split('/')[0]!))];
  const entries = names.map((name) => ({ name, type: below.includes(name) ? 'blob' : 'tree' }));
  return { name: path, object: { __typename: 'Tree', entries } };
}

const STATES: Record<string, string> = {
  success: 'ACTIVE',
  in_progress: 'IN_PROGRESS',
  inactive: 'INACTIVE',
  failure: 'FAILURE',
};

function deploymentNode(one: Deployment) {
  return {
    databaseId: one.id,
    commitOid: one.sha,
    state: STATES[one.statuses.at(-1)?.state ?? ''] ?? 'PENDING',
    statuses: { nodes: one.statuses.map((status) => ({ logUrl: status.logUrl })) },
  };
}

function createCommit(input: CommitInput, context: Context) {
  const { repositoryNameWithOwner, branchName } = input.branch;
  const repository = found(context, repositoryNameWithOwner);
  need(context, { permission: 'contents', level: 'write' });
  const head = repository.branches.get(branchName);
  if (!head) throw typed('NOT_FOUND', `No branch "${branchName}" found.`);
  if (repository.ruled.has(branchName)) throw typed('UNPROCESSABLE', 'Repository rule violations found');
  if (head !== input.expectedHeadOid) {
    throw typed(
      'STALE_DATA',
      `Expected branch to point to "${input.expectedHeadOid}" but it points to "${head}". Pull and try again.`,
    );
  }
  const files = new Map(repository.filesAt(head));
  for (const { path, contents } of input.fileChanges?.additions ?? [])
    files.set(path, Buffer.from(contents, 'base64').toString());
  for (const { path } of input.fileChanges?.deletions ?? []) files.delete(path);
  const sha = repository.addCommit(repository.addTree(files), [head], input.message.headline, 'github-actions[bot]');
  repository.branches.set(branchName, sha);
  return { commit: commitNode(repository, repository.find(sha)!, context), at: now() };
}

function connection<T>(
  all: readonly T[],
  { first, after }: { first: number; after?: string },
  node: (one: T) => unknown,
) {
  const start = after ? Number(after) : 0;
  const end = start + first;
  return {
    pageInfo: { hasNextPage: end < all.length, endCursor: String(end) },
    nodes: all.slice(start, end).map(node),
  };
}

function found(context: Context, full: string): Repository {
  const repository = context.find(full);
  if (!repository) throw typed('NOT_FOUND', `Could not resolve to a Repository with the name '${full}'.`);
  return repository;
}

function need(context: Context, needs: Needs): void {
  if (!allows(context.permissions, needs)) {
    throw new GraphQLError('Resource not accessible by integration', {
      extensions: { type: 'FORBIDDEN', needs: acceptedHeader(needs) },
    });
  }
}

function typed(type: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { type } });
}
