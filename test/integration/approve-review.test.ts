/** Ways round the people who must approve: other steps of a job, a rollback, an approval that has served, another file. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Runner } from '../../src/github/github.ts';
import { type ApprovalRequest, openDirectoryLedger } from '../../src/ledger/ledger.ts';
import { RecordingLog } from '../../src/log/log.ts';
import type { Result } from '../../src/outcome/outcome.ts';
import type { Verb } from '../../src/stages/contract.ts';
import { type Doorway, placeAt } from '../../src/stages/frame/context.ts';
import { finish } from '../../src/stages/frame/ending.ts';
import { perform } from '../../src/stages/frame/frame.ts';
import { type Permissions, type Repository, type StandIn, startStandIn } from '../support/github/stand-in.ts';

const TOKEN: Permissions = {
  actions: 'write',
  checks: 'read',
  contents: 'write',
  deployments: 'write',
  issues: 'write',
  statuses: 'read',
};
const ASKS = '    approve: { required: 1, from: [ada, bob], expire: 2h }';

let standIn: StandIn;
let shop: Repository;
let workspace: string;
let runs: number;

beforeEach(async () => {
  standIn = await startStandIn();
  shop = standIn.repository('acme', 'shop');
  shop.role('ada', 'maintain');
  shop.role('bob', 'maintain');
  workspace = mkdtempSync(join(tmpdir(), 'approve-review-'));
  mkdirSync(join(workspace, '.github'));
  mkdirSync(join(workspace, 'web1'));
  for (const version of ['1.0.0', '1.1.0']) artifact(version, version);
  runs = 0;
  configure(ASKS);
  const sha = shop.commit('main', { author: 'octocat', message: 'The first' });
  shop.run(sha, { jobs: [{ name: 'build' }] });
});

afterEach(async () => {
  const { violations } = standIn;
  await standIn.close();
  rmSync(workspace, { recursive: true, force: true });
  expect(violations).toEqual([]);
});

/** changeline.yml with these lines of production; `file` is another one beside it. */
function configure(...lines: string[]): string {
  return configureAs('.github/changeline.yml', ...lines);
}

function configureAs(file: string, ...lines: string[]): string {
  const text = [
    'name: shop',
    'artifact: ./artifacts/{version}',
    'ledger: ./ledger',
    'environments:',
    '  production:',
    '    hosts: [./web1]',
    '    deploy: { waves: ["100%"] }',
    ...lines,
  ].join('\n');
  writeFileSync(join(workspace, file), text);
  return text;
}

function artifact(version: string, text: string): void {
  mkdirSync(join(workspace, 'artifacts', version), { recursive: true });
  writeFileSync(join(workspace, 'artifacts', version, 'VERSION'), text);
}

interface Run {
  actor?: string;
  event?: string;
  payload?: Record<string, unknown>;
  ref?: string;
  /** The job's steps end as the runner ends them; false where the machine died. */
  ends?: boolean;
  /** Another attempt of the run before, which is over. */
  again?: boolean;
}

/** One job: its steps share a folder and end in the reverse order. */
async function job(steps: [Verb, Record<string, string>][], run: Run = {}): Promise<Result[]> {
  const { actor = 'octocat', event = 'workflow_dispatch', payload = { inputs: {} }, ref = 'refs/heads/main' } = run;
  const temporary = join(workspace, `job-${randomUUID()}`);
  if (!run.again) runs += 1;
  const runner: Runner = {
    repository: 'acme/shop',
    event,
    payload,
    sha: shop.branches.get('main')!,
    ref,
    run: String(runs),
    attempt: run.again ? '2' : '1',
    hosted: true,
    job: 'deliver',
    workflow: 'Deliver',
    workflowRef: `acme/shop/.github/workflows/deliver.yml@${ref}`,
    actor,
    serverUrl: 'https://github.com',
    apiUrl: standIn.url,
    url: `https://github.com/acme/shop/actions/runs/${runs}/attempts/1`,
  };
  const { repository, attempt, url } = runner;
  const door = async (given: Record<string, string>, step: string): Promise<Doorway> => ({
    given: { environment: 'production', ...given, token: standIn.token(TOKEN) },
    style: (name) => name,
    env: {},
    log: new RecordingLog(),
    signal: new AbortController().signal,
    runner,
    holder: { kind: 'actions', repository, run: runner.run, attempt, job: runner.job, url, actor },
    step,
    place: await placeAt(workspace, temporary, join(workspace, 'cache'), join(workspace, 'reports')),
  });
  const done: [Verb, Record<string, string>, string, Result][] = [];
  for (const [verb, given] of steps) {
    const step = randomUUID();
    const { result } = await perform(verb, await door(given, step));
    done.push([verb, given, step, result]);
    if (!goesOn(result)) break;
  }
  const results = done.map((each) => each[3]);
  if (run.ends === false) return results;
  const status = results.every(goesOn) ? 'success' : 'failure';
  for (const [verb, given, step, result] of done.toReversed())
    await finish(verb, await door(given, step), result, status);
  return results;
}

