import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { actBinary, outputsIn } from '../support/act.ts';
import type { Entry, Pull } from '../support/github/stand-in.ts';
import { Project } from '../support/project.ts';

/** The story of one freeze of production: each test begins where the one before ended. */
describe.skipIf(actBinary() === null)('freeze.yml, run by act', () => {
  let project: Project;
  let pull: Pull;
  let queued: Pull;
  let entry: Entry;
  const live = () => project.versions([...project.uat, ...project.production]);
  const gate = (sha: string) => project.shop.statusOf(sha, 'changeline/gate');
  const state = () => project.ledger('production').state;
  const deliver = (inputs: Record<string, string>, actor = 'octocat') => project.press('deliver', inputs, { actor });

  beforeAll(async () => {
    project = await Project.start({ hosts: 1, ssh: false });
    project.shop.role('wes', 'write');
    project.shop.role('mia', 'maintain');
    const { exitCode, log } = await project.run('deliver', 'push', { number: 1 });
    expect(exitCode, log).toBe(0);
    pull = project.shop.pull(project.shop.commit('feature'));
    queued = project.shop.pull(project.shop.commit('queued'));
    entry = project.shop.enqueue(queued);
    await project.completed('CI');
    expect([pull.head, queued.head, entry.head].map((sha) => gate(sha)?.state)).toEqual(Array(3).fill('success'));
  });
  afterAll(() => project.stop());
  afterEach(() => expect(project.standIn.violations).toEqual([]));

  it('opens one, which pull requests and the merge queue show before the run ends', async () => {
    const inputs = { environment: 'production', why: 'the *bank* is down', until: '4h' };
    const { exitCode, log, jobs } = await project.press('freeze', inputs, { actor: 'wes' });
    expect(exitCode, log).toBe(0);
    expect(outputsIn(jobs.freeze)).toMatchObject([{ outcome: 'passed', code: 'frozen', frozen: 'true' }]);
    expect(state().freezes).toMatchObject([{ why: 'the *bank* is down', owner: 'wes', change: null }]);
    expect([pull.head, queued.head, entry.head].map((sha) => gate(sha)?.state)).toEqual([
      'failure',
      'failure',
      'pending',
    ]);
    expect(gate(pull.head)?.description).toContain('the *bank* is down');
  });

  it('is on a pull request that is opened now, and the run that opened it changes nothing more', async () => {
    const late = project.shop.pull(project.shop.commit('late'));
    const { 'pull-request': run } = await project.follow(project.standIn.takeEvent('pull_request'));
    expect(run?.exitCode, run?.log).toBe(0);
    project.shop.closePull(late);
    const before = project.shop.statuses.length;
    const followed = await project.completed('Freeze');
    expect(Object.keys(followed)).toEqual(['pull-request']);
    expect(followed['pull-request']?.exitCode, followed['pull-request']?.log).toBe(0);
    expect(project.shop.statuses).toHaveLength(before);
  });

  it('stops deliver.yml at production before anything is touched; UAT goes on', async () => {
    const { exitCode, log, step } = await deliver({ version: '1.0.1' });
    expect(exitCode, log).toBe(1);
    expect(step('production', 'line').outputs).toMatchObject({ outcome: 'failed', code: 'frozen', change: '' });
    expect(log).toContain('the *bank* is down');
    expect(project.shop.deployments.map(({ environment }) => environment)).not.toContain('production');
    const uat = await project.run('deliver', 'push', { number: 2 });
    expect(uat.exitCode, uat.log).toBe(0);
    expect(await live()).toEqual(['1.0.2', null]);
  });

  it('lets a delivery pass by the override of a maintainer, and of nobody below', async () => {
    const inputs = { version: '1.0.1', override: 'it mends the bank' };
    const refused = await deliver(inputs, 'wes');
    expect(refused.exitCode).toBe(1);
    expect(refused.step('production', 'line').outputs).toMatchObject({ code: 'override-refused' });
    expect(await live()).toEqual(['1.0.2', null]);
    const passed = await deliver(inputs, 'mia');
    expect(passed.exitCode, passed.log).toBe(0);
    expect(await live()).toEqual(['1.0.2', '1.0.1']);
    const said = project
      .ledger('production')
      .changes.at(-1)!
      .events.find(({ kind }) => kind === 'override');
    expect(said).toMatchObject({ why: 'it mends the bank', facts: { by: 'mia' } });
    expect(state().freezes).toHaveLength(1);
  });

  it('ends it: pull requests and queue are green again, and a delivery passes', async () => {
    const ended = await project.press('freeze', { environment: 'production', why: 'the bank is back', end: 'true' });
    expect(ended.exitCode, ended.log).toBe(0);
    expect(outputsIn(ended.jobs.freeze)).toMatchObject([{ outcome: 'passed', code: 'ok', frozen: 'false' }]);
    expect([pull.head, queued.head, entry.head].map((sha) => gate(sha)?.state)).toEqual(Array(3).fill('success'));
    const { exitCode, log } = await deliver({ version: '1.0.2' });
    expect(exitCode, log).toBe(0);
    expect(await live()).toEqual(['1.0.2', '1.0.2']);
  });
});
