import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MainQuestion, mainFrom, mainSelection, readMain } from '../../src/gate/gate.ts';
import { type GitHub, openGitHub, type Runner } from '../../src/github/github.ts';
import {
  type JobGiven,
  type Permissions,
  type Repository,
  type StandIn,
  startStandIn,
} from '../support/github/stand-in.ts';

const LEAST: Permissions = { actions: 'read', checks: 'read', contents: 'read', statuses: 'read' };
const HOUR = 3_600_000;
let standIn: StandIn;
let shop: Repository;

beforeEach(async () => {
  standIn = await startStandIn();
  shop = standIn.repository('acme', 'shop');
});

afterEach(async () => {
  const { violations } = standIn;
  await standIn.close();
  expect(violations).toEqual([]);
});

function github(run: number | null = null, permissions = LEAST): GitHub {
  const runner = run === null ? null : ({ run: String(run) } as Runner);
  const token = standIn.token(permissions);
  return openGitHub({ token, apiUrl: standIn.url, repository: 'acme/shop', runner, pause: 1 });
}

function read(more: Partial<MainQuestion> = {}, run: number | null = null) {
  return readMain(github(run), { branch: null, checks: null, grace: 0, ...more });
}

const build = (conclusion: string | null = 'success'): JobGiven =>
  conclusion === null ? { name: 'build', status: 'in_progress' } : { name: 'build', conclusion };
const step = (name: string, conclusion: string | null) => ({ name, conclusion });
const DELIVER = 'Run acme/changeline/actions/deliver@v1';

/** A commit on main, with one run of CI where a job is given. */
function push(...jobs: JobGiven[]): string {
  const sha = shop.commit();
  // Of a run in which nothing failed and a job was cancelled GitHub says that it was cancelled.
  const isCancelled = jobs.some((job) => job.conclusion === 'cancelled');
  if (jobs.length > 0) shop.run(sha, { jobs, actor: 'hubot', ...(isCancelled ? { conclusion: 'cancelled' } : {}) });
  return sha;
}

function jobs(count: number, of = 'job'): JobGiven[] {
  return Array.from({ length: count }, (_, index) => ({ name: `${of} ${index}` }));
}

describe('the requests it takes', () => {
  it('one for a main that is green, in up to 100 suites', async () => {
    const sha = push(build());
    for (let index = 0; index < 99; index++) shop.suite(sha, `app-${index}`);
    expect((await read()).state).toBe('green');
    expect(standIn.requests).toHaveLength(1);
  });

  it('one for a main that is red by another app or a status', async () => {
    const sha = push(build());
    shop.check(sha, 'circleci', { name: 'e2e', conclusion: 'timed_out' });
    shop.status(sha, 'ci/jenkins', 'error');
    const { state, red } = await read();
    expect([state, red.map(({ name, said }) => `${name} ${said}`)]).toEqual([
      'red',
      ['e2e timed_out', 'ci/jenkins error'],
    ]);
    expect(standIn.requests).toHaveLength(1);
  });

  it('one more for the steps of all the jobs that failed', async () => {
    push(build('failure'), ...jobs(9).map((job) => ({ ...job, conclusion: 'failure' })));
    expect((await read()).red).toHaveLength(10);
    expect(standIn.requests).toHaveLength(2);
  });

  it('none for them where there are more than ten', async () => {
    push(build('failure'), ...jobs(10).map((job) => ({ ...job, conclusion: 'failure' })));
    expect((await read()).red).toHaveLength(11);
    expect(standIn.requests).toHaveLength(1);
  });

  it.each([
    ['the parent decides', 0, 2],
    ['the fifth parent decides', 4, 2],
    ['the sixth parent decides', 5, 3],
    ['the last one decides', 19, 3],
    ['nothing does', 20, 3],
  ])('where %s', async (_, skipped, requests) => {
    push(build());
    for (let index = 0; index <= skipped; index++) push();
    expect((await read()).distance).toBe(skipped === 20 ? 0 : skipped + 1);
    expect(standIn.requests).toHaveLength(requests);
  });

  it('none of its own where it stands beside the questions of others', async () => {
    push(build());
    const hub = github();
    const query = `query ($owner: String!, $repo: String!, $ref: String!) {
      repository(owner: $owner, name: $repo) { defaultBranchRef { name } ${mainSelection(true)} }
    }`;
    const answer = await hub.graphql<{ repository: unknown }>(query, { ...hub.at, ref: 'refs/heads/main' });
    const question = { branch: 'main', checks: null, grace: 0 };
    expect(await mainFrom(hub, answer.repository, question)).toEqual(await readMain(hub, question));
  });
});

