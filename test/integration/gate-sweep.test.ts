import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { emptyState, type Ledger } from '../../src/ledger/ledger.ts';
import { RecordingLog } from '../../src/log/log.ts';
import type { Doorway } from '../../src/stages/frame/context.ts';
import { finish } from '../../src/stages/frame/ending.ts';
import { type Performed, perform } from '../../src/stages/frame/frame.ts';
import { ANSWERING, CONTEXT, type GateGiven, gateFile, gateRunner, LEAST, runGate } from '../support/gate.ts';
import type { Pull, PullGiven } from '../support/github/records-talk.ts';
import { type Repository, type StandIn, startStandIn } from '../support/github/stand-in.ts';

const POST = /^POST .*\/statuses\//;
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

/** A commit on main that the build judged. */
function build(conclusion = 'success', files: Record<string, string> = {}): string {
  const sha = shop.commit('main', { files });
  shop.run(sha, { jobs: [{ name: 'build', conclusion }] });
  return sha;
}

const pull = (more: PullGiven = {}, base = 'main'): Pull => shop.pull(shop.commit('heads'), base, 'open', more);
const pulls = (count: number, more: PullGiven = {}): Pull[] => Array.from({ length: count }, () => pull(more));
const stateOf = ({ head }: Pull) => shop.statusOf(head, CONTEXT)?.state;
const states = (all: readonly Pull[]) => [...new Set(all.map(stateOf))];
const own = () => shop.statuses.filter(({ context }) => context === CONTEXT);
const writes = () => standIn.requests.filter(({ request }) => POST.test(request));
const reads = () => standIn.requests.filter(({ request }) => !POST.test(request));

describe('configuration', () => {
  let workspace: string;

  beforeEach(async () => {
    workspace = await mkdtemp(join(tmpdir(), 'changeline-'));
  });

  afterEach(() => rm(workspace, { recursive: true }));

  const performed = (given: Record<string, string>, run: GateGiven = {}): Promise<Performed> =>
    perform('gate', doorOf(given, run));

  function doorOf(given: Record<string, string>, run: GateGiven = {}): Doorway {
    const runner = gateRunner(standIn, shop, run);
    return {
      given: { token: standIn.token(LEAST), ...given },
      style: (name) => name,
      env: {},
      log,
      signal: new AbortController().signal,
      runner,
      holder: {
        kind: 'actions',
        repository: 'acme/shop',
        run: '1',
        attempt: '1',
        job: 'gate',
        url: '',
        actor: 'octocat',
      },
      step: 'step',
      place: { workspace, scratch: workspace, handover: workspace, cache: workspace, reports: workspace },
    };
  }

  it('is not read again at the end of the job, where nothing is left to do', async () => {
    expect(await finish('gate', doorOf({}), null, 'success')).toBe(null);
    expect(standIn.requests).toEqual([]);
  });

  it('is that of the default branch, not that of the checkout', async () => {
    await writeFile(join(workspace, 'changeline.yml'), gateFile({ checks: ['build'] }));
    build('failure', { 'changeline.yml': gateFile({ checks: ['lint'] }) });
    shop.check(shop.branches.get('main')!, 'lint', { name: 'lint' });
    const { result } = await performed({ config: './changeline.yml' });
    expect([result.code, result.facts.state]).toEqual(['gate-open', 'green']);
  });

  it('needs no variable to be set, and may be absent', async () => {
    const environments = { production: { database: '${SHOP_DATABASE_URL}' } };
    build('success', { '.github/changeline.yml': gateFile({}, environments) });
    expect((await performed({})).result.code).toBe('gate-open');
    build('success', { '.github/changeline.yml': gateFile({ branch: 'stable' }) });
    expect((await performed({})).result).toMatchObject({ code: 'gate-unknown', outcome: 'inconclusive' });
  });

  it.each([
    ['a file that is not there, where it was asked for', 'elsewhere.yml', 'config-missing'],
    ['a path outside', '../changeline.yml', 'input-invalid'],
    ['a file that does not hold', 'broken.yml', 'config-invalid'],
  ])('refuses %s', async (_, config, code) => {
    build('success', { 'broken.yml': 'gate: { chekcs: [build] }' });
    expect((await performed({ config })).result.code).toBe(code);
    expect(own()).toEqual([]);
  });

  it('asks nothing of a ledger where there is none, and goes by the default branch', async () => {
    shop.defaultBranch = 'trunk';
    shop.run(shop.commit('trunk'), { jobs: [{ name: 'build', conclusion: 'failure' }] });
    const one = pull({}, 'trunk');
    expect((await performed({}, { ref: 'refs/heads/trunk' })).result.facts.branch).toBe('trunk');
    expect([stateOf(one), reads().some(({ body }) => JSON.stringify(body).includes('heads/changeline'))]).toEqual([
      'failure',
      false,
    ]);
  });

  it('is read with everything else in seven requests where nothing changed, and nothing is written', async () => {
    build('success', { '.github/changeline.yml': gateFile({}) });
    for (const { head } of pulls(500)) shop.status(head, CONTEXT, 'success', { description: 'main is green' });
    standIn.clear();
    const { result } = await performed({}, { event: 'workflow_run' });
    expect(result.facts.statuses).toMatchObject({ written: 0, unchanged: 500, reads: 1 });
    expect(standIn.requests.length).toBeLessThanOrEqual(7);
  }, 30_000);
});

