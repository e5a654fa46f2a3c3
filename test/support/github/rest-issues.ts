/** Issues, their comments and reactions. To GitHub a pull request is an issue. */
import type { Level, Needs } from './access.ts';
import type { Comment, Issue } from './records-talk.ts';
import { type Answer, type Asked, mayAny, NOT_FOUND, type Routes, reads, refused, writes } from './route.ts';
import { commentOf, issueOf, pullAsIssue, userOf } from './shapes.ts';

/** The routes of issues below a repository. */
export function issueRoutes(repo: string): Routes {
  const one = `${repo}/issues/{issue_number}`;
  return {
    [`GET ${repo}/issues`]: reads('issues', list),
    [`POST ${repo}/issues`]: writes('issues', create),
    [`GET ${one}`]: either((asked) => guarded(asked, numberOf(asked), 'read', (body) => ({ status: 200, body }))),
    [`PATCH ${one}`]: either((asked) => guarded(asked, numberOf(asked), 'write', () => update(asked))),
    [`GET ${one}/comments`]: either((asked) =>
      guarded(asked, numberOf(asked), 'read', () => ({
        list: asked.repository
          .commentsOn(numberOf(asked))
          .filter((comment) => comment.updated >= (asked.query.get('since') ?? ''))
          .map((comment) => commentOf(asked.repository, comment)),
      })),
    ),
    [`POST ${one}/comments`]: either((asked) => guarded(asked, numberOf(asked), 'write', () => createComment(asked))),
    [`GET ${repo}/issues/comments/{comment_id}`]: either((asked) =>
      onComment(asked, 'read', (comment) => ({ status: 200, body: commentOf(asked.repository, comment) })),
    ),
    [`PATCH ${repo}/issues/comments/{comment_id}`]: either((asked) =>
      onComment(asked, 'write', (comment) => {
        const edited = asked.repository.editComment(comment, asked.body.body as string, asked.asker.login);
        return { status: 200, body: commentOf(asked.repository, edited) };
      }),
    ),
    [`DELETE ${repo}/issues/comments/{comment_id}`]: either((asked) =>
      onComment(asked, 'write', (comment) => {
        asked.repository.deleteComment(comment, asked.asker.login);
        return { status: 204, body: undefined };
      }),
    ),
    [`GET ${repo}/issues/comments/{comment_id}/reactions`]: either((asked) =>
      onComment(asked, 'read', (comment) => ({ list: comment.reactions.map((r) => reactionOf(comment, r)) })),
    ),
    [`POST ${repo}/issues/comments/{comment_id}/reactions`]: either((asked) =>
      onComment(asked, 'write', (comment) => react(asked, comment)),
    ),
  };
}

/** The permission depends on what lies behind the number, so the handler looks itself. */
function either(answer: (asked: Asked) => Answer) {
  return reads('metadata', answer);
}

function numberOf({ path }: Asked): number {
  return Number(path.issue_number);
}

/** On a pull request either of two permissions is enough. */
function guarded(asked: Asked, number: number, level: Exclude<Level, 'none'>, then: (shown: object) => Answer): Answer {
  const { repository } = asked;
  const pull = repository.pulls.find((one) => one.number === number);
  const issue = repository.issues.find((one) => one.number === number);
  const needs: Needs[] = [{ permission: 'issues', level }];
  if (pull) needs.push({ permission: 'pull-requests', level });
  if (!mayAny(asked, needs)) return { denied: needs };
  if (pull) return then(pullAsIssue(repository, pull));
  return issue ? then(issueOf(repository, issue)) : NOT_FOUND;
}

function onComment(asked: Asked, level: Exclude<Level, 'none'>, then: (comment: Comment) => Answer): Answer {
  const comment = asked.repository.comments.find((one) => String(one.id) === asked.path.comment_id);
  if (!comment) return NOT_FOUND;
  return guarded(asked, comment.issue, level, () => then(comment));
}

/** Newest first; open ones where nothing else is asked. */
function list({ repository, query }: Asked): Answer {
  const state = query.get('state') ?? 'open';
  const labels = (query.get('labels') ?? '').split(',').filter((name) => name !== '');
  const creator = query.get('creator');
  const isAsked = (one: { state: string; labels: string[]; by: string | null; updated: string }) =>
    (state === 'all' || one.state === state) &&
    labels.every((name) => one.labels.includes(name)) &&
    (!creator || one.by === creator) &&
    one.updated >= (query.get('since') ?? '');
  const issues = repository.issues
    .filter(isAsked)
    .map((one) => ({ number: one.number, shown: issueOf(repository, one) }));
  const pulls = repository.pulls
    .filter((one) => isAsked({ ...one, by: one.author }))
    .map((one) => ({ number: one.number, shown: pullAsIssue(repository, one) }));
  const all = [...issues, ...pulls].sort((a, b) => b.number - a.number);
  if (query.get('direction') === 'asc') all.reverse();
  return { list: all.map(({ shown }) => shown) };
}

function create({ repository, body, asker }: Asked): Answer {
  if (typeof body.title !== 'string' || body.title === '') return refused(422, 'Validation Failed');
  if (isTooLong(body.body)) return TOO_LONG;
  const issue = repository.issue({
    title: body.title,
    body: (body.body as string | undefined) ?? '',
    by: asker.login,
    labels: labelsOf(body.labels),
  });
  return { status: 201, body: issueOf(repository, issue) };
}

function update({ repository, body, path, asker }: Asked): Answer {
  if (isTooLong(body.body)) return TOO_LONG;
  const { title, body: text, state, state_reason: reason, labels } = body as Record<string, string | undefined>;
  const changes: Partial<Issue> = {
    ...(title === undefined ? {} : { title }),
    ...(text === undefined ? {} : { body: text }),
    ...(state === undefined ? {} : { state: state as Issue['state'] }),
    ...(reason === undefined ? {} : { reason }),
    ...(labels === undefined ? {} : { labels: labelsOf(labels) }),
  };
  const issue = repository.editIssue(Number(path.issue_number), changes, asker.login);
  return issue ? { status: 200, body: issueOf(repository, issue) } : NOT_FOUND;
}

function createComment({ repository, body, path, asker }: Asked): Answer {
  if (isTooLong(body.body)) return TOO_LONG;
  const comment = repository.comment(Number(path.issue_number), { by: asker.login, body: body.body as string });
  return { status: 201, body: commentOf(repository, comment) };
}

/** The same reaction of the same user stands once. */
function react({ repository, body, asker }: Asked, comment: Comment): Answer {
  const content = body.content as string;
  const known = comment.reactions.find((one) => one.by === asker.login && one.content === content);
  if (known) return { status: 200, body: reactionOf(comment, known) };
  const reaction = { id: repository.nextId(), by: asker.login, content };
  comment.reactions.push(reaction);
  return { status: 201, body: reactionOf(comment, reaction) };
}

function reactionOf(comment: Comment, { id, by, content }: Comment['reactions'][number]) {
  return { id, user: userOf(by), content, created_at: comment.at };
}

function labelsOf(given: unknown): string[] {
  const labels = Array.isArray(given) ? given : [];
  return labels.map((one) => (typeof one === 'string' ? one : String((one as { name?: string }).name)));
}

const MOST = 65_536;
const TOO_LONG = refused(422, 'Validation Failed: body is too long (maximum is 65536 characters)');

function isTooLong(text: unknown): boolean {
  return typeof text === 'string' && text.length > MOST;
}
