/** A freeze on GitHub's runner: in the ledger's branch, on the pull requests at once, and passed only by who may. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Runner } from '../../src/github/github.ts';
import type { EnvironmentState } from '../../src/ledger/ledger.ts';
import { RecordingLog } from '../../src/log/log.ts';
import type { Result } from '../../src/outcome/outcome.ts';
import type { Verb } from '../../src/stages/contract.ts';
import { type Doorway, placeAt } from '../../src/stages/frame/context.ts';
import { finish } from '../../src/stages/frame/ending.ts';
import { perform } from '../../src/stages/frame/frame.ts';
import { type Permissions, type Repository, type StandIn, startStandIn } from '../support/github/stand-in.ts';

const CONTEXT = 'changeline/gate';
const PERMISSIONS: Permissions = {
  actions: 'read',
  checks: 'read',
  contents: 'write',
  issues: 'read',
  'pull-requests': 'read',
  statuses: 'write',
};
let standIn: StandIn;
let shop: Repository;
let workspace: string;
let log: RecordingLog;
let runs = 0;

beforeEach(async () => {
  standIn = await startStandIn();
  shop = standIn.repository('acme', 'shop');
  shop.run(shop.commit(), { jobs: [{ name: 'build', conclusion: 'success' }] });
  workspace = mkdtempSync(join(tmpdir(), 'freeze-github-'));
  mkdirSync(join(workspace, '.github'));
  mkdirSync(join(workspace, 'hosts/web1'), { recursive: true });
  mkdirSync(join(workspace, 'artifacts/1'), { recursive: true });
  writeFileSync(join(workspace, 'artifacts/1/VERSION'), '1');
  const sections = ['    hosts: [./hosts/web1]', '    deploy: { waves: ["100%"] }'];
  const environments = ['  uat:', ...sections, '  production:', '    after: uat', ...sections];
  const lines = ['name: shop', 'artifact: ./artifacts/{version}', 'environments:', ...environments];
  writeFileSync(join(workspace, '.github/changeline.yml'), lines.join('\n'));
});

afterEach(async () => {
  rmSync(workspace, { recursive: true, force: true });
  const { violations } = standIn;
  await standIn.close();
  expect(violations).toEqual([]);
});

interface How {
  actor?: string;
  permissions?: Permissions;
  ref?: string;
}

/** One job of one step, to its end. */
async function run(verb: Verb, given: Record<string, string>, how: How = {}): Promise<Result> {
  const { actor = 'octocat', permissions = PERMISSIONS, ref = 'refs/heads/main' } = how;
  const repository = 'acme/shop';
  const id = String(++runs);
  const url = `https://github.com/acme/shop/actions/runs/${id}/attempts/1`;
  const names = { repository, run: id, attempt: '1', job: 'job', url, actor };
  const runner: Runner = {
    ...names,
    event: 'workflow_dispatch',
    payload: {},
    sha: shop.branches.get('main')!,
    ref,
    workflow: 'Freeze',
    serverUrl: 'https://github.com',
    apiUrl: standIn.url,
    hosted: true,
  };
  log = new RecordingLog();
  const door: Doorway = {
    given: { environment: 'production', token: standIn.token(permissions), ...given },
    style: (name) => name,
    env: {},
    log,
    signal: new AbortController().signal,
    runner,
    holder: { kind: 'actions', ...names },
    step: randomUUID(),
    place: await placeAt(
      workspace,
      join(workspace, randomUUID()),
      join(workspace, 'cache'),
      join(workspace, 'reports'),
    ),
  };
  const { result } = await perform(verb, door);
  await finish(verb, door, result, result.outcome === 'passed' ? 'success' : 'failure');
  return result;
}

const state = (): EnvironmentState => {
  const text = shop.filesAt(shop.find('changeline')!.sha).get('production/state.json')!;
  return JSON.parse(text) as EnvironmentState;
};
const warnings = () => JSON.stringify(log);

it('stands on every open pull request at once, with who and why, and is gone from there once it is ended', async () => {
  const heads = ['one', 'two'].map((name) => shop.commit(name));
  for (const head of heads) shop.pull(head);
  const opened = await run('freeze', { why: 'the bank is <down>' });
  expect(opened, opened.summary).toMatchObject({
    outcome: 'passed',
    code: 'frozen',
    facts: { statuses: { written: 2, left: 0 } },
  });
  expect(state().freezes).toMatchObject([{ why: 'the bank is <down>', owner: 'octocat', change: null }]);
  for (const head of heads) {
    const status = shop.statusOf(head, CONTEXT)!;
    expect(status.state).toBe('failure');
    expect(status.description).toContain('the bank is <down>');
  }
  const ended = await run('freeze', { why: 'it is up', end: 'true' }, { actor: 'ann' });
  expect(ended).toMatchObject({ code: 'ok', outputs: { frozen: false }, facts: { statuses: { written: 2 } } });
  expect(heads.map((head) => shop.statusOf(head, CONTEXT)!.state)).toEqual(['success', 'success']);
  expect(await run('freeze', { why: 'it is up', end: 'true' })).toMatchObject({
    code: 'nothing-to-do',
    facts: { statuses: { written: 0, unchanged: 2 } },
  });
});

it('stands without statuses: write too, and says what shows it at once', async () => {
  const { statuses: _, ...permissions } = PERMISSIONS;
  shop.pull(shop.commit('one'));
  const opened = await run('freeze', { why: 'the bank is down' }, { permissions });
  expect(opened).toMatchObject({ outcome: 'passed', code: 'frozen', facts: { statuses: null } });
  expect(opened.summary).toContain('at the next run of the gate');
  expect(warnings()).toContain('statuses');
  expect(state().freezes).toHaveLength(1);
});

it.each([
  ['of an environment that another comes after', { environment: 'uat' }, {}],
  ['from another branch, which may have other rules', {}, { ref: 'refs/heads/feature' }],
])('a freeze %s writes no status', async (_, given, how) => {
  const head = shop.commit('one');
  shop.pull(head);
  expect(await run('freeze', { why: 'the bank is down', ...given }, how)).toMatchObject({ code: 'frozen' });
  expect(shop.statusOf(head, CONTEXT)).toBeFalsy();
});

it('is passed by an override of who may, not of who may only write, nor of an app', async () => {
  await run('freeze', { why: 'the bank is down', environment: 'uat' });
  shop.role('ann', 'maintain');
  shop.role('bob', 'write');
  const given = { version: '1', environment: 'uat', override: 'this mends the bank' };
  for (const actor of ['bob', 'eve', 'github-actions[bot]']) {
    const refused = await run('deploy', given, { actor });
    expect(refused).toMatchObject({ outcome: 'failed', code: 'override-refused' });
    expect(refused.summary).toContain(`the override of ${actor} does not count`);
  }
  const passed = await run('deploy', given, { actor: 'ann' });
  expect(passed, passed.summary).toMatchObject({ outcome: 'passed' });
  const files = [...shop.filesAt(shop.find('changeline')!.sha)].filter(([path]) => path.startsWith('uat/changes/'));
  const overrides = files
    .map(([, text]) => JSON.parse(text))
    .flatMap(({ holder, events }) =>
      events
        .filter(({ kind }: { kind: string }) => kind === 'override')
        .map(({ why }: { why: string }) => [holder.actor, why]),
    );
  expect(overrides).toEqual([['ann', 'this mends the bank']]);
});
