import { describe, expect, it } from 'vitest';
import { type CheckRunAnswer, checksFrom, type StatusAnswer, type SuiteAnswer } from '../../../src/gate/evidence.ts';

const AT = '2026-11-20T10:00:00Z';
let number = 100;

function run(name: string, conclusion: string | null, more: Partial<CheckRunAnswer> = {}): CheckRunAnswer {
  return {
    id: `CR_${++number}`,
    databaseId: number,
    name,
    status: conclusion === null ? 'IN_PROGRESS' : 'COMPLETED',
    conclusion,
    startedAt: AT,
    completedAt: conclusion === null ? null : AT,
    url: `https://github.com/runs/${number}`,
    detailsUrl: `https://github.com/actions/runs/1/job/${number}`,
    ...more,
  };
}

type Word = [status: string, conclusion: string | null];

/** The suite of an app: what GitHub folds of its check runs is its own word. */
function suite(app: string, runs: CheckRunAnswer[], word: Word = ['QUEUED', null]): SuiteAnswer {
  return {
    id: `CS_${++number}`,
    databaseId: number,
    status: word[0],
    conclusion: word[1],
    updatedAt: AT,
    url: 'https://github.com/suite',
    app: { slug: app },
    creator: { login: 'pusher' },
    workflowRun: null,
    runs,
  };
}

interface Given {
  event?: string;
  workflow?: number;
  run?: number;
  word?: Word;
}

/** A run of a workflow, completed and successful where nothing else is said. */
function workflow(
  runs: CheckRunAnswer[],
  { event = 'push', workflow: of = 3, run: id = 70, word }: Given = {},
): SuiteAnswer {
  const workflowRun = {
    databaseId: id,
    event,
    url: 'https://github.com/run',
    workflow: { databaseId: of, name: 'CI' },
  };
  return { ...suite('github-actions', runs, word ?? ['COMPLETED', 'SUCCESS']), workflowRun };
}

const FAILED: Word = ['COMPLETED', 'FAILURE'];
const RUNNING: Word = ['IN_PROGRESS', null];

function status(context: string, state: string): StatusAnswer {
  return { context, state, createdAt: AT, targetUrl: null };
}

function told(suites: SuiteAnswer[], statuses: StatusAnswer[] = [], ownRun: string | null = null): string[] {
  return checksFrom(suites, statuses, ownRun).map((check) => `${check.name} ${check.state}`);
}

describe('words of GitHub', () => {
  it.each([
    ['SUCCESS', 'green'],
    ['NEUTRAL', 'green'],
    ['SKIPPED', 'green'],
    ['FAILURE', 'red'],
    ['TIMED_OUT', 'red'],
    ['STARTUP_FAILURE', 'red'],
    ['CANCELLED', 'void'],
    ['STALE', 'void'],
    ['ACTION_REQUIRED', 'void'],
    ['A_WORD_OF_NEXT_YEAR', 'void'],
  ])('a check that ended with %s is %s', (conclusion, state) => {
    expect(told([workflow([run('build', conclusion)])])).toEqual([`build ${state}`]);
    expect(told([suite('circleci', [run('build', conclusion)])])).toEqual([`build ${state}`]);
  });

  it.each(['QUEUED', 'IN_PROGRESS', 'WAITING', 'REQUESTED', 'PENDING', 'A_WORD_OF_NEXT_YEAR'])(
    'a check that is %s is pending',
    (word) => {
      const checks = checksFrom([workflow([run('build', null, { status: word })])], [], null);
      expect(checks).toMatchObject([{ state: 'pending', said: word.toLowerCase() }]);
    },
  );

  it('a check that ended without a conclusion has no verdict', () => {
    expect(told([workflow([run('build', null, { status: 'COMPLETED' })])])).toEqual(['build void']);
  });

  it.each([
    ['SUCCESS', 'green'],
    ['PENDING', 'pending'],
    ['EXPECTED', 'pending'],
    ['FAILURE', 'red'],
    ['ERROR', 'red'],
    ['A_WORD_OF_NEXT_YEAR', 'void'],
  ])('a status %s is %s', (word, state) => {
    expect(told([], [status('ci/x', word)])).toEqual([`ci/x ${state}`]);
  });
});

