/** The life of a change over the steps of a job: who holds the environment, what its end commits, puts back, leaves open. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EnvironmentState, type Holder, openChange, openDirectoryLedger } from '../../src/ledger/ledger.ts';
import { RecordingLog } from '../../src/log/log.ts';
import type { Result } from '../../src/outcome/outcome.ts';
import type { Verb } from '../../src/stages/contract.ts';
import { type Doorway, placeAt } from '../../src/stages/frame/context.ts';
import { finish, type JobStatus } from '../../src/stages/frame/ending.ts';
import { perform } from '../../src/stages/frame/frame.ts';
import { shellHolder } from '../../src/stages/frame/liveness.ts';

let workspace: string;

beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'change-life-'));
  mkdirSync(join(workspace, '.github'));
  configure();
  for (const host of ['web1', 'web2']) mkdirSync(join(workspace, 'hosts', host), { recursive: true });
  for (const version of ['1', '2', '3']) {
    mkdirSync(join(workspace, 'artifacts', version), { recursive: true });
    writeFileSync(join(workspace, 'artifacts', version, 'VERSION'), version);
  }
});
afterEach(() => rmSync(workspace, { recursive: true, force: true }));

function configure(...more: string[]): void {
  const lines = ['name: shop', 'artifact: ./artifacts/{version}', 'ledger: ./ledger', 'environments:', '  production:'];
  const sections = ['    hosts: [./hosts/web1, ./hosts/web2]', '    deploy: { waves: ["100%"] }', ...more];
  writeFileSync(join(workspace, '.github/changeline.yml'), [...lines, ...sections].join('\n'));
}

/** The steps of one job: they share a folder, as on a runner, and end in the reverse order. */
class Job {
  readonly #temporary = join(workspace, `job-${randomUUID()}`);
  readonly #steps: { verb: Verb; given: Record<string, string>; step: string; result: Result | null }[] = [];

