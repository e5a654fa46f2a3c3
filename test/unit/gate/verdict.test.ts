import { describe, expect, it } from 'vitest';
import type { Check } from '../../../src/gate/evidence.ts';
import { type CommitEvidence, type Question, standing, verdictOf } from '../../../src/gate/verdict.ts';

type Told = Check['state'] | 'waiting';
type Checks = Record<string, Told>;

const NOW = new Date('2026-11-20T12:00:00Z');
const GRACE = 600_000;
const LONG_AGO = '2026-11-20T10:00:00Z';
const JUST_NOW = '2026-11-20T11:55:00Z';
const NOTHING = {};

function check(name: string, told: Told, at = LONG_AGO): Check {
  const state = told === 'waiting' ? 'pending' : told;
  return { name, state, said: told, at, by: 'pusher', url: `https://github.com/${name}`, job: null };
}

/** Commits newest first, each as its checks: `{ build: 'red' }`; null is one that was not read yet. */
function commits(...each: (Checks | null)[]): CommitEvidence[] {
  return each.map((checks, index) => ({
    sha: `${index}`.padEnd(40, '0'),
    author: 'author',
    date: LONG_AGO,
    checks: checks && Object.entries(checks).map(([name, told]) => check(name, told)),
  }));
}

function asked(named: readonly string[] | null = null): Question {
  return { named, grace: GRACE, now: NOW };
}

function judged(seen: CommitEvidence[], named: readonly string[] | null = null) {
  const verdict = verdictOf('main', seen, asked(named));
  if (!verdict) throw new Error('an older commit is wanted');
  expect(verdict.open).toBe(verdict.state === 'green');
  expect(verdict.judged === null).toBe(verdict.state === 'unknown' || verdict.state === 'pending');
  return verdict;
}

describe('one commit', () => {
  it.each([
    [{}, null, 'absent'],
    [{ build: 'green' }, null, 'green'],
    [{ build: 'green', lint: 'pending' }, null, 'pending'],
    [{ build: 'red', lint: 'pending' }, null, 'red'],
    [{ build: 'green', lint: 'red' }, null, 'red'],
    [{ build: 'red', lint: 'void' }, null, 'red'],
    [{ build: 'green', lint: 'void' }, null, 'void'],
    [{ build: 'pending', lint: 'void' }, null, 'pending'],
    [{ build: 'green', deploy: 'waiting' }, null, 'green'],
    [{ deploy: 'waiting' }, null, 'absent'],
    [{ build: 'green', deploy: 'waiting' }, ['deploy'], 'pending'],
    [{ build: 'green', lint: 'red' }, ['build'], 'green'],
    [{ lint: 'green' }, ['build'], 'absent'],
  ] as [Checks, string[] | null, string][])('%j of which %j count is %s', (checks, named, state) => {
    expect(standing(commits(checks)[0]!, named)).toBe(state);
  });
});

