import { describe, expect, it } from 'vitest';
import { type CheckRunAnswer, checksFrom, type RunAnswer, type StatusAnswer } from '../../../src/gate/evidence.ts';

function run(name: string, conclusion: string | null, more: Partial<CheckRunAnswer> = {}): CheckRunAnswer {
  const at = '2026-11-20T10:00:00Z';
  return {
    id: 1,
    name,
    status: conclusion === null ? 'in_progress' : 'completed',
    conclusion,
    started_at: at,
    completed_at: at,
    html_url: 'https://github.com/x',
    check_suite: { id: 5 },
    app: { slug: 'github-actions' },
    ...more,
  };
}

function workflow(event: string, more: Partial<RunAnswer> = {}): RunAnswer {
  return {
    id: 70,
    event,
    status: 'completed',
    conclusion: 'success',
    workflow_id: 3,
    name: 'CI',
    check_suite_id: 5,
    html_url: 'https://github.com/run',
    updated_at: '2026-11-20T10:00:00Z',
    actor: { login: 'pusher' },
    ...more,
  };
}

function status(context: string, state: string, at = '2026-11-20T10:00:00Z'): StatusAnswer {
  return { context, state, target_url: null, updated_at: at, creator: null };
}

describe('words of GitHub', () => {
  it.each([
    ['success', 'green'],
    ['neutral', 'green'],
    ['skipped', 'green'],
    ['failure', 'red'],
    ['timed_out', 'red'],
    ['cancelled', 'red'],
    ['action_required', 'red'],
    ['startup_failure', 'red'],
    ['stale', 'red'],
    ['a word of next year', 'red'],
  ])('a check that ended with %s is %s', (conclusion, state) => {
    expect(checksFrom([run('build', conclusion)], [], [workflow('push')], null)[0]!.state).toBe(state);
  });

  it.each(['queued', 'in_progress', 'waiting', 'requested', 'pending'])('a check that is %s is pending', (word) => {
    const checks = checksFrom([run('build', null, { status: word })], [], [workflow('push')], null);
    expect(checks[0]!.state).toBe('pending');
  });

  it('a check that ended without a conclusion is red', () => {
    expect(checksFrom([run('build', null, { status: 'completed' })], [], [], null)[0]!.state).toBe('red');
  });

  it.each([
    ['success', 'green'],
    ['pending', 'pending'],
    ['failure', 'red'],
    ['error', 'red'],
  ])('a status %s is %s', (word, state) => {
    expect(checksFrom([], [status('ci/x', word)], [], null)[0]!.state).toBe(state);
  });
});

describe('what counts', () => {
  const names = (...given: Parameters<typeof checksFrom>) =>
    checksFrom(...given).map((check) => `${check.name} ${check.state}`);

  it.each([
    ['push', ['build red']],
    ['merge_group', ['build red']],
    ['pull_request', []],
    ['schedule', []],
    ['workflow_dispatch', []],
    ['workflow_run', []],
  ])('runs of %s: %j', (event, expected) => {
    expect(names([run('build', 'failure')], [], [workflow(event)], null)).toEqual(expected);
  });

  it('checks of other apps, which have no run', () => {
    expect(names([run('circle', 'failure', { app: { slug: 'circleci' } })], [], [], null)).toEqual(['circle red']);
  });

  it("not Changeline's own statuses", () => {
    expect(names([], [status('changeline/gate', 'failure'), status('changeline-ci', 'success')], [], null)).toEqual([
      'changeline-ci green',
    ]);
  });

  it('the newest of a name, whichever comes first', () => {
    const old = run('build', 'failure', { started_at: '2026-11-20T09:00:00Z' });
    const fresh = run('build', 'success', { started_at: '2026-11-20T11:00:00Z' });
    for (const order of [
      [old, fresh],
      [fresh, old],
    ]) {
      expect(names(order, [], [workflow('push')], null)).toEqual(['build green']);
    }
    const statuses = [status('ci', 'success', '2026-11-20T11:00:00Z'), status('ci', 'failure', '2026-11-20T09:00:00Z')];
    expect(names([], statuses, [], null)).toEqual(['ci green']);
  });

  it('each of two apps or workflows that use the same name', () => {
    const runs = [
      run('build', 'success'),
      run('build', 'failure', { check_suite: { id: 6 } }),
      run('build', 'failure', { check_suite: { id: 7 }, app: { slug: 'circleci' } }),
    ];
    const workflows = [workflow('push'), workflow('push', { id: 71, workflow_id: 4, check_suite_id: 6 })];
    expect(names(runs, [], workflows, null).sort()).toEqual(['build green', 'build red', 'build red']);
  });

  it('not what still runs in the asking run, but what has finished there', () => {
    const runs = [run('gate', null), run('build', 'failure')];
    expect(names(runs, [], [workflow('push')], '70')).toEqual(['build red']);
    expect(names(runs, [], [workflow('push')], '71')).toEqual(['build red', 'gate pending']);
  });

  it('a run that came to no job', () => {
    const broken = workflow('push', { conclusion: 'startup_failure' });
    expect(names([], [], [broken], null)).toEqual(['CI red']);
    expect(names([], [], [{ ...broken, event: 'schedule' }], null)).toEqual([]);
    expect(names([], [], [workflow('push', { status: 'queued', conclusion: null })], null)).toEqual(['CI pending']);
  });
});