  async step(verb: Verb, given: Record<string, string> = {}): Promise<Result> {
    const step = randomUUID();
    const { result } = await perform(verb, await this.#door(given, step));
    this.#steps.push({ verb, given, step, result });
    return result;
  }

  async end(status: JobStatus): Promise<(Result | null)[]> {
    const endings: (Result | null)[] = [];
    for (const { verb, given, step, result } of this.#steps.toReversed())
      endings.push(await finish(verb, await this.#door(given, step), result, status));
    return endings;
  }

  async #door(given: Record<string, string>, step: string): Promise<Doorway> {
    return {
      given,
      style: (name) => name,
      env: process.env,
      log: new RecordingLog(),
      signal: new AbortController().signal,
      runner: null,
      holder: await shellHolder(process.env),
      step,
      place: await placeAt(workspace, this.#temporary, join(workspace, 'cache'), join(workspace, 'reports')),
    };
  }
}

const ledger = () => openDirectoryLedger(join(workspace, 'ledger'));
const state = (): Promise<EnvironmentState> => ledger().state('production');
const live = () => ['web1', 'web2'].map((host) => readlinkSync(join(workspace, 'hosts', host, 'current')));

async function delivered(version: string): Promise<void> {
  const job = new Job();
  expect((await job.step('deploy', { version })).outcome).toBe('passed');
  await job.end('success');
}

async function heldBy(pid: number): Promise<void> {
  const started = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[19]!;
  const holder: Holder = { kind: 'shell', machine: hostname(), pid, started, actor: 'bob' };
  const opening = { verb: 'deploy', version: '9', digest: null, commit: null, config: null, holder };
  await ledger().write('production', (now) => openChange(now, opening, true));
}

describe('a chain that begins with a stage that only reads', () => {
  it('holds nothing until a stage touches the environment, and is then one change that passes', async () => {
    const job = new Job();
    expect((await job.step('load-test')).outcome).toBe('skipped');
    expect((await state()).open).toBeNull();
    expect((await job.step('deploy', { version: '1' })).outcome).toBe('passed');
    expect((await state()).open).toMatchObject({ version: '1', committed: false });
    await job.end('success');
    const after = await state();
    expect(after).toMatchObject({ open: null, live: { version: '1' }, passed: [{ version: '1' }] });
    const change = (await ledger().change('production', after.live!.change))!;
    expect(change).toMatchObject({ outcome: 'passed', version: '1' });
    expect(change.events.filter(({ kind }) => kind === 'stage').map(({ stage }) => stage)).toContain('load-test');
  });

  it('is refused at the deploy while another holds the environment, and goes on once that one is gone', async () => {
    await delivered('1');
    const other = spawn('sleep', ['60']);
    await heldBy(other.pid!);
    const job = new Job();
    expect((await job.step('load-test')).outcome).toBe('skipped');
    const refused = await job.step('deploy', { version: '2' });
    expect(refused).toMatchObject({ outcome: 'failed', code: 'change-open' });
    expect(refused.summary).toContain('bob');
    await job.end('failure');
    expect(live()).toEqual(['versions/1', 'versions/1']);

    await new Promise((resolve) => other.once('exit', resolve).kill());
    const next = new Job();
    await next.step('load-test');
    expect(await next.step('deploy', { version: '2' })).toMatchObject({ outcome: 'passed' });
    await next.end('success');
    expect(await state()).toMatchObject({ open: null, live: { version: '2' } });
  });
});

describe('one job', () => {
  it('carries one version: a second one is refused, and so is a rollback of what its end puts back', async () => {
    await delivered('1');
    const job = new Job();
    await job.step('deploy', { version: '2' });
    expect(await job.step('deploy', { version: '3' })).toMatchObject({ outcome: 'failed', code: 'change-open' });
    expect(await job.step('rollback')).toMatchObject({ outcome: 'failed', code: 'change-open' });
    await job.end('failure');
    expect(live()).toEqual(['versions/1', 'versions/1']);
    expect(await state()).toMatchObject({ open: null, live: { version: '1' } });
  });

  it('that fails after its deploy puts it back and leaves an incident with a draft', async () => {
    await delivered('1');
    const job = new Job();
    await job.step('deploy', { version: '2' });
    const [ending] = await job.end('failure');
    expect(ending).toMatchObject({ code: 'rolled-back' });
    expect(readFileSync(String(ending!.facts.postmortem), 'utf8')).toContain('Why, five times');
    expect((await state()).incidents).toMatchObject([{ from: '2', to: '1' }]);
  });
});

describe('an end that cannot be clean', () => {
  it('puts back what it can, leaves the change open, and the next run ends it', async () => {
    await delivered('1');
    const job = new Job();
    await job.step('deploy', { version: '2' });
    const link = join(workspace, 'hosts/web2/current');
    rmSync(link);
    symlinkSync('versions/elsewhere', link);
    const [ending] = await job.end('success');
    expect(ending).toMatchObject({ outcome: 'failed', code: 'fleet-mixed' });
    expect(live()[0]).toBe('versions/1');
    expect(await state()).toMatchObject({ open: { version: '2', committed: false }, live: { version: '1' } });
  });
});

it('no secret gets into the ledger by the words of a stage of the line', async () => {
  process.env.SHOP_TOKEN = 'very"secret\\token';
  try {
    configure(`    smoke-test: ["http://127.0.0.1:9/\${SHOP_TOKEN}/x"]`);
    const job = new Job();
    expect(await job.step('deliver', { version: '1' })).toMatchObject({ outcome: 'failed' });
    await job.end('failure');
  } finally {
    delete process.env.SHOP_TOKEN;
  }
  const files = ['ledger', 'reports'].flatMap((folder) =>
    readdirSync(join(workspace, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8')),
  );
  expect(files.length).toBeGreaterThan(2);
  for (const text of files) expect(text).not.toMatch(/very.{0,3}secret/);
});
