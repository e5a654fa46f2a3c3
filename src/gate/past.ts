/** What was merged although its head did not bear the status: the newest commit of the branch, after a push. */
import type { Override } from '../ledger/ledger.ts';
import type { Status } from './pull.ts';
import { GATE_CONTEXT } from './words.ts';

/** A pull request that landed past the gate. */
export interface Past {
  /** The commit that was pushed. */
  sha: string;
  pull: number;
  /** Who merged it; null where GitHub does not say. */
  by: string | null;
  /** What its head bore; null for no status of the gate. */
  state: Status['state'] | null;
}

const BORNE = `status { context(name: "${GATE_CONTEXT}") { state } }`;

/** The pushed commit, aliased `past`, to stand inside `repository { … }`. Uses `$pushed: GitObjectID!`. */
export function pastSelection(): string {
  return `past: object(oid: $pushed) { ... on Commit {
    oid ${BORNE}
    associatedPullRequests(first: 10) { nodes {
      number merged mergedBy { login } baseRefName commits(last: 1) { nodes { commit { ${BORNE} } } }
    } }
  } }`;
}

interface Bearing {
  status: { context: { state: string } | null } | null;
}

interface Answer {
  past?:
    | (Bearing & {
        oid: string;
        associatedPullRequests: { nodes: (PullAnswer | null)[] | null } | null;
      })
    | null;
}

interface PullAnswer {
  number: number;
  merged: boolean;
  mergedBy: { login: string } | null;
  baseRefName: string;
  commits: { nodes: ({ commit: Bearing } | null)[] | null };
}

/**
 * Who came past the gate with the pushed commit; null where it bore the status (a queue merges what it tested), came
 * from no pull request into `branch`, or an override lets the pull request in.
 */
export function pastFrom(answer: unknown, branch: string, overrides: readonly Override[]): Past | null {
  const { past } = answer as Answer;
  if (!past?.oid || stateOf(past) === 'success') return null;
  const merged = (past.associatedPullRequests?.nodes ?? []).find((pull) => pull?.merged && pull.baseRefName === branch);
  if (!merged || overrides.some(({ pull }) => pull === merged.number)) return null;
  const state = stateOf(merged.commits.nodes?.[0]?.commit ?? null);
  return state === 'success' ? null : { sha: past.oid, pull: merged.number, by: merged.mergedBy?.login ?? null, state };
}

const STATES = ['success', 'pending', 'failure', 'error'] as const;

function stateOf(bearing: Bearing | null): Status['state'] | null {
  const told = bearing?.status?.context?.state.toLowerCase();
  return STATES.find((state) => state === told) ?? null;
}
