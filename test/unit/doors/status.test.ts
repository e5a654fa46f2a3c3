import { expect, it } from 'vitest';
import { stateLines } from '../../../src/doors/status.ts';
import { type ApprovalRequest, type EnvironmentState, emptyState } from '../../../src/ledger/ledger.ts';

const at = '2026-02-03T04:05:06.789Z';
const now = new Date('2026-02-03T12:00:00Z');
const live = (version: string) => ({ version, digest: null, commit: null, change: `change-${version}`, since: at });
const nothing: EnvironmentState = emptyState('uat');

it('says of a new environment only that nothing is live', () => {
  expect(stateLines(nothing, undefined, now)).toEqual(['uat: nothing is live yet']);
});

it('says what is live, what was before, who holds it, and what is unexplained', () => {
  const incident = { id: 'i', change: 'c', opened: at, from: '1.2.0', to: '1.1.0', why: 'watch: revenue fell' };
  const holder = { kind: 'shell', machine: 'desk', pid: 7, started: '1', actor: 'ann' } as const;
  const open = { change: 'c', version: '1.3.0', since: at, holder, committed: false };
  const state = { ...nothing, live: live('1.1.0'), before: [live('1.0.0')], open, incidents: [incident] };
  const text = stateLines(state as EnvironmentState, undefined, now).join('\n');
  for (const said of [
    'uat: 1.1.0 is live since 2026-02-03 04:05 UTC',
    'before: 1.0.0',
    '1.3.0 since',
    'ann on desk',
    '1.2.0, turned back',
    'revenue fell',
  ])
    expect(text).toContain(said);
});

it('says what is frozen, and when the calendar freezes next', () => {
  const freeze = { id: 'f', since: at, until: null, why: 'the bank is down', owner: 'ann', change: null };
  const over = { ...freeze, until: at, why: 'over' };
  const weekend = { from: 'Fri 16:00', to: 'Mon 08:00', timezone: 'Europe/Lisbon', why: 'no weekend releases' };
  const section = { 'during-change': true, windows: [weekend] };
  expect(stateLines({ ...nothing, freezes: [over, freeze] }, section, now).slice(1)).toEqual([
    '  uat is frozen until it is ended: the bank is down (ann)',
    '  next freeze: Fri 6 Feb 16:00 Europe/Lisbon: no weekend releases',
  ]);
});

it('says what people were asked and can still answer', () => {
  const bound = { version: '1.4.0', digest: 'sha256:1', commit: null, config: 'c', replaces: null, plan: 'p' };
  const request: ApprovalRequest = {
    id: 'r',
    asks: 'delivery',
    issue: 7,
    url: 'https://github.com/acme/shop/issues/7',
    bound,
    by: 'bob',
    change: 'c',
    asked: at,
    expires: '2026-02-04T04:05:06.789Z',
    workflow: null,
    dispatched: null,
    ended: null,
  };
  const requests = [request, { ...request, ended: 'rejected' as const }, { ...request, expires: at }];
  expect(stateLines({ ...nothing, requests }, undefined, now).slice(1)).toEqual([
    '  waits for approval: delivery of 1.4.0, asked by bob, until 2026-02-04 04:05 UTC: https://github.com/acme/shop/issues/7',
  ]);
});
