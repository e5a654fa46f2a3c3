/** From evidence to a verdict. Pure. */
import type { Check, CommitEvidence } from './evidence.ts';

/** green: may merge. red: a check failed. pending: nothing finished yet. unknown: nothing was ever judged. */
export type GateState = 'green' | 'red' | 'pending' | 'unknown';

/** One commit judged by itself. absent: nothing that counts ran on it. */
export interface Judgement {
  state: 'green' | 'red' | 'pending' | 'absent';
  red: Check[];
  pending: Check[];
  /** Checks that must count by name and did not run. */
  missing: string[];
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
  /** Why the head itself does not decide, where it does not. */
  headIs: Judgement['state'];
  /** The checks that failed on the judged commit. */
  red: Check[];
  /** Who pushed the judged commit, as far as it is known. */
  by: string | null;
  /** ISO 8601: since when the judged commit is red. */
  since: string | null;
  /** How many commits were looked at. */
  looked: number;
  /** Checks that must count by name and were seen on no commit. */
  missing: string[];
}

/** Judges one commit. One failed check makes it red whatever still runs; `named` restricts which checks count. */
export function judge(evidence: CommitEvidence, named: readonly string[] | null): Judgement {
  const counted = named ? evidence.checks.filter((check) => named.includes(check.name)) : evidence.checks;
  const red = counted.filter((check) => check.state === 'red');
  const pending = counted.filter((check) => check.state === 'pending');
  const missing = (named ?? []).filter((name) => !counted.some((check) => check.name === name));
  return { state: stateOf(counted.length, red.length, pending.length + missing.length), red, pending, missing };
}

/** True where the commits seen so far, newest first, are enough for a verdict. */
export function isSettled(seen: readonly CommitEvidence[], named: readonly string[] | null): boolean {
  const last = seen.at(-1);
  return last !== undefined && decides(judge(last, named));
}

/** The verdict on a branch from its first-parent commits, newest first; the first finished one decides. */
export function verdictOf(branch: string, seen: readonly CommitEvidence[], named: readonly string[] | null): Verdict {
  const judgements = seen.map((evidence) => judge(evidence, named));
  const at = judgements.findIndex(decides);
  const head = seen[0]?.sha ?? '';
  const headIs = judgements[0]?.state ?? 'absent';
  const base = { branch, head, headIs, looked: seen.length };
  const decisive = judgements[at];
  const commit = seen[at];
  if (!decisive || !commit) {
    const state = judgements.some((judgement) => judgement.state === 'pending') ? 'pending' : 'unknown';
    const missing = (named ?? []).filter((name) => judgements.every((judgement) => judgement.missing.includes(name)));
    return { ...base, state, open: false, judged: null, distance: 0, red: [], by: null, since: null, missing };
  }
  const state = decisive.state === 'green' ? 'green' : 'red';
  const red = byTime(decisive.red);
  return {
    ...base,
    state,
    open: state === 'green',
    judged: commit.sha,
    distance: at,
    red,
    by: red[0]?.by ?? commit.author,
    since: red[0]?.at ?? null,
    missing: [],
  };
}

function stateOf(counted: number, red: number, unfinished: number): Judgement['state'] {
  if (counted === 0) return 'absent';
  if (red > 0) return 'red';
  return unfinished > 0 ? 'pending' : 'green';
}

function decides(judgement: Judgement): boolean {
  return judgement.state === 'green' || judgement.state === 'red';
}

/** The check that failed first comes first: it says since when. */
function byTime(checks: readonly Check[]): Check[] {
  return checks.toSorted((a, b) => ((a.at ?? '9') < (b.at ?? '9') ? -1 : 1));
}
