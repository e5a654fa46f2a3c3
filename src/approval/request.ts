/** What the ledger keeps of questions: pure folds over the state of an environment. */
import type { ApprovalRequest, EnvironmentState } from '../ledger/ledger.ts';

const KEPT = 20;

/** The questions that have not ended, newest first. One may be over by its time. */
export function openRequests(state: EnvironmentState, asks: ApprovalRequest['asks']): ApprovalRequest[] {
  return state.requests.filter((each) => each.asks === asks && each.ended === null);
}

/** Adds a question, the newest first. Once: a second time changes nothing. */
export function withRequest(state: EnvironmentState, request: ApprovalRequest): EnvironmentState {
  const others = state.requests.filter((each) => each.id !== request.id);
  return { ...state, requests: [request, ...others].slice(0, KEPT) };
}

/** Ends a question; one that has ended stays as it ended. */
export function withEnded(
  state: EnvironmentState,
  id: string,
  ended: Exclude<ApprovalRequest['ended'], null>,
): EnvironmentState {
  return changed(state, id, (each) => (each.ended === null ? { ...each, ended } : each));
}

/** Marks that the delivery was started; null where it was already, or the question has ended or is not there. */
export function withDispatched(state: EnvironmentState, id: string, at: string): EnvironmentState | null {
  const found = state.requests.find((each) => each.id === id);
  if (!found || found.ended !== null || found.dispatched !== null) return null;
  return changed(state, id, (each) => ({ ...each, dispatched: at }));
}

/** Takes the mark back where the delivery could not be started after all. */
export function withoutDispatched(state: EnvironmentState, id: string): EnvironmentState {
  return changed(state, id, (each) => ({ ...each, dispatched: null }));
}

function changed(
  state: EnvironmentState,
  id: string,
  change: (each: ApprovalRequest) => ApprovalRequest,
): EnvironmentState {
  return { ...state, requests: state.requests.map((each) => (each.id === id ? change(each) : each)) };
}
