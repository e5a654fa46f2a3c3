/** Rollback on real directories: to the version before, to any version, to one that was pruned, and with GitHub down. */
import { randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runInShell, type ShellResult } from '../../src/doors/shell.ts';
import { openDirectoryLedger } from '../../src/ledger/ledger.ts';
import { RecordingLog } from '../../src/log/log.ts';
import type { Verb } from '../../src/stages/contract.ts';
import { type StandIn, startStandIn } from '../support/github/stand-in.ts';

const VERSIONS = ['1', '2', '3', '4'];
let workspace: string;
let log: RecordingLog;

/** Versions 1 to 4 deployed once; every test begins with a copy of the folder as it was after one of them. */
const base = mkdtempSync(join(tmpdir(), 'rollback-'));

beforeAll(async () => {
  workspace = join(base, 'at-0');
  mkdirSync(join(workspace, '.github'), { recursive: true });
  configure('./ledger');
  for (const host of ['web1', 'web2']) mkdirSync(join(workspace, 'hosts', host), { recursive: true });
  for (const version of VERSIONS) {
    mkdirSync(join(workspace, 'artifacts', version), { recursive: true });
    writeFileSync(join(workspace, 'artifacts', version, 'VERSION'), version);
  }
  let before = '0';
  for (const version of VERSIONS) {
    begin(before, `at-${version}`);
    await deploy(version);
    before = version;
  }
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** `at`: the version that was deployed last, all before it too; 0 for none. */
function begin(at: string, name: string = randomUUID()): void {
  workspace = join(base, name);
  cpSync(join(base, `at-${at}`), workspace, { recursive: true, verbatimSymlinks: true });
}

function configure(ledger: string, more: string[] = []): void {
  const lines = [
    'name: shop',
    'artifact: ./artifacts/{version}',
    `ledger: ${ledger}`,
    'environments:',
    '  production:',
    '    hosts: [./hosts/web1, ./hosts/web2]',
    '    deploy: { keep: 2, waves: ["100%"] }',
    ...more,
  ];
  writeFileSync(join(workspace, '.github/changeline.yml'), lines.join('\n'));
}

async function run(verb: Verb, given: Record<string, string>): Promise<ShellResult> {
  log = new RecordingLog();
  return runInShell(verb, given, { log, signal: new AbortController().signal, workspace });
}

async function deploy(...versions: string[]): Promise<void> {
  for (const version of versions) {
    const { last } = await run('deploy', { version });
    expect(last, last.summary).toMatchObject({ outcome: 'passed' });
  }
}

function live(): string[] {
  return ['web1', 'web2'].map((host) =>
    readlinkSync(join(workspace, 'hosts', host, 'current')).replace('versions/', ''),
  );
}

describe('rollback', () => {
  it('goes to the version before, commits it, and leaves an incident with a draft', async () => {
    begin('2');
    const { last, performed } = await run('rollback', { why: 'orders are <lost>' });
    expect(last).toMatchObject({ outcome: 'passed', code: 'rolled-back', outputs: { 'live-version': '1' } });
    expect(live()).toEqual(['1', '1']);
    const state = await openDirectoryLedger(join(workspace, 'ledger')).state('production');
    expect(state).toMatchObject({
      live: { version: '1' },
      open: null,
      incidents: [{ from: '2', to: '1', why: 'orders are <lost>' }],
    });
    const draft = readFileSync(String(performed.result.facts.postmortem), 'utf8');
    expect(draft).toContain('Why, five times');
    expect(draft).not.toContain('<lost>');
  });

  it('is verified by the smoke test, which asks for the version gone back to', async () => {
    begin('2');
    const asks = (command: string) => [
      `    smoke-test: [{ command: ${JSON.stringify(command)}, on: hosts, tries: 1 }]`,
    ];
    configure('./ledger', asks('[ "$(cat current/VERSION)" = 1 ] && [ "$CHANGELINE_VERSION" = 1 ]'));
    const { last } = await run('rollback', {});
    expect(last).toMatchObject({ code: 'rolled-back', summary: '1 is live again on 2 of 2 hosts and verified' });
    begin('2');
    configure('./ledger', asks('echo "no stock" >&2; exit 3'));
    const unwell = (await run('rollback', {})).last;
    expect(unwell).toMatchObject({ outcome: 'failed', code: 'rollback-failed' });
    expect(unwell.summary).toMatch(/not all is well: .*on 2 of 2 hosts .*it ended with status 3: no stock/);
    expect(live()).toEqual(['1', '1']);
    begin('2');
    configure('./ledger', ['    smoke-test: [{ get: /before-any-url }]']);
    expect((await run('rollback', {})).last.code).toBe('rollback-failed');
    expect(log.lines.join('\n')).toMatch(/no smoke test will verify it: .*comes before any whole URL/);
  });

  it('goes to any version that is asked for, and does nothing the second time', async () => {
    begin('3');
    expect((await run('rollback', { version: '2' })).last.code).toBe('rolled-back');
    const again = await run('rollback', { version: '2' });
    expect(again.last).toMatchObject({ outcome: 'passed', code: 'nothing-to-do' });
    expect((await openDirectoryLedger(join(workspace, 'ledger')).state('production')).incidents).toHaveLength(1);
  });

  it('pressed twice goes back twice, never to the version that was left', async () => {
    begin('3');
    expect((await run('rollback', {})).last.outputs).toMatchObject({ 'live-version': '2' });
    expect((await run('rollback', {})).last.outputs).toMatchObject({ 'live-version': '1' });
    expect(live()).toEqual(['1', '1']);
  });

  it('fetches a version again that was pruned from the hosts', async () => {
    begin('4');
    expect(existsSync(join(workspace, 'hosts/web1/versions/1'))).toBe(false);
    expect((await run('rollback', { version: '1' })).last).toMatchObject({ code: 'rolled-back' });
    expect(live()).toEqual(['1', '1']);
  });

  it('fetches no other bytes than those that were live', async () => {
    begin('4');
    writeFileSync(join(workspace, 'artifacts/1/VERSION'), 'another 1');
    expect((await run('rollback', { version: '1' })).last).toMatchObject({
      code: 'artifact-digest',
      outcome: 'failed',
    });
    expect(live()).toEqual(['4', '4']);
  });

  it.each([
    ['after', '    after: uat', 'rolled-back', ['1', '1']],
    ['approve', '    approve: { from: [octocat] }', 'version-absent', ['4', '4']],
  ])('of a pruned version, where `%s` lets in', async (_, rule, code, hosts) => {
    begin('4');
    configure('./ledger', [rule, '  uat: {}']);
    expect((await run('rollback', { version: '1', environment: 'production' })).last.code).toBe(code);
    expect(live()).toEqual(hosts);
  });

  it('is no way past `after` for what was never here', async () => {
    begin('2');
    configure('./ledger', ['    after: uat', '  uat: {}']);
    const { last } = await run('rollback', { version: '3', environment: 'production' });
    expect([last.code, live()]).toEqual(['version-absent', ['2', '2']]);
    expect(last.summary).toContain('was never live here');
  });

  it('refuses where there is nothing before, and where the version cannot be', async () => {
    begin('1');
    expect((await run('rollback', {})).last).toMatchObject({ outcome: 'failed', code: 'version-absent' });
    expect((await run('rollback', { version: '../x' })).last).toMatchObject({
      outcome: 'failed',
      code: 'version-invalid',
    });
    expect((await run('rollback', { version: '9' })).last).toMatchObject({
      outcome: 'failed',
      code: 'artifact-missing',
    });
    expect(live()).toEqual(['1', '1']);
  });
});

describe('rollback while GitHub is down', () => {
  const before = { ...process.env };
  let standIn: StandIn;
  let shop: ReturnType<StandIn['repository']>;

  beforeEach(async () => {
    standIn = await startStandIn();
    shop = standIn.repository('acme', 'shop');
    shop.commit();
    const token = standIn.token({ contents: 'write' });
    Object.assign(process.env, {
      GITHUB_REPOSITORY: 'acme/shop',
      GITHUB_API_URL: standIn.url,
      CHANGELINE_TOKEN: token,
    });
    begin('0');
    configure('github');
  });
  afterEach(async () => {
    process.env = { ...before };
    const { violations } = standIn;
    await standIn.close();
    expect(violations).toEqual([]);
  });

  it('delivers nothing, goes back by what the hosts know, and tells the ledger afterwards', async () => {
    await deploy('1', '2');
    process.env.GITHUB_API_URL = 'http://127.0.0.1:9';
    const refused = await run('deploy', { version: '3' });
    expect(refused.last).toMatchObject({ outcome: 'failed', code: 'ledger-unreachable' });
    expect(live()).toEqual(['2', '2']);
    const { last } = await run('rollback', { why: 'GitHub is down too' });
    expect(last, last.summary).toMatchObject({ outcome: 'passed', code: 'rolled-back' });
    expect(live()).toEqual(['1', '1']);
    expect(log.lines.join('\n')).toContain('the ledger is out of reach');

    process.env.GITHUB_API_URL = standIn.url;
    await deploy('3');
    expect(log.lines.join('\n')).toContain('the ledger was told of what happened offline');
    const files = shop.filesAt(shop.branches.get('changeline')!);
    expect(JSON.parse(files.get('production/state.json')!)).toMatchObject({
      live: { version: '3' },
      before: [{ version: '1' }],
      incidents: [{ from: '2', to: '1', why: 'GitHub is down too' }],
    });
  });
});
