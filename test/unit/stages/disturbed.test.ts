import { expect, it } from 'vitest';
import { emptyState } from '../../../src/ledger/fold.ts';
import type { Change } from '../../../src/ledger/ledger.ts';
import { disturbances } from '../../../src/stages/disturbed.ts';

const day = (n: number, hour = 12) => new Date(Date.UTC(2026, 0, n, hour)).toISOString();
const at = (text: string) => Date.parse(text);
const change = (id: string, verb: string, opened: string, closed: string | null) =>
  ({ id, verb, opened, closed }) as Change;
const live = (version: string, since: string) => ({ version, digest: null, commit: null, change: version, since });

it('what is going on, and what was harmed until somebody said so, is no picture of unharmed traffic', () => {
  const state = {
    ...emptyState('production'),
    live: live('1', day(6)),
    before: [live('2', day(3)), live('1', day(1))],
    incidents: [
      { id: 'i1', change: 'back', opened: day(5, 20), from: '2', to: '1', why: '' },
      { id: 'i2', change: 'gone', opened: day(8), from: '9', to: '1', why: '' },
    ],
  };
  const changes = [
    change('now', 'deliver', day(9), null),
    change('back', 'rollback', day(5, 20), day(5, 21)),
    change('copy', 'backup', day(4), day(4, 13)),
  ];
  expect(disturbances(changes, state, at(day(9, 14)))).toEqual([
    { from: at(day(9)), to: at(day(9, 14)) },
    { from: at(day(5, 20)), to: at(day(5, 21)) },
    { from: at(day(3)), to: at(day(5, 20)) },
    { from: at(day(8)), to: at(day(8)) },
  ]);
});
