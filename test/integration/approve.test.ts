/** People who approve a delivery in an issue: asked, counted at the source, started again, refused where anything differs. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Runner } from '../../src/github/github.ts';
import {
  type ApprovalRequest,
  type EnvironmentState,
  type Ledger,
  openDirectoryLedger,
} from '../../src/ledger/ledger.ts';
import { RecordingLog } from '../../src/log/log.ts';
import type { Result } from '../../src/outcome/outcome.ts';
import type { Verb } from '../../src/stages/contract.ts';
import { type Doorway, placeAt } from '../../src/stages/frame/context.ts';
import { finish } from '../../src/stages/frame/ending.ts';
import { perform } from '../../src/stages/frame/frame.ts';
import {
  type Comment,
  type GitHubEvent,
  type Permissions,
  type Repository,
  type StandIn,
  startStandIn,
} from '../support/github/stand-in.ts';

const DELIVERS: Permissions = {
  actions: 'read',
  checks: 'read',
  contents: 'write',
  deployments: 'write',
  issues: 'write',
  statuses: 'read',
};
const ANSWERS: Permissions = { actions: 'write', contents: 'write', issues: 'write' };
const WORKFLOW = 'on: { workflow_dispatch: { inputs: { version: { required: true } } } }\njobs: {}\n';
const TWO = '{ required: 2, not-author: true, expire: 2h }';

let standIn: StandIn;
let shop: Repository;
let workspace: string;
let log: RecordingLog;
let runs: number;
/** True where the ledger lies on its branch, as it does by default. */
let onBranch: boolean;

beforeEach(async () => {
  standIn = await startStandIn();
  shop = standIn.repository('acme', 'shop');
  shop.role('ada', 'maintain');
  shop.role('bob', 'maintain');
  shop.role('mia', 'admin');
  shop.role('rita', 'read');
  workspace = mkdtempSync(join(tmpdir(), 'approve-'));
  mkdirSync(join(workspace, '.github'));
  for (const host of ['uat', 'web1', 'web2']) mkdirSync(join(workspace, 'hosts', host), { recursive: true });
  for (const version of ['1.0.0', '1.1.0']) artifact(version, version);
  log = new RecordingLog();
  runs = 0;
  onBranch = false;
  configure(TWO);
  push('octocat', 'The first', { '.github/workflows/deliver.yml': WORKFLOW });
});

afterEach(async () => {
  const { violations } = standIn;
  await standIn.close();
  rmSync(workspace, { recursive: true, force: true });
  expect(violations).toEqual([]);
});

function configure(
  production: string | null,
  uat: string | null = null,
  after = false,
  source = './artifacts/{version}',
): void {
  const section = (approve: string | null) => (approve === null ? [] : [`    approve: ${approve}`]);
  writeFileSync(
    join(workspace, '.github/changeline.yml'),
    [
      'name: shop',
      `artifact: ${source}`,
      ...(onBranch ? [] : ['ledger: ./ledger']),
      'environments:',
      '  uat:',
      '    hosts: [./hosts/uat]',
      '    deploy: { waves: ["100%"] }',
      ...section(uat),
      '  production:',
      ...(after ? ['    after: uat'] : []),
      '    hosts: [./hosts/web1, ./hosts/web2]',
      '    deploy: { waves: ["100%"] }',
      ...section(production),
    ].join('\n'),
  );
}

function artifact(version: string, text: string): void {
  mkdirSync(join(workspace, 'artifacts', version), { recursive: true });
  writeFileSync(join(workspace, 'artifacts', version, 'VERSION'), text);
}

/** A release with that version as its tag, built from a commit. */
function release(version: string, sha: string): void {
  const file = join(workspace, `${version}.tar.gz`);
  execFileSync('tar', ['-czf', file, '-C', join(workspace, 'artifacts', version), '.']);
  shop.release(version, { [`shop-${version}.tar.gz`]: readFileSync(file) });
  shop.branches.set(`tags/${version}`, sha);
}

function push(author: string, message: string, files: Record<string, string> = {}): string {
  const sha = shop.commit('main', { author, message, files });
  shop.run(sha, { jobs: [{ name: 'build' }] });
  return sha;
}

