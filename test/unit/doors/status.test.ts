import { expect, it } from 'vitest';
import { stateLines } from '../../../src/doors/status.ts';
import type { EnvironmentState } from '../../../src/ledger/ledger.ts';

const at = '2026-02-03T04:05:06.789Z';
const live = (version: string) => ({ version, digest: null, commit: null, change: `change-${version}`, since: at });
const nothing: EnvironmentState = {
  schema: 1,
  environment: 'uat',
  fence: 0,
  open: null,
  live: null,
  before: [],
  passed: [],
  incidents: [],
  writes: [],
};

it('says of a new environment only that nothing is live', () => {
  expect(stateLines(nothing)).toEqual(['uat: nothing is live yet']);
});

it('says what is live, what was before, who holds it, and what is unexplained', () => {
  const incident = { id: 'i', change: 'c', opened: at, from: '1.2.0', to: '1.1.0', why: 'watch: revenue fell' };
  const holder = { kind: 'shell', machine: 'desk', pid: 7, started: '1', actor: 'ann' } as const;
  const open = { change: 'c', version: '1.3.0', since: at, holder, committed: false };
  const state = { ...nothing, live: live('1.1.0'), before: [live('1.0.0')], open, incidents: [incident] };
  const text = stateLines(state as EnvironmentState).join('\n');
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
