/** Who has answered, and whose answer counts. Pure. */
import { sameName } from '../github/github.ts';

/** One comment as GitHub tells it. */
export interface Said {
  /** Null where the account is gone. `kind` is GraphQL's: User, Bot, Mannequin … */
  author: { login: string; kind: string } | null;
  body: string;
  url: string;
  /** ISO 8601. */
  at: string;
  edited: boolean;
  minimized: boolean;
}

/** Whose answer counts. */
export interface Rules {
  /** When the question was asked, ISO 8601. */
  asked: string;
  required: number;
  notAuthor: boolean;
  /** Who asked. */
  by: string;
  /** Who wrote the commits since what is live. */
  authors: readonly string[];
  /** Whether a person's word counts now, by the login in lower case. Nobody's where it is not there. */
  standings: ReadonlyMap<string, { counts: boolean; because: string }>;
}

/** One answer that counts. */
export interface Voice {
  login: string;
  url: string;
  /** "is named", "has the role maintain" */
  because: string;
}

/** What came of it. */
export interface Count {
  verdict: 'approved' | 'rejected' | 'waiting';
  approvals: Voice[];
  /** The first rejection that counts. */
  rejection: (Voice & { why: string }) | null;
  /** Every answer that does not count, with its reason. */
  uncounted: { login: string; url: string; because: string }[];
  /** How many approvals lack. */
  lacks: number;
}

/** What the first line of a comment asks for. `unclear` looks like a command and is none. */
export type Command = { kind: 'approve' } | { kind: 'reject'; why: string } | { kind: 'unclear'; because: string };

/** The command of a comment: its first line, from the first column on. Null where there is none. */
export function commandOf(body: string): Command | null {
  const line = body.split(/\r?\n/, 1)[0]!.trimEnd();
  const [, word = '', rest = ''] = /^\/(approve|reject)(?![\w-])(.*)$/i.exec(line) ?? [];
  if (word.toLowerCase() === 'approve') {
    return rest === '' ? { kind: 'approve' } : { kind: 'unclear', because: 'has more on its line than /approve' };
  }
  if (word.toLowerCase() === 'reject') {
    const why = /^\s+because\s+(\S.*)$/i.exec(rest)?.[1];
    return why ? { kind: 'reject', why } : { kind: 'unclear', because: 'gives no reason: /reject because …' };
  }
  return null;
}

/** The logins whose standing decides: the persons who have given a command. */
export function speakers(comments: readonly Said[]): string[] {
  const logins = comments.flatMap(({ author, body }) =>
    author?.kind === 'User' && commandOf(body) ? [author.login.toLowerCase()] : [],
  );
  return [...new Set(logins)];
}

/** Counts the last word of each person. Comments come in their order, the oldest first. */
export function countAnswers(comments: readonly Said[], rules: Rules): Count {
  const approvals: Voice[] = [];
  const rejections: (Voice & { why: string })[] = [];
  const uncounted: Count['uncounted'] = [];
  const answers = comments.flatMap((said, index) => {
    const command = commandOf(said.body);
    return command ? [{ said, command, isLast: !spokeLater(comments, said, index) }] : [];
  });
  for (const { said, command, isLast } of answers) {
    const login = said.author?.login ?? 'an account that is gone';
    const objection = isLast ? objectionTo(said, command, rules) : 'was followed by another answer of the same person';
    const because = rules.standings.get(login.toLowerCase())?.because ?? '';
    if (objection !== null) uncounted.push({ login, url: said.url, because: objection });
    else if (command.kind === 'reject') rejections.push({ login, url: said.url, because, why: command.why });
    else approvals.push({ login, url: said.url, because });
  }
  const lacks = Math.max(0, rules.required - approvals.length);
  const [rejection = null] = rejections;
  const verdict = rejection ? 'rejected' : lacks === 0 ? 'approved' : 'waiting';
  return { verdict, approvals, rejection, uncounted, lacks };
}

function spokeLater(comments: readonly Said[], { author }: Said, index: number): boolean {
  if (author === null) return false;
  return comments
    .slice(index + 1)
    .some(
      (later) => later.author !== null && sameName(later.author.login, author.login) && commandOf(later.body) !== null,
    );
}

/** Why an answer does not count; null where it does. */
function objectionTo(said: Said, command: Command, rules: Rules): string | null {
  const { author } = said;
  if (author === null) return 'the account is gone';
  if (author.kind !== 'User') return 'is an app, not a person';
  if (command.kind === 'unclear') return command.because;
  if (said.edited) return 'was edited: a new comment counts';
  if (said.minimized) return 'was hidden';
  if (Date.parse(said.at) < Date.parse(rules.asked)) return 'is older than the question';
  const standing = rules.standings.get(author.login.toLowerCase());
  if (!standing?.counts) return standing?.because ?? 'it is not known whether it counts';
  // Who must not approve may still say no.
  if (command.kind === 'reject' || !rules.notAuthor) return null;
  if (sameName(author.login, rules.by)) return 'asked for it';
  if (rules.authors.some((login) => sameName(login, author.login))) return 'wrote a commit of it';
  return null;
}
