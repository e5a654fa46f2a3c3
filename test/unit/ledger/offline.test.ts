import { describe, expect, it } from 'vitest';
import {
  commitChange,
  emptyState,
  event,
  type Holder,
  type Incident,
  openChange,
  type SchemaStep,
} from '../../../src/ledger/ledger.ts';
import { newestCopy, replay } from '../../../src/ledger/offline.ts';

const holder: Holder = { kind: 'shell', machine: 'm', pid: 1, started: '1', actor: 'ann' };
const opening = { verb: 'rollback', version: '1.0.0', digest: 'sha256:1', commit: null, config: null, holder };

describe('newestCopy', () => {
  const copy = (fence: number, environment = 'production') => JSON.stringify({ ...emptyState(environment), fence });

  it('takes the largest fence of this environment', () => {
    expect(newestCopy('production', [copy(3), copy(7), copy(9, 'uat')])!.fence).toBe(7);
  });

  it.each([[[]], [['']], [['{"half":']], [['null']], [['[]']], [[copy(1, 'uat')]]])('finds none in %j', (copies) => {
    expect(newestCopy('production', copies)).toBeNull();
  });
});

describe('replay', () => {
  const before = {
    ...emptyState('production'),
    fence: 5,
    live: { version: '2.0.0', digest: null, commit: null, change: 'c', since: '2026-01-01T00:00:00Z' },
  };
  const opened = openChange(before, opening, true);
  const committed = event('committed');
  const { change } = commitChange(
    opened.state,
    opened.change,
    { version: '1.0.0', digest: 'sha256:1', commit: null, change: opened.change.id, since: committed.at },
    committed,
  );
  const incident: Incident = { id: 'i', change: change.id, opened: committed.at, from: '2.0.0', to: '1.0.0', why: 'x' };

  it('makes live what was made live offline, and leaves its incident', () => {
    const { state } = replay(before, change, [incident]);
    expect(state).toMatchObject({
      live: { version: '1.0.0' },
      before: [],
      incidents: [incident],
      fence: 6,
      open: null,
    });
  });

  it('only records it where something newer is live by now', () => {
    const later = { ...before, fence: 9, live: { ...before.live, version: '3.0.0', since: '2999-01-01T00:00:00Z' } };
    expect(replay(later, change, []).state).toMatchObject({ live: { version: '3.0.0' }, fence: 9 });
  });

  it('takes back of the schemas what it took back offline', () => {
    const step = (id: string, undone: string | null): SchemaStep => ({
      ...{ change: id, version: id, at: committed.at, database: 'main', before: '', after: '', applied: [] },
      ...{ down: null, noDown: null, backup: null, ratio: null, undone },
    });
    const known = { ...before, migrations: [step('b', null), step('a', null)] };
    const { state } = replay(known, change, [], [step('b', change.id), step('a', 'earlier')]);
    expect(state.migrations.map(({ undone }) => undone)).toEqual([change.id, null]);
  });
});