describe('many', () => {
  it('finds the one failure in 1,000 checks of one suite', async () => {
    push(build('timed_out'), ...jobs(999));
    expect(await read()).toMatchObject({ state: 'red', red: [{ name: 'build', said: 'timed_out' }] });
    expect(standIn.requests).toHaveLength(11);
  });

  it('finds it in ten runs of 101 jobs, whose second pages come in one request', async () => {
    const sha = push();
    for (let index = 0; index < 10; index++) {
      const last = index === 7 ? build('failure') : { name: 'build' };
      shop.run(sha, { workflow: `CI ${index}`, jobs: [last, ...jobs(100)] });
    }
    expect((await read()).red.map(({ name }) => name)).toEqual(['build']);
    expect(standIn.requests).toHaveLength(2);
  });

  it('finds it in the last of 120 suites', async () => {
    const sha = push();
    for (let index = 0; index < 119; index++) shop.run(sha, { workflow: `CI ${index}`, jobs: [build()] });
    shop.check(sha, 'circleci', build('failure'));
    expect((await read()).state).toBe('red');
    expect(standIn.requests).toHaveLength(2);
  });

  it('finds it behind 150 statuses', async () => {
    const sha = push(build());
    for (let index = 0; index < 150; index++) shop.status(sha, `ci/${index}`, 'success');
    shop.status(sha, 'ci/last', 'failure');
    expect((await read()).red.map(({ name }) => name)).toEqual(['ci/last']);
  });
});

describe('pages that change while they are read', () => {
  const PAGES = /gatePages/;

  function crowded(): string {
    const sha = push();
    for (let index = 0; index < 101; index++) shop.run(sha, { workflow: `CI ${index}`, jobs: [build()] });
    return sha;
  }

  it.each([
    ['a suite is added', (sha: string) => void shop.check(sha, 'circleci', build('failure')), 'red'],
    ['a suite is taken away', () => void shop.suites.shift(), 'green'],
  ])('%s: they are read again', async (_, change, state) => {
    const sha = crowded();
    standIn.fault({ match: PAGES, kind: 'before', run: () => change(sha) });
    expect((await read()).state).toBe(state);
  });

  it('a job is added to a long run', async () => {
    const sha = push(...jobs(150));
    const suite = shop.runs.find((one) => one.sha === sha)!.suite;
    const known = shop.checkRuns.find((one) => one.suite === suite)!;
    const late = { ...known, id: shop.nextId(), name: 'late', conclusion: 'failure' };
    standIn.fault({ match: PAGES, kind: 'before', run: () => void shop.checkRuns.push(late) });
    expect((await read()).red.map(({ name }) => name)).toContain('late');
  });

  it('a list that changes four times is not known, and says so', async () => {
    const sha = crowded();
    const run = () => void shop.suite(sha, `app-${shop.nextId()}`);
    standIn.fault({ match: PAGES, kind: 'before', run, times: 99 });
    await expect(read()).rejects.toMatchObject({
      code: 'gate-unknown',
      outcome: 'inconclusive',
      message: expect.stringContaining('changed each time'),
    });
    expect(standIn.requests).toHaveLength(8);
  });

  it('a list that changes three times is', async () => {
    const sha = crowded();
    const run = () => void shop.suite(sha, `app-${shop.nextId()}`);
    standIn.fault({ match: PAGES, kind: 'before', run, times: 3 });
    expect((await read()).state).toBe('green');
  });
});

