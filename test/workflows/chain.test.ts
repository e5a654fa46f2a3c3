import { existsSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Run } from '../support/github/records.ts';
import { Project } from '../support/project.ts';
import { type JobGiven, type JobResult, runJob, type StepGiven } from '../support/runner.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PERMISSIONS = {
  actions: 'read',
  checks: 'read',
  contents: 'write',
  deployments: 'write',
  statuses: 'read',
} as const;
/** The shop's restart, which says that it has begun and waits where a test holds it. */
const RESTART =
  'touch begun; tries=0; while [ -e hold ] && [ $tries -lt 60 ]; do sleep 0.2; tries=$((tries + 1)); done; current/bin/shop restart';

let project: Project;
let run: Run;
let jobs = 0;

beforeAll(async () => {
  project = await Project.start({
    hosts: 2,
    ssh: false,
    artifact: './shop-{version}.tar.gz',
    production: { after: undefined },
  });
  const [first, second] = project.production.map(({ port }) => `http://127.0.0.1:${port}`);
  project.push({
    production: {
      after: undefined,
      deploy: {
        restart: RESTART,
        health: { url: 'http://127.0.0.1:{port}/health', within: '20s' },
        version: { url: 'http://127.0.0.1:{port}/version' },
      },
      'smoke-test': [`${first}/health`, { get: `${second}/version`, expect: { version: true } }],
      watch: {
        for: '30s',
        every: '1s',
        'between-waves': '4s',
        metrics: [
          { name: 'errors', log: 'current/bin/shop log {seconds}', match: ' ERROR ', kind: 'count', worse: 'up' },
        ],
      },
    },
  });
  for (const version of ['1.0.1', '1.0.2', '1.0.3']) project.build(version);
});
afterAll(() => project.stop());
afterEach(() => expect(project.standIn.violations).toEqual([]));

const step = (name: string, more: Partial<StepGiven> = {}): StepGiven => ({
  id: name,
  action: name === 'deliver' ? ROOT : join(ROOT, 'actions', name),
  ...more,
});
const CHAIN = ['gate', 'migrate', 'deploy', 'smoke-test'];
const chain = (deploy: Partial<StepGiven> = {}) => CHAIN.map((name) => step(name, name === 'deploy' ? deploy : {}));

/** One job of a run of its own. */
function job(version: string, steps: StepGiven[], more: Partial<JobGiven> = {}): Promise<JobResult> {
  run = project.begin('Deliver', 'workflow_dispatch');
  return runJob({
    steps,
    workspace: project.workspace,
    temp: join(project.home, `job-${jobs++}`),
    token: project.standIn.token(PERMISSIONS),
    event: { name: 'workflow_dispatch' },
    ...more,
    env: {
      PATH: [dirname(process.execPath), process.env.PATH].join(':'),
      GITHUB_API_URL: project.standIn.url,
      GITHUB_SHA: project.sha,
      GITHUB_RUN_ID: String(run.id),
      CHANGELINE_ENVIRONMENT: 'production',
      CHANGELINE_VERSION: version,
      ...project.secrets,
      ...more.env,
    },
  });
}

const live = () => project.versions(project.production);
const links = () => project.production.map(({ directory }) => readlinkSync(join(directory, 'current')));
const ledger = () => project.ledger('production');
const newest = () => ledger().changes.at(-1)!;
const logs = ({ steps }: JobResult) =>
  steps.map(({ main, post }) => `${main?.log ?? ''}\n${post?.log ?? ''}`).join('\n');
const errors = ({ steps }: JobResult) =>
  steps
    .flatMap(({ main }) => main?.annotations ?? [])
    .flatMap(({ level, message }) => (level === 'error' ? message : []));
const of = ({ steps }: JobResult, id: string) => steps.find((one) => one.id === id)!;

/** Holds the restart of the first machine, and tells when it has begun. */
function heldRestart(): () => boolean {
  const [hold, begun] = ['hold', 'begun'].map((name) => join(project.production[0]!.directory, name)) as [
    string,
    string,
  ];
  writeFileSync(hold, '');
  rmSync(begun, { force: true });
  return () => {
    if (!existsSync(begun)) return false;
    rmSync(hold, { force: true });
    return true;
  };
}