describe('the branch', () => {
  it.each([
    ['the head is green', [{ build: 'green' }, { build: 'red' }], 'green', 0],
    ['the head is red', [{ build: 'red' }, { build: 'green' }], 'red', 0],
    ['one failure while it runs', [{ build: 'red', e2e: 'pending' }, { build: 'green' }], 'red', 0],
    ['the head was cancelled', [{ build: 'void' }, { build: 'green' }], 'unknown', 0],
    ['a check of the head was cancelled', [{ build: 'green', e2e: 'void' }, { build: 'green' }], 'unknown', 0],
    ['it runs, its parent is green', [{ build: 'pending' }, { build: 'green' }], 'green', 1],
    ['it runs, its parent is red', [{ build: 'pending' }, { build: 'red' }], 'red', 1],
    ['it runs, its parent was cancelled', [{ build: 'pending' }, { build: 'void' }, { build: 'red' }], 'red', 2],
    ['it runs, its parent has nothing', [{ build: 'pending' }, NOTHING, { build: 'green' }], 'green', 2],
    ['it runs, so does its parent', [{ build: 'pending' }, { build: 'pending' }, { build: 'red' }], 'red', 2],
    [
      'it runs, cancelled below nothing',
      [{ build: 'pending' }, NOTHING, { build: 'void' }, { build: 'green' }],
      'green',
      3,
    ],
    ['it runs, all before were cancelled', [{ build: 'pending' }, { build: 'void' }, { build: 'void' }], 'pending', 0],
    ['it waits for a person only', [{ build: 'green', deploy: 'waiting' }, { build: 'red' }], 'green', 0],
    ['nothing ran on it', [NOTHING, NOTHING, { build: 'green' }], 'green', 2],
    ['nothing ran on it, red below', [NOTHING, { build: 'red' }, { build: 'green' }], 'red', 1],
    ['nothing ran on it, its parent runs', [NOTHING, { build: 'pending' }, { build: 'red' }], 'red', 2],
    [
      'its parent runs, cancelled below',
      [NOTHING, { build: 'pending' }, { build: 'void' }, { build: 'green' }],
      'green',
      3,
    ],
    ['nothing ran on it, its parent was cancelled', [NOTHING, { build: 'void' }, { build: 'green' }], 'unknown', 0],
    ['nothing ran anywhere', [NOTHING, NOTHING], 'unknown', 0],
    ['the first checks ever still run', [{ build: 'pending' }, NOTHING], 'pending', 0],
    ['below nothing the first checks ever still run', [NOTHING, { build: 'pending' }], 'pending', 0],
    ['there is no commit', [], 'unknown', 0],
  ] as [string, Checks[], string, number][])('%s', (_, each, state, distance) => {
    const verdict = judged(commits(...each));
    expect([verdict.state, verdict.distance]).toEqual([state, distance]);
  });

  it('is red since its first failure, by who pushed that', () => {
    const [head] = commits(NOTHING);
    const checks = [check('late', 'red', '2026-11-20T11:00:00Z'), check('early', 'red', '2026-11-20T10:30:00Z')];
    const verdict = judged([{ ...head!, checks }]);
    expect([verdict.since, verdict.by, verdict.red[0]!.name]).toEqual(['2026-11-20T10:30:00Z', 'pusher', 'early']);
  });

  it('names what ended without a verdict, also below a head without checks', () => {
    expect(judged(commits({ build: 'void', lint: 'green' })).void.map(({ name }) => name)).toEqual(['build']);
    const verdict = judged(commits(NOTHING, { e2e: 'void' }));
    expect([verdict.void[0]?.name, verdict.headIs]).toEqual(['e2e', 'absent']);
  });
});

describe('is asked no further than it must be', () => {
  it.each([
    [[{ build: 'green' }, null], 'green'],
    [[{ build: 'red' }, null], 'red'],
    [[{ build: 'void' }, null], 'unknown'],
    [[{ build: 'pending' }, null], null],
    [[NOTHING, null], null],
    [[NOTHING, { build: 'pending' }, null], null],
    [[{ build: 'pending' }, { build: 'void' }, null], null],
    [[{ build: 'pending' }, { build: 'red' }, null], 'red'],
    [[null], null],
  ] as [(Checks | null)[], string | null][])('%j: %s', (each, state) => {
    expect(verdictOf('main', commits(...each), asked())?.state ?? null).toBe(state);
  });

  it('nor for a named check where another one is red', () => {
    expect(verdictOf('main', commits({ build: 'red' }, null), asked(['build', 'e2e']))?.state).toBe('red');
    expect(verdictOf('main', commits({ build: 'green' }, null), asked(['build', 'e2e']))).toBeNull();
  });
});