describe('run again', () => {
  it.each([
    ['failed, then passed', 'failure', 'success', 'green'],
    ['passed, then failed', 'success', 'failure', 'red'],
    ['failed, then cancelled', 'failure', 'cancelled', 'unknown'],
  ])('%s', async (_, first, second, state) => {
    const sha = push();
    const run = shop.run(sha, { jobs: [build(first), { name: 'lint' }] });
    shop.rerun(run, [build(second)], second);
    expect((await read()).state).toBe(state);
  });

  it('a failure stays red while it runs again, whatever the parent says', async () => {
    push(build());
    const run = shop.run(push(), { jobs: [build('failure')] });
    shop.rerun(run, [build(null)]);
    expect(await read()).toMatchObject({ state: 'red', distance: 0, red: [{ said: 'failure, runs again' }] });
  });

  it('a run that could not start, whose file was put right elsewhere', async () => {
    const sha = push();
    const run = shop.run(sha, { conclusion: 'startup_failure' });
    expect(await read()).toMatchObject({ state: 'red', red: [{ name: 'CI', said: 'startup_failure' }] });
    shop.rerun(run, [build()]);
    expect((await read()).state).toBe('green');
  });
});

describe('a head that has no checks', () => {
  it('of a commit that skips CI: the nearest first parent, and it is said whether it is waited for', async () => {
    const parent = push(build('failure'));
    shop.commit('main', { message: 'docs [skip ci]' });
    expect(await read()).toMatchObject({ state: 'red', judged: parent, distance: 1, headIs: 'absent', waits: false });
    expect((await read({ grace: HOUR })).waits).toBe(true);
  });

  it('of a merge by a bot: not what ran on the merged branch', async () => {
    const parent = push(build());
    const branch = shop.commit('feature');
    shop.run(branch, { jobs: [build('failure')] });
    shop.commit('main', { also: [branch], author: 'merge-bot' });
    expect(await read()).toMatchObject({ state: 'green', judged: parent, distance: 1 });
  });

  it('but the empty suites of apps, runs of other events, and a status of the gate', async () => {
    const parent = push(build());
    const sha = push();
    shop.suite(sha, 'renovate');
    shop.run(sha, { event: 'schedule', workflow: 'Stale', jobs: [build('failure')] });
    shop.status(sha, 'changeline/gate', 'failure');
    expect(await read()).toMatchObject({ state: 'green', judged: parent, headIs: 'absent' });
  });

  it('nor has any before it', async () => {
    for (let index = 0; index < 25; index++) push();
    expect(await read()).toMatchObject({ state: 'unknown', open: false, judged: null, looked: 21 });
  });

  it('by GitHub’s clock, whatever this machine’s says', async () => {
    push(build());
    standIn.skew = 24 * HOUR;
    shop.commit('main', { at: new Date(Date.now() + 24 * HOUR - 60_000).toISOString() });
    expect((await read({ grace: HOUR })).waits).toBe(true);
  });
});

describe('a head that does not decide', () => {
  it.each([
    ['is not finished, like the one before', [build('failure')], [build(null)], [build(null)], 'red', 2],
    ['was cancelled', [build()], [build()], [build('cancelled')], 'unknown', 0],
    ['runs above a cancelled one', [build()], [build('cancelled')], [build(null)], 'green', 2],
  ])('%s', async (_, first, second, third, state, distance) => {
    push(...first);
    push(...second);
    push(...third);
    expect(await read()).toMatchObject({ state, distance });
  });

  it('between two jobs of which one needs the other', async () => {
    push(build('failure'));
    shop.run(push(), { jobs: [build(), { name: 'lint', status: 'queued' }] });
    shop.checkRuns.pop();
    expect(await read()).toMatchObject({ state: 'red', distance: 1, headIs: 'pending' });
  });

  it('by one named check that only its parent has', async () => {
    const parent = push(build('failure'), { name: 'e2e' });
    push(build());
    const checks = ['build', 'e2e'];
    expect(await read({ checks })).toMatchObject({
      state: 'green',
      distance: 0,
      older: [{ name: 'e2e', sha: parent }],
    });
    expect(await read({ checks, grace: HOUR })).toMatchObject({ state: 'red', distance: 1, waits: true });
    expect(await read({ checks: ['build', 'nowhere'] })).toMatchObject({ state: 'unknown', missing: ['nowhere'] });
  });
});

