/** GraphQL's form of issues and comments. */
import { connection, type Paging } from './connection.ts';
import { actorNode, type Context, need, repositoryStub } from './graphql-context.ts';
import { pullNode } from './graphql-pulls.ts';
import type { Comment, Issue } from './records-talk.ts';
import { associationOf } from './shapes.ts';
import type { Repository } from './world.ts';

type Node = Record<string, unknown>;

/** `Repository.issue` */
export function issue(repository: Repository, number: number, context: Context): Node {
  need(context, { permission: 'issues', level: 'read' });
  const found = repository.issues.find((one) => one.number === number);
  return found ? issueNode(repository, found, context) : missing('an Issue', number);
}

export function missing(what: string, number: number): never {
  throw Object.assign(new Error(`Could not resolve to ${what} with the number of ${number}.`), {
    extensions: { type: 'NOT_FOUND' },
  });
}

export function issueNode(repository: Repository, found: Issue, context: Context): Node {
  return {
    __typename: 'Issue',
    id: `I_${found.id}`,
    databaseId: found.id,
    fullDatabaseId: String(found.id),
    number: found.number,
    title: found.title,
    body: found.body,
    url: `https://github.com/${repository.full}/issues/${found.number}`,
    author: actorNode(found.by),
    authorAssociation: associationOf(repository, found.by),
    createdAt: found.at,
    updatedAt: found.updated,
    lastEditedAt: found.edited,
    includesCreatedEdit: found.edited !== null,
    viewerDidAuthor: found.by === context.login,
    state: found.state.toUpperCase(),
    closed: found.state === 'closed',
    stateReason: found.reason,
    repository: repositoryStub(repository),
    labels: (given: Paging) => labels(found.labels, given),
    comments: (given: Paging) => comments(repository, found.number, given, context),
  };
}

/** The comments on an issue or a pull request, oldest first. */
export function comments(repository: Repository, number: number, given: Paging, context: Context) {
  return connection(
    repository.commentsOn(number),
    given,
    (one) => one.id,
    (one) => commentNode(repository, one, context),
  );
}

export function commentNode(repository: Repository, comment: Comment, context: Context): Node {
  const pull = repository.pulls.find((one) => one.number === comment.issue);
  const kind = pull ? 'pull' : 'issues';
  return {
    __typename: 'IssueComment',
    id: `IC_${comment.id}`,
    databaseId: comment.id,
    fullDatabaseId: String(comment.id),
    author: actorNode(comment.by),
    editor: actorNode(comment.editor),
    authorAssociation: associationOf(repository, comment.by),
    body: comment.body,
    createdAt: comment.at,
    updatedAt: comment.updated,
    lastEditedAt: comment.edited,
    includesCreatedEdit: comment.edited !== null,
    isMinimized: comment.minimized,
    viewerDidAuthor: comment.by === context.login,
    url: `https://github.com/${repository.full}/${kind}/${comment.issue}#issuecomment-${comment.id}`,
    repository: repositoryStub(repository),
    issue: () => {
      const on = repository.issues.find((one) => one.number === comment.issue);
      // A pull request is an issue to GitHub; here only its number and place are.
      return on ? issueNode(repository, on, context) : { __typename: 'Issue', number: comment.issue };
    },
    pullRequest: () => (pull ? pullNode(repository, pull, context) : null),
  };
}

export function labels(names: readonly string[], given: Paging) {
  return connection(
    names,
    given,
    (name) => name,
    (name) => ({ __typename: 'Label', id: `LA_${name}`, name, color: 'ededed' }),
  );
}
