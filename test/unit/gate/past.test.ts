import { describe, expect, it } from 'vitest';
import { pastFrom } from '../../../src/gate/past.ts';
import type { Override } from '../../../src/ledger/ledger.ts';

const SHA = 'a'.repeat(40);
const bearing = (state: string | null) => ({ status: state === null ? null : { context: { state } } });
const merged = (state: string | null, more: Record<string, unknown> = {}) => ({
  number: 7,
  merged: true,
  mergedBy: { login: 'mallory' },
  baseRefName: 'main',
  commits: { nodes: [{ commit: bearing(state) }] },
  ...more,
});
const pushed = (pulls: unknown[] | null, own: string | null = null) => ({
  past: { oid: SHA, ...bearing(own), associatedPullRequests: pulls && { nodes: pulls } },
});
const override = { pull: 7 } as Override;

describe('what landed past the gate', () => {
  it.each([
    ['a head that bore failure', 'FAILURE', 'failure'],
    ['a head that bore pending', 'PENDING', 'pending'],
    ['a head that bore nothing', null, null],
    ['a head with a word that is not known', 'EXPECTED', null],
  ])('is %s', (_, bore, state) => {
    expect(pastFrom(pushed([merged(bore)]), 'main', [])).toEqual({ sha: SHA, pull: 7, by: 'mallory', state });
  });

  it('has no name where GitHub does not say who merged', () => {
    expect(pastFrom(pushed([null, merged('ERROR', { mergedBy: null })]), 'main', [])).toMatchObject({ by: null });
  });

  it.each([
    ['a head that bore success', pushed([merged('SUCCESS')]), []],
    ['a commit that bears success itself: a queue merges what it tested', pushed([merged('FAILURE')], 'SUCCESS'), []],
    ['a pull request that an override lets in', pushed([merged('FAILURE')]), [override]],
    ['a push without a pull request', pushed([]), []],
    ['one that was not merged', pushed([merged('FAILURE', { merged: false })]), []],
    ['one that was merged into another branch', pushed([merged('FAILURE', { baseRefName: 'stable' })]), []],
    ['a commit whose pull requests this token may not see', pushed(null), []],
    ['a commit that GitHub does not have', { past: null }, []],
    ['no pushed commit', {}, []],
  ])('is not %s', (_, answer, overrides) => {
    expect(pastFrom(answer, 'main', overrides)).toBe(null);
  });
});
