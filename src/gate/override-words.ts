/** Overrides as people write them in a comment, and what is answered. Pure. */
import type { GateSection } from '../config/config.ts';
import { milliseconds } from '../duration/duration.ts';
import { cutShort, escapeMarkdown } from '../escape/escape.ts';
import { untilOf } from '../freeze/freeze.ts';
import type { Override } from '../ledger/ledger.ts';
import { Failure } from '../outcome/outcome.ts';

/** What the first line of a comment asks for. `wrong` begins like an override and is none. */
export type ParsedOverride =
  | { kind: 'let-in'; why: string; until: Date }
  | { kind: 'end' }
  | { kind: 'wrong'; problem: string };

/** A comment as GitHub tells it. Texts come from outside. */
export interface OverrideComment {
  /** GitHub's node id. */
  id: string;
  /** null where the account is gone; `kind` is GraphQL's: User, Bot, Mannequin … */
  author: { login: string; kind: string } | null;
  body: string;
  /** ISO 8601: when it was written. */
  at: string;
  edited: boolean;
  minimized: boolean;
  /** owner/name */
  repository: string;
  /** null where it stands on an issue. */
  pull: { number: number; state: 'OPEN' | 'CLOSED' | 'MERGED' } | null;
}

/** So much of a comment's first line is looked at, and so much of what is given as why is kept. */
const LONGEST_LINE = 2000;
const LONGEST_WHY = 500;

/**
 * The override that the first line of a comment asks for, from its first column on; null where it is no such command.
 * `now` is when it was written, `longest` the milliseconds that it may last and lasts where it does not say.
 */
export function parseOverride(body: string, now: Date, longest: number): ParsedOverride | null {
  const line = body.slice(0, LONGEST_LINE).split(/[\r\n\u2028\u2029]/, 1)[0] ?? '';
  const rest = /^\/override(?![\w-])(.*)$/i.exec(line)?.[1]?.trim();
  if (rest === undefined) return null;
  if (/^end(?:\s+because\s.*)?$/i.test(rest)) return { kind: 'end' };
  const [, before, after = ''] = /^(?:(?:for|until)\s+(\S+)\s+)?because\s(.*)$/i.exec(rest) ?? [];
  const [why, end] = before === undefined ? withEnd(after) : [after, before];
  const reason = cutShort(why, LONGEST_WHY);
  if (reason === '') return { kind: 'wrong', problem: 'its first line gives no reason' };
  if (end === null) return { kind: 'let-in', why: reason, until: new Date(now.getTime() + longest) };
  const until = momentOf(end, now);
  if (typeof until === 'string') return { kind: 'wrong', problem: until };
  if (until.getTime() - now.getTime() > longest) {
    return { kind: 'wrong', problem: 'it would last longer than gate.override.longest of changeline.yml allows' };
  }
  return { kind: 'let-in', why: reason, until };
}

/** The end may also stand behind the reason. Words that name no length of time and no moment are part of the reason. */
function withEnd(text: string): [string, string | null] {
  const [, why, word, end] = /^(.*\S)\s+(for|until)\s+(\S+)$/i.exec(text) ?? [];
  if (why === undefined || word === undefined || end === undefined) return [text, null];
  const isEnd = word.toLowerCase() === 'for' ? milliseconds(end) !== null : /^\d{4}-\d{2}-\d{2}T\d/.test(end);
  return isEnd ? [why, end] : [text, null];
}

/** The moment, or what is wrong with it. */
function momentOf(end: string, now: Date): Date | string {
  try {
    return new Date(untilOf(end, now) ?? Number.NaN);
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    return `of the end it names: ${thrown.why}`;
  }
}

/** Milliseconds that an override may last. */
export function longestOf(rule: GateSection['override']): number {
  return milliseconds(rule.longest) ?? 0;
}

/**
 * Why the comment does not count whoever wrote it; null where it does. Whether the person's word counts is another
 * question.
 */
export function objectionTo(comment: OverrideComment, repository: string): string | null {
  if (comment.author === null) return 'the account is gone';
  if (comment.author.kind !== 'User') return `${comment.author.login} is an app, not a person`;
  if (comment.edited) return 'the comment was edited: only a new one counts';
  if (comment.minimized) return 'the comment was hidden';
  if (comment.repository.toLowerCase() !== repository.toLowerCase()) return 'the comment stands in another repository';
  return comment.pull ? null : 'the comment stands on no pull request';
}

/**
 * The override as its comment says it, which the ledger only points to; null where it says it no more, or is over.
 * The ledger may end it earlier, never later.
 */
export function overrideAtSource(
  recorded: Override,
  comment: OverrideComment,
  given: { repository: string; longest: number; now: Date },
): Override | null {
  if (objectionTo(comment, given.repository) !== null) return null;
  if (comment.pull?.number !== recorded.pull) return null;
  if (comment.author?.login.toLowerCase() !== recorded.by.toLowerCase()) return null;
  const parsed = parseOverride(comment.body, new Date(comment.at), given.longest);
  if (parsed?.kind !== 'let-in') return null;
  const until = Math.min(parsed.until.getTime(), Date.parse(recorded.until));
  if (!(until > given.now.getTime())) return null;
  return { ...recorded, by: comment.author.login, why: parsed.why, until: new Date(until).toISOString() };
}

/** What is answered to an override that counts, or that says afterwards why a merge came past the gate. Markdown. */
export function countedInMarkdown({ by, until, why }: Override, because: string, isMerged: boolean): string {
  const end = `${until.slice(0, 16).replace('T', ' ')} UTC`;
  const whose = `${escapeMarkdown(by)} (${escapeMarkdown(because)})`;
  const [what, where] = isMerged
    ? [`It is recorded: ${whose} let this pull request in past the gate.`, 'It stands in the ledger.']
    : [
        `The override counts: ${whose} lets this pull request in until ${end}, whatever stands against it.`,
        'It stands in the ledger. `/override end` withdraws it.',
      ];
  return [what, '', `Why: ${escapeMarkdown(why)}`, '', where].join('\n');
}

/** What is answered to one that does not count. `why` is plain. Markdown. */
export function refusedInMarkdown(why: string): string {
  return [
    `The override does not count: ${escapeMarkdown(why)}.`,
    '',
    'The form is `/override because <why>`; with `for 2h` or `until 2026-12-24T18:00Z` before `because` it ends earlier.',
  ].join('\n');
}