/** One job: its steps share a folder and end in the reverse order. */
async function job(
  steps: [Verb, Record<string, string>][],
  event: { name: string; actor: string; payload: Record<string, unknown> },
  permissions: Permissions,
): Promise<{ results: Result[]; endings: (Result | null)[] }> {
  const temporary = join(workspace, `job-${randomUUID()}`);
  runs += 1;
  const runner: Runner = {
    repository: 'acme/shop',
    event: event.name,
    payload: event.payload,
    sha: shop.branches.get('main')!,
    ref: 'refs/heads/main',
    run: String(runs),
    attempt: '1',
    hosted: true,
    job: 'deliver',
    workflow: 'Deliver',
    workflowRef: 'acme/shop/.github/workflows/deliver.yml@refs/heads/main',
    actor: event.actor,
    serverUrl: 'https://github.com',
    apiUrl: standIn.url,
    url: `https://github.com/acme/shop/actions/runs/${runs}/attempts/1`,
  };
  const token = standIn.token(permissions);
  const door = async (given: Record<string, string>, step: string): Promise<Doorway> => ({
    given: { ...given, token },
    style: (name) => name,
    env: {},
    log,
    signal: new AbortController().signal,
    runner,
    holder: { kind: 'actions', ...pick(runner) },
    step,
    place: await placeAt(workspace, temporary, join(workspace, 'cache'), join(workspace, 'reports')),
  });
  const done: { verb: Verb; given: Record<string, string>; step: string; result: Result }[] = [];
  for (const [verb, given] of steps) {
    const step = randomUUID();
    const { result } = await perform(verb, await door(given, step));
    done.push({ verb, given, step, result });
    if (!['passed', 'skipped', 'waiting'].includes(result.outcome)) break;
  }
  const status = done.every(({ result }) => ['passed', 'skipped', 'waiting'].includes(result.outcome));
  const endings: (Result | null)[] = [];
  for (const { verb, given, step, result } of done.toReversed())
    endings.push(await finish(verb, await door(given, step), result, status ? 'success' : 'failure'));
  return { results: done.map(({ result }) => result), endings };
}

function pick({ repository, run, attempt, job: name, url, actor }: Runner) {
  return { repository, run, attempt, job: name, url, actor };
}

function dispatched(version: string, actor: string) {
  return { name: 'workflow_dispatch', actor, payload: { inputs: { version } } };
}

async function deliver(
  version: string,
  {
    actor = 'octocat',
    environment = 'production',
    permissions = DELIVERS,
    ...given
  }: Record<string, unknown> & {
    actor?: string;
    environment?: string;
    permissions?: Permissions;
  } = {},
): Promise<Result> {
  const inputs = { version, environment, ...(given as Record<string, string>) };
  return (await job([['deliver', inputs]], dispatched(version, actor), permissions)).results[0]!;
}

/** The run that a comment starts. */
async function answered(event: GitHubEvent, permissions = ANSWERS): Promise<Result> {
  const { results } = await job([['approve', {}]], event, permissions);
  return results[0]!;
}

/** Somebody comments on the newest question; the run that it starts. */
async function says(by: string, body: string): Promise<Result> {
  shop.comment(question().number, { by, body });
  return answered(standIn.takeEvent('issue_comment'));
}

const question = () => shop.issues.at(-1)!;
const answer = () => shop.commentsOn(question().number).at(-1)!;
const ledger = (): Ledger => openDirectoryLedger(join(workspace, 'ledger'));
const state = (name = 'production'): Promise<EnvironmentState> => ledger().state(name);
const newest = async (): Promise<ApprovalRequest> => (await state()).requests[0]!;
const live = () =>
  ['web1', 'web2'].map((host) => {
    try {
      return readlinkSync(join(workspace, 'hosts', host, 'current'));
    } catch {
      return null;
    }
  });
const seen = ({ outcome, code, outputs }: Result) => [outcome, code, outputs?.approved ?? null];

