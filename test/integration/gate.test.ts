import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Environment, GateSection } from '../../src/config/config.ts';
import { openGitHub } from '../../src/github/github.ts';
import type { LedgerEvent } from '../../src/ledger/ledger.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { Failure, type Result } from '../../src/outcome/outcome.ts';
import type { Book } from '../../src/stages/frame/book.ts';
import { stage } from '../../src/stages/gate.ts';
import type { StageContext } from '../../src/stages/stage.ts';
import { CONTEXT, type GateGiven, gateContext, LEAST } from '../support/gate.ts';
import { type JobGiven, type Repository, type StandIn, startStandIn } from '../support/github/stand-in.ts';

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

/** A run of the gate; `delivers` for one inside a delivery. */
interface Given extends GateGiven {
  delivers?: boolean;
}

function context(given: Given): StageContext<'gate'> {
  const environment = given.delivers ? ({ name: 'production' } as Environment) : null;
  return { ...gateContext(standIn, shop, { log, ...given }), environment };
}

async function gate(given: Given = {}): Promise<Result> {
  return stage.run(context(given));
}

const build = (conclusion: string | null = 'success'): JobGiven =>
  conclusion === null ? { name: 'build', status: 'in_progress' } : { name: 'build', conclusion };

/** A commit on main, with one run of CI where a job is given. */
function push(...jobs: JobGiven[]): string {
  const sha = shop.commit();
  if (jobs.length > 0) shop.run(sha, { jobs, actor: 'hubot' });
  return sha;
}

function pullRequest(from = 'acme/shop') {
  const head = shop.commit('feature');
  const { number, headRef } = shop.pull(head, 'main', 'open', { fork: from !== 'acme/shop' });
  const repo = { full_name: from };
  const pull = { number, state: 'open', head: { ref: headRef, sha: head, repo }, base: { ref: 'main' } };
  return { head, number, payload: { pull_request: pull } };
}

describe('on a pull request', () => {
  it('says that main is red, on the head of the pull request, and stays a green step', async () => {
    const sha = push(build('failure'));
    const { head, payload } = pullRequest();
    const result = await gate({ event: 'pull_request', payload });
    expect([result.outcome, result.code, result.outputs]).toEqual([
      'passed',
      'gate-red',
      { open: false, state: 'red' },
    ]);
    const status = shop.statusOf(head, CONTEXT)!;
    expect([status.state, shop.statuses.length]).toEqual(['failure', 1]);
    expect(status.description).toMatch(
      new RegExp(`"build" failed at ${sha.slice(0, 7)}, pushed by hubot, since 2026-`),
    );
    expect(status.targetUrl).toBe('https://github.com/acme/shop/actions/runs/1/attempts/1');
    expect(result.markdown).toMatch(/actions\/runs\/\d+\/job\/\d+/);
  });

  it('says that main is green', async () => {
    push(build());
    const { head, payload } = pullRequest();
    const result = await gate({ event: 'pull_request', payload });
    expect([result.code, result.outputs?.open]).toEqual(['gate-open', true]);
    expect(shop.statusOf(head, CONTEXT)?.state).toBe('success');
  });

  it('warns where the token of a fork only reads, and keeps its outcome', async () => {
    push(build('failure'));
    const { payload } = pullRequest('fork/shop');
    const result = await gate({ event: 'pull_request', payload, permissions: { ...LEAST, statuses: 'read' } });
    expect([result.outcome, result.code]).toEqual(['passed', 'gate-red']);
    expect(log.lines.join()).toContain('pull_request_target');
    expect(result.markdown).toContain('build');
  });

  it('fails where its own repository gave too little', async () => {
    push(build());
    const { payload } = pullRequest();
    const failed = gate({ event: 'pull_request', payload, permissions: { ...LEAST, statuses: 'read' } });
    await expect(failed).rejects.toMatchObject({
      code: 'github-denied',
      message: expect.stringContaining('statuses: write'),
    });
  });

  it.each(['actions', 'checks', 'contents', 'statuses'])(
    'fails without %s: read, rather than be open',
    async (name) => {
      push(build('failure'));
      const { payload, head } = pullRequest();
      const failed = gate({ event: 'pull_request', payload, permissions: { ...LEAST, [name]: 'none' } });
      await expect(failed).rejects.toMatchObject({ code: 'github-denied' });
      expect(shop.statusOf(head, CONTEXT)?.state ?? 'failure').toBe('failure');
    },
  );
});

