import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ActResult, actBinary, outputsIn } from '../support/act.ts';
import { Project } from '../support/project.ts';

const TWO = { required: 2, from: ['role:maintain'], 'not-author': true };

/** The story of one project: each test begins where the one before ended. */
describe.skipIf(actBinary() === null)('approve.yml, run by act', () => {
  let project: Project;
  const live = () => project.versions([...project.uat, ...project.production]);
  const state = (environment = 'production') => project.ledger(environment).state;
  const question = () => project.shop.issues.at(-1)!;
  const answers = () =>
    project.shop.commentsOn(question().number).flatMap(({ by, body }) => (by === 'github-actions[bot]' ? body : []));
  const dispatched = () => project.standIn.events.filter(({ name }) => name === 'workflow_dispatch');
  /** The job and what its actions handed back; everything that the run wrote, where it did not end as expected. */
  const of = (result: ActResult | undefined, job: string, exitCode = 0) => {
    expect(result?.exitCode, result?.log).toBe(exitCode);
    return outputsIn(result?.jobs[job]);
  };

  /** A comment on the newest question: what approve.yml handed back. The gate's workflow leaves it alone. */
  async function says(by: string, body: string): Promise<Record<string, string>> {
    const { approve, 'pull-request': gate } = await project.comment(question().number, by, body);
    expect(outputsIn(gate?.jobs.override)).toEqual([]);
    return of(approve, 'answer')[0]!;
  }

  /** The delivery that an approval has started. */
  const started = () => project.follow(project.standIn.takeEvent('workflow_dispatch'));

  /** Everything that brings the next version to UAT. */
  async function toUat(number: number): Promise<void> {
    of(await project.run('deliver', 'push', { number }), 'uat');
  }

  beforeAll(async () => {
    project = await Project.start({ hosts: 1, ssh: false, production: { approve: TWO } });
    for (const login of ['ada', 'bob', 'mia']) project.shop.role(login, 'maintain');
    project.shop.role('rita', 'read');
    await toUat(1);
  });
  afterAll(() => project.stop());
  beforeEach(() => project.standIn.clear());
  afterEach(() => expect(project.standIn.violations).toEqual([]));

  it('deliver.yml asks in an issue and ends green, with production untouched', async () => {
    const result = await project.press('deliver', { version: '1.0.1' });
    expect(of(result, 'production')).toMatchObject([{ outcome: 'waiting', code: 'approval-waiting' }]);
    expect(await live()).toEqual(['1.0.1', null]);
    const [request] = state().requests;
    const { title, body, by } = question();
    expect({ title, by }).toEqual({ title: 'Approve shop 1.0.1 for production', by: 'github-actions[bot]' });
    expect(body).toMatch(/^\|.*\|$/m);
    const { digest, commit, config } = request!.bound;
    for (const fact of ['1.0.1', digest, commit!, config]) expect(body).toContain(fact);
    expect(commit).toBe(project.sha);
    expect(request).toMatchObject({ issue: question().number, by: 'octocat', dispatched: null, ended: null });
    expect(request!.workflow).toEqual({
      file: 'deliver.yml',
      ref: 'main',
      inputs: { version: '1.0.1', override: '', plan: 'false' },
    });
  });

  it.each([
    ['rita', '/approve', '[rita]', 'has only read'],
    ['octocat', '/approve', '[octocat]', 'asked for it'],
    ['ada', '/approve', '**1 of 2.**', '1 more is needed'],
  ])('the comment of %s, %s, is answered: %s %s', async (by, body, ...said) => {
    const before = answers().length;
    expect(await says(by, body)).toMatchObject({ outcome: 'waiting', code: 'approval-waiting', approved: 'false' });
    expect(answers()).toHaveLength(before + 1);
    for (const words of said) expect(answers().at(-1)).toContain(words);
    expect(dispatched()).toEqual([]);
  });

  it('a comment that answers nothing starts no job', async () => {
    const results = await project.comment(question().number, 'bob', 'Looks good to me. /approve');
    for (const { jobs } of Object.values(results)) expect(Object.values(jobs).flatMap(outputsIn)).toEqual([]);
  });

  it('the second approval starts deliver.yml, and it delivers', async () => {
    expect(await says('bob', '/approve')).toMatchObject({ outcome: 'passed', code: 'ok', approved: 'true' });
    expect(answers().at(-1)).toContain('deliver');
    expect(await live()).toEqual(['1.0.1', null]);
    expect(dispatched()).toMatchObject([{ actor: 'github-actions[bot]' }]);
    const { deliver } = await started();
    expect(of(deliver, 'production')).toMatchObject([{ outcome: 'passed', code: 'ok', 'live-version': '1.0.1' }]);
    expect(await live()).toEqual(['1.0.1', '1.0.1']);
    expect(question()).toMatchObject({ state: 'closed', reason: 'COMPLETED' });
    expect(state()).toMatchObject({ live: { version: '1.0.1' }, open: null, requests: [{ ended: 'used' }] });
  });

  it('a further approval afterwards changes nothing', async () => {
    const before = state();
    expect(await says('mia', '/approve')).toMatchObject({ code: 'nothing-to-do', approved: 'false' });
    expect(answers().at(-1)).toContain('has ended');
    expect(dispatched()).toEqual([]);
    expect(state()).toEqual(before);
    expect(question().state).toBe('closed');
  });

  it('a rejection ends it', async () => {
    project.push({ production: { approve: { required: 1 } } });
    await toUat(2);
    of(await project.press('deliver', { version: '1.0.2' }), 'production');
    expect(await says('mia', '/reject because <b>not</b> on a Friday')).toMatchObject({ code: 'approval-rejected' });
    expect(question()).toMatchObject({ state: 'closed', reason: 'NOT_PLANNED' });
    expect(answers().at(-1)).not.toContain('<b>');
    expect(dispatched()).toEqual([]);
  });

  it('deliver-step-by-step.yml asks anew, in a job of its own, and leaves production out', async () => {
    const rejected = question().number;
    const result = await project.press('deliver-step-by-step', { version: '1.0.2' });
    expect(of(result, 'approve')).toMatchObject([{ outcome: 'waiting', approved: 'false' }]);
    expect(outputsIn(result.jobs.production)).toEqual([]);
    expect(question().number).not.toBe(rejected);
    expect(await live()).toEqual(['1.0.2', '1.0.1']);
  });

  it('deliver-step-by-step.yml delivers once it is approved', async () => {
    expect(await says('ada', '/approve')).toMatchObject({ outcome: 'passed', approved: 'true' });
    const { 'deliver-step-by-step': run, ...others } = await started();
    expect(others).toEqual({});
    expect(of(run, 'approve')).toMatchObject([{ outcome: 'passed', approved: 'true' }]);
    expect(of(run, 'production').find((outputs) => outputs['live-version'])).toMatchObject({ 'live-version': '1.0.2' });
    expect(await live()).toEqual(['1.0.2', '1.0.2']);
    expect(question()).toMatchObject({ state: 'closed', reason: 'COMPLETED' });
    expect(state().requests[0]).toMatchObject({ ended: 'used' });
  });

  it('what runs in UAT must be accepted there before deliver.yml brings it to production', async () => {
    project.push({ uat: { approve: { asks: 'acceptance' } }, production: {} });
    await toUat(3);
    expect(question()).toMatchObject({ title: expect.stringContaining('1.0.3'), state: 'open' });
    expect(state('uat').live).toMatchObject({ version: '1.0.3' });
    const refused = await project.press('deliver', { version: '1.0.3' });
    expect(of(refused, 'production', 1)).toMatchObject([{ outcome: 'failed', code: 'not-accepted' }]);
    expect(refused.log).toContain(`/issues/${question().number}`);
    expect(await live()).toEqual(['1.0.3', '1.0.2']);
    expect(await says('rita', '/approve')).toMatchObject({ approved: 'false' });
    expect(await says('mia', '/approve')).toMatchObject({ outcome: 'passed', approved: 'true' });
    expect(question()).toMatchObject({ state: 'closed', reason: 'COMPLETED' });
    expect(dispatched()).toEqual([]);
    of(await project.press('deliver', { version: '1.0.3' }), 'production');
    expect(await live()).toEqual(['1.0.3', '1.0.3']);
  });
});