/** Asked, and approved by ada and bob: the delivery that this has started is in the events. */
async function approved(): Promise<void> {
  await deliver('1.1.0', { actor: 'octocat' });
  await says('ada', '/approve');
  await says('bob', '/approve');
}

describe('a delivery that people must approve', () => {
  it('asks in an issue, touches nothing, and ends waiting', async () => {
    const result = await deliver('1.1.0');
    expect(seen(result)).toEqual(['waiting', 'approval-waiting', null]);
    expect(live()).toEqual([null, null]);
    const { title, body, by } = question();
    expect([title, by]).toEqual(['Approve shop 1.1.0 for production', 'github-actions[bot]']);
    const { bound } = await newest();
    for (const fact of [bound.digest, bound.commit!, bound.config, bound.plan]) expect(body).toContain(fact);
    expect(body).toContain('deploy 1.1.0 from ./artifacts/1.1.0 to 2 hosts');
    expect(await newest()).toMatchObject({ asks: 'delivery', by: 'octocat', ended: null, dispatched: null });
    const [change] = await ledger().recent('production', 1);
    expect(change).toMatchObject({ outcome: 'waiting', version: '1.1.0' });
    expect((await state()).open).toBeNull();
    expect(shop.deployments.at(-1)!.statuses.at(-1)!.state).toBe('inactive');
  });

  it('puts nothing back at the end of a job that only asked', async () => {
    const inputs = { version: '1.1.0', environment: 'production' };
    const { endings } = await job([['deliver', inputs]], dispatched('1.1.0', 'octocat'), DELIVERS);
    expect(endings).toEqual([null]);
  });

  it('counts one after the other, starts the delivery with the last, and lets it pass', async () => {
    await deliver('1.1.0');
    expect(seen(await says('rita', '/approve'))).toEqual(['waiting', 'approval-waiting', false]);
    expect(answer().body).toContain('has only read');
    expect(seen(await says('ada', '/approve'))).toEqual(['waiting', 'approval-waiting', false]);
    expect(answer().body).toContain('**1 of 2.**');
    expect(seen(await deliver('1.1.0'))).toEqual(['waiting', 'approval-waiting', null]);
    expect(shop.issues).toHaveLength(1);
    expect(seen(await says('bob', '/approve'))).toEqual(['passed', 'ok', true]);
    expect(answer().body).toContain('The delivery was started');
    const event = standIn.takeEvent('workflow_dispatch');
    expect(event.payload.inputs).toEqual({ version: '1.1.0' });
    const result = await deliver('1.1.0', { actor: event.actor });
    expect([result.outcome, result.code, live()]).toEqual(['passed', 'ok', ['versions/1.1.0', 'versions/1.1.0']]);
    expect(question()).toMatchObject({ state: 'closed', reason: 'COMPLETED' });
    expect(await newest()).toMatchObject({ ended: 'used' });
    const asked = await ledger().change('production', (await newest()).change);
    expect(asked!.events.filter(({ stage }) => stage === 'approve').map(({ outcome }) => outcome)).toContain('passed');
  });

  it('does not count the author of a commit, who asked, an app, an edited or a deleted comment', async () => {
    await deliver('1.0.0', { actor: 'mia' });
    await says('ada', '/approve');
    await says('bob', '/approve');
    expect((await deliver('1.0.0', { actor: 'mia' })).outcome).toBe('passed');
    standIn.clear();
    push('bob', 'A change by bob; fixes #3');
    await deliver('1.1.0', { actor: 'ada' });
    expect(question().body).not.toMatch(/#3/);
    await says('ada', '/approve');
    expect(answer().body).toContain('asked for it');
    await says('bob', '/approve');
    expect(answer().body).toContain('wrote a commit of it');
    const mia: Comment = shop.comment(question().number, { by: 'mia', body: '/approve not' });
    shop.editComment(mia, '/approve');
    await answered(standIn.takeEvent('issue_comment'));
    expect(answer().body).toContain('was edited');
    shop.comment(question().number, { by: 'robot[bot]', body: '/approve' });
    expect((await answered(standIn.events.find(({ actor }) => actor === 'robot[bot]')!)).code).toBe('nothing-to-do');
    expect((await deliver('1.1.0', { actor: 'ada' })).facts.lacks).toBe(2);
    shop.deleteComment(mia);
    const result = await deliver('1.1.0', { actor: 'ada' });
    expect([result.outcome, live()]).toEqual(['waiting', ['versions/1.0.0', 'versions/1.0.0']]);
  });

  it('counts as authors those of the commits between the two versions, not between the two runs', async () => {
    configure('{ required: 1, not-author: true, expire: 2h }', null, false, 'release:shop-{version}.tar.gz');
    release('1.0.0', shop.branches.get('main')!);
    release('1.1.0', push('bob', 'A change by bob'));
    await deliver('1.0.0', { actor: 'mia' });
    await says('ada', '/approve');
    expect((await deliver('1.0.0', { actor: 'mia' })).outcome).toBe('passed');
    expect((await state()).live!.commit).not.toBe(shop.branches.get('main'));
    await deliver('1.1.0', { actor: 'mia' });
    expect(question().body).toContain('A change by bob');
    await says('bob', '/approve');
    expect(answer().body).toContain('wrote a commit of it');
  });

  it('an approval that is taken away before the delivery does not count there', async () => {
    await approved();
    shop.role('bob', 'write');
    expect(await deliver('1.1.0')).toMatchObject({ outcome: 'waiting', facts: { lacks: 1 } });
    expect(live()).toEqual([null, null]);
  });

  it('ends with a rejection, and asks anew the next time', async () => {
    await deliver('1.1.0');
    expect(seen(await says('ada', '/reject because @bob wants #12'))).toEqual(['passed', 'approval-rejected', false]);
    expect(answer().body).not.toMatch(/#12|[^\w]@bob/);
    expect(question()).toMatchObject({ state: 'closed', reason: 'NOT_PLANNED' });
    expect(await newest()).toMatchObject({ ended: 'rejected' });
    expect((await deliver('1.1.0')).outcome).toBe('waiting');
    expect(shop.issues).toHaveLength(2);
  });

  it('a rejection that no run has answered stops the delivery', async () => {
    await approved();
    shop.comment(question().number, { by: 'mia', body: '/reject because not today' });
    const result = await deliver('1.1.0');
    expect([result.outcome, result.code]).toEqual(['failed', 'approval-rejected']);
    expect(result.summary).toContain('mia (has the role admin) has rejected it: not today');
    expect(live()).toEqual([null, null]);
  });
});

it('works the same with the ledger on the branch of a public repository', async () => {
  onBranch = true;
  shop.isPrivate = false;
  configure('{ required: 1, expire: 2h }');
  expect((await deliver('1.1.0')).outcome).toBe('waiting');
  expect(seen(await says('ada', '/approve'))).toEqual(['passed', 'ok', true]);
  const { payload, actor } = standIn.takeEvent('workflow_dispatch');
  expect((await deliver(String((payload.inputs as { version: string }).version), { actor })).outcome).toBe('passed');
  expect([live(), question().state]).toEqual([['versions/1.1.0', 'versions/1.1.0'], 'closed']);
  const kept = [...shop.filesAt(shop.branches.get('changeline')!)].find(([path]) => path === 'production/state.json')!;
  expect((JSON.parse(kept[1]) as EnvironmentState).requests).toMatchObject([{ ended: 'used' }]);
});

describe('what was approved is not what would be delivered', () => {
  it.each<[string, () => void, RegExp]>([
    ['the bytes', () => artifact('1.1.0', 'other bytes'), /the digest was sha256:/],
    ['the configuration', () => configure('{ required: 2, expire: 2h }'), /changeline\.yml was /],
    ['the commit', () => void push('mia', 'Meanwhile'), /the commit was /],
  ])('where %s changed: it says so and asks anew', async (_, change, why) => {
    await approved();
    change();
    const result = await deliver('1.1.0');
    expect(seen(result)).toEqual(['waiting', 'approval-waiting', null]);
    expect(result.facts).toMatchObject({ why: 'approval-changed' });
    expect(result.summary).toMatch(why);
    expect(live()).toEqual([null, null]);
    const [old, now] = shop.issues;
    expect([old!.state, now!.state, shop.commentsOn(old!.number).at(-1)!.body]).toEqual([
      'closed',
      'open',
      expect.stringMatching(why),
    ]);
    expect(now!.body).toContain('Asked again');
    expect((await state()).requests.map(({ ended }) => ended)).toEqual([null, 'replaced']);
  });

  it('where time has run out', async () => {
    await approved();
    standIn.skew = 3 * 3_600_000;
    const result = await deliver('1.1.0');
    expect([result.outcome, result.facts.why]).toEqual(['waiting', 'expired']);
    expect((await state()).requests.map(({ ended }) => ended)).toEqual([null, 'expired']);
    expect(live()).toEqual([null, null]);
  });

  it('a comment that comes too late starts nothing', async () => {
    await deliver('1.1.0');
    await says('ada', '/approve');
    standIn.skew = 3 * 3_600_000;
    expect((await says('bob', '/approve')).code).toBe('nothing-to-do');
    expect(answer().body).toContain('Too late');
    expect(standIn.events.filter(({ name }) => name === 'workflow_dispatch')).toEqual([]);
  });
});

describe('forgery', () => {
  async function forge(fold: (request: ApprovalRequest) => ApprovalRequest): Promise<void> {
    const known = ledger();
    await known.write('production', async (now) => ({
      state: { ...now, requests: now.requests.map(fold) },
      change: (await known.recent('production', 1))[0]!,
    }));
  }

  it.each<[string, () => Promise<void> | void, string]>([
    ['an edited question', () => void shop.editIssue(question().number, { body: `${question().body} ` }), 'edited'],
    ['a closed question', () => void shop.editIssue(question().number, { state: 'closed' }), 'closed'],
    [
      'a question that was closed and opened again',
      () => {
        shop.editIssue(question().number, { state: 'closed' });
        shop.editIssue(question().number, { state: 'open' });
      },
      'opened again',
    ],
    [
      'a question of somebody else',
      async () => {
        const mine = shop.issue({ by: 'mallory', title: question().title, body: question().body });
        shop.comment(mine.number, { by: 'ada', body: '/approve' });
        shop.comment(mine.number, { by: 'bob', body: '/approve' });
        await forge((request) => ({ ...request, issue: mine.number }));
      },
      'identity',
    ],
    ['an issue that is gone', () => forge((request) => ({ ...request, issue: 999_999 })), 'gone'],
    ['another asker in the ledger', () => forge((request) => ({ ...request, id: 'forged' })), 'something else'],
  ])('%s is not believed, and the next run asks anew', async (_, fake, why) => {
    await approved();
    await fake();
    const result = await deliver('1.1.0');
    expect([result.outcome, result.code]).toEqual(['failed', 'approval-unsure']);
    expect(result.summary).toContain(why);
    expect(live()).toEqual([null, null]);
    expect((await deliver('1.1.0')).outcome).toBe('waiting');
    expect((await state()).requests).toHaveLength(2);
  });

  it('approvals of other facts do not serve these, whatever the ledger says', async () => {
    artifact('1.1.0', 'evil');
    await deliver('1.1.0');
    const { bound } = await newest();
    artifact('1.1.0', '1.1.0');
    await approved();
    await forge((request) => (request.ended === null ? { ...request, bound } : request));
    artifact('1.1.0', 'evil');
    const result = await deliver('1.1.0');
    expect([result.code, result.summary]).toEqual(['approval-unsure', expect.stringContaining('something else')]);
    expect(live()).toEqual([null, null]);
  });

  it('a workflow that the ledger names, but not the question, is not started', async () => {
    await deliver('1.1.0');
    await says('ada', '/approve');
    await forge((request) => ({
      ...request,
      workflow: { file: 'deliver.yml', ref: 'main', inputs: { version: '6.6.6' } },
    }));
    const result = await says('bob', '/approve');
    expect([result.outcome, result.code]).toEqual(['inconclusive', 'approval-unsure']);
    expect(standIn.events.filter(({ name }) => name === 'workflow_dispatch')).toEqual([]);
  });

  it('a comment on an issue that only looks like a question counts nothing', async () => {
    await deliver('1.1.0');
    const fake = shop.issue({ by: 'mallory', body: question().body });
    shop.comment(fake.number, { by: 'ada', body: '/approve' });
    const result = await answered(standIn.takeEvent('issue_comment'));
    expect([result.outcome, result.code]).toEqual(['inconclusive', 'approval-unsure']);
  });
});

describe('the run of a comment', () => {
  it('asks GitHub nothing where there is no command or no question', async () => {
    await deliver('1.1.0');
    standIn.clear();
    for (const body of ['looks good', '> /approve', '```\n/approve\n```']) {
      shop.comment(question().number, { by: 'ada', body });
      expect((await answered(standIn.takeEvent('issue_comment'))).code).toBe('nothing-to-do');
    }
    const other = shop.issue({ body: 'A bug' });
    shop.comment(other.number, { by: 'ada', body: '/approve' });
    expect((await answered(standIn.takeEvent('issue_comment'))).code).toBe('nothing-to-do');
    expect(standIn.requests).toEqual([]);
  });

  it('two last approvals at once start one delivery', async () => {
    configure('{ required: 1, expire: 2h }');
    await deliver('1.1.0');
    shop.comment(question().number, { by: 'ada', body: '/approve' });
    shop.comment(question().number, { by: 'bob', body: '/approve' });
    const events = [standIn.takeEvent('issue_comment'), standIn.takeEvent('issue_comment')];
    const results = await Promise.all(events.map((event) => answered(event)));
    expect(results.map(({ outcome }) => outcome)).toEqual(['passed', 'passed']);
    expect(standIn.events.filter(({ name }) => name === 'workflow_dispatch')).toHaveLength(1);
  });

  it('says how to start the delivery by hand where it may not start it', async () => {
    configure('{ required: 1, expire: 2h }');
    await deliver('1.1.0');
    shop.comment(question().number, { by: 'ada', body: '/approve' });
    const result = await answered(standIn.takeEvent('issue_comment'), { ...ANSWERS, actions: 'read' });
    expect(result.outcome).toBe('passed');
    expect(answer().body).toContain('By hand: run deliver.yml on main');
    expect(await newest()).toMatchObject({ dispatched: null });
    expect((await deliver('1.1.0')).outcome).toBe('passed');
  });
});

describe('acceptance', () => {
  beforeEach(() => configure(null, '{ asks: acceptance, from: [ada], expire: 2h }', true));

  it('is asked once the version is live, and demanded of what comes after', async () => {
    const uat = await deliver('1.1.0', { environment: 'uat' });
    expect(uat).toMatchObject({ outcome: 'passed', facts: { acceptance: { issue: question().number } } });
    expect(question().title).toBe('Accept shop 1.1.0 in uat');
    const early = await deliver('1.1.0');
    expect([early.outcome, early.code]).toEqual(['failed', 'not-accepted']);
    expect(early.summary).toContain(`issues/${question().number}`);
    await says('bob', '/approve');
    expect((await deliver('1.1.0')).code).toBe('not-accepted');
    expect(seen(await says('ada', '/approve'))).toEqual(['passed', 'ok', true]);
    expect(question()).toMatchObject({ state: 'closed', reason: 'COMPLETED' });
    expect(standIn.events.filter(({ name }) => name === 'workflow_dispatch')).toEqual([]);
    expect((await deliver('1.1.0')).outcome).toBe('passed');
  });

  it('of a forged issue or of too long ago does not count', async () => {
    await deliver('1.1.0', { environment: 'uat' });
    await says('ada', '/approve');
    standIn.skew = 3 * 3_600_000;
    expect((await deliver('1.1.0')).code).toBe('not-accepted');
    standIn.skew = 0;
    shop.editIssue(question().number, { body: 'something else' });
    const forged = await deliver('1.1.0');
    expect([forged.code, forged.summary]).toEqual(['not-accepted', expect.stringContaining('edited')]);
    expect(
      (await job([['approve', { environment: 'uat' }]], dispatched('1.1.0', 'octocat'), DELIVERS)).results[0],
    ).toMatchObject({
      outcome: 'failed',
      code: 'approval-unsure',
    });
  });
});

describe('a chain of single actions', () => {
  const CHAIN: [Verb, Record<string, string>][] = [
    ['approve', { version: '1.1.0', environment: 'production' }],
    ['deploy', { version: '1.1.0', environment: 'production' }],
  ];

  it('waits as a whole, and passes as a whole', async () => {
    const first = await job(CHAIN, dispatched('1.1.0', 'octocat'), DELIVERS);
    expect(first.results.map(({ outcome }) => outcome)).toEqual(['waiting', 'waiting']);
    expect([live(), (await ledger().recent('production', 1))[0]!.outcome]).toEqual([[null, null], 'waiting']);
    await says('ada', '/approve');
    await says('bob', '/approve');
    const second = await job(CHAIN, dispatched('1.1.0', 'github-actions[bot]'), DELIVERS);
    expect(second.results.map(({ outcome }) => outcome)).toEqual(['passed', 'passed']);
    expect(live()).toEqual(['versions/1.1.0', 'versions/1.1.0']);
    expect(question().state).toBe('closed');
  });

  it('a deploy in a job of its own reads the approval again, and is refused without one', async () => {
    const deploy = () => job(CHAIN.slice(1), dispatched('1.1.0', 'octocat'), DELIVERS);
    const alone = (await deploy()).results[0]!;
    expect([alone.outcome, alone.code]).toEqual(['failed', 'approval-waiting']);
    await job(CHAIN.slice(0, 1), dispatched('1.1.0', 'octocat'), DELIVERS);
    expect((await deploy()).results[0]!.outcome).toBe('waiting');
    await says('ada', '/approve');
    await says('bob', '/approve');
    expect((await deploy()).results[0]!.outcome).toBe('passed');
    expect(live()).toEqual(['versions/1.1.0', 'versions/1.1.0']);
    expect(question().state).toBe('closed');
  });

  it('bytes that changed between two steps are refused', async () => {
    await approved();
    const [approve, deploy] = CHAIN;
    const result = await job(
      [approve!, ['deploy', { ...deploy![1], artifact: './artifacts/1.0.0' }]],
      dispatched('1.1.0', 'octocat'),
      DELIVERS,
    );
    expect(result.results.map(({ code }) => code)).toEqual(['ok', 'approval-changed']);
  });
});

describe('obstacles', () => {
  it('a plan says who would be asked, and asks nobody', async () => {
    const result = await deliver('1.1.0', { plan: 'true' });
    expect(result.outcome).toBe('passed');
    expect(JSON.stringify(result.facts.plan)).toContain('ask 2 of role:maintain to approve it in an issue');
    expect(shop.issues).toEqual([]);
  });

  it('a team is a mistake of the configuration for the token of a job', async () => {
    standIn.team('acme', 'ops', ['ada']);
    configure('{ from: ["team:acme/ops"] }');
    const result = await deliver('1.1.0');
    expect([result.outcome, result.code]).toEqual(['failed', 'config-invalid']);
    expect(result.summary).toContain("the job's own token can never read one");
  });

  it('a token without issues: write is told so, and nothing is touched', async () => {
    const result = await deliver('1.1.0', { permissions: { ...DELIVERS, issues: 'read' } });
    expect([result.outcome, result.code]).toEqual(['failed', 'github-denied']);
    expect(live()).toEqual([null, null]);
  });

  it('the people who must approve cannot be left out', async () => {
    const result = await deliver('1.1.0', { from: 'deploy' });
    expect([result.outcome, result.code]).toEqual(['failed', 'input-invalid']);
    expect(live()).toEqual([null, null]);
  });

  it('in a public repository the issue names no hosts', async () => {
    shop.isPrivate = false;
    await deliver('1.1.0');
    expect(question().body).toContain('The log of the run shows it');
    expect(question().body).not.toContain('2 hosts');
    expect(log.lines.join('\n')).toContain('2 hosts');
  });
});