describe('the evidence', () => {
  it('finds the one failure among 250 check runs and 150 statuses', async () => {
    const sha = push(build('timed_out'), ...Array.from({ length: 250 }, (_, index) => ({ name: `job ${index}` })));
    for (let index = 0; index < 150; index++) shop.status(sha, `ci/${index}`, 'success');
    expect((await gate()).facts).toMatchObject({ state: 'red', red: [{ name: 'build', said: 'timed_out' }] });
  });

  it('falls back to the last finished commit while the head runs', async () => {
    push(build('failure'));
    push(build(null));
    expect((await gate()).outputs).toEqual({ open: false, state: 'red' });
    push(build());
    push(build(null));
    const result = await gate();
    expect(result.outputs).toEqual({ open: true, state: 'green' });
    expect(result.summary).toContain('is not finished');
  });

  it('follows first parents only', async () => {
    push(build());
    const branch = shop.commit('feature');
    shop.run(branch, { jobs: [build('failure')] });
    const merge = shop.commit('main', { also: [branch] });
    const result = await gate();
    expect(result.facts).toMatchObject({ state: 'green', distance: 1, head: merge });
    expect(result.summary).toContain('waits for its checks');
  });

  it('looks at twenty-one commits and no further', async () => {
    push(build());
    for (let index = 0; index < 20; index++) push();
    const given = { gate: { grace: '1s' } };
    expect((await gate(given)).outputs?.state).toBe('green');
    push();
    const result = await gate(given);
    expect([result.code, result.outputs, result.facts.looked]).toEqual([
      'gate-unknown',
      { open: false, state: 'unknown' },
      21,
    ]);
    expect(result.next).toContain('on: push');
  });

  it('sees a workflow file that GitHub could not start', async () => {
    push(build());
    shop.run(push(), { conclusion: 'startup_failure' });
    expect((await gate()).facts).toMatchObject({ state: 'red', red: [{ name: 'CI', said: 'startup_failure' }] });
  });

  it('ignores runs of other events and deliveries that Changeline itself refused', async () => {
    const sha = push(build());
    shop.run(sha, { event: 'schedule', workflow: 'Stale', jobs: [{ name: 'stale', conclusion: 'failure' }] });
    const own = [{ name: 'Run acme/changeline/actions/deploy@v1', conclusion: 'failure' }];
    shop.run(sha, { workflow: 'Deliver', jobs: [{ name: 'deliver', conclusion: 'failure', steps: own }] });
    expect((await gate()).outputs?.state).toBe('green');
    const post = [{ name: 'Post Run acme/changeline@v1', conclusion: 'failure' }];
    shop.run(sha, { workflow: 'Chained', jobs: [{ name: 'chained', conclusion: 'failure', steps: post }] });
    expect((await gate()).outputs?.state).toBe('green');
    const test = [{ name: 'Run npm test', conclusion: 'failure' }, ...own, ...post];
    shop.run(sha, { workflow: 'Release', jobs: [{ name: 'release', conclusion: 'failure', steps: test }] });
    expect((await gate()).outputs?.state).toBe('red');
  });

  it.each(['Deliver to production', 'Post Deliver to production', 'Post Run actions/cache@v4'])(
    'counts a job that failed in "%s" as a check like any other',
    async (name) => {
      const sha = push(build());
      const steps = [{ name, conclusion: 'failure' }];
      shop.run(sha, { workflow: 'Deliver', jobs: [{ name: 'deliver', conclusion: 'failure', steps }] });
      expect((await gate()).outputs?.state).toBe('red');
    },
  );

  it('is not held up by the run that asks', async () => {
    const sha = push(build());
    const own = shop.run(sha, { workflow: 'Deliver', jobs: [{ name: 'deliver', status: 'in_progress' }] });
    expect((await gate({ run: String(own.id) })).facts).toMatchObject({ state: 'green', distance: 0 });
  });

  it('keeps to the branch and the checks that changeline.yml names', async () => {
    push(build(), { name: 'flaky', conclusion: 'failure' });
    expect((await gate({ gate: { checks: ['build'] } })).outputs?.state).toBe('green');
    expect((await gate({ gate: { checks: ['build', 'e2e'] } })).outputs?.open).toBe(false);
    shop.run(shop.commit('stable'), { jobs: [build('failure')] });
    expect((await gate({ gate: { branch: 'stable', checks: ['build'] } })).summary).toContain('stable is red');
    await expect(gate({ gate: { branch: 'gone' } })).rejects.toMatchObject({ code: 'gate-unknown' });
  });

  it('fails, and is not open, where GitHub does not answer', async () => {
    push(build());
    standIn.fault({ match: /graphql query gate/, kind: 'status', status: 502, times: 99 });
    await expect(gate()).rejects.toMatchObject({ code: 'github-unreachable' });
  });

  it('says so in a repository without a commit', async () => {
    await expect(gate()).rejects.toMatchObject({ code: 'gate-unknown' });
  });
});

describe('after a push to main', () => {
  it('writes on every open pull request into it, once', async () => {
    push(build('failure'));
    const heads = Array.from({ length: 130 }, () => shop.commit('feature'));
    for (const head of heads) shop.pull(head);
    const other = shop.commit('feature');
    shop.pull(other, 'stable');
    const closed = shop.commit('feature');
    shop.pull(closed, 'main', 'closed');
    expect((await gate()).facts.statuses).toMatchObject({ written: 130, unchanged: 0 });
    expect(heads.every((head) => shop.statusOf(head, CONTEXT)?.state === 'failure')).toBe(true);
    expect([shop.statusOf(other, CONTEXT), shop.statusOf(closed, CONTEXT)]).toEqual([undefined, undefined]);
    expect((await gate({ event: 'schedule' })).facts.statuses).toMatchObject({ written: 0, unchanged: 130 });
    push(build());
    expect((await gate({ event: 'workflow_run' })).facts.statuses).toMatchObject({ written: 130, unchanged: 0 });
    expect(shop.statusOf(heads[0]!, CONTEXT)?.state).toBe('success');
  });

  it('writes nothing for another branch', async () => {
    push(build('failure'));
    const { head } = pullRequest();
    await gate({ ref: 'refs/heads/feature' });
    expect(shop.statusOf(head, CONTEXT)).toBeUndefined();
  });
});

