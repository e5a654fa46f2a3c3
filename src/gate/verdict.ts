/** From evidence to a verdict. Pure. */
import type { Check } from './evidence.ts';

/** green: may merge. red: a check failed. pending: nothing finished yet. unknown: nothing gave a verdict. */
export type GateState = 'green' | 'red' | 'pending' | 'unknown';

/** How one commit stands by its own checks. void: all ended, some without a verdict. absent: none that counts. */
export type CommitState = 'red' | 'pending' | 'void' | 'green' | 'absent';

/** One commit of the branch. */
export interface CommitEvidence {
  sha: string;
  /** The author's login or name. */
  author: string | null;
  /** ISO 8601: when it was committed, by the committer's clock. */
  date: string;
  /** Everything that counts for the gate; null where it was not read yet. */
  checks: readonly Check[] | null;
}

/** What a verdict is asked for. */
export interface Question {
  /** The checks that count; null for all. */
  named: readonly string[] | null;
  /** Milliseconds that a check may take to appear. */
  grace: number;
  /** GitHub's now. */
  now: Date;
}

/** A check whose newest verdict is older than the commit that decides. */
export interface Older {
  name: string;
  sha: string;
  /** First-parent commits behind the head. */
  distance: number;
}

/** Whether the branch is green, on which commit's evidence, and why. */
export interface Verdict {
  state: GateState;
  /** True for green alone. */
  open: boolean;
  branch: string;
  head: string;
  /** The commit whose checks decide; null where none does. */
  judged: string | null;
  /** How many first-parent commits the judged one lies behind the head. */
  distance: number;
  /** How the head itself stands: why it does not decide, where it does not. */
  headIs: CommitState;
  /** The head has no check yet, or not every named one, and may still get it: its grace period lasts. */
  waits: boolean;
  /** The checks that failed on the judged commit. */
  red: Check[];
  /** The checks that ended without a verdict, where nothing else stands between the head and a verdict. */
  void: Check[];
  /** Named checks that did not run on the judged commit and count by an older one. */
  older: Older[];
  /** Who pushed the judged commit, as far as it is known. */
  by: string | null;
  /** ISO 8601: since when the judged commit is red. */
  since: string | null;
  /** How many commits were looked at. */
  looked: number;
  /** Checks that must count by name and were seen on no commit. */
  missing: string[];
}

/** How a commit stands by `name` alone, or by all its checks where that is null. */
interface Part {
  name: string | null;
  /** unread: an older commit must be read first. none: no commit has it. */
  state: Exclude<CommitState, 'absent'> | 'unread' | 'none';
  /** The index of the commit that has it. */
  at: number;
  checks: readonly Check[];
}

type Whole = { state: Part['state']; parts: Part[] };

/** What decides between the parts of one commit, the strongest first. */
const ORDER = ['red', 'unread', 'pending', 'none', 'void', 'green'] as const;

/** How a commit stands by those of its checks that count. */
export function standing(commit: CommitEvidence, named: readonly string[] | null): CommitState {
  const counted = countedOf(commit, named);
  return counted.length === 0 ? 'absent' : stateOf(counted);
}

/**
 * The verdict on a branch from its first-parent commits, newest first; null where an older commit must be read first.
 *
 * - A commit is red where one check is, whatever still runs; else pending where one runs; else void where one ended
 *   without a verdict; else green. A job that waits for a person (a deployment to be approved) is no part of the
 *   build: it counts only where it is named.
 * - A head that is red, green or void decides: red, green, unknown.
 * - While the head is pending the last finished verdict stands: that of the nearest first parent that is red or green.
 * - A commit without any check has the verdict of its first parent, whether its grace period lasts or not; `waits`
 *   says whether. So a void parent makes it unknown, and for a pending one its own parents are asked.
 * - Of named checks one that a commit lacks makes it pending as long as it may still come: something runs there, or
 *   less than the grace period has passed since the last thing that happened there. Afterwards that one check, and it
 *   alone, counts as it stands on the nearest first parent that has it, and `older` says so. So a check that only some
 *   commits start keeps its last verdict, what was repaired on the head is not red for want of another check, and a
 *   name that no commit has is never green.
 * - Where nothing decides, it is pending if the head is, else unknown.
 */
export function verdictOf(branch: string, commits: readonly CommitEvidence[], question: Question): Verdict | null {
  const head = wholeAt(commits, 0, question);
  if (head.state === 'unread') return null;
  const found = (whole: Whole, at: number) => verdictFrom(branch, commits, question, head, whole, at);
  if (head.state !== 'pending') return found(head, 0);
  for (let at = 1; at < commits.length; at++) {
    const whole = wholeAt(commits, at, question);
    if (whole.state === 'unread') return null;
    if (whole.state === 'red' || whole.state === 'green') return found(whole, at);
  }
  return found(head, 0);
}

