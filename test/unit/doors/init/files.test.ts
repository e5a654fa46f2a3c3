import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../../../src/config/config.ts';
import { type Answers, NAMES } from '../../../../src/doors/init/answers.ts';
import { configText, workflowText } from '../../../../src/doors/init/files.ts';

const answers: Answers = {
  name: 'books',
  hosts: ['deploy@web1.example.com'],
  uatHosts: ['deploy@uat.example.com'],
  path: '/srv/books',
  databaseVariable: 'BOOKS_URL',
  migrations: 'db/migrations',
  url: 'https://books.example.com/health',
  uatUrl: '',
  restart: 'systemctl restart books # "quoted"',
  workflows: ['deliver'],
  force: false,
  acceptFingerprints: false,
};

function read(text: string | null, environment = 'production') {
  return parseConfig(text!, {
    name: 'changeline.yml',
    environment,
    choose: true,
    env: { BOOKS_URL: 'postgres://h/b', UAT_BOOKS_URL: 'postgres://u/b' },
  });
}

describe('the configuration that init writes', () => {
  it('is one that can be read, with everything that was answered', () => {
    const { environment, config } = read(configText(answers));
    expect(config.artifact).toBe('run:books-{version}');
    expect(environment).toMatchObject({
      after: 'uat',
      hosts: [{ at: 'deploy@web1.example.com' }],
      path: '/srv/books',
      databases: [{ name: 'main', url: 'postgres://h/b' }],
      migrate: { from: 'db/migrations' },
      deploy: { restart: answers.restart },
      'smoke-test': [answers.url],
    });
  });

  it('gives UAT a database of its own, so that a delivery there never meets production', () => {
    const { environment } = read(configText(answers), 'uat');
    expect(environment).toMatchObject({
      hosts: [{ at: 'deploy@uat.example.com' }],
      databases: [{ url: 'postgres://u/b' }],
      migrate: { from: 'db/migrations' },
    });
    const env = { BOOKS_URL: 'postgres://h/b' };
    const unset = () => parseConfig(configText(answers)!, { name: 'c', environment: 'uat', choose: true, env });
    expect(unset).toThrow('UAT_BOOKS_URL');
  });

  it('needs neither UAT nor a database nor a URL', () => {
    const { environment } = read(
      configText({ ...answers, uatHosts: [], databaseVariable: '', migrations: '', url: '' }),
    );
    expect(environment).not.toHaveProperty('after');
    expect(environment).not.toHaveProperty('smoke-test');
    expect(environment!.databases).toEqual([]);
  });

  it('asks people in production where the workflow that hears them is chosen', () => {
    const chosen = configText({ ...answers, workflows: ['deliver', 'approve'] });
    expect(read(chosen).environment!.approve).toMatchObject({ asks: 'delivery', required: 1, from: ['role:maintain'] });
    expect(read(chosen, 'uat').environment).not.toHaveProperty('approve');
    expect(read(configText(answers)).environment).not.toHaveProperty('approve');
  });

  it('is not written where only the gate is wanted', () => {
    expect(configText({ ...answers, hosts: [] })).toBeNull();
  });
});

describe('the workflows that init writes', () => {
  const names = ['pull-request', 'deliver', 'deliver-step-by-step', 'deploy-every-commit', 'rollback'];
  it.each(names)('%s is YAML and names what this user has', (name) => {
    const example = readFileSync(`workflows-examples/${name}.yml`, 'utf8');
    const text = workflowText(example, answers);
    expect(parse(text)).toHaveProperty('jobs');
    expect(text).not.toMatch(/SHOP_|shop-/);
    const without = workflowText(example, { ...answers, databaseVariable: '' });
    expect(parse(without)).toHaveProperty('jobs');
    expect(without).not.toMatch(/DATABASE_URL|BOOKS_URL/);
  });

  interface Step {
    with?: { environment?: string };
    env?: Record<string, string>;
  }
  const stepsTo = (text: string, environment: string) =>
    Object.values(parse(text).jobs as Record<string, { steps: Step[] }>)
      .flatMap((job) => job.steps)
      .filter((step) => step.with?.environment === environment);
  const read = (name: string) => readFileSync(`workflows-examples/${name}.yml`, 'utf8');
  const production = { BOOKS_URL: '${{ secrets.BOOKS_URL }}' };
  const uat = { UAT_BOOKS_URL: '${{ secrets.UAT_BOOKS_URL }}' };

  it.each([
    ['deliver', 'uat', uat],
    ['deliver', 'production', production],
    ['deploy-every-commit', 'uat', uat],
    ['deploy-every-commit', 'production', production],
    ['rollback', '${{ inputs.environment }}', { ...production, ...uat }],
  ])('%s gives the step to %s its own database', (name, environment, env) => {
    const steps = stepsTo(workflowText(read(name), answers), environment);
    expect(steps.map((step) => step.env)).toEqual([env]);
  });

  it.each(names)('%s has no variable of UAT where there is no UAT or no database', (name) => {
    for (const none of [{ uatHosts: [] }, { databaseVariable: '' }])
      expect(workflowText(read(name), { ...answers, ...none })).not.toContain('UAT_');
  });

  it.each(names)('%s has no step to UAT where there is no UAT', (name) => {
    const text = workflowText(read(name), { ...answers, uatHosts: [] });
    const { jobs, on } = parse(text) as {
      jobs: Record<string, { needs?: string }>;
      on: { workflow_dispatch?: { inputs?: object } };
    };
    expect(Object.keys(jobs)).not.toContain('uat');
    for (const { needs } of Object.values(jobs)) if (needs) expect(Object.keys(jobs)).toContain(needs);
    expect(stepsTo(text, 'uat')).toEqual([]);
    expect(JSON.stringify(on.workflow_dispatch?.inputs ?? {})).not.toContain('"uat"');
  });
});

describe('the gate that init writes', () => {
  const example = readFileSync('workflows-examples/pull-request.yml', 'utf8');
  const watched = (workflows: Answers['workflows']) =>
    parse(workflowText(example, { ...answers, workflows })).on.workflow_run.workflows;

  it('looks again when one of the workflows that were chosen ends, and names no other', () => {
    expect(watched(['pull-request'])).toEqual(['CI']);
    expect(watched(['pull-request', 'deploy-every-commit', 'rollback', 'freeze', 'approve'])).toEqual([
      'CI',
      'Deploy every commit',
      'Rollback',
      'Freeze',
    ]);
  });

  it.each(Object.entries(NAMES))('%s is called %s', (file, name) => {
    expect(parse(readFileSync(`workflows-examples/${file}.yml`, 'utf8')).name).toBe(name);
  });
});