describe('a chain of actions in one job', () => {
  it('is one change, with outputs and summaries of each', async () => {
    const result = await job('1.0.1', chain());
    expect(result.status, logs(result)).toBe('success');
    expect(await live()).toEqual(['1.0.1', '1.0.1']);
    expect(ledger().changes).toHaveLength(1);
    expect(result.steps.map(({ outputs }) => outputs.change)).toEqual(CHAIN.map(() => newest().id));
    expect(of(result, 'gate').outputs).toMatchObject({ outcome: 'passed', code: 'gate-open', open: 'true' });
    expect(of(result, 'migrate').outputs.applied).toBe('2');
    expect(of(result, 'deploy').outputs['live-version']).toBe('1.0.1');
    expect(JSON.parse(of(result, 'smoke-test').outputs.facts!)).toMatchObject({ schema: 1 });
    for (const { id, summary } of result.steps) expect(summary).toContain(`${id}: passed`);
    expect(newest()).toMatchObject({ outcome: 'passed', holder: { kind: 'actions', run: String(run.id) } });
    expect(ledger().state).toMatchObject({ open: null, live: { version: '1.0.1' } });
    project.end(run, 'success');
  });

  const watched = () => (output: string) => output.includes('watching for');
  const whole = (cancelled: Partial<StepGiven>) => [step('deliver', cancelled)];
  it.each([
    ['a chain, in the middle of a flip', chain, heldRestart],
    ['a chain, while the first wave is watched', chain, watched],
    ['the whole line, in the middle of a flip', whole, heldRestart],
  ])('a cancel puts every host back: %s', async (_, steps, when) => {
    const result = await job('1.0.2', steps({ cancelWhen: when() }));
    expect(result.status, logs(result)).toBe('cancelled');
    const cancelled = result.steps.find(({ outcome }) => outcome === 'cancelled')!;
    expect(cancelled.main).toMatchObject({ exitCode: 1, signal: null });
    expect(cancelled.outputs.code).toBe('cancelled');
    for (const { post } of result.steps) expect(post?.exitCode ?? 0, post?.log).toBe(0);
    expect(await live()).toEqual(['1.0.1', '1.0.1']);
    expect(links()).toEqual(['versions/1.0.1', 'versions/1.0.1']);
    expect(newest()).toMatchObject({ version: '1.0.2', outcome: 'failed' });
    expect(newest().events.at(-1)).toMatchObject({ kind: 'closed', code: 'cancelled' });
    expect(ledger().state).toMatchObject({ open: null, live: { version: '1.0.1' } });
    project.end(run, 'cancelled');
  });

  it.each([false, true])(
    'a deploy that is killed is put back at the end of the job (continue-on-error %s)',
    async (continueOnError) => {
      const killed = { killWhen: heldRestart(), continueOnError };
      const result = await job('1.0.2', [step('gate'), step('deploy', killed)]);
      expect(result.status).toBe(continueOnError ? 'success' : 'failure');
      expect(of(result, 'deploy').main?.signal).toBe('SIGKILL');
      for (const { post } of result.steps) expect(post?.exitCode ?? 0, post?.log).toBe(0);
      expect(await live()).toEqual(['1.0.1', '1.0.1']);
      expect(newest().events.map(({ kind }) => kind)).toContain('turned-back');
      expect(newest().events.map(({ kind }) => kind)).not.toContain('committed');
      expect(ledger().state).toMatchObject({ open: null, live: { version: '1.0.1' } });
      expect(newest().outcome).toBe('failed');
      project.end(run, 'failure');
    },
  );
});

