/** The verdict for people: a few words for a status, one sentence, what to do next, and Markdown. Pure. */
import { cutShort, escapeMarkdown } from '../escape/escape.ts';
import type { Verdict } from './verdict.ts';

/** The name of the commit status. Never give a job this name. */
export const GATE_CONTEXT = 'changeline/gate';

/** As many checks are named in a sentence; the others are counted. */
const MOST_NAMED = 5;

/** One sentence: which commit decides, and why. Plain text; names come from outside. */
export function verdictInWords(verdict: Verdict): string {
  const { state, branch, looked } = verdict;
  if (state === 'green') return `${branch} is green at ${short(verdict.judged)}${aside(verdict)}`;
  if (state === 'red') {
    const names = listed(verdict.red.map((check) => `"${check.name}" (${check.said})`));
    return `${branch} is red at ${short(verdict.judged)}${aside(verdict)}: ${names}${pushedBy(verdict)}${since(verdict)}`;
  }
  if (verdict.void.length > 0) {
    const names = listed(verdict.void.map((check) => `"${check.name}" (${check.said})`));
    return `it is not known whether ${branch} is green: without a verdict ended ${names}${none(verdict)}`;
  }
  if (verdict.missing.length > 0) {
    return `on ${commits(looked)} of ${branch} these checks of changeline.yml never ran: ${listed(verdict.missing)}`;
  }
  if (state === 'pending') return `no check has finished yet on ${commits(looked)} of ${branch}`;
  const still = verdict.waits ? `; ${short(verdict.head)} may still get one` : '';
  return `no check of a push or merge group was found on ${commits(looked)} of ${branch}${still}`;
}

/**
 * The same in at most `longest` UTF-16 units, for a status: what failed, who pushed it, since when. No control and
 * direction characters, and what must be read stands whole: names are cut first.
 */
export function mainInBrief(verdict: Verdict, longest: number): string {
  const branch = cutShort(verdict.branch, 30);
  const brief = { ...verdict, branch };
  if (verdict.state === 'green') return cutShort(verdictInWords(brief), longest);
  if (verdict.state === 'red') {
    const others = verdict.red.length > 1 ? ` and ${verdict.red.length - 1} more` : '';
    const rest = `${others} failed at ${short(verdict.judged)}${pushedBy(verdict)}${since(verdict)}`;
    return around(`${branch} is red: "`, verdict.red[0]?.name ?? '', `"${rest}`, longest);
  }
  const check = verdict.void[0];
  if (check) {
    const next = check.said === 'action_required' ? 'Approve it' : 'Run it again';
    return around(`${branch} not judged: "`, check.name, `" ${cutShort(check.said, 20)}. ${next}.`, longest);
  }
  if (verdict.missing.length > 0) {
    return around(`${branch} not judged: "`, verdict.missing[0] ?? '', '" never ran. See gate.checks.', longest);
  }
  if (verdict.state === 'pending') return cutShort(`Waiting: ${verdictInWords(brief)}`, longest);
  if (verdict.waits) return cutShort(`Waiting for the first check on ${branch}`, longest);
  return cutShort(`Not known whether ${branch} is green: no finished check. Run CI on push to it.`, longest);
}

/** The next thing to do where the gate is closed; null where it is open. Plain text; names come from outside. */
export function nextStep(verdict: Verdict): string | null {
  const { branch, head } = verdict;
  if (verdict.open) return null;
  if (verdict.state === 'red') return `${repair(verdict)}${wake(verdict)}`;
  if (verdict.void.length > 0) {
    const waiting = verdict.void.filter((check) => check.said === 'action_required');
    if (waiting.length > 0) return `approve what waits for it: ${listed(waiting.map(({ name }) => `"${name}"`))}`;
    return `run again what ended without a verdict, or push to ${branch}; a check that may end so can be left out of gate.checks`;
  }
  if (verdict.missing.length > 0) {
    return 'correct gate.checks in changeline.yml; the names are those of the jobs, as the commit page shows them';
  }
  if (verdict.state === 'pending') return 'wait for the checks that run, then run this again';
  if (verdict.waits) return `wait for the checks of ${short(head)}, then run this again`;
  return `let a workflow test pushes to ${branch} (on: push), then push or run this again`;
}

/** The failed checks as a Markdown table for the job summary; null where there are none. */
export function failedInMarkdown(verdict: Verdict): string | null {
  if (verdict.red.length === 0) return null;
  const lines = ['| check | result | since | pushed by |', '|---|---|---|---|'];
  for (const check of verdict.red) {
    const isLink = check.url !== null && /^https?:\/\/[^\s()<>|]+$/.test(check.url);
    const name = isLink ? `[${escapeMarkdown(check.name)}](${check.url})` : escapeMarkdown(check.name);
    const by = escapeMarkdown(check.by ?? verdict.by ?? '');
    lines.push(`| ${name} | ${escapeMarkdown(check.said)} | ${escapeMarkdown(check.at ?? '')} | ${by} |`);
  }
  return lines.join('\n');
}

function repair({ branch, red }: Verdict): string {
  if (red.length > 0 && red.every((check) => check.said.startsWith('startup_failure'))) {
    return 'correct the workflow file, which GitHub could not start, and push it';
  }
  return `repair ${branch} (push a fix or a revert), or run the failed job again`;
}

/** A head on which the failed check did not run stays as red as its parent, whatever it repairs. */
function wake({ distance, headIs, waits, head }: Verdict): string {
  const isAsleep = distance > 0 && headIs !== 'pending' && !waits;
  return isAsleep ? `; if ${short(head)} repairs it, let its checks run` : '';
}

function aside(verdict: Verdict): string {
  const parts: string[] = [];
  if (verdict.distance > 0) parts.push(`${back(verdict.distance)}; ${short(verdict.head)} ${whyNotHead(verdict)}`);
  for (const { name, sha, distance } of verdict.older.slice(0, MOST_NAMED)) {
    parts.push(`"${name}" as of ${short(sha)}, ${back(distance)}`);
  }
  return parts.length > 0 ? ` (${parts.join('; ')})` : '';
}

function whyNotHead({ headIs, waits }: Verdict): string {
  if (headIs === 'pending') return 'is not finished';
  if (headIs === 'absent') return waits ? 'waits for its checks' : 'has no checks';
  return 'did not run it';
}

function none(verdict: Verdict): string {
  return verdict.headIs === 'absent' ? `; ${short(verdict.head)} ${whyNotHead(verdict)}` : ` at ${short(verdict.head)}`;
}

function pushedBy(verdict: Verdict): string {
  return verdict.by ? `, pushed by ${cutShort(verdict.by, 39)}` : '';
}

function since(verdict: Verdict): string {
  return verdict.since ? `, since ${verdict.since.slice(0, 16).replace('T', ' ')} UTC` : '';
}

function listed(names: readonly string[]): string {
  const others = names.length - MOST_NAMED;
  return `${names.slice(0, MOST_NAMED).join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
}

/** A name from outside between words that must be read whole. */
function around(before: string, name: string, after: string, longest: number): string {
  const room = Math.max(longest - before.length - after.length, 10);
  return cutShort(`${before}${cutShort(name, room)}${after}`, longest);
}

function back(distance: number): string {
  return `${distance} commit${distance === 1 ? '' : 's'} back`;
}

function commits(count: number): string {
  return count === 1 ? 'the newest commit' : `the newest ${count} commits`;
}

function short(sha: string | null): string {
  return (sha ?? '').slice(0, 7);
}