describe("Changeline's own", () => {
  const deliver = (...steps: JobGiven['steps'] & object): JobGiven => ({
    name: 'deliver',
    conclusion: 'failure',
    steps,
  });

  it.each([
    ['a delivery that it refused', [step(DELIVER, 'failure')], 'green'],
    ['a delivery that it turned back at its end', [step('Post Run acme/changeline@v1', 'failure')], 'green'],
    ['a delivery that was cancelled', [step(DELIVER, 'cancelled')], 'green'],
    ['a test before it', [step('Run npm test', 'failure'), step(DELIVER, 'failure')], 'red'],
    ['a step of a name of its own', [step('Deliver to production', 'failure')], 'red'],
    ['a job without a failed step', [step('Run npm test', 'success')], 'red'],
    ['an action with a like name', [step('Run acme/changeline-extra@v1', 'failure')], 'red'],
  ])('%s', async (_, steps, state) => {
    const sha = push(build());
    shop.run(sha, { workflow: 'Deliver', jobs: [deliver(...steps)] });
    expect((await read()).state).toBe(state);
  });

  it('is not judged by the delivery that a person cancelled', async () => {
    const sha = push(build());
    const job = { ...deliver(step(DELIVER, 'cancelled')), conclusion: 'cancelled' };
    shop.run(sha, { workflow: 'Deliver', jobs: [job], conclusion: 'cancelled' });
    expect((await read()).state).toBe('green');
  });

  it.each([
    ['in a delivery', [step('Set up job', 'success'), step(DELIVER, null)], 'green', 0],
    ['before it', [step('Run npm test', null)], 'red', 1],
  ])('is not held up by another job that is %s', async (_, steps, state, distance) => {
    push(build('failure'));
    const sha = push(build());
    shop.run(sha, { workflow: 'Deliver', jobs: [{ name: 'deliver', status: 'in_progress', steps }] });
    expect(await read()).toMatchObject({ state, distance });
  });

  it('is not held up by the run that asks, nor by the attempt of it that failed', async () => {
    const sha = push(build());
    const own = shop.run(sha, { workflow: 'Deliver', jobs: [{ name: 'deliver', conclusion: 'failure' }] });
    shop.rerun(own, [{ name: 'deliver', status: 'in_progress' }]);
    expect(await read({}, own.id)).toMatchObject({ state: 'green', distance: 0 });
    expect((await read()).state).toBe('red');
  });

  it('does not wait for a deployment that a person must approve', async () => {
    push(build('failure'));
    const sha = push(build());
    shop.run(sha, { workflow: 'Deliver', jobs: [{ name: 'production', status: 'waiting' }] }).status = 'waiting';
    expect(await read()).toMatchObject({ state: 'green', distance: 0 });
  });
});

describe('GitHub in trouble', () => {
  it('half an answer is no answer', async () => {
    push(build('failure'));
    push();
    standIn.fault({ match: /gateMain/, kind: 'cut' });
    standIn.fault({ match: /gateEvidence/, kind: 'cut' });
    expect((await read()).state).toBe('red');
    expect(standIn.requests).toHaveLength(5);
  });

  it.each(['gateMain', 'gateEvidence'])('no answer to %s is never green', async (name) => {
    push(build());
    push();
    standIn.fault({ match: new RegExp(name), kind: 'status', status: 502, times: 99 });
    await expect(read()).rejects.toMatchObject({ code: 'github-unreachable' });
  });

  it.each(['actions', 'checks', 'contents', 'statuses'])('neither is one without %s: read', async (name) => {
    const sha = push(build());
    shop.status(sha, 'ci/x', 'success');
    const hub = github(null, { ...LEAST, [name]: 'none' });
    await expect(readMain(hub, { branch: null, checks: null, grace: 0 })).rejects.toMatchObject({
      code: 'github-denied',
      next: expect.stringContaining(`${name}: read`),
    });
  });

  it.each([null, 'gone'])('nor is a branch that is not there: %s', async (branch) => {
    await expect(read({ branch })).rejects.toMatchObject({ code: 'gate-unknown', outcome: 'inconclusive' });
  });
});