describe('every open pull request', () => {
  it('comes out right, whatever it is', async () => {
    build('failure');
    const into = [
      pull(),
      pull({ draft: true }),
      pull({ fork: true }),
      pull({ mergeable: false }),
      pull({ title: '`$(id)`\n<img src=x> @team \u202e' }),
    ];
    const stacked = pull({}, into[0]!.headRef);
    const away = pull();
    shop.editPull(away, { base: 'stable' });
    const closed = pull();
    shop.closePull(closed);
    const retargeted = pull({}, 'stable');
    shop.editPull(retargeted, { base: 'main' });
    const result = await gate();
    expect(states([...into, retargeted])).toEqual(['failure']);
    expect(states([stacked, away, closed])).toEqual([undefined]);
    expect(result.facts.statuses).toMatchObject({ written: 6, unchanged: 0, left: 0 });
  });

  it.each(['workflow_run', 'schedule', 'workflow_dispatch', 'repository_dispatch'])(
    'is repaired by %s',
    async (event) => {
      build('failure');
      const all = pulls(3);
      await gate({ event, payload: {} });
      expect(states(all)).toEqual(['failure']);
    },
  );

  it('writes once on a head that several share', async () => {
    build('failure');
    const head = shop.commit('heads');
    shop.pull(head);
    shop.pull(head);
    await gate();
    expect(own().length).toBe(1);
  });

  it('says what it would block, and blocks nothing, where it only observes', async () => {
    build('failure');
    const one = pull();
    await gate({ gate: { observe: true } });
    expect([stateOf(one), shop.statusOf(one.head, CONTEXT)?.description]).toEqual([
      'success',
      expect.stringMatching(/^would be blocked: main is red/),
    ]);
  });

  it('is not kept red by a freeze that is over by the clock of GitHub', async () => {
    build();
    const one = pull();
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const freeze = { id: '1', since: '2026-01-01T00:00:00Z', until, why: 'inventory', owner: 'hubot', change: null };
    const states = async (names: readonly string[]) =>
      names.map((name) => ({ ...emptyState(name), freezes: name === 'production' ? [freeze] : [] }));
    const given = { gate: {}, ledger: { states } as Ledger };
    expect(await gate(given)).toMatchObject({ code: 'frozen', outputs: { open: false } });
    expect(shop.statusOf(one.head, CONTEXT)?.description).toContain('production is frozen');
    standIn.skew = 2 * 3_600_000;
    expect((await gate(given)).code).toBe('gate-open');
    expect(stateOf(one)).toBe('success');
  });

  it('asks about the freezes of the last environment alone, or of those that are named', async () => {
    build();
    const asked: (readonly string[])[] = [];
    const ledger = {
      states: async (names: readonly string[]) => {
        asked.push(names);
        return names.map(emptyState);
      },
    } as unknown as Ledger;
    const environments = { uat: {}, production: { after: 'uat' } };
    await gate({ gate: {}, environments, ledger });
    await gate({ gate: { freezes: ['uat'] }, environments, ledger });
    expect(asked).toEqual([
      ['.gate', 'production'],
      ['.gate', 'uat'],
    ]);
  });
});

