import { describe, expect, it } from 'vitest';
import {
  openRequests,
  withDispatched,
  withEnded,
  withoutDispatched,
  withRequest,
} from '../../../src/approval/approval.ts';
import { type ApprovalRequest, emptyState } from '../../../src/ledger/ledger.ts';

const request = (id: string, more: Partial<ApprovalRequest> = {}): ApprovalRequest => ({
  id,
  asks: 'delivery',
  issue: 7,
  url: '',
  bound: { version: '1', digest: 'd', commit: null, config: 'c', replaces: null, plan: 'p' },
  by: 'ada',
  change: '20261120-100000-aaaa',
  asked: '2026-11-20T10:00:00Z',
  expires: '2026-11-21T10:00:00Z',
  workflow: null,
  dispatched: null,
  ended: null,
  ...more,
});
const of = (...requests: ApprovalRequest[]) => ({ ...emptyState('production'), requests });

describe('questions in the ledger', () => {
  it('come the newest first, each once, at most twenty', () => {
    let state = of();
    for (let index = 0; index < 25; index++) state = withRequest(state, request(`r${index}`));
    state = withRequest(state, request('r24'));
    expect(state.requests.map(({ id }) => id).slice(0, 2)).toEqual(['r24', 'r23']);
    expect(state.requests).toHaveLength(20);
  });

  it('are open until they end, and end once', () => {
    const state = of(request('a'), request('b', { asks: 'acceptance' }), request('c', { ended: 'used' }));
    expect(openRequests(state, 'delivery').map(({ id }) => id)).toEqual(['a']);
    expect(openRequests(withEnded(state, 'a', 'rejected'), 'delivery')).toEqual([]);
    expect(withEnded(state, 'c', 'rejected').requests[2]!.ended).toBe('used');
  });

  it('start a delivery once', () => {
    const state = of(request('a'));
    const first = withDispatched(state, 'a', '2026-11-20T11:00:00Z')!;
    expect(first.requests[0]!.dispatched).toBe('2026-11-20T11:00:00Z');
    expect(withDispatched(first, 'a', '2026-11-20T11:00:01Z')).toBeNull();
    expect(withDispatched(withEnded(state, 'a', 'expired'), 'a', 'x')).toBeNull();
    expect(withDispatched(state, 'gone', 'x')).toBeNull();
    expect(withDispatched(withoutDispatched(first, 'a'), 'a', 'y')).not.toBeNull();
  });

  it('are folded without a change to what was read', () => {
    const state = of(request('a'));
    const copy = structuredClone(state);
    withRequest(state, request('b'));
    withEnded(state, 'a', 'used');
    withDispatched(state, 'a', 'x');
    expect(state).toEqual(copy);
  });
});
