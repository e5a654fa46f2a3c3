/** The gate in the hands of many developers, of a broken configuration, and of people who write hostile texts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openGitHub } from '../../src/github/github.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { Failure } from '../../src/outcome/outcome.ts';
import { perform } from '../../src/stages/frame/frame.ts';
import { ANSWERING, CONTEXT, type GateGiven, gateFile, gateRunner, LEAST, runGate } from '../support/gate.ts';
import type { Pull, PullGiven } from '../support/github/records-talk.ts';
import { type Repository, type StandIn, startStandIn } from '../support/github/stand-in.ts';

const RULES = {
  review: { required: 1 },
  evidence: ['test'],
  'fix-brings-test': { labels: ['bug'], tests: ['test/**'] },
};
let standIn: StandIn;
let shop: Repository;
let log: RecordingLog;

beforeEach(async () => {
  standIn = await startStandIn();
  shop = standIn.repository('acme', 'shop');
  log = new RecordingLog();
});

afterEach(async () => {
  const { violations } = standIn;
  await standIn.close();
  expect(violations).toEqual([]);
});

const gate = (given: GateGiven = {}) => runGate(standIn, shop, { log, ...given });
const pull = (more: PullGiven = {}, base = 'main'): Pull => shop.pull(shop.commit('heads'), base, 'open', more);
const statusOf = ({ head }: { head: string }) => shop.statusOf(head, CONTEXT);

/** A commit on main that the build judged. */
function build(conclusion = 'success', files: Record<string, string> = {}, name = 'build'): string {
  const sha = shop.commit('main', { files });
  shop.run(sha, { jobs: [{ name, conclusion }] });
  return sha;
}

function changed(one: Pull): GateGiven {
  const head = { ref: one.headRef, sha: one.head, repo: { full_name: 'acme/shop' } };
  const payload = { pull_request: { number: one.number, state: 'open', head, base: { ref: one.base } } };
  return { event: 'pull_request_target', payload };
}

function commented(one: Pull, body: string, by = 'octocat'): GateGiven {
  shop.comment(one.number, { by, body });
  const { payload } = standIn.takeEvent('issue_comment');
  return { event: 'issue_comment', payload, permissions: ANSWERING, gate: {} };
}

describe('a check with an emoji in its name', () => {
  it('is told on pull requests all the same: GitHub refuses such characters in a status', async () => {
    build('failure', {}, '🧪 test');
    const one = pull();
    const result = await gate();
    expect([result.outcome, statusOf(one)?.state]).toEqual(['passed', 'failure']);
    expect(statusOf(one)?.description).toMatch(/^main is red: "\ufffd test" failed/);
    expect((await gate()).facts.statuses).toMatchObject({ written: 0, unchanged: 1 });
  });
});

describe('what a run costs of the 1,000 points that a repository has in an hour', () => {
  it('little for one pull request, whatever rules are on', async () => {
    build();
    const one = pull({ headRef: 'fix' });
    standIn.clear();
    await gate({ ...changed(one), gate: RULES });
    expect(standIn.used.cost).toBeLessThanOrEqual(7);
  });

  it('that of its own pull requests where the checks of a branch have ended, from a fork too', async () => {
    build();
    const [one, fork, other] = [pull({ headRef: 'fix' }), pull({ headRef: 'fix', fork: true }), pull()];
    const payload = { workflow_run: { event: 'pull_request', head_branch: 'fix', head_sha: one.head } };
    const result = await gate({ event: 'workflow_run', payload, gate: RULES });
    expect([one, fork, other].map((each) => statusOf(each)?.state)).toEqual(['failure', 'failure', undefined]);
    expect(result.summary).toContain('2 statuses written');
  });
});

describe('a head that takes no more statuses', () => {
  it('is named with what helps, and no other waits for it', async () => {
    build('failure');
    const [full, one] = [pull(), pull()];
    for (let count = 0; count < 1000; count++) shop.status(full.head, CONTEXT, 'success');
    const result = await gate();
    expect([statusOf(full)?.state, statusOf(one)?.state]).toEqual(['success', 'failure']);
    expect(result).toMatchObject({ code: 'gate-behind', next: expect.stringContaining('push a commit to its branch') });
  });
});

