import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { actBinary, outputsIn } from '../support/act.ts';
import { Project } from '../support/project.ts';
import { sshdMissing } from '../support/sshd.ts';

const missing = actBinary() === null || sshdMissing() !== null;
const all = (version: string | null) => [version, version, version];

/** The story of one project, told by the workflows that a user copies: each test begins where the one before ended. */
describe.skipIf(missing)('the example workflows, run by act', () => {
  let project: Project;
  const live = async () => [...(await project.versions(project.uat)), ...(await project.versions(project.production))];
  const newest = () => project.ledger('production').changes.at(-1)!;
  const dispatch = (inputs: Record<string, string>) => project.press('deliver', inputs);

  beforeAll(async () => {
    project = await Project.start({ hosts: 3, ssh: true });
  });
  afterAll(() => project.stop());
  afterEach(() => expect(project.standIn.violations).toEqual([]));

  it('deliver.yml brings a pushed commit to UAT and leaves production alone', async () => {
    const { exitCode, jobs, log } = await project.run('deliver', 'push', { number: 1 });
    expect(exitCode, log).toBe(0);
    expect(Object.values(jobs).map(({ id, result }) => `${id} ${result}`)).toEqual(['build success', 'uat success']);
    expect(await live()).toEqual(['1.0.1', ...all(null)]);
    expect(project.shop.artifacts.map(({ name }) => name)).toEqual(['shop-1.0.1']);
    expect(project.ledger('uat').state.passed.map(({ version }) => version)).toEqual(['1.0.1']);
  });

  it('deliver.yml with plan says what it would do and touches nothing', async () => {
    const { step, exitCode, log } = await dispatch({ version: '1.0.1', plan: 'true' });
    expect(exitCode, log).toBe(0);
    expect(step('production', 'line').outputs).toMatchObject({ outcome: 'passed', code: 'planned', change: '' });
    expect(log).toContain('watch');
    expect(project.ledger('production').changes).toEqual([]);
    expect(await live()).toEqual(['1.0.1', ...all(null)]);
    for (const { directory } of project.production) expect(existsSync(join(directory, '.changeline'))).toBe(false);
  });

  it('deliver.yml brings the version that passed in UAT to every host of production', async () => {
    const { step, exitCode, log } = await dispatch({ version: '1.0.1' });
    expect(exitCode, log).toBe(0);
    expect(await live()).toEqual(['1.0.1', ...all('1.0.1')]);
    const { outputs } = step('production', 'line');
    expect(outputs).toMatchObject({ outcome: 'passed', code: 'ok', 'live-version': '1.0.1', change: newest().id });
    expect(project.shop.artifacts.map(({ name }) => name)).toContain('report');
    expect(log).not.toContain(project.database('production'));
    const { state, changes } = project.ledger('production');
    expect(changes).toHaveLength(1);
    expect(state).toMatchObject({ open: null, live: { version: '1.0.1', change: newest().id } });
    expect(project.shop.deployments.map((one) => [one.environment, one.statuses.at(-1)?.state])).toEqual([
      ['uat', 'success'],
      ['production', 'success'],
    ]);
  });

  it('deliver.yml stops at a red build, and refuses a version that did not pass in UAT', async () => {
    project.push({}, { name: 'test', conclusion: 'failure' });
    const red = await project.run('deliver', 'push', { number: 2 });
    expect(red.exitCode).toBe(1);
    expect(red.log).toContain('gate-red');
    project.push();
    const before = readFileSync(join(project.production[0]!.directory, '.changeline/journal'), 'utf8');
    const { step, exitCode } = await dispatch({ version: '1.0.2' });
    expect(exitCode).toBe(1);
    expect(step('production', 'line').outputs).toMatchObject({ outcome: 'failed', code: 'not-passed-before' });
    expect(
      step('production', 'line')
        .annotations.map(({ message }) => message)
        .join(),
    ).toContain('deliver 1.0.2 to uat first');
    expect(await live()).toEqual(['1.0.1', ...all('1.0.1')]);
    expect(readFileSync(join(project.production[0]!.directory, '.changeline/journal'), 'utf8')).toBe(before);
    expect(newest()).toMatchObject({ version: '1.0.2', outcome: 'failed' });
    expect(project.ledger('production').state.open).toBeNull();
  });

  it('deliver-step-by-step.yml is one change with every stage', async () => {
    const { port } = project.production[0]!;
    project.push({
      uat: { 'smoke-test': [`http://127.0.0.1:${project.uat[0]!.port}/health`] },
      production: {
        'config-files': ['app.env'],
        'load-test': {
          scripts: 'widgets/load/TestGetAllWidgets.js',
          url: `http://127.0.0.1:${port}`,
          env: { VUS: 1, DURATION: '1s' },
        },
        backup: { to: './backups' },
        'smoke-test': [{ get: `http://127.0.0.1:${port}/version`, expect: { version: true } }],
        watch: {
          for: '3s',
          every: '1s',
          'between-waves': '2s',
          metrics: [
            { name: 'errors', log: 'current/bin/shop log {seconds}', match: ' ERROR ', kind: 'count', worse: 'up' },
          ],
        },
      },
    });
    expect((await project.run('deliver', 'push', { number: 3 })).exitCode).toBe(0);
    const commits = project.shop.commits.size;
    const { exitCode, log, jobs } = await project.press('deliver-step-by-step', { version: '1.0.3' });
    expect(exitCode, log).toBe(0);
    expect(outputsIn(jobs.approve)).toMatchObject([{ outcome: 'skipped', code: 'not-configured', approved: 'true' }]);
    expect(await live()).toEqual(['1.0.3', ...all('1.0.3')]);
    const ids = jobs.production!.steps.map(({ outputs }) => outputs.change).filter(Boolean);
    expect(new Set(ids)).toEqual(new Set([newest().id]));
    const said = newest().events.map(({ kind, stage, outcome }) => [kind, stage, outcome].filter(Boolean).join(' '));
    expect(said).toEqual([
      'opened',
      'stage gate passed',
      'stage load-test passed',
      'stage backup passed',
      'stage migrate passed',
      'watched deploy',
      'stage deploy passed',
      'stage smoke-test passed',
      'watched watch',
      'stage watch passed',
      'committed',
      'stage deploy passed',
      'closed passed',
    ]);
    // The job that need not ask: opened beside, closed. The delivery: opened beside, place taken by the first stage
    // that touches, committed, closed.
    expect(project.shop.commits.size - commits).toBe(2 + 4);
    expect(project.ledger('production').state.passed[0]).toMatchObject({ version: '1.0.3' });
  });

  it('deliver-step-by-step.yml puts the deploy back where a later stage fails', async () => {
    const url = `http://127.0.0.1:${project.production[0]!.port}`;
    project.push({
      production: { 'smoke-test': [{ get: `${url}/widgets`, expect: { body: 'nobody sells this' } }] },
    });
    expect((await project.run('deliver', 'push', { number: 4 })).exitCode).toBe(0);
    const { exitCode, log } = await project.press('deliver-step-by-step', { version: '1.0.4' });
    expect(exitCode).toBe(1);
    expect(log).toContain('smoke-failed');
    expect(await live()).toEqual(['1.0.4', ...all('1.0.3')]);
    const { state } = project.ledger('production');
    expect(state).toMatchObject({ open: null, live: { version: '1.0.3' } });
    expect(newest()).toMatchObject({ version: '1.0.4', outcome: 'failed' });
    expect(newest().events.map(({ kind }) => kind)).toContain('turned-back');
    expect(project.shop.deployments.at(-1)!.statuses.at(-1)!.state).toBe('failure');
  });

  it('rollback.yml takes production to the version before and opens an incident', async () => {
    project.push({ production: { 'smoke-test': [`http://127.0.0.1:${project.production[0]!.port}/health`] } });
    const why = 'orders *fell* <b>by half</b>';
    const { exitCode, log, jobs } = await project.press('rollback', { environment: 'production', why });
    expect(exitCode, log).toBe(0);
    expect(await live()).toEqual(['1.0.4', ...all('1.0.1')]);
    const { outputs, summary } = jobs.rollback!.steps.find((one) => one.outputs.incident)!;
    expect(outputs).toMatchObject({ outcome: 'passed', code: 'rolled-back', 'live-version': '1.0.1' });
    expect(summary).not.toContain('<b>');
    const { state } = project.ledger('production');
    expect(state.incidents[0]).toMatchObject({ from: '1.0.3', to: '1.0.1', why });
    expect(state).toMatchObject({ open: null, live: { version: '1.0.1' } });
  });

  it('backup.yml takes a backup of what is live, and proves it again in a drill', async () => {
    project.push({ production: { backup: { to: join(project.home, 'backups') } } });
    const { outputs } = (await project.press('backup', { drill: 'false' })).step('backup', 'backup');
    expect(outputs).toMatchObject({
      outcome: 'passed',
      level: 'compared',
      backup: expect.stringMatching(/^shop-production\./),
    });
    const { state } = project.ledger('production');
    expect(state.backups[0]).toMatchObject({ id: outputs.backup, level: 'compared', databases: ['main'] });
    const drill = (await project.press('backup', { drill: 'true' })).step('backup', 'backup');
    expect(drill.outputs).toMatchObject({ outcome: 'passed', level: 'compared', backup: outputs.backup });
    expect(await live()).toEqual(['1.0.4', ...all('1.0.1')]);
  });

  it('deploy-every-commit.yml takes a pushed commit through both environments', async () => {
    project.push();
    const { exitCode, log } = await project.run('deploy-every-commit', 'push', { number: 5 });
    expect(exitCode, log).toBe(0);
    expect(await live()).toEqual(['1.0.5', ...all('1.0.5')]);
  });

  it('drill.yml says of a shop that was opened only now that its guard cannot be tried yet', async () => {
    const sql = 'select count(*) from orders where placed_at >= {from} and placed_at < {to}';
    project.push({
      production: { watch: { metrics: [{ name: 'orders', sql, worse: 'down', critical: true }] } },
    });
    const run = await project.press('drill', { harm: '-60%' });
    expect(run.exitCode).toBe(1);
    const { outputs } = run.step('drill', 'drill');
    expect(outputs).toMatchObject({ outcome: 'inconclusive', code: 'metric-unsure' });
    const facts = JSON.parse(outputs.facts!) as { left: { why: string }[] };
    expect(facts).toMatchObject({ drilled: [], left: [{ metric: 'orders', critical: true }] });
    expect(facts.left[0]!.why).toMatch(/0 all the time|no unharmed past|holds enough to judge/);
  });
});
