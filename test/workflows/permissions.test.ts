import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type ActResult, actBinary } from '../support/act.ts';
import type { GitHubEvent } from '../support/github/stand-in.ts';
import { Project } from '../support/project.ts';

/**
 * What each job of the examples declares, and so what a user gives: `workflow job: permission`. That all of them suffice
 * is shown where the examples are run. Here each is left out: the run ends red, or `warned`, and says what it lacks.
 */
const LEFT_OUT = {
  delivery: [
    'deliver production: actions: read',
    'deliver production: checks: read',
    'deliver production: statuses: read',
    'deliver production: contents: write',
    'rollback rollback: actions: read',
    'rollback rollback: contents: write',
    'backup backup: contents: write',
    'drill drill: contents: write',
  ],
  published: ['deliver production: deployments: write'],
  gate: [
    'pull-request changeline: actions: read',
    'pull-request changeline: checks: read',
    'pull-request changeline: contents: read',
    'pull-request changeline: issues: read',
    'pull-request changeline: pull-requests: read',
    'pull-request changeline: statuses: write',
  ],
  override: [
    'pull-request override: actions: read',
    'pull-request override: checks: read',
    'pull-request override: contents: write',
    'pull-request override: issues: read',
    'pull-request override: pull-requests: write',
    'pull-request override: statuses: write',
  ],
  asking: [
    'deliver production: issues: write',
    'deliver-step-by-step approve: actions: read',
    'deliver-step-by-step approve: contents: write',
    'deliver-step-by-step approve: issues: write',
  ],
  counting: ['approve answer: contents: write'],
  starting: ['approve answer: actions: write'],
  answering: ['approve answer: issues: write'],
  closing: ['deliver-step-by-step production: issues: write'],
  accepting: ['deliver uat: issues: write'],
  publishedBack: ['rollback rollback: deployments: write'],
  freezing: ['freeze freeze: contents: write'],
  showing: [
    'freeze freeze: actions: read',
    'freeze freeze: checks: read',
    'freeze freeze: issues: read',
    'freeze freeze: pull-requests: read',
    'freeze freeze: statuses: write',
  ],
};

/** These jobs do, by the same actions, what production of deliver.yml does. */
const LIKE_PRODUCTION = ['deliver uat', 'deliver-step-by-step production', 'deploy-every-commit uat'];
LIKE_PRODUCTION.push('deploy-every-commit production');

it('every permission that an example declares is left out once', () => {
  const folder = new URL('../../workflows-examples/', import.meta.url);
  const declared = readdirSync(folder)
    .filter((name) => name.endsWith('.yml'))
    .flatMap((name) => {
      const { jobs } = parse(readFileSync(new URL(name, folder), 'utf8')) as {
        jobs: Record<string, { permissions: Record<string, string> }>;
      };
      return Object.entries(jobs).flatMap(([job, { permissions }]) =>
        Object.entries(permissions).map(([permission, level]) => [`${name.slice(0, -4)} ${job}`, permission, level]),
      );
    });
  const leftOut = Object.values(LEFT_OUT).flat();
  const isLeftOut = ([job = '', ...permission]: string[]) =>
    leftOut.includes([job, ...permission].join(': ')) ||
    (LIKE_PRODUCTION.includes(job) && leftOut.includes(['deliver production', ...permission].join(': ')));
  // What builds only checks out.
  const others = declared.filter(([job]) => !job?.endsWith(' build')).filter((one) => !isLeftOut(one));
  expect(others).toEqual([]);
  expect(declared.length).toBeGreaterThan(leftOut.length);
});