describe('one pull request', () => {
  const event = (one: Pull, name = 'pull_request_target') => {
    const { payload } = standIn.events.findLast(
      (seen) => seen.name === 'pull_request' && (seen.payload as { number: number }).number === one.number,
    )!;
    return { event: name, payload };
  };

  it('bears the status on the head that it has now, and no other does', async () => {
    build('failure');
    const other = pull();
    const one = pull();
    const given = event(one);
    shop.synchronize(one, shop.commit('heads'));
    const result = await gate(given);
    expect([stateOf(one), own().length, stateOf(other)]).toEqual(['failure', 1, undefined]);
    expect(result).toMatchObject({ outcome: 'passed', code: 'gate-red', outputs: { open: false, state: 'red' } });
  });

  it('says why it writes nothing where the pull request does not go into the branch', async () => {
    build('failure');
    const one = pull();
    shop.editPull(one, { base: 'stable' });
    await gate(event(one));
    expect([own(), log.lines.join()]).toEqual([[], expect.stringContaining('goes into stable, not into main')]);
  });

  it('gets what its own rules say, where main is green', async () => {
    build();
    const one = pull();
    const result = await gate({ ...event(one), gate: { review: { required: 1 } } });
    expect(result).toMatchObject({ code: 'review-missing', outputs: { open: false, state: 'green' } });
    expect(stateOf(one)).toBe('failure');
    shop.role('hubot', 'write');
    shop.review(one, { by: 'hubot', state: 'APPROVED' });
    expect((await gate({ ...event(one, 'pull_request_review'), gate: { review: { required: 1 } } })).code).toBe(
      'gate-open',
    );
    expect(stateOf(one)).toBe('success');
  });

  it('names workflow_run where a review of a fork leaves only a token that reads', async () => {
    build('failure');
    const one = pull({ fork: true });
    const { payload } = event(one);
    const foreign = structuredClone(payload) as { pull_request: { head: { repo: unknown } } };
    foreign.pull_request.head.repo = { full_name: 'fork/shop' };
    const permissions = { ...LEAST, statuses: 'read' as const };
    const result = await gate({ event: 'pull_request_review', payload: foreign as never, permissions });
    expect([result.outcome, result.code, log.lines.join()]).toEqual([
      'passed',
      'gate-red',
      expect.stringContaining('workflow_run'),
    ]);
  });

  it('is let in by a comment, and stays let in at the next sweep', async () => {
    build('failure');
    const one = pull();
    const other = pull();
    await gate({ gate: {} });
    shop.comment(one.number, { body: '/override because the fix is in it' });
    const { payload } = standIn.takeEvent('issue_comment');
    const given = { event: 'issue_comment', payload, permissions: ANSWERING, gate: {} };
    const result = await gate(given);
    expect(result.outputs).toMatchObject({ open: true, state: 'red' });
    expect(shop.statusOf(one.head, CONTEXT)).toMatchObject({
      state: 'success',
      description: expect.stringContaining('let in by octocat'),
    });
    expect((await gate({ event: 'schedule', gate: {} })).facts.statuses).toMatchObject({ written: 0, unchanged: 2 });
    expect(stateOf(other)).toBe('failure');
  });

  it('stays out where the comment is of somebody who may not', async () => {
    build('failure');
    const one = pull();
    shop.role('mallory', 'write');
    shop.comment(one.number, { by: 'mallory', body: '/override because I say so' });
    const { payload } = standIn.takeEvent('issue_comment');
    const result = await gate({ event: 'issue_comment', payload, permissions: ANSWERING, gate: {}, actor: 'mallory' });
    expect([result.code, stateOf(one)]).toEqual(['override-refused', 'failure']);
  });
});

