/** Freezes on real directories: opened and ended by hand, by the calendar, and by a change that ended badly. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runInShell } from '../../src/doors/shell.ts';
import { activeFreezes } from '../../src/freeze/freeze.ts';
import { type EnvironmentState, type LedgerEvent, openChange, openDirectoryLedger } from '../../src/ledger/ledger.ts';
import { RecordingLog } from '../../src/log/log.ts';
import type { Result } from '../../src/outcome/outcome.ts';
import type { Verb } from '../../src/stages/contract.ts';
import { type Doorway, placeAt } from '../../src/stages/frame/context.ts';
import { finish, type JobStatus } from '../../src/stages/frame/ending.ts';
import { perform } from '../../src/stages/frame/frame.ts';
import { shellHolder } from '../../src/stages/frame/liveness.ts';
import { changeline } from '../support/changeline.ts';

let workspace: string;

beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'freeze-'));
  mkdirSync(join(workspace, '.github'));
  mkdirSync(join(workspace, 'hosts/web1'), { recursive: true });
  for (const version of ['1', '2', '3']) {
    mkdirSync(join(workspace, 'artifacts', version), { recursive: true });
    writeFileSync(join(workspace, 'artifacts', version, 'VERSION'), version);
  }
  configure();
});
afterEach(() => rmSync(workspace, { recursive: true, force: true }));

function configure(...more: string[]): void {
  const lines = ['name: shop', 'artifact: ./artifacts/{version}', 'ledger: ./ledger', 'environments:', '  production:'];
  const sections = ['    hosts: [./hosts/web1]', '    deploy: { waves: ["100%"] }', ...more];
  writeFileSync(join(workspace, '.github/changeline.yml'), [...lines, ...sections].join('\n'));
}

async function run(verb: Verb, given: Record<string, string>): Promise<Result> {
  const shell = { log: new RecordingLog(), signal: new AbortController().signal, workspace };
  return (await runInShell(verb, given, shell)).last;
}

/** One step and the end of its job. */
async function job(verb: Verb, given: Record<string, string>, status: JobStatus): Promise<void> {
  const door: Doorway = {
    given,
    style: (name) => name,
    env: process.env,
    log: new RecordingLog(),
    signal: new AbortController().signal,
    runner: null,
    holder: await shellHolder(process.env),
    step: randomUUID(),
    place: await placeAt(
      workspace,
      join(workspace, randomUUID()),
      join(workspace, 'cache'),
      join(workspace, 'reports'),
    ),
  };
  const { result } = await perform(verb, door);
  await finish(verb, door, result, status);
}

const ledger = () => openDirectoryLedger(join(workspace, 'ledger'));
const state = (): Promise<EnvironmentState> => ledger().state('production');
/** The events of a kind, whichever change they are of: changes of one second have no order. */
const events = async (kind: LedgerEvent['kind']): Promise<LedgerEvent[]> =>
  (await ledger().recent('production', 50)).flatMap((change) => change.events.filter((event) => event.kind === kind));
const live = () => {
  const link = join(workspace, 'hosts/web1/current');
  return existsSync(link) ? readlinkSync(link) : null;
};

