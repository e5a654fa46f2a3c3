import { describe, expect, it } from 'vitest';
import { append, changeId } from '../../../src/ledger/fold.ts';
import {
  closeChange,
  commitChange,
  type EnvironmentState,
  emptyState,
  event,
  type Holder,
  type Live,
  openChange,
  openIncident,
  stamp,
  takePlace,
  type Write,
} from '../../../src/ledger/ledger.ts';

const holder: Holder = { kind: 'shell', machine: 'm', pid: 1, started: '1', actor: 'ann' };
const opening = { verb: 'deliver', version: '2', digest: null, commit: null, config: null, holder };

function delivered(state = emptyState('production'), version = '2', outcome: 'passed' | 'failed' = 'passed'): Write {
  const opened = openChange(state, { ...opening, version }, true);
  const live: Live = { version, digest: `sha256:${version}`, commit: null, change: opened.change.id, since: 'now' };
  const committed = commitChange(opened.state, opened.change, live, event('committed'));
  return closeChange(committed.state, committed.change, outcome, event('closed'));
}

describe('the life of a change', () => {
  it('takes the open place and gives a larger fence each time', () => {
    const first = openChange(emptyState('production'), opening, true);
    expect(first.state.open).toMatchObject({ change: first.change.id, committed: false });
    const second = openChange(first.state, opening, false);
    expect(second.change.fence).toBe(first.change.fence + 1);
    expect(second.state.open!.change).toBe(first.change.id);
  });

  it('makes a version live at the commit, and remembers the one before', () => {
    const one = delivered();
    const two = delivered(one.state, '3');
    expect(two.state).toMatchObject({ live: { version: '3' }, before: [{ version: '2' }], open: null });
  });

  it('lists a version once among those before, however often it was live', () => {
    const versions = ['1', '2', '1', '2', '3'];
    const last = versions.reduce((state, version) => delivered(state, version).state, emptyState('production'));
    expect(last.before.map((live) => live.version)).toEqual(['2', '1']);
  });

  it('lets a digest on only if it was live here and passed', () => {
    expect(delivered().state.passed).toMatchObject([{ version: '2', digest: 'sha256:2' }]);
    expect(delivered(undefined, '2', 'failed').state.passed).toEqual([]);
    const opened = openChange(emptyState('production'), opening, true);
    expect(closeChange(opened.state, opened.change, 'passed', event('closed')).state.passed).toEqual([]);
  });

  it('a change that runs beside closes without freeing the place of another', () => {
    const held = openChange(emptyState('production'), opening, true);
    const beside = openChange(held.state, opening, false);
    expect(closeChange(beside.state, beside.change, 'passed', event('closed')).state.open!.change).toBe(held.change.id);
  });
});

describe('rollback', () => {
  const commit = (state: EnvironmentState, verb: string, version: string) => {
    const opened = openChange(state, { ...opening, verb, version }, true);
    const live: Live = { version, digest: null, commit: null, change: opened.change.id, since: 'now' };
    const committed = commitChange(opened.state, opened.change, live, event('committed'));
    return closeChange(committed.state, committed.change, 'passed', event('closed')).state;
  };
  const three = ['1', '2', '3'].reduce((state, version) => commit(state, 'deliver', version), emptyState('production'));

  it('pressed twice goes back twice, and never to what was left', () => {
    const once = commit(three, 'rollback', '2');
    expect(once.before.map((live) => live.version)).toEqual(['1']);
    expect(commit(once, 'rollback', '1').before).toEqual([]);
  });

  it('then lets a mended version come after the one gone back to', () => {
    const mended = commit(commit(three, 'rollback', '2'), 'deliver', '3.1');
    expect(mended.before.map((live) => live.version)).toEqual(['2', '1']);
  });
});

describe('a change that was ended by another run', () => {
  it('can no longer commit', () => {
    const opened = openChange(emptyState('production'), opening, true);
    const closed = closeChange(opened.state, opened.change, 'failed', event('closed'));
    const live: Live = { version: '2', digest: null, commit: null, change: opened.change.id, since: 'now' };
    expect(() => commitChange(closed.state, opened.change, live, event('committed'))).toThrow(/ended by another run/);
  });

  it('has a smaller fence than whoever ended it', () => {
    const opened = openChange(emptyState('production'), opening, true);
    const taken = takePlace(opened.state, opened.change);
    expect(taken.change.fence).toBeGreaterThan(opened.change.fence);
    expect(taken.state).toMatchObject({ fence: taken.change.fence, open: opened.state.open });
  });

  it('takes the open place where it ran beside', () => {
    const beside = openChange(emptyState('production'), opening, false);
    expect(takePlace(beside.state, beside.change).state.open).toMatchObject({
      change: beside.change.id,
      committed: false,
    });
  });
});

describe('writes that may be repeated', () => {
  it('add an event once', () => {
    const { change } = openChange(emptyState('production'), opening, true);
    const stage = event('stage');
    expect(append(append(change, [stage]), [stage]).events).toHaveLength(2);
  });

  it('open an incident once', () => {
    const incident = { id: 'i', change: 'c', opened: 'now', from: '2', to: '1', why: 'x' };
    expect(openIncident(openIncident(emptyState('p'), incident), incident).incidents).toHaveLength(1);
  });

  it('are known by their ids, the newest twenty', () => {
    let write: Write = openChange(emptyState('production'), opening, true);
    for (let number = 0; number < 30; number++) write = stamp(write, String(number));
    expect(write.state.writes).toHaveLength(20);
    expect(write.state.writes[0]).toBe('29');
  });
});

describe('changeId', () => {
  it('sorts by time and holds nothing a path would mind', () => {
    const id = changeId(new Date('2026-11-21T10:15:01Z'), '3f9a1c07-8');
    expect(id).toBe('20261121-101501-3f9a1c07');
  });

  it('tells changes of one second apart that begin alike', () => {
    const at = new Date('2026-11-21T10:15:01Z');
    expect(changeId(at, '3f9a1c07-8')).not.toBe(changeId(at, '3f9a1c08-8'));
  });
});