describe('in a merge queue', () => {
  it('keeps a group waiting while main is red, and lets it go when main is green', async () => {
    push(build('failure'));
    const group = shop.commit('gh-readonly-queue/main/pr-1-0f');
    const payload = { merge_group: { head_sha: group, base_ref: 'refs/heads/main' } };
    await gate({ event: 'merge_group', payload, ref: 'refs/heads/gh-readonly-queue/main/pr-1-0f' });
    expect(shop.statusOf(group, CONTEXT)?.state).toBe('pending');
    push(build());
    await gate();
    expect(shop.statusOf(group, CONTEXT)?.state).toBe('success');
  });
});

describe('inside a delivery', () => {
  it.each([
    ['red', [build('failure')], 'gate-red', 'failed'],
    ['unknown', [], 'gate-unknown', 'inconclusive'],
    ['still in its first run', [build(null)], 'gate-unknown', 'inconclusive'],
  ])('stops the line where main is %s, before anything is touched', async (_, jobs, code, outcome) => {
    push(...jobs);
    await expect(gate({ delivers: true })).rejects.toMatchObject({ code, outcome, next: expect.any(String) });
    const planned = await stage.plan(context({ delivers: true }));
    expect(planned.map((line) => [line.kind, line.failure?.code])).toEqual([
      ['will', undefined],
      ['obstacle', code],
    ]);
    expect(shop.statuses).toEqual([]);
  });

  it('lets the line go on where main is green', async () => {
    push(build());
    expect(await gate({ delivers: true, permissions: { ...LEAST, statuses: 'read' } })).toMatchObject({
      outcome: 'passed',
    });
    expect((await stage.plan(context({ delivers: true }))).map((line) => line.kind)).toEqual(['will']);
  });
});

describe('an override inside a delivery', () => {
  const delivers = true;

  it('lets a red main pass, says so, and is recorded', async () => {
    push(build('failure'));
    const given = { delivers, override: 'the fix itself' };
    expect((await stage.plan(context(given))).map(({ kind, text }) => [kind, text])).toEqual([
      ['will', expect.any(String)],
      ['will', expect.stringContaining('let in by octocat (the fix itself)')],
    ]);
    const events: LedgerEvent[] = [];
    const book = { record: async (entry: LedgerEvent) => void events.push(entry) } as unknown as Book;
    const result = await stage.run({ ...context(given), book });
    expect(result).toMatchObject({ outcome: 'passed', code: 'gate-open', outputs: { open: true, state: 'red' } });
    expect(events).toMatchObject([{ kind: 'override', stage: 'gate', why: 'the fix itself' }]);
  });

  it('does not count where the person may not', async () => {
    push(build('failure'));
    shop.role('mallory', 'write');
    const given = { delivers, override: 'because', actor: 'mallory' };
    await expect(gate(given)).rejects.toMatchObject({ code: 'override-refused' });
  });

  it('is asked of nobody where the gate is open', async () => {
    push(build());
    expect((await gate({ delivers, override: 'because', actor: 'mallory' })).code).toBe('gate-open');
  });
});

describe('without GitHub', () => {
  const shell = (section?: Partial<GateSection>): StageContext<'gate'> => ({
    ...context(section ? { gate: section } : {}),
    runner: null,
    github: () => openGitHub({ token: '', apiUrl: standIn.url, repository: '' }),
  });

  it('is skipped, and says so', async () => {
    const result = await stage.run(shell());
    expect([result.outcome, result.code, result.outputs?.open]).toEqual(['skipped', 'not-configured', null]);
    expect((await stage.plan(shell())).map((line) => line.kind)).toEqual(['blind']);
  });

  it.each([
    ['failure', 'failed', 'gate-red'],
    [null, 'inconclusive', 'gate-unknown'],
    ['success', 'passed', 'gate-open'],
  ] as const)('ends as main is (%s), since a script goes by nothing else', async (conclusion, outcome, code) => {
    push(build(conclusion));
    const result = await stage.run({ ...context({}), runner: null });
    expect([result.outcome, result.code]).toEqual([outcome, code]);
  });

  it('refuses an override, which would do nothing', async () => {
    const given = context({});
    const work = stage.plan({ ...given, runner: null, inputs: { ...given.inputs, override: 'in a hurry' } });
    await expect(work).rejects.toMatchObject({ code: 'input-invalid' });
  });

  it('stops where changeline.yml asks for it all the same', async () => {
    const work = stage.run(shell({ checks: ['build'] }));
    await expect(work).rejects.toBeInstanceOf(Failure);
    await expect(work).rejects.toMatchObject({ code: 'gate-unknown', outcome: 'inconclusive' });
  });
});