describe('what counts', () => {
  it.each([
    ['push', ['build red']],
    ['merge_group', ['build red']],
    ['pull_request', []],
    ['schedule', []],
    ['workflow_dispatch', []],
    ['workflow_run', []],
  ])('runs of %s: %j', (event, expected) => {
    expect(told([workflow([run('build', 'FAILURE')], { event, word: FAILED })])).toEqual(expected);
    const couldNotStart: Word = ['COMPLETED', 'STARTUP_FAILURE'];
    expect(told([workflow([], { event, word: couldNotStart })])).toEqual(expected.map(() => 'CI red'));
  });

  it("not Changeline's own statuses", () => {
    const statuses = [status('changeline/gate', 'FAILURE'), status('changeline-ci', 'SUCCESS')];
    expect(told([], statuses)).toEqual(['changeline-ci green']);
  });

  it.each([
    ['queued', ['QUEUED', null], []],
    ['forgotten', ['COMPLETED', 'STALE'], []],
    ['in a state without a word', ['COMPLETED', null], []],
    ['failed all the same', ['COMPLETED', 'FAILURE'], ['renovate red']],
  ] as [string, Word, string[]][])('a suite that its app never filled and is %s: %j', (_, word, expected) => {
    expect(told([suite('renovate', [], word)])).toEqual(expected);
  });

  it('each of two apps or workflows that use the same name', () => {
    const one = workflow([run('build', 'SUCCESS')]);
    const two = workflow([run('build', 'FAILURE')], { workflow: 4, run: 71, word: FAILED });
    const other = suite('circleci', [run('build', 'CANCELLED')], ['COMPLETED', 'CANCELLED']);
    expect(told([one, two, other]).sort()).toEqual(['build green', 'build red', 'build void']);
  });

  it('not what still runs in the asking run, but what has finished there', () => {
    const asking = workflow([run('gate', null), run('build', 'FAILURE')], { word: RUNNING });
    expect(told([asking], [], '70')).toEqual(['build red']);
    expect(told([asking], [], '71')).toEqual(['build red', 'gate pending']);
    expect(told([workflow([], { word: ['QUEUED', null] })], [], '70')).toEqual([]);
  });

  it('not the earlier attempt of the job that asks', () => {
    const asking = workflow([run('gate', 'FAILURE'), run('gate', null)], { word: RUNNING });
    expect(told([asking], [], '70')).toEqual([]);
  });
});

describe('run again', () => {
  it.each([
    ['failed, then passed', ['FAILURE', 'SUCCESS'], ['COMPLETED', 'SUCCESS'], 'green'],
    ['passed, then failed', ['SUCCESS', 'FAILURE'], FAILED, 'red'],
    ['failed, then cancelled', ['FAILURE', 'CANCELLED'], ['COMPLETED', 'CANCELLED'], 'void'],
    ['failed, and runs', ['FAILURE', null], RUNNING, 'red'],
    ['failed, passed, and runs', ['FAILURE', 'SUCCESS', null], RUNNING, 'pending'],
    ['cancelled, and runs', ['CANCELLED', null], RUNNING, 'pending'],
    ['skipped for want of another, and runs', ['SKIPPED', null], RUNNING, 'pending'],
    ['failed, cancelled twice in the queue, and runs', ['FAILURE', null, null], RUNNING, 'red'],
  ] as [string, (string | null)[], Word, string][])('%s', (_, conclusions, word, state) => {
    const runs = conclusions.map((conclusion) => run('build', conclusion));
    for (const order of [runs, runs.toReversed()])
      expect(told([workflow(order, { word })])).toEqual([`build ${state}`]);
  });

  it('goes by number, not by the clocks of those who report', () => {
    const fast = run('build', 'FAILURE', { startedAt: '2027-01-01T00:00:00Z' });
    const later = run('build', 'SUCCESS', { startedAt: AT });
    expect(told([workflow([later, fast])])).toEqual(['build green']);
  });

  it('says that what failed runs again', () => {
    const [check] = checksFrom([workflow([run('build', 'FAILURE'), run('build', null)], { word: RUNNING })], [], null);
    expect(check?.said).toBe('failure, runs again');
  });

  it('takes the newest of two runs of one workflow on one commit', () => {
    const group = workflow([run('build', 'FAILURE')], { event: 'merge_group', word: FAILED });
    const push = workflow([run('build', 'SUCCESS')], { run: 71 });
    for (const order of [
      [group, push],
      [push, group],
    ])
      expect(told(order)).toEqual(['build green']);
  });

  it('forgets a run that could not start where a newer one did', () => {
    const broken = workflow([], { word: ['COMPLETED', 'STARTUP_FAILURE'] });
    expect(told([broken, workflow([run('build', 'SUCCESS')], { run: 71 })])).toEqual(['build green']);
  });
});

