/** Writes what was decided on the heads of the target, and what came of it. */
import { gateOf } from '../config/config.ts';
import type { GitHub } from '../github/github.ts';
import { Failure } from '../outcome/outcome.ts';
import { type Decision, decide, differs, undecided } from './decision.ts';
import { inOrder } from './order.ts';
import type { Status } from './pull.ts';
import { Looking, type Snapshot, type Wanted } from './snapshot.ts';
import { type Decided, type SweepWork, type Swept, sweep } from './sweep.ts';
import { GATE_CONTEXT } from './words.ts';

/** What was seen last and what was written. */
export interface Written {
  snapshot: Snapshot;
  swept: Swept;
  /** The refusal of a token that only reads, as that of a pull request from a fork: the verdict stands without a status. */
  denied: Failure | null;
}

/** Reads, decides and writes until the heads of the target bear what is true. Rejects with a Failure as `sweep`. */
export async function writeStatuses(github: GitHub, wanted: Wanted): Promise<Written> {
  const looking = new Looking(github, wanted);
  const section = wanted.config && gateOf(wanted.config);
  let snapshot: Snapshot | null = null;
  let first: Snapshot | null = null;
  let decided: Decided[] = [];
  const read = async () => {
    snapshot = await looking.look();
    first ??= snapshot;
    const { verdict, freezes, overrides, now } = snapshot;
    decided = inOrder(snapshot.heads).map((head) => {
      return { head, decision: decide({ verdict, freezes, head, section, overrides, now }) };
    });
    return decided;
  };
  const swept = await sweep({ read, ...workOn(github) }).catch((thrown): Failure => {
    const isReadOnly = wanted.target.kind === 'pull' && wanted.target.readOnly;
    if (isReadOnly && thrown instanceof Failure && thrown.code === 'github-denied' && snapshot) return thrown;
    throw thrown;
  });
  // Who came past the gate is judged by what stood before this run wrote anything.
  const last = { ...snapshot!, past: first!.past };
  if (!(swept instanceof Failure)) return { snapshot: last, swept, denied: null };
  return { snapshot: last, swept: { ...NOTHING, decided, left: decided.length, reads: 1 }, denied: swept };
}

/**
 * Writes on the heads of the target that nothing can be decided, and why: what they bore may be true no more, and a
 * status that is only missing says nothing. Rejects with a Failure as `sweep`.
 */
export async function writeUndecided(
  github: GitHub,
  wanted: Omit<Wanted, 'config' | 'ledger'>,
  why: Failure,
): Promise<Swept> {
  const looking = new Looking(github, { ...wanted, config: null, ledger: null });
  const read = async () => inOrder(await looking.heads()).map((head) => ({ head, decision: undecided(head, why) }));
  return sweep({ read, ...workOn(github) });
}

function workOn(github: GitHub): Omit<SweepWork, 'read'> {
  return {
    write: (sha, decision) => writeStatus(github, sha, decision),
    differs,
    room: () => github.room(),
    now: () => github.now(),
  };
}

const NOTHING: Swept = {
  decided: [],
  written: 0,
  unchanged: 0,
  gone: 0,
  left: 0,
  late: { count: 0, longest: 0 },
  reads: 0,
  rounds: 0,
  behind: null,
};

/**
 * Writes the status, linked to the page of this run, whose summary holds every reason. Answers what GitHub then has.
 * Rejects with a Failure; `github-denied` names the permission that is missing.
 */
async function writeStatus(github: GitHub, sha: string, { state, description }: Decision): Promise<Status> {
  const { rest } = await github.client();
  const page = github.runner?.url;
  const link = page ? { target_url: page } : {};
  const status = { ...github.at, sha, context: GATE_CONTEXT, state, description, ...link };
  try {
    const { data } = await rest.repos.createCommitStatus(status);
    return { state, description, at: data.created_at };
  } catch (thrown) {
    throw thrown instanceof Failure ? named(thrown) : thrown;
  }
}

/** GitHub does not always say which permission it wanted; here there is but one. */
function named(failure: Failure): Failure {
  if (failure.code !== 'github-denied' || failure.facts.permissions || failure.facts.status !== 403) return failure;
  return new Failure({
    code: 'github-denied',
    what: 'the token lacks the permission statuses: write',
    where: failure.where,
    why: failure.why,
    untouched: 'no status was written',
    next: 'give the job `permissions: { statuses: write }`; a pull request from a fork never gets a write permission',
    facts: { ...failure.facts, permissions: 'statuses: write' },
    cause: failure,
  });
}