describe('a head that pull requests of several branches share', () => {
  it('gets the worst verdict of them, whichever of them the event is about', async () => {
    build();
    const one = pull({ headRef: 'fix' });
    const twin = shop.pull(one.head, 'main', 'open', { headRef: 'same-fix' });
    shop.pull(one.head, 'stable', 'open', { headRef: 'backport' });
    shop.role('hubot', 'write');
    shop.review(one, { by: 'hubot', state: 'APPROVED' });
    const given = { gate: { review: { required: 1 } } };
    await gate({ ...changed(one), ...given });
    expect(statusOf(one)).toMatchObject({ state: 'failure', description: expect.stringContaining(`#${twin.number}`) });
    const { description } = statusOf(one)!;
    await gate({ event: 'schedule', ...given });
    expect(statusOf(one)?.description).toBe(description);
    shop.review(twin, { by: 'hubot', state: 'APPROVED' });
    await gate({ ...changed(twin), ...given });
    expect(statusOf(one)?.state).toBe('success');
  });
});

describe("a job that is in one of Changeline's steps", () => {
  const ours = { name: 'Run acme/changeline/actions/backup@v1', conclusion: null };
  it.each([
    ['and has a test to come is not finished', ['Run npm test', 'Complete job'], 'failure'],
    ['and has only its own end to come holds nobody up', ['Post Run actions/checkout@v7', 'Complete job'], 'success'],
    ['and has only more of them to come neither', ['Run acme/changeline/actions/deploy@v1', 'Complete job'], 'success'],
  ])('%s', async (_, coming, state) => {
    build('failure');
    const sha = build();
    const steps = [ours, ...coming.map((name) => ({ name, conclusion: null }))];
    shop.run(sha, { workflow: 'Nightly', jobs: [{ name: 'backup', status: 'in_progress', steps }] });
    const one = pull();
    await gate();
    expect(statusOf(one)?.state).toBe(state);
  });
});

describe('an override of somebody who has lost the role', () => {
  it('shuts its own pull request, and no other, where the team that is left cannot be read', async () => {
    build('failure');
    const one = pull();
    const given = { gate: { override: { from: ['role:maintain', 'team:acme/leads'], longest: '24h' } } };
    await gate({ ...commented(one, '/override because the fix is in it'), ...given });
    expect(statusOf(one)?.state).toBe('success');
    shop.role('octocat', 'write');
    expect((await gate({ event: 'schedule', ...given })).outcome).toBe('passed');
    expect(statusOf(one)?.state).toBe('failure');
  });
});

describe('a change that was merged past the gate', () => {
  it('gets its reason into the ledger by a comment afterwards', async () => {
    build('failure');
    const one = pull();
    shop.merge(one, 'octocat');
    const result = await gate(commented(one, '/override because the gate itself was broken'));
    expect([result.code, result.facts.override]).toEqual([
      expect.not.stringContaining('refused'),
      { code: 'ok', pull: one.number },
    ]);
    const answers = shop.commentsOn(one.number).filter(({ by }) => by === 'github-actions[bot]');
    expect(answers.map(({ body }) => body).join()).toMatch(/let this pull request in past the gate/);
  });
});

