import { describe, expect, it } from 'vitest';
import type { Check, CommitEvidence } from '../../../src/gate/evidence.ts';
import { isSettled, judge, verdictOf } from '../../../src/gate/verdict.ts';

type Told = 'green' | 'red' | 'pending';

function check(name: string, state: Told, at = '2026-11-20T10:00:00Z'): Check {
  return { name, state, said: state, at, by: 'pusher', url: `https://github.com/${name}`, job: null };
}

/** Commits newest first, each as its checks: `{ build: 'red' }`. */
function commits(...each: Record<string, Told>[]): CommitEvidence[] {
  return each.map((checks, index) => ({
    sha: `${index}`.padEnd(40, '0'),
    author: 'author',
    checks: Object.entries(checks).map(([name, state]) => check(name, state)),
  }));
}

const NOTHING = {};

describe('one commit', () => {
  it.each([
    [{}, null, 'absent'],
    [{ build: 'green' }, null, 'green'],
    [{ build: 'green', lint: 'pending' }, null, 'pending'],
    [{ build: 'red', lint: 'pending' }, null, 'red'],
    [{ build: 'green', lint: 'red' }, null, 'red'],
    [{ build: 'green', lint: 'red' }, ['build'], 'green'],
    [{ build: 'green' }, ['build', 'e2e'], 'pending'],
    [{ build: 'red' }, ['build', 'e2e'], 'red'],
    [{ lint: 'green' }, ['build'], 'absent'],
  ] as [Record<string, Told>, string[] | null, string][])('%j of which %j count is %s', (checks, named, state) => {
    expect(judge(commits(checks)[0]!, named).state).toBe(state);
  });
});

describe('the branch', () => {
  it.each([
    ['the head is green', commits({ build: 'green' }, { build: 'red' }), 'green', 0],
    ['the head is red', commits({ build: 'red' }, { build: 'green' }), 'red', 0],
    ['the head runs, its parent was green', commits({ build: 'pending' }, { build: 'green' }), 'green', 1],
    ['the head runs, its parent was red', commits({ build: 'pending' }, { build: 'red' }), 'red', 1],
    ['the head has one failure while it runs', commits({ build: 'red', e2e: 'pending' }, { build: 'green' }), 'red', 0],
    ['nothing ran on the head', commits(NOTHING, NOTHING, { build: 'green' }), 'green', 2],
    ['nothing ran on the head, red below', commits(NOTHING, { build: 'pending' }, { build: 'red' }), 'red', 2],
    ['nothing ran anywhere', commits(NOTHING, NOTHING), 'unknown', 0],
    ['the first checks ever still run', commits({ build: 'pending' }, NOTHING), 'pending', 0],
    ['there is no commit', [], 'unknown', 0],
  ] as const)('%s', (_, seen, state, distance) => {
    const verdict = verdictOf('main', seen, null);
    expect([verdict.state, verdict.distance]).toEqual([state, distance]);
    expect(verdict.open).toBe(state === 'green');
    expect(verdict.judged === null).toBe(state === 'unknown' || state === 'pending');
  });

  it('is red since its first failure, by who pushed that', () => {
    const seen = commits({});
    seen[0]!.checks.push(check('late', 'red', '2026-11-20T12:00:00Z'), check('early', 'red', '2026-11-20T11:00:00Z'));
    const verdict = verdictOf('main', seen, null);
    expect([verdict.since, verdict.by, verdict.red[0]!.name]).toEqual(['2026-11-20T11:00:00Z', 'pusher', 'early']);
  });

  it('names the checks that never ran', () => {
    const verdict = verdictOf('main', commits({ lint: 'green' }, { build: 'green' }), ['build', 'e2e']);
    expect([verdict.state, verdict.open, verdict.missing]).toEqual(['pending', false, ['e2e']]);
  });

  it('is asked no further than the first finished commit', () => {
    const seen = commits(NOTHING, { build: 'pending' }, { build: 'green' });
    expect([0, 1, 2, 3].map((count) => isSettled(seen.slice(0, count), null))).toEqual([false, false, false, true]);
  });
});