const goesOn = ({ outcome }: Result) => ['passed', 'skipped', 'waiting'].includes(outcome);

async function deliver(version: string, given: Record<string, string> = {}, run: Run = {}): Promise<Result> {
  return (await job([['deliver', { version, ...given }]], run))[0]!;
}

const question = () => shop.issues.at(-1)!;
const live = () => {
  try {
    return readlinkSync(join(workspace, 'web1', 'current'));
  } catch {
    return null;
  }
};
const requests = async (): Promise<ApprovalRequest[]> =>
  (await openDirectoryLedger(join(workspace, 'ledger')).state('production')).requests;

/** Asked and approved by ada; the delivery that follows may pass. */
async function approve(version: string): Promise<void> {
  await deliver(version);
  shop.comment(question().number, { by: 'ada', body: '/approve' });
}

async function delivered(version: string): Promise<void> {
  await approve(version);
  expect((await deliver(version)).outcome).toBe('passed');
}

describe('other steps of the job', () => {
  it.each([
    ['the line stopped before it asked', { until: 'gate' }],
    ['the line waits', {}],
  ])('a deploy does not pass after a deliver: %s', async (_, given) => {
    const results = await job([
      ['deliver', { version: '1.1.0', ...given }],
      ['deploy', { version: '1.1.0' }],
    ]);
    expect(live()).toBeNull();
    expect(['waiting', 'failed']).toContain(results.at(-1)!.outcome);
  });

  it('a deploy with another configuration than the one approved is refused', async () => {
    await approve('1.1.0');
    configureAs('other.yml', ASKS.replace('required: 1', 'required: 2'));
    const results = await job([
      ['approve', { version: '1.1.0' }],
      ['deploy', { version: '1.1.0', config: 'other.yml' }],
    ]);
    expect(results.map(({ code }) => code)).toEqual(['ok', 'approval-changed']);
    expect(live()).toBeNull();
  });
});

describe('a rollback', () => {
  it('does not bring what has never been there where people must approve', async () => {
    await delivered('1.0.0');
    const [result] = await job([['rollback', { version: '1.1.0', why: 'forward' }]]);
    expect([result!.outcome, result!.code, live()]).toEqual(['failed', 'version-absent', 'versions/1.0.0']);
    expect(result!.next).toContain('deliver');
  });

  it('goes back to what was there', async () => {
    await delivered('1.0.0');
    await delivered('1.1.0');
    const [result] = await job([['rollback', { why: 'slow' }]]);
    expect([result!.code, live()]).toEqual(['rolled-back', 'versions/1.0.0']);
  });
});

describe('an approval serves one delivery', () => {
  it('also where the run that used it died after the commit point', async () => {
    await delivered('1.0.0');
    await approve('1.1.0');
    const asked = question().number;
    expect((await deliver('1.1.0', {}, { ends: false })).outcome).toBe('passed');
    await job([['rollback', { version: '1.0.0', why: 'slow' }]], { again: true });
    expect(live()).toBe('versions/1.0.0');
    const again = await deliver('1.1.0');
    expect([again.outcome, live()]).toEqual(['waiting', 'versions/1.0.0']);
    expect(question().number).not.toBe(asked);
    expect((await requests()).find(({ issue }) => issue === asked)!.ended).toBe('used');
  });

  it('also where users met it and it was taken back', async () => {
    await delivered('1.0.0');
    configure(ASKS, '    smoke-test: ["http://127.0.0.1:9/"]');
    await approve('1.1.0');
    const asked = question().number;
    const failed = await deliver('1.1.0');
    expect([failed.outcome, live()]).toEqual(['failed', 'versions/1.0.0']);
    expect((await requests()).find(({ issue }) => issue === asked)!.ended).toBe('used');
    expect((await deliver('1.1.0')).outcome).toBe('waiting');
    expect(question().number).not.toBe(asked);
  });
});