describe.skipIf(actBinary() === null)('a permission that a job lacks is named', () => {
  let project: Project;
  const version = { version: '1.0.1' };
  const back = { environment: 'uat', version: '', why: 'to see' };

  /** One of the workflows without one of the permissions of a job. */
  function without(one: string) {
    const [, workflow = '', job = '', permission = ''] = /^(\S+) (\S+): (.*)$/.exec(one)!;
    return { workflow, permission, file: project.lacking(workflow, permission, job) };
  }
  function press(one: string, inputs: Record<string, string>): Promise<ActResult> {
    const { workflow, file } = without(one);
    return project.press(workflow, inputs, { workflow: file });
  }
  function follow(one: string, { name, payload, actor }: GitHubEvent): Promise<ActResult> {
    const { workflow, file } = without(one);
    return project.run(workflow, name, { payload, actor, workflow: file });
  }
  /** A comment of a maintainer, which starts nothing yet. */
  function commented(number: number, body: string): GitHubEvent {
    project.shop.comment(number, { by: 'mia', body });
    return project.standIn.takeEvent('issue_comment');
  }
  function expectNamed({ exitCode, log }: ActResult, permission: string, code: number): void {
    expect(exitCode, log).toBe(code);
    expect(log).toContain('permission');
    expect(log).toContain(permission);
  }
  const production = () => project.versions(project.production);

  beforeAll(async () => {
    // With this rule the gate reads issues.
    project = await Project.start({ hosts: 1, ssh: false, gate: { 'fix-brings-test': {} } });
    project.shop.role('mia', 'maintain');
    const { exitCode, log } = await project.run('deliver', 'push', { number: 1 });
    expect(exitCode, log).toBe(0);
    const issue = project.shop.issue({ labels: ['bug'] });
    project.shop.pull(project.shop.commit('feature'), 'main', 'open', { closes: [issue.number] });
  });
  afterAll(() => project.stop());
  beforeEach(() => project.standIn.clear());
  afterEach(() => expect(project.standIn.violations).toEqual([]));

  it.each(LEFT_OUT.delivery)('%s', async (one) => {
    const rollback = { ...back, version: one.includes('actions') ? '1.0.0' : '' };
    const inputs = { deliver: version, rollback, backup: {}, drill: {} }[one.split(' ')[0]!]!;
    expectNamed(await press(one, inputs), without(one).permission, 1);
    expect(await project.versions([...project.uat, ...project.production])).toEqual(['1.0.1', null]);
  });

  it.each(LEFT_OUT.gate)('%s', async (one) => {
    const { file, permission } = without(one);
    const result = await project.run('pull-request', 'schedule', { workflow: file, payload: {} });
    expectNamed(result, permission, 1);
  });

  it.each(LEFT_OUT.override)('%s', async (one) => {
    const { permission } = without(one);
    const event = commented(project.shop.pulls[0]!.number, '/override because it must');
    // For a comment on a pull request either of two is enough, and GitHub names the other one first.
    const named = permission === 'pull-requests: write' ? 'issues: write' : permission;
    expectNamed(await follow(one, event), named, 1);
  });

  describe('where people must approve', () => {
    const question = () => project.shop.issues.at(-1)!.number;
    const request = () => project.ledger('production').state.requests[0];

    beforeAll(() => {
      project.push({ production: { approve: {} } });
    });

    it.each(LEFT_OUT.asking)('%s', async (one) => {
      const before = project.shop.issues.length;
      expectNamed(await press(one, version), without(one).permission, 1);
      expect(project.shop.issues).toHaveLength(before);
    });

    it('the delivery asks', async () => {
      const { exitCode, log } = await project.press('deliver-step-by-step', version);
      expect(exitCode, log).toBe(0);
    });

    it.each(LEFT_OUT.counting)('%s', async (one) => {
      expectNamed(await follow(one, commented(question(), '/approve')), without(one).permission, 1);
      expect(project.standIn.events).toEqual([]);
      expect(request()).toMatchObject({ ended: null, dispatched: null });
    });

    it.each(LEFT_OUT.starting)('%s: the answer says it, and how to start it by hand', async (one) => {
      const { exitCode, log } = await follow(one, commented(question(), '/approve'));
      expect(exitCode, log).toBe(0);
      expect(project.standIn.events).toEqual([]);
      const said = project.shop.commentsOn(question()).at(-1)!.body;
      for (const words of ['actions: write', 'By hand']) expect(said).toContain(words);
      expect(request()).toMatchObject({ ended: null, dispatched: null });
    });

    it.each(LEFT_OUT.answering)('%s: the delivery has been started', async (one) => {
      expectNamed(await follow(one, commented(question(), '/approve')), without(one).permission, 1);
      expect(project.standIn.events.map(({ name }) => name)).toEqual(['workflow_dispatch']);
      expect(request()?.dispatched).not.toBeNull();
    });

    it.each(LEFT_OUT.closing)('%s is a warning: the approval is used, its issue stays open', async (one) => {
      expectNamed(await press(one, version), 'issues: write', 0);
      expect(await production()).toEqual(['1.0.1']);
      expect(request()?.ended).toBe('used');
      expect(project.shop.issues.at(-1)!.state).toBe('open');
    });
  });

  it.each(LEFT_OUT.published)('%s is a warning, since GitHub’s page is for people to see', async (one) => {
    project.push({ production: {} });
    expectNamed(await press(one, version), without(one).permission, 0);
    expect(await production()).toEqual(['1.0.1']);
  });

  it.each(LEFT_OUT.accepting)('%s is a warning, since the delivery itself has passed', async (one) => {
    project.push({ uat: { approve: { asks: 'acceptance' } } });
    const { file, permission } = without(one);
    expectNamed(await project.run('deliver', 'push', { workflow: file, number: 2 }), permission, 0);
    expect(await project.versions(project.uat)).toEqual(['1.0.2']);
  });

  it.each(LEFT_OUT.publishedBack)('%s is a warning too', async (one) => {
    expectNamed(await press(one, { ...back, version: '1.0.1' }), without(one).permission, 0);
    expect(await project.versions(project.uat)).toEqual(['1.0.1']);
  });

  it.each(LEFT_OUT.freezing)('%s', async (one) => {
    expectNamed(await press(one, { why: 'to see', environment: 'production' }), without(one).permission, 1);
    expect(project.ledger('production').state.freezes).toEqual([]);
  });

  it.each(LEFT_OUT.showing)('%s is a warning: the freeze is on, pull requests show it later', async (one) => {
    expectNamed(await press(one, { why: 'to see', environment: 'production' }), without(one).permission, 0);
    expect(project.ledger('production').state.freezes).toHaveLength(1);
  });
});