describe('GitHub in trouble', () => {
  it('that says so in an answer to a query is asked again', async () => {
    build('failure');
    const one = pull();
    const body = { data: null, errors: [{ message: 'Something went wrong while executing your query.' }] };
    standIn.fault({ match: /query gate\(/, kind: 'status', status: 200, body, times: 2 });
    expect([(await gate()).outcome, statusOf(one)?.state]).toEqual(['passed', 'failure']);
  });

  it('that says so in an answer to a write is not: it may have been done', async () => {
    const github = openGitHub({
      token: standIn.token(ANSWERING),
      apiUrl: standIn.url,
      repository: 'acme/shop',
      pause: 1,
    });
    const body = { data: null, errors: [{ message: 'Something went wrong while executing your query.' }] };
    standIn.fault({ match: /mutation/, kind: 'status', status: 200, body, times: 9 });
    const failure = await github.graphql('mutation { x }').catch((thrown: unknown) => thrown as Failure);
    expect(failure).toBeInstanceOf(Failure);
    expect([(failure as Failure).code, (failure as Failure).facts.unsure, standIn.requests.length]).toEqual([
      'github-unreachable',
      true,
      1,
    ]);
  });
});

describe('a group in the merge queue whose branch is not shown yet', () => {
  it('is let in with its pull request', async () => {
    build('failure');
    const one = pull();
    await gate(commented(one, '/override because the fix is in it'));
    const sha = shop.commit('unseen');
    const base = shop.branches.get('main');
    const group = {
      head_sha: sha,
      base_ref: 'refs/heads/main',
      head_ref: `refs/heads/gh-readonly-queue/main/pr-${one.number}-${base}`,
    };
    await gate({ event: 'merge_group', payload: { action: 'checks_requested', merge_group: group }, gate: {} });
    expect(shop.statusOf(sha, CONTEXT)?.state).toBe('success');
  });
});

describe('a gate that cannot decide', () => {
  let workspace: string;

  beforeEach(async () => {
    workspace = await mkdtemp(join(tmpdir(), 'changeline-'));
  });

  afterEach(() => rm(workspace, { recursive: true }));

  /** The gate as the action runs it, with changeline.yml of the default branch. */
  async function performed(given: GateGiven = {}) {
    const runner = gateRunner(standIn, shop, given);
    const place = { workspace, scratch: workspace, handover: workspace, cache: workspace, reports: workspace };
    const holder = {
      kind: 'actions',
      repository: 'acme/shop',
      run: '1',
      attempt: '1',
      job: 'gate',
      url: '',
      actor: 'octocat',
    } as const;
    const signal = new AbortController().signal;
    const inputs = { token: standIn.token(given.permissions ?? LEAST) };
    const door = {
      given: inputs,
      style: (name: string) => name,
      env: {},
      log,
      signal,
      runner,
      holder,
      step: 'step',
      place,
    };
    return (await perform('gate', door)).result;
  }

  const file = (text: string) => ({ '.github/changeline.yml': text });

  it('says so on what is open where changeline.yml is broken, and lets nobody in by what it said before', async () => {
    build();
    const [one, other] = [pull(), pull()];
    await performed();
    expect(statusOf(one)?.state).toBe('success');
    const entry = shop.enqueue(other);
    build('failure', file('gate: { chekcs: [build] }'));
    const result = await performed();
    expect(result).toMatchObject({
      code: 'config-invalid',
      outcome: 'failed',
      next: expect.stringContaining('bypass'),
    });
    expect([one, other].map((each) => statusOf(each)?.state)).toEqual(['failure', 'failure']);
    expect(shop.statusOf(entry.head, CONTEXT)?.state).toBe('pending');
    expect(statusOf(one)?.description).toMatch(/cannot decide.*changeline\.yml/);
    build('success', file(gateFile({})));
    await performed();
    expect([statusOf(one)?.state, shop.statusOf(entry.head, CONTEXT)?.state]).toEqual(['success', 'success']);
  });

  it('says so on the one pull request of the event alone', async () => {
    build('success', file(']['));
    const [one, other] = [pull({ headRef: 'fix' }), pull()];
    await performed(changed(one));
    expect([statusOf(one)?.state, statusOf(other)]).toEqual(['failure', undefined]);
  });

  it('says so where gate.branch names a branch that was renamed', async () => {
    build('success', file(gateFile({ branch: 'master' })));
    const one = pull();
    const result = await performed({ event: 'schedule' });
    expect([result.code, statusOf(one)?.state]).toEqual(['gate-unknown', 'failure']);
    expect(statusOf(one)?.description).toContain('there is no branch master');
  });

  it('says so where the ledger is damaged', async () => {
    build('success', file(gateFile({})));
    shop.commit('changeline', { files: { '.gate/state.json': '{' } });
    const one = pull();
    const result = await performed();
    expect([result.code, statusOf(one)?.state]).toEqual(['ledger-damaged', 'failure']);
  });

  it('leaves what stands where it is only GitHub that does not answer', async () => {
    build();
    const one = pull();
    await performed();
    standIn.fault({ match: /query gate\(/, kind: 'status', status: 502, times: 9 });
    expect([(await performed()).code, statusOf(one)?.state]).toEqual(['github-unreachable', 'success']);
  });
});