describe('a checkout with other rules than the default branch', () => {
  function land(text: string): void {
    const sha = shop.commit('main', { author: 'octocat', message: 'Rules', files: { '.github/changeline.yml': text } });
    shop.run(sha, { jobs: [{ name: 'build' }] });
  }
  const BRANCH = { ref: 'refs/heads/evil' };

  it('without the people who must approve: they are asked all the same', async () => {
    land(configure(ASKS));
    configure();
    expect((await deliver('1.1.0', {}, BRANCH)).outcome).toBe('waiting');
    expect(live()).toBeNull();
    expect((await job([['deploy', { version: '1.1.0' }]], BRANCH))[0]!.outcome).toBe('waiting');
    shop.comment(question().number, { by: 'ada', body: '/approve' });
    expect((await deliver('1.1.0', {}, BRANCH)).outcome).toBe('passed');
  });

  it('with other people: they do not count', async () => {
    shop.role('mallory', 'write');
    land(configure(ASKS));
    configure('    approve: { required: 1, from: [mallory], expire: 2h }');
    await deliver('1.1.0', {}, BRANCH);
    shop.comment(question().number, { by: 'mallory', body: '/approve' });
    expect((await deliver('1.1.0', {}, BRANCH)).outcome).toBe('waiting');
  });

  it('in a file of another name', async () => {
    land(configure(ASKS));
    configureAs('other.yml');
    expect((await deliver('1.1.0', { config: 'other.yml' })).outcome).toBe('waiting');
    expect((await deliver('1.1.0', { config: join(workspace, 'other.yml') })).outcome).toBe('waiting');
  });

  it('without the freeze, and with others who may override it', async () => {
    shop.role('mallory', 'write');
    const window = { from: '2020-01-01', to: '2999-01-01', why: 'closed' };
    land(configure(`    freeze: { windows: [${JSON.stringify(window)}] }`));
    writeFileSync(join(workspace, '.github/changeline.yml'), `gate: { override: { from: [mallory] } }\n${configure()}`);
    expect((await deliver('1.1.0', {}, BRANCH)).code).toBe('frozen');
    const forced = await deliver('1.1.0', { override: 'I may' }, { ...BRANCH, actor: 'mallory' });
    expect([forced.code, live()]).toEqual(['override-refused', null]);
  });

  it('that cannot be read stops it; a rollback goes on', async () => {
    configure();
    for (const version of ['1.0.0', '1.1.0']) expect((await deliver(version)).outcome).toBe('passed');
    land(configure(ASKS));
    configure();
    standIn.fault({
      match: /object\(expression/,
      kind: 'status',
      status: 403,
      body: { message: 'Forbidden' },
      times: 9,
    });
    const [back] = await job([['rollback', { why: 'slow' }]]);
    expect([back!.code, live()]).toEqual(['rolled-back', 'versions/1.0.0']);
    expect((await deliver('1.1.0')).code).toMatch(/^github-/);
    expect(live()).toBe('versions/1.0.0');
  });
});

describe('the question', () => {
  it('two runs that ask the same at once ask in one issue', async () => {
    const ask = () => job([['approve', { version: '1.1.0' }]]);
    const results = (await Promise.all([ask(), ask()])).flat();
    expect(results.map(({ outcome }) => outcome)).toEqual(['waiting', 'waiting']);
    expect(shop.issues.filter(({ state }) => state === 'open')).toHaveLength(1);
    expect((await requests()).filter(({ ended }) => ended === null)).toHaveLength(1);
    const issues = results.map(({ outputs }) => outputs!.issue);
    expect(new Set(issues)).toEqual(new Set([shop.issues.find(({ state }) => state === 'open')!.number]));
  });

  it('an answer that does not count writes nothing into the ledger, one that counts does', async () => {
    configure(ASKS.replace('required: 1', 'required: 2'));
    await deliver('1.1.0');
    const events = async () =>
      (await openDirectoryLedger(join(workspace, 'ledger')).recent('production', 1))[0]!.events;
    const before = (await events()).length;
    for (const [by, more] of [
      ['stranger', 0],
      ['ada', 1],
    ] as const) {
      shop.comment(question().number, { by, body: '/approve' });
      const { payload, actor } = standIn.takeEvent('issue_comment');
      const [result] = await job([['approve', {}]], { event: 'issue_comment', payload, actor });
      expect([result!.outcome, (await events()).length - before]).toEqual(['waiting', more]);
    }
  });

  it('names nobody and runs no markup with what the ledger says', async () => {
    await deliver('1.1.0');
    const ledger = openDirectoryLedger(join(workspace, 'ledger'));
    const [change] = await ledger.recent('production', 1);
    const evil = { version: '@acme/all <img src=x>', digest: null, commit: null, change: 'x', since: '2026-01-01' };
    await ledger.write('production', (state) => ({ state: { ...state, live: evil }, change: change! }));
    await deliver('1.1.0');
    const said = shop.commentsOn(shop.issues[0]!.number).at(-1)!.body;
    expect(said).toContain('what is live was');
    expect(said).not.toMatch(/[^\w]@acme|[^\\]<img/);
  });
});