describe('the merge queue', () => {
  it('waits while main is red, and goes on by the push that repairs it', async () => {
    build('failure');
    const one = pull();
    const entry = shop.enqueue(one);
    const { payload } = standIn.takeEvent('merge_group');
    await gate({ event: 'merge_group', payload, ref: `refs/heads/${entry.branch}` });
    expect([shop.statusOf(entry.head, CONTEXT)?.state, own().length]).toEqual(['pending', 1]);
    build();
    await gate();
    expect(shop.statusOf(entry.head, CONTEXT)?.state).toBe('success');
  });
});

describe('what landed past the gate', () => {
  const pushed = (sha: string) => ({ event: 'push', payload: { after: sha } });

  it('is said, with who merged it', async () => {
    build('failure');
    const one = pull();
    await gate();
    const sha = shop.merge(one, 'mallory');
    const result = await gate(pushed(sha));
    expect(result.facts.past).toEqual({ sha, pull: one.number, by: 'mallory', state: 'failure' });
    expect(log.lines.join()).toContain('merged by mallory, landed past the gate');
  });

  it('is nothing where the head bore success', async () => {
    build();
    const one = pull();
    await gate();
    expect((await gate(pushed(shop.merge(one)))).facts.past).toBe(null);
    expect((await gate(pushed(shop.commit('main')))).facts.past).toBe(null);
  });
});

