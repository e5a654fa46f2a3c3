/** The rest of the issue: what people need to decide, and how they answer. Pure; all text from outside is escaped. */
import { escapeMarkdown, markdownTable } from '../escape/escape.ts';
import { openingOf, type Question } from './question.ts';

/** One commit since what is live. Texts come from outside. */
export interface Since {
  sha: string;
  /** Null where GitHub knows no account for its author. */
  author: string | null;
  message: string;
}

/** What people see beside the facts. */
export interface Shown {
  required: number;
  from: readonly string[];
  notAuthor: boolean;
  /** ISO 8601: until when it may be approved and used. */
  until: string;
  /** What would be done; null where it may not be shown here. */
  plan: readonly string[] | null;
  /** What could not be planned, and why. */
  unplanned: readonly string[];
  /** The commits since what is live, the oldest first; null where they cannot be told. `total` counts those left out too. */
  commits: { list: readonly Since[]; total: number; url: string } | null;
  /** Where and how it passed before, in sentences. */
  evidence: readonly string[];
  /** What changed since it was asked before; empty where it was not. */
  changed: readonly string[];
  /** The page of the run that asks; null in a shell. */
  run: string | null;
}

/** GitHub takes 65,536 characters; a part that does not fit is left out as a whole, and that is said. */
const LONGEST = 60_000;
const COMMITS = 50;
const LINES = 100;

/** The body of the issue. */
export function bodyOf(question: Question, shown: Shown): string {
  const parts = [
    changedPart(shown),
    answerPart(question, shown),
    planPart(question, shown),
    evidencePart(shown),
    commitsPart(question, shown),
  ].filter((part) => part !== '');
  let body = openingOf(question);
  for (const part of parts) {
    const [title = ''] = part.split('\n');
    body += `\n\n${body.length + part.length < LONGEST ? part : `${title}\n\nToo long to be shown here.`}`;
  }
  return `${body}\n`;
}

/** Text from outside for one line of Markdown: cut, escaped, and naming no issue, pull request or person. */
export function quoted(text: string, longest = 200): string {
  const line = text.split('\n', 1)[0]!;
  const cut = line.length > longest ? `${line.slice(0, longest)}…` : line;
  return apart(escapeMarkdown(cut));
}

/** GH-7 names an issue as #7 does; a gap stops it. */
function apart(text: string): string {
  return text.replace(/\b(GH)-(?=\d)/gi, '$1-\u200b');
}

function changedPart({ changed }: Shown): string {
  if (changed.length === 0) return '';
  return ['### Asked again', ...changed.map((line) => `- ${quoted(line, 400)}`)].join('\n');
}

function answerPart({ asks }: Question, { required, from, notAuthor, until, run }: Shown): string {
  const people = required === 1 ? 'One person' : `${required} people`;
  const rule = notAuthor ? ' Who asked, and who wrote a commit of it, does not count.' : '';
  return [
    '### How to answer',
    `With a comment whose first line is \`/approve\` or \`/reject because …\`. ${people} of ${from.map((one) => quoted(one)).join(', ')} must approve; one rejection ends it.${rule} An edited comment does not count: write a new one.`,
    '',
    `It may be ${asks === 'delivery' ? 'approved and delivered' : 'accepted and used'} until ${until}. An edit of this issue makes it void.${run ? ` Asked by [this run](${run}).` : ''}`,
  ].join('\n');
}

function planPart({ asks }: Question, { plan, unplanned }: Shown): string {
  if (asks === 'acceptance') return '';
  const shown = plan?.slice(0, LINES) ?? [];
  const more = (plan?.length ?? 0) - shown.length;
  return [
    '### What would be done',
    ...(plan === null ? ['The log of the run shows it; the issue of a public repository does not.'] : []),
    ...shown.map((line) => `- ${quoted(line, 400)}`),
    ...(more > 0 ? [`- and ${more} more`] : []),
    ...unplanned.map((line) => `- Could not be planned: ${quoted(line, 400)}`),
  ].join('\n');
}

function evidencePart({ evidence }: Shown): string {
  if (evidence.length === 0) return '';
  return ['### Evidence', ...evidence.map((line) => `- ${quoted(line, 400)}`)].join('\n');
}

function commitsPart({ bound }: Question, { commits }: Shown): string {
  const title = `### Since ${bound.replaces === null ? 'the beginning' : quoted(bound.replaces)}`;
  if (commits === null) return `${title}\n\nThe commits cannot be told.`;
  const newest = commits.list.slice(-COMMITS).reverse();
  const nameless = commits.list.filter(({ author }) => author === null).length;
  const table = markdownTable(
    ['Commit', 'Author', 'Message'],
    newest.map(({ sha, author, message }) => [
      sha.slice(0, 7),
      author ?? 'no account',
      message.split('\n', 1)[0]!.slice(0, 120),
    ]),
  );
  return [
    title,
    '',
    `[All changes](${commits.url}): ${commits.total === 1 ? '1 commit' : `${commits.total} commits`}${commits.total > newest.length ? `, the newest ${newest.length} shown` : ''}.${namelessWords(nameless)}`,
    '',
    apart(table),
  ].join('\n');
}

function namelessWords(count: number): string {
  if (count === 0) return '';
  return ` ${count === 1 ? 'One has' : `${count} have`} an author without an account on GitHub.`;
}
