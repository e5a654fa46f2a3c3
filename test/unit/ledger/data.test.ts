import { describe, expect, it } from 'vitest';
import {
  type DataNote,
  emptyState,
  type KnownBackup,
  type Live,
  noted,
  type SchemaStep,
} from '../../../src/ledger/ledger.ts';

const at = '2026-02-03T04:05:06.789Z';

function backup(id: string): KnownBackup {
  return { id, digest: `of ${id}`, level: 'compared', ended: at, change: 'c', databases: ['main'], restored: 900 };
}

function step(change: string, more: Partial<SchemaStep> = {}): SchemaStep {
  return {
    change,
    version: '1.1.0',
    at,
    database: 'main',
    before: 'a',
    after: 'b',
    applied: [{ version: '1', name: 'first', kind: 'expand' }],
    down: 20,
    noDown: null,
    backup: 'backup-1',
    ratio: null,
    undone: null,
    ...more,
  };
}

function held(migration: string, version: string, database = 'main'): DataNote {
  return { kind: 'held', held: { migration, database, version, since: at } };
}

const noting = (...notes: DataNote[]) => noted(emptyState('production'), notes);

describe('what the ledger remembers of data', () => {
  it('keeps the newest twenty backups, the newest first, each once', () => {
    const notes = Array.from({ length: 25 }, (_, index): DataNote => ({ kind: 'backup', backup: backup(`b${index}`) }));
    const ids = noted(noting(...notes), [{ kind: 'backup', backup: backup('b10') }]).backups.map(({ id }) => id);
    expect(ids).toHaveLength(20);
    expect(ids.slice(0, 3)).toEqual(['b10', 'b24', 'b23']);
    expect(ids.filter((id) => id === 'b10')).toHaveLength(1);
  });

  it('keeps a backup of a change whose incident is open, however old', () => {
    const incidents = [{ id: 'i', change: 'bad', opened: at, from: null, to: null, why: '' }];
    const of = (id: string, change: string): DataNote => ({ kind: 'backup', backup: { ...backup(id), change } });
    const notes = [of('needed', 'bad'), ...Array.from({ length: 25 }, (_, index) => of(`b${index}`, 'c'))];
    const { backups } = noted({ ...emptyState('production'), incidents }, notes);
    expect(backups.map(({ id }) => id).slice(19)).toEqual(['b5', 'needed']);
  });

  const applied = (...versions: string[]) =>
    versions.map((version) => ({ version, name: '', kind: 'expand' as const }));

  it('keeps a step of a change, database and time once, as it was noted last', () => {
    const first: DataNote = { kind: 'migrated', step: step('c1') };
    const other: DataNote = { kind: 'migrated', step: step('c1', { database: 'orders' }) };
    const again: DataNote = { kind: 'migrated', step: step('c1', { after: 'c' }) };
    const { migrations } = noting(first, other, again);
    expect(migrations.map(({ database, after }) => `${database} ${after}`)).toEqual(['main c', 'orders b']);
    const nothing: DataNote = { kind: 'migrated', step: step('c1', { applied: [] }) };
    expect(noting(first, nothing).migrations).toEqual([]);
  });

  it('keeps two steps of one change, and of an earlier one what was not applied again', () => {
    const half: DataNote = { kind: 'migrated', step: step('c1', { applied: applied('1', '2') }) };
    const rest = step('c1', { at: '2026-02-03T05:00:00.000Z', applied: applied('3') });
    const known = noting(half, { kind: 'migrated', step: rest });
    expect(known.migrations.map((each) => each.applied.map(({ version }) => version))).toEqual([['3'], ['1', '2']]);
    expect(known.migrations.map(({ down }) => down)).toEqual([20, 20]);

    const anew: DataNote = { kind: 'migrated', step: step('c2', { applied: applied('2', '3') }) };
    const { migrations } = noted(noted(known, [anew]), [anew]);
    expect(migrations.map((each) => each.applied.map(({ version }) => version))).toEqual([['2', '3'], ['1']]);
    expect(migrations[1]).toMatchObject({ change: 'c1', down: null, noDown: 'a part of it was applied again later' });
    const elsewhere: DataNote = { kind: 'migrated', step: step('c3', { database: 'orders', applied: applied('1') }) };
    expect(noted(known, [elsewhere]).migrations).toHaveLength(3);
    const taken = noted(known, [{ kind: 'undone', database: 'main', changes: ['c1'], by: 'c4' }, anew]);
    expect(taken.migrations.map(({ undone }) => undone)).toEqual([null, 'c4', 'c4']);
  });

  it('holds a migration for each version that it came with, until it is applied to that database', () => {
    const holding = [held('7', '1.1.0'), held('7', '1.1.0'), held('7', '1.2.0'), held('7', '1.1.0', 'orders')];
    const all = noting(...holding).held;
    expect(all.map(({ database, version }) => `${database} ${version}`)).toEqual([
      'orders 1.1.0',
      'main 1.2.0',
      'main 1.1.0',
    ]);
    const drops = step('c2', { applied: [{ version: '7', name: 'drop', kind: 'contract' }] });
    expect(noting(...holding, { kind: 'migrated', step: drops }).held.map(({ database }) => database)).toEqual([
      'orders',
    ]);
  });

  it('marks the steps of one database that were taken back, and by whom', () => {
    const notes: DataNote[] = ['c1', 'c2', 'c3'].map((change) => ({
      kind: 'migrated',
      step: step(change, { applied: applied(change) }),
    }));
    const orders: DataNote = { kind: 'migrated', step: step('c3', { database: 'orders' }) };
    const undone: DataNote = { kind: 'undone', database: 'main', changes: ['c2', 'c3'], by: 'c4' };
    const { migrations } = noting(...notes, orders, undone);
    expect(migrations.map((each) => [each.change, each.database, each.undone])).toEqual([
      ['c3', 'orders', null],
      ['c3', 'main', 'c4'],
      ['c2', 'main', 'c4'],
      ['c1', 'main', null],
    ]);
  });

  describe('load tests', () => {
    const loaded = (change: string, version: string | null = change): DataNote => ({
      kind: 'loaded',
      load: { version, digest: null, at, change, scripts: [] },
    });
    const changes = (state: ReturnType<typeof noting>) => state.loads.map(({ change }) => change);

    it('keeps the newest five, and one of a change once', () => {
      const notes = ['1', '2', '3', '4', '5', '6', '7'].map((change) => loaded(change));
      expect(changes(noting(...notes))).toEqual(['7', '6', '5', '4', '3']);
      expect(changes(noting(...notes, loaded('5')))).toEqual(['5', '7', '6', '4', '3']);
    });

    it('keeps the ticks of those that a run may be held against, and of the others what a trend shows', () => {
      const series = { script: 'a.js', load: 'sha256:a', step: 1, failed: [0, 4], p50: [1, 2] };
      const scripts = [{ ...series, requests: [10, 30], p95: [10, 50] }];
      const was = (version: string) => ({ version, digest: null, commit: null, change: version, since: at });
      const state = { ...emptyState('uat'), live: was('2'), before: [was('1')] };
      const notes = ['1', '2', '3', '4'].map((change): DataNote => {
        return { kind: 'loaded', load: { version: change, digest: null, at, change, scripts } };
      });
      const kept = noted(state, notes).loads.map(({ scripts: [one] }) => one);
      expect(kept.map((one) => one!.step)).toEqual([1, 2, 1, 1]);
      expect(kept[1]).toMatchObject({ requests: [40], failed: [4], p95: [40] });
    });

    it.each<[string, Partial<Live>, DataNote]>([
      ['by its version', { version: '1' }, loaded('1')],
      ['by its change', { change: '1', version: 'named later' }, loaded('1', null)],
    ])('keeps that of the live version, %s, however many were tested since', (_, live, first) => {
      const state = {
        ...emptyState('uat'),
        live: { version: '', digest: null, commit: null, change: '', since: at, ...live },
      };
      const notes = ['2', '3', '4', '5', '6', '7', '8'].map((change) => loaded(change));
      expect(changes(noted(state, [first, ...notes]))).toEqual(['8', '7', '6', '5', '1']);
    });
  });
});
