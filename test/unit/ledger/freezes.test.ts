import { describe, expect, it } from 'vitest';
import { brief } from '../../../src/ledger/brief.ts';
import {
  addFreeze,
  closeChange,
  commitChange,
  type EnvironmentState,
  emptyState,
  endFreezes,
  event,
  type Freeze,
  type Holder,
  openChange,
  openIncident,
  type Write,
} from '../../../src/ledger/ledger.ts';
import type { Outcome } from '../../../src/outcome/outcome.ts';

const now = new Date('2026-11-21T12:00:00Z');
const holder: Holder = { kind: 'shell', machine: 'm', pid: 1, started: '1', actor: 'ann' };
const opening = { verb: 'deliver', version: '2', digest: null, commit: null, config: null, holder };

function freeze(id: string, parts: Partial<Freeze> = {}): Freeze {
  return { id, since: '2026-11-21T10:00:00.000Z', until: null, why: id, owner: 'bob', change: null, ...parts };
}

const OVER = freeze('over', { until: '2026-11-21T12:00:00.000Z' });
const ids = ({ freezes }: EnvironmentState) => freezes.map(({ id }) => id);
const holding = (...freezes: Freeze[]) => ({ ...emptyState('production'), freezes });

describe('opening a freeze', () => {
  it('adds it and drops what is over', () => {
    expect(ids(addFreeze(holding(OVER, freeze('a')), freeze('b'), now))).toEqual(['a', 'b']);
  });

  it('with the same words gives the one that is on the new end', () => {
    const again = freeze('again', { why: 'a', until: '2026-11-21T18:00:00.000Z', owner: 'eve' });
    const { freezes } = addFreeze(holding(freeze('a')), again, now);
    expect(freezes).toEqual([freeze('a', { until: '2026-11-21T18:00:00.000Z' })]);
  });

  it.each([
    ['is over', freeze('over', { why: 'a', until: OVER.until }), ['a']],
    ['was left by a change', freeze('left', { why: 'a', change: 'c' }), ['left', 'a']],
  ])('with the words of one that %s opens a new one', (_, there, expected) => {
    expect(ids(addFreeze(holding(there), freeze('a'), now))).toEqual(expected);
  });
});

it.each<['all' | 'of changes', string[]]>([
  ['all', []],
  ['of changes', ['person']],
])('ending %s', (which, left) => {
  const state = holding(OVER, freeze('person'), freeze('change', { change: 'c' }));
  expect(ids(endFreezes(state, now, which))).toEqual(left);
});

/** A change that was opened, perhaps committed, and closed. */
function closed(
  state: EnvironmentState,
  how: { outcome: Outcome; committed?: boolean; incident?: boolean; verb?: string; during?: boolean },
): Write {
  const opened = openChange(state, { ...opening, verb: how.verb ?? 'deliver' }, true);
  const { id } = opened.change;
  const live = { version: '2', digest: null, commit: null, change: id, since: now.toISOString() };
  const done = how.committed ? commitChange(opened.state, opened.change, live, event('committed')) : opened;
  const incident = {
    id: `incident-${id}`,
    change: id,
    opened: now.toISOString(),
    from: '2',
    to: '1',
    why: 'watch: worse',
  };
  const before = how.incident ? openIncident(done.state, incident) : done.state;
  return closeChange(before, done.change, how.outcome, event('closed'), how.during ?? true);
}

describe('the end of a change', () => {
  it('that users met and that ended badly leaves a freeze until it is ended', () => {
    const { state, change } = closed(holding(freeze('person'), OVER), { outcome: 'failed', incident: true });
    expect(ids(state)).toEqual(['person', `freeze-${change.id}`]);
    expect(state.freezes[1]).toMatchObject({
      why: '2 was taken back: watch: worse',
      owner: 'ann',
      until: null,
      change: change.id,
      since: change.closed,
    });
  });

  it.each([
    ['the section does not say so', { outcome: 'failed', incident: true, during: false }],
    ['users never met it', { outcome: 'failed' }],
    ['it is a rollback', { outcome: 'failed', incident: true, verb: 'rollback' }],
    ['a good rollback', { outcome: 'passed', committed: true, incident: true, verb: 'rollback' }],
    ['it passed', { outcome: 'passed', committed: true }],
  ] as const)('leaves none where %s', (_, how) => {
    expect(closed(emptyState('production'), how).state.freezes).toEqual([]);
  });

  it('leaves none for the incident of another change', () => {
    const bad = closed(emptyState('production'), { outcome: 'failed', incident: true, during: false }).state;
    expect(closed(bad, { outcome: 'failed' }).state.freezes).toEqual([]);
  });

  it('leaves one freeze, however often it is closed', () => {
    const { state, change } = closed(emptyState('production'), { outcome: 'failed', incident: true });
    expect(closeChange(state, change, 'failed', event('closed'), true).state.freezes).toHaveLength(1);
  });

  const left = holding(freeze('person'), freeze('left', { change: 'c0' }));
  it.each([
    ['a version that went live ends them', { outcome: 'passed', committed: true }, ['person']],
    ['also where the section is gone', { outcome: 'passed', committed: true, during: false }, ['person']],
    ['a backup or a freeze ends none', { outcome: 'passed', verb: 'backup' }, ['person', 'left']],
    ['a rollback ends none', { outcome: 'passed', committed: true, verb: 'rollback' }, ['person', 'left']],
    ['a failure ends none', { outcome: 'failed' }, ['person', 'left']],
  ] as const)('of those that changes left: %s', (_, how, expected) => {
    expect(ids(closed(left, how).state)).toEqual(expected);
  });
});

describe('the ledger of a public repository', () => {
  it('keeps the words of persons, not what a stage found', () => {
    const write = closed(holding(freeze('person')), { outcome: 'failed', incident: true });
    const entry = event('freeze', { why: 'the bank is down', summary: 'x' });
    const { state, change } = brief({ ...write, change: { ...write.change, events: [entry] } });
    expect(state.freezes.map(({ why }) => why)).toEqual(['person', '2 was taken back: see the report of its run']);
    expect(change.events).toMatchObject([{ kind: 'freeze', why: 'the bank is down' }]);
    expect(JSON.stringify([state, change])).not.toContain('worse');
  });
});