describe('a freeze that a person opens', () => {
  it('refuses a delivery, lets an override pass, and lets everything pass once it is ended', async () => {
    expect(await run('freeze', { why: 'the bank is down' })).toMatchObject({
      outcome: 'passed',
      code: 'frozen',
      summary: expect.stringContaining('production is frozen until it is ended: the bank is down'),
      outputs: { frozen: true },
    });
    for (const verb of ['deliver', 'deploy'] as const) {
      const refused = await run(verb, { version: '1' });
      expect(refused).toMatchObject({ outcome: 'failed', code: 'frozen' });
      expect(refused.summary).toContain('the bank is down');
    }
    expect(live()).toBeNull();
    expect(await state()).toMatchObject({ open: null, live: null });

    expect(await run('deliver', { version: '1', override: 'this mends the bank' })).toMatchObject({ code: 'ok' });
    expect(live()).toBe('versions/1');
    const overrides = await events('override');
    expect(overrides).toMatchObject([{ why: 'this mends the bank', stage: 'deliver' }]);
    expect(overrides[0]!.facts!.by).toBeTruthy();
    expect((await state()).freezes).toHaveLength(1);

    expect(await run('freeze', { why: 'it is up', end: 'true' })).toMatchObject({
      code: 'ok',
      outputs: { frozen: false },
    });
    expect((await events('freeze')).map(({ why }) => why).toSorted()).toEqual(['it is up', 'the bank is down']);
    expect(await run('deliver', { version: '2' })).toMatchObject({ outcome: 'passed', code: 'ok' });
    expect(await events('override')).toHaveLength(1);
  });

  it('opens once, however often it is asked for, and ends once', async () => {
    const given = { why: 'the bank is down', until: '4h' };
    expect((await run('freeze', given)).code).toBe('frozen');
    const [first] = (await state()).freezes;
    expect(await run('freeze', given)).toMatchObject({ code: 'nothing-to-do', outputs: { frozen: true } });
    expect((await state()).freezes).toEqual([first]);
    expect((await run('freeze', { ...given, until: '6h' })).code).toBe('frozen');
    const [longer, ...others] = (await state()).freezes;
    expect(others).toEqual([]);
    expect(Date.parse(longer!.until!) - Date.parse(first!.until!)).toBeGreaterThan(7_000_000);
    const end = { why: 'it is up', end: 'true' };
    expect((await run('freeze', end)).code).toBe('ok');
    expect(await run('freeze', end)).toMatchObject({ outcome: 'passed', code: 'nothing-to-do' });
  });

  it('needs no secret of the environment, and holds for each of its name alone', async () => {
    configure(`    database: \${SHOP_DATABASE_URL}`, '  uat:', '    hosts: [./hosts/web1]', '    deploy: {}');
    expect((await run('freeze', { why: 'the bank is down', environment: 'production' })).code).toBe('frozen');
    expect((await state()).freezes).toHaveLength(1);
    expect(await run('deploy', { version: '1', environment: 'uat' })).toMatchObject({ outcome: 'passed' });
  });

  it('lets a rollback through', async () => {
    for (const version of ['1', '2']) await run('deploy', { version });
    await run('freeze', { why: 'the bank is down' });
    expect(await run('rollback', {})).toMatchObject({ code: 'rolled-back' });
    expect(live()).toBe('versions/1');
    expect((await state()).freezes).toHaveLength(1);
  });

  it('does not keep what a dead run left from being ended', async () => {
    const holder = { ...(await shellHolder(process.env)), pid: 4_194_304, started: '1' } as const;
    const opening = { verb: 'deploy', version: '9', digest: null, commit: null, config: null, holder };
    await ledger().write('production', (now) => openChange(now, opening, true));
    await run('freeze', { why: 'the bank is down' });
    expect((await state()).open).toMatchObject({ version: '9' });
    expect(await run('deploy', { version: '1' })).toMatchObject({ code: 'frozen' });
    expect(await state()).toMatchObject({ open: null, live: null });
  });

  it.each([
    [{ why: 'x', until: 'tomorrow' }, /neither a length of time nor a moment/],
    [{ why: 'x', until: '2026-01-01T00:00Z' }, /over already/],
    [{ why: 'x', until: '90d' }, /at most 60 days/],
    [{ why: 'x', until: '4h', end: 'true' }, /end and until are both given/],
    [{ why: 'x'.repeat(301) }, /301 characters/],
    [{ why: '\u202e' }, /no visible character/],
  ])('is refused where it is asked for wrongly: %j', async (given, says) => {
    const refused = await run('freeze', given);
    expect(refused).toMatchObject({ outcome: 'failed', code: 'input-invalid' });
    expect(refused.summary).toMatch(says);
    expect((await state()).freezes).toEqual([]);
  });

  it('holds in the shell, where status tells of it', async () => {
    const env = { CHANGELINE_ACTOR: 'ann' };
    const opened = await changeline(['freeze', '--why', 'the bank is down'], workspace, env);
    expect(opened, opened.out).toMatchObject({ status: 0 });
    const status = await changeline(['status'], workspace);
    expect(status.out).toContain('production is frozen until it is ended: the bank is down (ann)');
    const refused = await changeline(['deploy', '--version', '1'], workspace);
    expect(refused.status).not.toBe(0);
    expect(refused.out).toContain('--end');
    expect((await changeline(['freeze', '--why', 'up', '--end'], workspace, env)).status).toBe(0);
    expect((await changeline(['deploy', '--version', '1'], workspace)).status).toBe(0);
  });
});

describe('a window of changeline.yml', () => {
  const always = '    freeze: { windows: [{ from: "2020-01-01", to: "2999-12-31", why: no releases, owner: ann }] }';

  it('refuses what touches, not what reads, and is not ended by hand', async () => {
    configure(always);
    const refused = await run('deploy', { version: '1' });
    expect(refused).toMatchObject({ outcome: 'failed', code: 'frozen' });
    expect(refused.summary).toContain('no releases (ann)');
    expect((await run('smoke-test', {})).outcome).toBe('skipped');
    expect(await run('freeze', { why: 'please', end: 'true' })).toMatchObject({
      code: 'nothing-to-do',
      summary: expect.stringContaining('no releases'),
      outputs: { frozen: true },
    });
    expect(await run('deploy', { version: '1', override: 'security fix' })).toMatchObject({ outcome: 'passed' });
  });
});

describe('during-change', () => {
  const merges = async (during: boolean) =>
    activeFreezes('production', { 'during-change': during, windows: [] }, await state(), new Date(), 'merges');

  it('leaves nothing after a good end', async () => {
    configure('    freeze: { during-change: true }');
    await job('deploy', { version: '1' }, 'success');
    expect(await merges(true)).toEqual([]);
  });

  it('leaves a freeze after a bad end, until a later version has passed', async () => {
    configure('    freeze: { during-change: true }');
    await job('deploy', { version: '1' }, 'success');
    await job('deploy', { version: '2' }, 'failure');
    expect(live()).toBe('versions/1');
    const [left, ...others] = (await state()).freezes;
    expect(others).toEqual([]);
    expect(left).toMatchObject({ why: expect.stringContaining('2 was taken back: '), until: null });
    expect((await ledger().change('production', left!.change!))!.version).toBe('2');
    expect(await merges(true)).toMatchObject([{ source: 'change' }]);
    expect(await run('deploy', { version: '3' })).toMatchObject({ code: 'frozen' });
    expect(await run('freeze', { why: 'also', until: '1h' })).toMatchObject({ code: 'frozen' });
    await job('deploy', { version: '3', override: 'this mends it' }, 'success');
    expect((await state()).freezes).toMatchObject([{ why: 'also', change: null }]);
  });

  it('leaves nothing where it is not asked for', async () => {
    await job('deploy', { version: '1' }, 'success');
    await job('deploy', { version: '2' }, 'failure');
    expect((await state()).freezes).toEqual([]);
  });
});