describe('what goes wrong', () => {
  it('keeps what 80 writes a minute allow, in order, and says who was late', async () => {
    build('failure');
    standIn.limits = { minute: 300 };
    const drafts = pulls(5, { draft: true });
    const open = pulls(140);
    const approved = pulls(3, { autoMerge: true });
    const entry = shop.enqueue(approved[0]!);
    const result = await gate({ window: 300 });
    const order = own().map(({ sha }) => sha);
    expect(standIn.used.refused).toBe(0);
    expect(order.indexOf(entry.head)).toBe(0);
    // Several are under way at once, so their order is that of a handful.
    expect(order.slice(0, 26)).toEqual(expect.arrayContaining(approved.map(({ head }) => head)));
    expect(order.slice(-26)).toEqual(expect.arrayContaining(drafts.map(({ head }) => head)));
    expect(states(open)).toEqual(['failure']);
    const { late, waited, ...statuses } = result.facts.statuses as Record<string, never>;
    expect(statuses).toMatchObject({ written: 149, left: 0 });
    expect([late, waited]).toEqual([{ count: 69, longest: expect.any(Number) }, expect.any(Number)]);
    expect(waited).toBeGreaterThan(0);
  }, 30_000);

  it('ends where a limit lasts, says until when, and the next run writes only what lacks', async () => {
    build('failure');
    const all = pulls(50);
    standIn.limits = { contentHour: 30 };
    const result = await gate();
    expect(result).toMatchObject({
      outcome: 'inconclusive',
      code: 'gate-behind',
      facts: { statuses: { written: 30, left: 20 } },
    });
    expect([result.summary, result.next]).toEqual([
      expect.stringContaining('20 of 50 heads'),
      expect.stringMatching(/after \d{4}-/),
    ]);
    standIn.limits = null;
    expect((await gate({ event: 'schedule' })).facts.statuses).toMatchObject({ written: 20, unchanged: 30 });
    expect([states(all), own().length]).toEqual([['failure'], 50]);
  });

  it('waits as long as GitHub says, and goes on', async () => {
    build('failure');
    const all = pulls(5);
    standIn.fault({ match: POST, kind: 'status', status: 403, headers: { 'retry-after': '0.02' }, times: 2 });
    expect((await gate()).facts.statuses).toMatchObject({ written: 5, left: 0 });
    expect([states(all), own().length]).toEqual([['failure'], 5]);
  });

  it('reads again what broke off, and looks whether a write landed', async () => {
    build('failure');
    const all = pulls(4);
    standIn.fault({ match: /graphql query gate/, kind: 'cut' });
    standIn.fault({ match: POST, kind: 'cut' });
    standIn.fault({ match: POST, kind: 'drop' });
    expect((await gate()).facts.statuses).toMatchObject({ left: 0 });
    expect([states(all), own().length]).toEqual([['failure'], 4]);
  });

  it('counts a head that is gone, and writes the others', async () => {
    build('failure');
    const [gone, ...others] = pulls(4);
    shop.forget(gone!.head);
    const result = await gate();
    expect(result).toMatchObject({ outcome: 'passed', facts: { statuses: { written: 3, gone: 1, left: 0 } } });
    expect(states(others)).toEqual(['failure']);
  });

  it('does not fail on one that is closed while it writes', async () => {
    build('failure');
    const all = pulls(90);
    const close = () => {
      for (const one of all.slice(0, 5)) shop.closePull(one);
    };
    standIn.fault({ match: POST, kind: 'before', run: close });
    const { statuses } = (await gate()).facts;
    expect(statuses).toMatchObject({ left: 0 });
    expect(states(all.slice(5))).toEqual(['failure']);
  });

  it('misses none where the pages change while they are read', async () => {
    build('failure');
    const all = pulls(150);
    standIn.fault({
      match: /pulls: pullRequests/,
      kind: 'before',
      run: () => {
        standIn.fault({
          match: /pulls: pullRequests/,
          kind: 'before',
          run: () => {
            shop.closePull(all[0]!);
            shop.editPull(all[120]!, { base: 'stable' });
            all.push(pull());
          },
        });
      },
    });
    await gate({ window: 20 });
    const open = shop.pulls.filter((one) => one.state === 'open' && one.base === 'main');
    expect([open.length, states(open)]).toEqual([149, ['failure']]);
  });

  it('finds out by one request that the token may not write', async () => {
    build('failure');
    pulls(50);
    const failed = gate({ permissions: { ...LEAST, statuses: 'read' } });
    await expect(failed).rejects.toMatchObject({
      code: 'github-denied',
      message: expect.stringContaining('statuses: write'),
    });
    expect(writes().length).toBe(1);
  });

  it('does not write again and again what it cannot read yet', async () => {
    build('failure');
    pulls(3);
    standIn.lag = 4;
    expect((await gate()).facts.statuses).toMatchObject({ written: 3, left: 0 });
    expect(own().length).toBe(3);
  });

  it('ends right where the older of two gates writes last', async () => {
    build('failure');
    const all = pulls(6);
    standIn.fault({
      match: POST,
      kind: 'before',
      run: () => {
        // Main is repaired, and a newer gate has said so everywhere, before the older one writes what it read.
        build();
        for (const { head } of all) shop.status(head, CONTEXT, 'success', { description: 'main is green' });
      },
    });
    const result = await gate();
    expect([states(all), result.code]).toEqual([['success'], 'gate-open']);
  });

  it('ends right where two gates write at once', async () => {
    build('failure');
    const all = pulls(30);
    let newer: Promise<unknown> = Promise.resolve();
    standIn.fault({
      match: POST,
      kind: 'before',
      run: () => {
        build();
        newer = gate({ event: 'workflow_run' });
      },
    });
    await gate();
    await newer;
    expect(states(all)).toEqual(['success']);
  });

  it('says that it is behind where GitHub answers no more, and keeps what stands', async () => {
    build('failure');
    pulls(3);
    standIn.fault({
      match: POST,
      kind: 'before',
      run: () => standIn.fault({ match: /graphql/, kind: 'status', status: 502, times: 99 }),
    });
    expect(await gate()).toMatchObject({
      outcome: 'inconclusive',
      code: 'gate-behind',
      facts: { statuses: { written: 3, left: 0 } },
    });
  });
});
