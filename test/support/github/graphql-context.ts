/** What every GraphQL resolver needs: who asks, with which permissions, and GitHub's errors. */
import { GraphQLError } from 'graphql';
import { acceptedHeader, allows, type Needs, type Permissions } from './access.ts';
import type { Repository } from './world.ts';

export interface Context {
  repositories(): Repository[];
  permissions: Permissions;
  /** Whose token it is, as REST names it: a bot ends in [bot]. */
  login: string;
  /** The budget of the token, where limits are held. */
  budget: { limit: number; used: number; resetAt: Date } | null;
  /** GraphQL points of this request, and the nodes it may read. */
  weight: { cost: number; nodes: number };
}

/** A user or a bot; GraphQL names bots without their [bot]. null is one who is gone. */
export function actorNode(login: string | null): Record<string, unknown> | null {
  if (login === null) return null;
  return login.endsWith('[bot]')
    ? { __typename: 'Bot', login: login.slice(0, -'[bot]'.length) }
    : { __typename: 'User', login };
}

/** A repository where only its names are asked. */
export function repositoryStub(repository: Repository): Record<string, unknown> {
  const { full, owner, name, isPrivate } = repository;
  return {
    __typename: 'Repository',
    id: `R_${repository.id}`,
    databaseId: repository.id,
    name,
    nameWithOwner: full,
    isPrivate,
    owner: { __typename: 'Organization', login: owner },
  };
}

export function found(context: Context, full: string): Repository {
  const repository = context.repositories().find((one) => one.full.toLowerCase() === full.toLowerCase());
  if (!repository) throw typed('NOT_FOUND', `Could not resolve to a Repository with the name '${full}'.`);
  return repository;
}

export function need(context: Context, needs: Needs): void {
  if (!allows(context.permissions, needs)) {
    throw new GraphQLError('Resource not accessible by integration', {
      extensions: { type: 'FORBIDDEN', needs: acceptedHeader(needs) },
    });
  }
}

export function typed(type: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { type } });
}
