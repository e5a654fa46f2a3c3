import { describe, expect, it } from 'vitest';
import { type EnvironmentState, emptyState, type Holder } from '../../../../src/ledger/ledger.ts';
import { admission, type Liveness } from '../../../../src/stages/frame/admission.ts';

const me: Holder = {
  kind: 'actions',
  repository: 'acme/shop',
  run: '7',
  attempt: '1',
  job: 'production',
  url: 'https://x/7',
  actor: 'ann',
};
const other: Holder = { ...me, run: '6', url: 'https://x/6', actor: 'bob' };

function openBy(holder: Holder, committed = false): EnvironmentState {
  const open = { change: 'c1', version: '1.0.0', holder, since: '2026-11-21T10:00:00Z', committed };
  return { ...emptyState('production'), open };
}

describe('admission', () => {
  it('opens where nothing is open', () => {
    expect(admission(emptyState('production'), me, { touches: true }, 'dead')).toEqual({ kind: 'open' });
  });

  it('joins its own', () => {
    expect(admission(openBy(me), me, { touches: true }, 'alive')).toEqual({ kind: 'join', change: 'c1' });
  });

  const notMine: [string, Holder][] = [
    ['another run', other],
    ['another attempt', { ...me, attempt: '2' }],
    ['another job of the same run', { ...me, job: 'uat' }],
    ['a shell', { kind: 'shell', machine: 'm', pid: 1, started: '5', actor: 'eve' }],
  ];
  it.each(notMine)('refuses while %s holds it, naming who, since when and where', (_, holder) => {
    for (const alive of ['alive', 'unknown'] as Liveness[]) {
      expect(() => admission(openBy(holder), me, { touches: true }, alive)).toThrow(
        /production: another change is open \(version 1\.0\.0\) \(held by (ann|bob|eve).*since 2026-11-21T10:00:00Z\)/,
      );
    }
  });

  it('offers unlock only where it is not known to live', () => {
    expect(() => admission(openBy(other), me, { touches: true }, 'unknown')).toThrow(/changeline unlock/);
    expect(() => admission(openBy(other), me, { touches: true }, 'alive')).toThrow(/wait for it or cancel it/);
  });

  it('runs beside another change where it only reads', () => {
    expect(admission(openBy(other), me, { touches: false }, 'alive')).toEqual({ kind: 'beside' });
  });

  it.each([true, false])('recovers what a dead run left (committed: %s)', (committed) => {
    expect(admission(openBy(other, committed), me, { touches: true }, 'dead')).toEqual({
      kind: 'recover',
      change: 'c1',
      committed,
    });
  });
});
