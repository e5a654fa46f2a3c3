import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { actBinary } from '../support/act.ts';
import { Project } from '../support/project.ts';

/** What each job of the examples declares, and so what a user gives. That it suffices is shown where they are run. */
describe.skipIf(actBinary() === null)('a permission that a job lacks is named', () => {
  let project: Project;

  beforeAll(async () => {
    project = await Project.start({ hosts: 1, ssh: false });
    const { exitCode, log } = await project.run('deliver', 'push', { number: 1 });
    expect(exitCode, log).toBe(0);
  });
  afterAll(() => project.stop());
  afterEach(() => expect(project.standIn.violations).toEqual([]));

  const version = { version: '1.0.1' };
  const back = { environment: 'uat', version: '', why: 'to see' };
  it.each([
    ['deliver', version, 'actions: read'],
    ['deliver', version, 'checks: read'],
    ['deliver', version, 'statuses: read'],
    ['deliver', version, 'contents: write'],
    ['rollback', { ...back, version: '1.0.0' }, 'actions: read'],
    ['rollback', back, 'contents: write'],
  ])('%s %j without %s', async (workflow, inputs, permission) => {
    const { exitCode, log } = await project.run(workflow, 'workflow_dispatch', {
      workflow: project.lacking(workflow, permission),
      inputs,
    });
    expect(exitCode).toBe(1);
    expect(log).toContain('permission');
    expect(log).toContain(permission);
    expect(await project.versions([...project.uat, ...project.production])).toEqual(['1.0.1', null]);
  });

  it.each(['actions: read', 'checks: read', 'contents: read', 'pull-requests: read', 'statuses: write'])(
    'pull-request without %s',
    async (permission) => {
      const sha = project.shop.commit('feature');
      project.shop.pull(sha);
      const result = await project.run('pull-request', 'workflow_run', {
        workflow: project.lacking('pull-request', permission),
        payload: { action: 'completed' },
      });
      expect(result.exitCode).toBe(1);
      expect(result.log).toContain(permission);
    },
  );

  it('deploy without deployments: write is a warning, since GitHub’s page is for people to see', async () => {
    const { exitCode, log } = await project.run('deliver', 'workflow_dispatch', {
      workflow: project.lacking('deliver', 'deployments: write'),
      inputs: version,
    });
    expect(exitCode, log).toBe(0);
    expect(log).toContain('deployments: write');
    expect(await project.versions(project.production)).toEqual(['1.0.1']);
  });
});