describe('the grace period', () => {
  const headAt = (date: string, ...each: Checks[]) => {
    const [head, ...rest] = commits(...each);
    return [{ ...head!, date }, ...rest];
  };

  it.each([
    ['just committed', JUST_NOW, true],
    ['committed long ago', LONG_AGO, false],
    ['by a clock that is a little fast', '2026-11-20T12:05:00Z', true],
    ['by a clock that is a year fast', '2027-11-20T12:00:00Z', false],
    ['at no time at all', 'yesterday', false],
  ])('of a head without checks, %s, is told and changes no verdict', (_, date, waits) => {
    const verdict = judged(headAt(date, NOTHING, { build: 'red' }));
    expect([verdict.state, verdict.distance, verdict.waits]).toEqual(['red', 1, waits]);
    expect(judged(headAt(date, NOTHING)).waits).toBe(waits);
  });

  it('of a head without a named check changes no verdict either', () => {
    const verdict = judged(headAt(JUST_NOW, { lint: 'green' }, { build: 'void' }, { build: 'green' }), ['build']);
    expect([verdict.state, verdict.waits, verdict.headIs]).toEqual(['unknown', true, 'absent']);
  });

  it('is over for a head that has its checks', () => {
    expect(judged(headAt(JUST_NOW, { build: 'green' })).waits).toBe(false);
    expect(judged(headAt(JUST_NOW, { build: 'green' }), ['build']).waits).toBe(false);
  });

  it.each([
    ['just committed', JUST_NOW, LONG_AGO, ['red', 1]],
    ['where another check has just ended', LONG_AGO, JUST_NOW, ['red', 1]],
    ['long ago', LONG_AGO, LONG_AGO, ['green', 0]],
  ])('of a named check that the head lacks, %s', (_, date, ended, expected) => {
    const [head, parent] = headAt(date, NOTHING, { build: 'red', e2e: 'green' });
    const verdict = judged([{ ...head!, checks: [check('build', 'green', ended)] }, parent!], ['build', 'e2e']);
    expect([verdict.state, verdict.distance]).toEqual(expected);
    expect([verdict.waits, verdict.headIs]).toEqual(expected[0] === 'red' ? [true, 'pending'] : [false, 'green']);
  });
});

describe('named checks', () => {
  const NAMED = ['build', 'e2e'];

  it.each([
    [
      'one runs',
      [
        { build: 'green', e2e: 'pending' },
        { build: 'red', e2e: 'green' },
      ],
      'red',
      1,
    ],
    ['one is missing while another runs', [{ build: 'pending' }, { build: 'green', e2e: 'red' }], 'red', 1],
    [
      'one is missing while one that is not named runs',
      [
        { build: 'green', x: 'pending' },
        { build: 'red', e2e: 'green' },
      ],
      'red',
      1,
    ],
    ['one is missing while a person is waited for', [{ build: 'green', x: 'waiting' }, { e2e: 'green' }], 'green', 0],
    ['one never comes, repaired on the head', [{ build: 'green' }, { build: 'red', e2e: 'green' }], 'green', 0],
    [
      'one never comes, and failed when it last ran',
      [{ build: 'green' }, { build: 'green' }, { e2e: 'red' }],
      'red',
      2,
    ],
    ['one never comes, another failed', [{ build: 'red' }, { e2e: 'green' }], 'red', 0],
    [
      'one never comes, and was cancelled when it last ran',
      [{ build: 'green' }, { e2e: 'void' }, { e2e: 'green' }],
      'unknown',
      0,
    ],
    [
      'one never comes, and runs below',
      [{ build: 'green' }, { e2e: 'pending' }, { build: 'green', e2e: 'red' }],
      'red',
      2,
    ],
    ['each commit starts one of them', [{ build: 'green' }, { e2e: 'green' }, { build: 'red' }], 'green', 0],
    ['none of them ran on the head', [{ lint: 'red' }, { build: 'green', e2e: 'green' }], 'green', 1],
    ['only others run on the head', [{ lint: 'pending' }, { build: 'green', e2e: 'void' }], 'pending', 0],
    ['one is a name that nothing has', [{ build: 'green' }, { build: 'green' }], 'unknown', 0],
    ['one is new and runs for the first time', [{ build: 'green', e2e: 'pending' }, { build: 'green' }], 'pending', 0],
  ] as [string, Checks[], string, number][])('%s', (_, each, state, distance) => {
    const verdict = judged(commits(...each), NAMED);
    expect([verdict.state, verdict.distance]).toEqual([state, distance]);
  });

  it('say where an older one counts', () => {
    const verdict = judged(commits({ build: 'green' }, NOTHING, { e2e: 'green' }), NAMED);
    expect(verdict.older).toEqual([{ name: 'e2e', sha: '2'.padEnd(40, '0'), distance: 2 }]);
    expect(judged(commits({ build: 'green', e2e: 'green' }), NAMED).older).toEqual([]);
    expect(judged(commits(NOTHING, { build: 'green', e2e: 'green' }), NAMED).older).toEqual([]);
  });

  it('are told apart from those that no commit has', () => {
    const verdict = judged(commits({ build: 'green' }, { build: 'green' }), NAMED);
    expect([verdict.state, verdict.missing, verdict.looked]).toEqual(['unknown', ['e2e'], 2]);
    expect(judged(commits({ lint: 'green' }), NAMED).missing).toEqual(NAMED);
  });
});