describe('a change whose run is lost with its machine', () => {
  it('stays open, and a second delivery is refused while GitHub knows no end of the run', async () => {
    const lost = await job('1.0.2', [step('deliver', { killWhen: heldRestart() })], { lost: true });
    expect(lost.steps[0]).toMatchObject({ main: { signal: 'SIGKILL' }, post: null });
    const holder = run;
    const before = links();
    const { state } = ledger();
    expect(state.open).toMatchObject({ version: '1.0.2', committed: false });
    const second = await job('1.0.3', [step('deliver')]);
    expect(second.status).toBe('failure');
    expect(second.steps[0]!.outputs).toMatchObject({ outcome: 'failed', code: 'change-open', change: '' });
    const said = errors(second).join();
    for (const word of ['octocat', `/actions/runs/${holder.id}/`, state.open!.since, 'production'])
      expect(said).toContain(word);
    expect(links()).toEqual(before);
    expect(ledger().state.open).toEqual(state.open);
    project.end(run, 'failure');
    project.end(holder, 'failure');
  });

  it('is put back by the next delivery, which then goes on', async () => {
    const dead = ledger().state.open!.change;
    const next = await job('1.0.3', [step('deliver', { with: { until: 'smoke-test' } })]);
    expect(next.status, logs(next)).toBe('success');
    expect(await live()).toEqual(['1.0.3', '1.0.3']);
    const ended = ledger().changes.find(({ id }) => id === dead)!;
    expect(ended.outcome).toBe('failed');
    expect(ended.events.map(({ kind }) => kind)).toContain('recovered');
    expect(newest()).toMatchObject({ version: '1.0.3', outcome: 'passed' });
    expect(next.steps[0]!.main!.annotations).toContainEqual(
      expect.objectContaining({ level: 'warning', message: expect.stringContaining(dead) }),
    );
    project.end(run, 'success');
  });

  it('is brought forward where it was committed', async () => {
    const isCommitted = () => ledger().state.open?.committed === true;
    const until = { with: { until: 'smoke-test' } };
    const lost = await job('1.0.2', [step('deliver', { ...until, killWhen: isCommitted })], { lost: true });
    expect(lost.steps[0]).toMatchObject({ main: { signal: 'SIGKILL' }, post: null });
    project.end(run, 'failure');
    const dead = ledger().state.open!.change;
    const next = await job('1.0.2', [step('deliver', until)]);
    expect(next.status, logs(next)).toBe('success');
    expect(await live()).toEqual(['1.0.2', '1.0.2']);
    expect(ledger().changes.find(({ id }) => id === dead)).toMatchObject({ outcome: 'passed' });
    expect(ledger().state.passed.map(({ version }) => version)).toContain('1.0.2');
    project.end(run, 'success');
  });
});

describe('inputs', () => {
  it.each([
    ['deploy', { verison: '1.0.3' }, 'input-unknown', 'did you mean `version`?'],
    ['smoke-test', { version: '1.0.3' }, 'input-unknown', 'smoke-test has no input `version`'],
    ['deliver', { version: '' }, 'input-missing', 'deliver needs `version`'],
    ['deliver', { version: '1', plan: 'yes' }, 'input-invalid', '`plan` is "yes"'],
    ['deliver', { version: '../<b>1</b>' }, 'version-invalid', 'version'],
    ['deploy', { version: '1.0.3', environment: 'prod' }, 'environment-unknown', 'it has uat, production'],
  ])('%s with %j fails with %s', async (name, given, code, message) => {
    const before = ledger().changes.length;
    const result = await job('', [step(name, { with: given })]);
    expect(result.steps[0]!.main!.exitCode).toBe(1);
    expect(result.steps[0]!.outputs).toMatchObject({ outcome: 'failed', code });
    expect(errors(result).join()).toContain(message);
    expect(result.steps[0]!.summary).not.toContain('<b>');
    if (code !== 'version-invalid') expect(ledger().changes).toHaveLength(before);
    project.end(run, 'failure');
  });
});

it('text from outside can neither write Markdown nor start a command of the runner', async () => {
  const name = '<img src=x>|[x](javascript:1)`\n::warning::taken over';
  project.push({}, { name, conclusion: 'failure' });
  const result = await job('1.0.3', [step('gate')]);
  const [gate] = result.steps;
  expect(gate!.outputs.code).toBe('gate-red');
  expect(errors(result).join()).toContain('taken over');
  expect(gate!.main!.annotations.filter(({ level }) => level === 'warning')).toEqual([]);
  expect(gate!.summary).not.toMatch(/(?<!\\)<img|(?<!\\)\]\(javascript/);
});
