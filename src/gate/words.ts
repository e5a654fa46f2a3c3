/** The verdict for people: a status of at most 140 characters, one sentence, and Markdown. Pure. */
import type { Verdict } from './verdict.ts';

/** The name of the commit status. Never give a job this name. */
export const GATE_CONTEXT = 'changeline/gate';

/** GitHub's limit for the description of a commit status. */
const LONGEST = 140;

/** A commit status as it is written. */
export interface Status {
  state: 'success' | 'failure' | 'pending';
  description: string;
  target_url: string | null;
}

/**
 * The status for a verdict. In a merge queue a closed gate is `pending`: a failure would throw the pull request out
 * of the queue for what it did not do. `fallback` is linked where no check has a page.
 */
export function statusOf(verdict: Verdict, inQueue: boolean, fallback: string | null): Status {
  const closed = inQueue || verdict.state === 'pending' ? 'pending' : 'failure';
  return {
    state: verdict.open ? 'success' : closed,
    description: shortWords(verdict),
    target_url: verdict.red[0]?.url ?? fallback,
  };
}

/** One sentence, with what to do where the gate is closed. Plain text; names come from outside. */
export function verdictInWords(verdict: Verdict): string {
  const { state, branch, looked } = verdict;
  if (state === 'green') return `${branch} is green at ${short(verdict.judged)}${aside(verdict)}`;
  if (state === 'red') {
    const names = verdict.red.map((check) => `"${check.name}" (${check.said})`).join(', ');
    return `${branch} is red at ${short(verdict.judged)}${aside(verdict)}: ${names}${pushedBy(verdict)}${since(verdict)}`;
  }
  if (verdict.missing.length > 0) {
    return `on ${commits(looked)} of ${branch} these checks of changeline.yml never ran: ${verdict.missing.join(', ')}`;
  }
  if (state === 'pending') return `no check has finished yet on ${commits(looked)} of ${branch}`;
  return `no check of a push or merge group was found on ${commits(looked)} of ${branch}`;
}

/** The next thing to do where the gate is closed; null where it is open. */
export function nextStep(verdict: Verdict): string | null {
  if (verdict.open) return null;
  if (verdict.state === 'red') return `repair ${verdict.branch} (push a fix or a revert), or run the failed job again`;
  if (verdict.missing.length > 0) {
    return 'correct gate.checks in changeline.yml; the names are those of the jobs, as the commit page shows them';
  }
  if (verdict.state === 'pending') return 'wait for the checks that run, then run this again';
  return `let a workflow test pushes to ${verdict.branch} (on: push), then push or run this again`;
}

/** The failed checks as a Markdown table for the job summary; null where there are none. */
export function failedInMarkdown(verdict: Verdict): string | null {
  if (verdict.red.length === 0) return null;
  const lines = ['| check | result | since | pushed by |', '|---|---|---|---|'];
  for (const check of verdict.red) {
    const isLink = check.url !== null && /^https?:\/\/[^\s()<>|]+$/.test(check.url);
    const name = isLink ? `[${escaped(check.name)}](${check.url})` : escaped(check.name);
    const by = escaped(check.by ?? verdict.by ?? '');
    lines.push(`| ${name} | ${escaped(check.said)} | ${escaped(check.at ?? '')} | ${by} |`);
  }
  return lines.join('\n');
}

function shortWords(verdict: Verdict): string {
  if (verdict.state === 'green') return cut(`${verdictInWords(verdict)}`, LONGEST);
  if (verdict.state === 'pending' && verdict.missing.length === 0) {
    return cut(`Waiting: ${verdictInWords(verdict)}`, LONGEST);
  }
  if (verdict.state !== 'red') {
    const next = verdict.missing.length > 0 ? 'See gate.checks.' : 'Run CI on push to it.';
    return `${cut(`Not known whether ${verdict.branch} is green: no finished check`, LONGEST - next.length - 2)}. ${next}`;
  }
  const others = verdict.red.length > 1 ? ` and ${verdict.red.length - 1} more` : '';
  const rest = `${others} failed at ${short(verdict.judged)}${pushedBy(verdict)}${since(verdict)}`;
  const branch = cut(verdict.branch, 30);
  const room = LONGEST - branch.length - rest.length - ' is red: ""'.length;
  return cut(`${branch} is red: "${cut(verdict.red[0]?.name ?? '', Math.max(room, 10))}"${rest}`, LONGEST);
}

function aside(verdict: Verdict): string {
  if (verdict.distance === 0) return '';
  const why = verdict.headIs === 'pending' ? 'is not finished' : 'has no checks';
  const back = `${verdict.distance} commit${verdict.distance === 1 ? '' : 's'} back`;
  return ` (${back}; ${short(verdict.head)} ${why})`;
}

function pushedBy(verdict: Verdict): string {
  return verdict.by ? `, pushed by ${cut(verdict.by, 39)}` : '';
}

function since(verdict: Verdict): string {
  return verdict.since ? `, since ${verdict.since.slice(0, 16).replace('T', ' ')} UTC` : '';
}

function commits(count: number): string {
  return count === 1 ? 'the newest commit' : `the newest ${count} commits`;
}

function short(sha: string | null): string {
  return (sha ?? '').slice(0, 7);
}

/** At most `longest` UTF-16 units on one line, never half a character. */
function cut(text: string, longest: number): string {
  const line = text.replace(/\s+/g, ' ').trim();
  if (line.length <= longest) return line;
  return `${line.slice(0, longest - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** Text from outside as literal Markdown: no markup, no mention, no HTML, no new cell. */
function escaped(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[&<>]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign]!)
    .replace(/[\\`*_{}[\]#|~!]/g, '\\$&')
    .replace(/@/g, '@&#8203;')
    .replace(/(https?):\/\//g, '$1&#58;//');
}
