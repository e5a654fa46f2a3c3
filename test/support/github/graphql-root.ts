/** Where a GraphQL query begins. */

import { connection, type Paging } from './connection.ts';
import { checkRunNode, suiteNode } from './graphql-checks.ts';
import { commitNode, object, refNode, refs } from './graphql-commits.ts';
import { type Context, found, need, repositoryStub, typed } from './graphql-context.ts';
import { mergeQueue, pullNode, pullRequests } from './graphql-pulls.ts';
import { commentNode, issue, issueNode, missing } from './graphql-talk.ts';
import { createCommitOnBranch } from './graphql-write.ts';
import type { Deployment } from './records.ts';
import type { Repository } from './world.ts';

type Node = Record<string, unknown>;

export const ROOT = {
  repository: ({ owner, name }: { owner: string; name: string }, context: Context) =>
    repositoryNode(found(context, `${owner}/${name}`), context),
  viewer: (_: unknown, context: Context) => ({ __typename: 'User', login: context.login }),
  node: ({ id }: { id: string }, context: Context) => nodeOf(id, context),
  nodes: ({ ids }: { ids: string[] }, context: Context) => {
    if (ids.length > 100)
      throw typed('ARGUMENT_LIMIT', `You may not provide more than 100 node ids; you provided ${ids.length}.`);
    return ids.map(async (id) => nodeOf(id, context));
  },
  rateLimit: (_: unknown, { weight, budget }: Context) => {
    const { limit = 5000, used = 0, resetAt = new Date() } = budget ?? {};
    const { cost, nodes: nodeCount } = weight;
    return { cost, nodeCount, limit, used, remaining: limit - used, resetAt: resetAt.toISOString() };
  },
  createCommitOnBranch,
};

function repositoryNode(repository: Repository, context: Context): Node {
  return {
    ...repositoryStub(repository),
    url: `https://github.com/${repository.full}`,
    ref: ({ qualifiedName }: { qualifiedName: string }) => {
      need(context, { permission: 'contents', level: 'read' });
      return refNode(repository, qualifiedName.replace('refs/heads/', ''), context);
    },
    defaultBranchRef: () => {
      need(context, { permission: 'contents', level: 'read' });
      return refNode(repository, repository.defaultBranch, context);
    },
    object: (given: { oid?: string; expression?: string }) => object(repository, given, context),
    refs: (given: Paging & { refPrefix: string }) => refs(repository, given, context),
    pullRequests: (given: Paging) => pullRequests(repository, given, context),
    pullRequest: ({ number }: { number: number }) => {
      need(context, { permission: 'pull-requests', level: 'read' });
      const pull = repository.pulls.find((one) => one.number === number);
      return pull ? pullNode(repository, pull, context) : missing('a PullRequest', number);
    },
    issue: ({ number }: { number: number }) => issue(repository, number, context),
    mergeQueue: (given: { branch?: string }) => mergeQueue(repository, given, context),
    deployments: (given: Paging & { environments?: string[] }) => {
      need(context, { permission: 'deployments', level: 'read' });
      const fitting = repository.deployments.filter((one) => given.environments?.includes(one.environment) ?? true);
      return connection(fitting.toReversed(), given, (one) => one.id, deploymentNode);
    },
  };
}

/** A record by its node id; an id of nothing is an error, as GitHub has it. */
function nodeOf(id: string, context: Context): Node {
  const [, kind = '', name = ''] = /^([A-Z]+)_(.+)$/.exec(id) ?? [];
  for (const repository of context.repositories()) {
    const node = NODES[kind]?.(repository, name, context);
    if (node) return node;
  }
  throw typed('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'`);
}

const NODES: Record<string, (repository: Repository, id: string, context: Context) => Node | undefined> = {
  R: (repository, id, context) => (String(repository.id) === id ? repositoryNode(repository, context) : undefined),
  CS: (repository, id, context) => {
    const found = repository.suites.find((one) => String(one.id) === id);
    if (found) need(context, { permission: 'checks', level: 'read' });
    return found && suiteNode(repository, found, context);
  },
  CR: (repository, id, context) => {
    const found = repository.checkRuns.find((one) => String(one.id) === id);
    if (found) need(context, { permission: 'checks', level: 'read' });
    return found && checkRunNode(repository, found, context);
  },
  PR: (repository, id, context) => {
    const found = repository.pulls.find((one) => String(one.id) === id);
    if (found) need(context, { permission: 'pull-requests', level: 'read' });
    return found && pullNode(repository, found, context);
  },
  I: (repository, id, context) => {
    const found = repository.issues.find((one) => String(one.id) === id);
    if (found) need(context, { permission: 'issues', level: 'read' });
    return found && issueNode(repository, found, context);
  },
  IC: (repository, id, context) => {
    const found = repository.comments.find((one) => String(one.id) === id);
    const isOnPull = repository.pulls.some((one) => one.number === found?.issue);
    if (found) need(context, { permission: isOnPull ? 'pull-requests' : 'issues', level: 'read' });
    return found && commentNode(repository, found, context);
  },
  C: (repository, id, context) => {
    const found = repository.commits.get(id);
    if (found) need(context, { permission: 'contents', level: 'read' });
    return found && commitNode(repository, found, context);
  },
};

const STATES: Record<string, string> = {
  success: 'ACTIVE',
  in_progress: 'IN_PROGRESS',
  inactive: 'INACTIVE',
  failure: 'FAILURE',
};

function deploymentNode(one: Deployment): Node {
  return {
    __typename: 'Deployment',
    id: `DE_${one.id}`,
    databaseId: one.id,
    commitOid: one.sha,
    environment: one.environment,
    createdAt: one.at,
    state: STATES[one.statuses.at(-1)?.state ?? ''] ?? 'PENDING',
    statuses: (given: Paging) =>
      connection(
        one.statuses,
        given,
        (status) => status.id,
        (status) => ({ __typename: 'DeploymentStatus', id: `DES_${status.id}`, logUrl: status.logUrl }),
      ),
  };
}
