/** A question and its answers, read at their source: nothing of the ledger is believed but where the issue lies. */
import type { ApproveSection } from '../config/config.ts';
import { milliseconds } from '../duration/duration.ts';
import { type GitHub, type Standing, standing } from '../github/github.ts';
import type { ApprovalRequest, Bound } from '../ledger/ledger.ts';
import { Failure } from '../outcome/outcome.ts';
import { type Count, countAnswers, speakers } from './count.ts';
import { commitsSince, readThread, type Thread } from './issue.ts';
import { asksThis, type Question, readMarker } from './question.ts';

/** What was heard. */
export interface Hearing {
  issue: number;
  url: string;
  /** Why it cannot be told whether the question is genuine; null where it is. Nothing is counted where it is not. */
  doubt: string | null;
  /** Until when it may be approved and used, by the issue's own time; ISO 8601. */
  until: string;
  expired: boolean;
  /** Who asked, as the genuine question says. */
  by: string;
  count: Count;
}

/** Where the question was asked, and from which commit on authors count. */
export interface Heard {
  product: string;
  environment: string;
  /** The commit that is live; null where nothing is. */
  base: string | null;
}

/**
 * Reads question and answers of a request and counts them. The request's `bound` must be what holds now: the issue has
 * to ask exactly that. Rejects with `approval-unsure` where authors must not count and cannot be told, with
 * `config-invalid` where a team cannot be read, and as `GitHub.client` does.
 */
export async function hear(
  github: GitHub,
  request: Pick<ApprovalRequest, 'id' | 'asks' | 'issue' | 'url' | 'bound' | 'workflow'>,
  heard: Heard,
  section: ApproveSection,
): Promise<Hearing> {
  const { product, environment } = heard;
  const thread = await readThread(github, request.issue);
  const by = (thread && readMarker(thread.body)?.by) ?? '';
  const { asks, bound, workflow } = request;
  const question: Question = { product, environment, asks, request: request.id, by, bound, workflow };
  const doubt = doubtAbout(thread, question);
  const until = thread ? untilOf(thread.created, section) : '';
  const found = {
    issue: request.issue,
    url: thread?.url ?? request.url,
    doubt,
    until,
    expired: doubt === null && Date.parse(until) <= github.now().getTime(),
    by,
  };
  if (thread === null || doubt !== null) return { ...found, count: countAnswers([], rulesOf(section, question)) };
  const standings = new Map<string, Standing>();
  for (const login of speakers(thread.comments)) standings.set(login, await standing(github, login, section.from));
  const authors = section['not-author'] ? await authorsOf(github, heard.base, bound) : [];
  const rules = { ...rulesOf(section, question), asked: thread.created, standings, authors };
  return { ...found, count: countAnswers(thread.comments, rules) };
}

/** ISO 8601: until when a question of this moment may be approved and used. */
export function untilOf(asked: string, { expire }: Pick<ApproveSection, 'expire'>): string {
  return new Date(Date.parse(asked) + (milliseconds(expire) ?? 0)).toISOString();
}

/** Why the question is not to be believed; null where it is genuine. Pure. */
export function doubtAbout(thread: Omit<Thread, 'comments' | 'created'> | null, question: Question): string | null {
  if (thread === null) return 'the issue is gone';
  if (!thread.own) return 'the issue was not written by the identity of this token';
  if (thread.edited) return 'the issue was edited after it was opened';
  if (thread.reason === 'REOPENED') return 'the issue was closed and opened again';
  // An acceptance stays good after its issue was closed as done; a question about a delivery does not.
  const stands = thread.state === 'OPEN' || (question.asks === 'acceptance' && thread.reason === 'COMPLETED');
  if (!stands) return 'the issue was closed';
  return asksThis(thread.body, question) ? null : 'the issue asks something else';
}

async function authorsOf(github: GitHub, base: string | null, bound: Bound): Promise<string[]> {
  const { commit: head, replaces } = bound;
  const isKnown = head !== null && (base !== null || replaces === null);
  const commits = isKnown ? await commitsSince(github, base, head) : null;
  if (commits) return commits.list.flatMap(({ author }) => author ?? []);
  throw new Failure({
    code: 'approval-unsure',
    what: 'who wrote the commits cannot be told, so nobody can be known not to be an author',
    why: isKnown
      ? `GitHub cannot compare ${base ?? 'nothing'} with ${head}`
      : `the commit of ${head === null ? bound.version : replaces} is not known`,
    untouched: 'nothing was changed',
    next: 'set approve.not-author to false for this delivery, or deliver from a commit that GitHub knows',
    outcome: 'inconclusive',
  });
}

function rulesOf(section: ApproveSection, { by }: Question) {
  const { required, 'not-author': notAuthor } = section;
  return { asked: '', required, notAuthor, by, authors: [], standings: new Map<string, Standing>() };
}
