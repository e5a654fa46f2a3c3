import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { actBinary, outputsIn } from '../support/act.ts';
import type { JobGiven, Pull } from '../support/github/stand-in.ts';
import { Project } from '../support/project.ts';

describe.skipIf(actBinary() === null)('pull-request.yml, run by act', () => {
  let project: Project;

  beforeAll(async () => {
    project = await Project.start({ hosts: 1, ssh: false });
    project.shop.role('mia', 'maintain');
    project.shop.role('rita', 'read');
  });
  afterAll(() => project.stop());
  beforeEach(() => project.standIn.clear());
  afterEach(() => expect(project.standIn.violations).toEqual([]));

  /** A pull request of a branch of its own, which has started nothing yet. */
  function opened(given: Parameters<Project['shop']['pull']>[3] = {}): Pull {
    const sha = project.shop.commit(`feature-${project.shop.nextId()}`);
    return project.shop.pull(sha, 'main', 'open', given);
  }
  const status = (pull: Pull) => project.shop.statusOf(pull.head, 'changeline/gate');
  const states = (pulls: Pull[]) => pulls.map((pull) => status(pull)?.state);
  const answers = (pull: Pull) =>
    project.shop.commentsOn(pull.number).flatMap(({ by, body }) => (by === 'github-actions[bot]' ? body : []));
  const red: JobGiven = { name: 'test', conclusion: 'failure' };

  it.each([
    ['red', red, 'failure', {}],
    ['green', { name: 'test' }, 'success', { fork: true, author: 'stranger' }],
  ])('a %s main gives a new pull request its status; the job itself succeeds', async (_, ci, state, given) => {
    project.push({}, ci);
    const pull = opened(given);
    const { 'pull-request': run, ...others } = await project.follow(project.standIn.takeEvent('pull_request'));
    expect(others).toEqual({});
    expect(run?.exitCode, run?.log).toBe(0);
    expect(Object.values(run!.jobs).map(({ id, result }) => `${id} ${result}`)).toEqual(['changeline success']);
    expect(status(pull)).toMatchObject({ state, creator: 'github-actions[bot]' });
    expect(run?.jobs.changeline?.steps.flatMap(({ summary }) => summary).join()).toContain('gate');
    project.shop.closePull(pull);
  });

  it('a build of main that has ended changes every open pull request', async () => {
    const pulls = [opened(), opened()];
    project.push({}, red);
    const { 'pull-request': run } = await project.completed('CI');
    expect(run?.exitCode, run?.log).toBe(0);
    expect(states(pulls)).toEqual(['failure', 'failure']);
    project.push();
    // A run of the gate itself starts none.
    expect(await project.completed('Gate')).toEqual({});
    const repaired = await project.run('pull-request', 'schedule', { payload: {} });
    expect(repaired.exitCode, repaired.log).toBe(0);
    expect(states(pulls)).toEqual(['success', 'success']);
    for (const pull of pulls) project.shop.closePull(pull);
  });

  it('a group in the merge queue has its status, and waits while main is red', async () => {
    const pull = opened();
    const entry = project.shop.enqueue(pull);
    const group = () => project.shop.statusOf(entry.head, 'changeline/gate')?.state;
    const { 'pull-request': run } = await project.follow(project.standIn.takeEvent('merge_group'));
    expect(run?.exitCode, run?.log).toBe(0);
    expect(group()).toBe('success');
    project.push({}, red);
    await project.completed('CI');
    expect([group(), status(pull)?.state]).toEqual(['pending', 'failure']);
    project.shop.dequeue(pull);
    project.shop.closePull(pull);
  });

  /** Main is red, two pull requests are open, and people talk on the first of them: one story, test after test. */
  describe('an override', () => {
    let fix: Pull;
    let other: Pull;
    const overrides = () => project.ledger('.gate').state?.overrides ?? [];

    beforeAll(async () => {
      project.push({}, red);
      fix = opened({ title: 'The fix' });
      other = opened();
      await project.completed('CI');
      expect(states([fix, other])).toEqual(['failure', 'failure']);
    });

    it('of a reader is refused with an answer', async () => {
      const { 'pull-request': run, approve } = await project.comment(fix.number, 'rita', '/override because I need it');
      expect(approve?.jobs.answer?.result ?? 'skipped').toBe('skipped');
      expect(run?.exitCode, run?.log).toBe(0);
      expect(run?.jobs.changeline?.result ?? 'skipped').toBe('skipped');
      expect(outputsIn(run?.jobs.override)).toMatchObject([{ code: 'override-refused', open: 'false' }]);
      expect(answers(fix)).toEqual([expect.stringContaining('rita has only read')]);
      expect(states([fix, other])).toEqual(['failure', 'failure']);
      expect(overrides()).toEqual([]);
    });

    it('of a maintainer lets this pull request in and no other, is answered, and stands in the ledger', async () => {
      const because = '/override because it mends *main* @everyone $(id)';
      const { 'pull-request': run } = await project.comment(fix.number, 'mia', because);
      expect(run?.exitCode, run?.log).toBe(0);
      expect(outputsIn(run?.jobs.override)).toMatchObject([{ outcome: 'passed', open: 'true', state: 'red' }]);
      expect(states([fix, other])).toEqual(['success', 'failure']);
      expect(status(fix)?.description).toContain('mia');
      expect(answers(fix)).toHaveLength(2);
      expect(answers(fix)[1]).toContain('mia');
      expect(answers(fix)[1]).not.toMatch(/(?<!\\)\*main|@everyone/);
      expect(overrides()).toMatchObject([{ pull: fix.number, by: 'mia', why: 'it mends *main* @everyone $(id)' }]);
      expect(project.ledger('.gate').changes.at(-1)).toMatchObject({ verb: 'gate', outcome: 'passed' });
    });

    it('holds at the next event, for a new head too', async () => {
      project.shop.synchronize(fix, project.shop.commit(`feature-${project.shop.nextId()}`));
      await project.follow(project.standIn.takeEvent('pull_request'));
      expect(states([fix, other])).toEqual(['success', 'failure']);
      expect(answers(fix)).toHaveLength(2);
    });

    it('is over once its comment is edited', async () => {
      const comment = project.shop.commentsOn(fix.number).find(({ by }) => by === 'mia')!;
      project.shop.editComment(comment, '/override because of something else');
      expect(await project.follow(project.standIn.takeEvent('issue_comment'))).toEqual({});
      const swept = await project.run('pull-request', 'schedule', { payload: {} });
      expect(swept.exitCode, swept.log).toBe(0);
      expect(states([fix, other])).toEqual(['failure', 'failure']);
    });
  });
});
