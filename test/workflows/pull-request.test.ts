import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { actBinary } from '../support/act.ts';
import type { JobGiven } from '../support/github/stand-in.ts';
import { Project } from '../support/project.ts';

describe.skipIf(actBinary() === null)('pull-request.yml, run by act', () => {
  let project: Project;

  beforeAll(async () => {
    project = await Project.start({ hosts: 0, ssh: false });
  });
  afterAll(() => project.stop());
  afterEach(() => expect(project.standIn.violations).toEqual([]));

  /** A pull request of a branch of its own, or of a fork. */
  function opened(author = 'octocat') {
    const sha = project.shop.commit(`feature-${project.shop.nextId()}`, { author });
    const pull = project.shop.pull(sha);
    const head = { ref: pull.headRef, sha, repo: null };
    const payload = {
      number: pull.number,
      pull_request: { number: pull.number, state: 'open', head, base: { ref: 'main' } },
    };
    return { sha, payload };
  }
  const status = (sha: string) => project.shop.statusOf(sha, 'changeline/gate');
  const red: JobGiven = { name: 'test', conclusion: 'failure' };

  it.each([
    ['red', red, 'failure'],
    ['green', { name: 'test' }, 'success'],
  ])('a %s main gives the pull request its status; the job itself succeeds', async (_, ci, state) => {
    project.push({}, ci);
    const { sha, payload } = opened();
    const { exitCode, jobs, log } = await project.run('pull-request', 'pull_request_target', { payload });
    expect(exitCode, log).toBe(0);
    expect(jobs.changeline?.result).toBe('success');
    expect(status(sha)).toMatchObject({ state, creator: 'github-actions[bot]' });
    expect(jobs.changeline?.steps.flatMap(({ summary }) => summary).join()).toContain('gate');
  });

  it('a build of main that has ended changes every open pull request', async () => {
    const two = [opened(), opened()];
    project.push({}, red);
    const result = await project.run('pull-request', 'workflow_run', { payload: { action: 'completed' } });
    expect(result.exitCode, result.log).toBe(0);
    expect(two.map(({ sha }) => status(sha)?.state)).toEqual(['failure', 'failure']);
    project.push();
    const repaired = await project.run('pull-request', 'schedule', { payload: {} });
    expect(repaired.exitCode, repaired.log).toBe(0);
    expect(two.map(({ sha }) => status(sha)?.state)).toEqual(['success', 'success']);
  });

  it('a group in the merge queue has its status', async () => {
    const sha = project.shop.commit('gh-readonly-queue/main/pr-1');
    const payload = { action: 'checks_requested', merge_group: { head_sha: sha, base_ref: 'refs/heads/main' } };
    const { exitCode, log } = await project.run('pull-request', 'merge_group', { payload });
    expect(exitCode, log).toBe(0);
    expect(status(sha)?.state).toBe('success');
  });
});