/** The verdict where the commit at `index`, with what it inherits, decides; or where nothing does. */
function verdictFrom(
  branch: string,
  commits: readonly CommitEvidence[],
  question: Question,
  head: Whole,
  { state, parts }: Whole,
  index: number,
): Verdict {
  const failed = parts.filter((part) => part.state === 'red');
  const isDecided = state === 'red' || state === 'green';
  const at = Math.max(index, Math.min(...(state === 'red' ? failed : parts).map((part) => part.at)));
  const judged = isDecided ? commits[at] : undefined;
  const red = state === 'red' ? byTime(failed.flatMap(redOf)) : [];
  return {
    state: isDecided || state === 'pending' ? state : 'unknown',
    open: state === 'green',
    branch,
    head: commits[0]?.sha ?? '',
    judged: judged?.sha ?? null,
    distance: judged ? at : 0,
    headIs: headState(commits, head, question),
    waits: commits[0] !== undefined && waits(commits[0], question),
    red,
    void: state === 'void' ? parts.flatMap(({ checks }) => checks.filter((check) => check.state === 'void')) : [],
    older: judged ? olderThan(at, state === 'red' ? failed : parts, commits) : [],
    by: judged ? (red[0]?.by ?? judged.author) : null,
    since: red[0]?.at ?? null,
    looked: commits.filter(({ checks }) => checks !== null).length,
    missing: isDecided ? [] : neverSeen(commits, question.named),
  };
}

function headState([head]: readonly CommitEvidence[], { parts }: Whole, { named }: Question): CommitState {
  if (!head) return 'absent';
  return parts.some(({ state, at }) => state === 'pending' && at === 0) ? 'pending' : standing(head, named);
}

/** One commit with what it inherits from older ones. */
function wholeAt(commits: readonly CommitEvidence[], index: number, question: Question): Whole {
  const names = question.named ?? [null];
  const parts = names.map((name) => partAt(commits, index, name, question));
  return { state: ORDER.find((state) => parts.some((part) => part.state === state)) ?? 'none', parts };
}

function partAt(commits: readonly CommitEvidence[], index: number, name: string | null, question: Question): Part {
  for (const [at, commit] of commits.entries()) {
    if (at < index) continue;
    if (commit.checks === null) return { name, state: 'unread', at, checks: [] };
    const checks = countedOf(commit, name === null ? null : [name]);
    if (checks.length > 0) return { name, state: stateOf(checks), at, checks };
    if (name !== null && mayCome(commit, question)) return { name, state: 'pending', at, checks };
  }
  return { name, state: 'none', at: index, checks: [] };
}

function countedOf({ checks }: CommitEvidence, named: readonly string[] | null): readonly Check[] {
  return (checks ?? []).filter((check) => (named ? named.includes(check.name) : !waitsForPerson(check)));
}

function waitsForPerson(check: Check): boolean {
  return check.state === 'pending' && check.said === 'waiting';
}

function stateOf(checks: readonly Check[]): Exclude<CommitState, 'absent'> {
  const states = checks.map(({ state }) => state);
  return (['red', 'pending', 'void'] as const).find((state) => states.includes(state)) ?? 'green';
}

/** True where a named check that a commit lacks may still appear on it. */
function mayCome(commit: CommitEvidence, { named, grace, now }: Question): boolean {
  const checks = commit.checks ?? [];
  if (checks.some((check) => check.state === 'pending' && !waitsForPerson(check))) return true;
  if (countedOf(commit, named).length === 0) return false;
  return [commit.date, ...checks.map(({ at }) => at)].some((time) => isRecent(time, grace, now));
}

/** Clocks differ: a time in the future is as recent as one in the past, and no longer. */
function isRecent(time: string | null, grace: number, now: Date): boolean {
  return time !== null && Math.abs(now.getTime() - Date.parse(time)) < grace;
}

function waits(head: CommitEvidence, question: Question): boolean {
  const { named, grace, now } = question;
  if (standing(head, named) === 'absent') return isRecent(head.date, grace, now);
  return (named ?? []).some((name) => countedOf(head, [name]).length === 0) && mayCome(head, question);
}

function redOf({ checks }: Part): Check[] {
  return checks.filter((check) => check.state === 'red');
}

function olderThan(at: number, parts: readonly Part[], commits: readonly CommitEvidence[]): Older[] {
  const older = parts.filter((part) => part.name !== null && part.at > at);
  return older.map((part) => ({ name: part.name ?? '', sha: commits[part.at]?.sha ?? '', distance: part.at }));
}

function neverSeen(commits: readonly CommitEvidence[], named: readonly string[] | null): string[] {
  return (named ?? []).filter((name) => commits.every((commit) => countedOf(commit, [name]).length === 0));
}

/** The check that failed first comes first: it says since when. */
function byTime(checks: readonly Check[]): Check[] {
  return checks.toSorted((a, b) => ((a.at ?? '9') < (b.at ?? '9') ? -1 : 1));
}