describe('the own word of a run', () => {
  it.each([
    ['STARTUP_FAILURE', 'CI red'],
    ['FAILURE', 'CI red'],
    ['ACTION_REQUIRED', 'CI void'],
    ['CANCELLED', 'CI void'],
    ['SKIPPED', 'CI green'],
  ])('counts where it came to no job: %s', (conclusion, expected) => {
    expect(told([workflow([], { word: ['COMPLETED', conclusion] })])).toEqual([expected]);
  });

  it('counts where it waits', () => {
    expect(told([workflow([], { word: ['QUEUED', null] })])).toEqual(['CI pending']);
  });

  it('keeps a commit from being green between two jobs of which one needs the other', () => {
    expect(told([workflow([run('build', 'SUCCESS')], { word: RUNNING })])).toEqual(['CI pending', 'build green']);
  });

  it('finds the failure that a job of the same name covers', () => {
    const twins = [run('build', 'FAILURE'), run('build', 'SUCCESS')];
    expect(told([workflow(twins, { word: FAILED })])).toEqual(['CI red', 'build green']);
  });

  it('finds a run that was cancelled before its other jobs', () => {
    const word: Word = ['COMPLETED', 'CANCELLED'];
    expect(told([workflow([run('build', 'SUCCESS')], { word })])).toEqual(['CI void', 'build green']);
  });

  it.each([
    ['a failure', [run('build', 'FAILURE')], RUNNING, ['build red']],
    ['a failure it tells itself', [run('build', 'FAILURE')], FAILED, ['build red']],
    ['a job that runs', [run('build', null)], RUNNING, ['build pending']],
    ['a job that passed', [run('build', 'SUCCESS')], ['COMPLETED', 'SUCCESS'], ['build green']],
  ] as [string, CheckRunAnswer[], Word, string[]][])('adds nothing to %s', (_, runs, word, expected) => {
    expect(told([workflow(runs, { word })])).toEqual(expected);
  });

  it('counts for no app: only its check runs do', () => {
    expect(told([suite('circleci', [run('build', 'SUCCESS')], ['IN_PROGRESS', null])])).toEqual(['build green']);
  });
});

describe('a check', () => {
  it('names who pushed, links the job, and keeps its number', () => {
    const checks = checksFrom([workflow([run('build', 'FAILURE', { databaseId: 9 })], { word: FAILED })], [], null);
    expect(checks).toMatchObject([{ by: 'pusher', job: 9, at: AT, url: expect.stringContaining('/job/') }]);
  });

  it('of another app links its page on GitHub and is no job', () => {
    const checks = checksFrom([{ ...suite('circleci', [run('e2e', 'FAILURE')]), creator: null, app: null }], [], null);
    expect(checks).toMatchObject([{ by: null, job: null, url: expect.stringContaining('github.com/runs/') }]);
  });
});
