import { describe, expect, it } from 'vitest';
import { findings } from '../../../src/doors/doctor/findings.ts';
import type { Workflow } from '../../../src/doors/doctor/workflow.ts';
import { example, file, files, repository } from './doctor-facts.ts';

function read(text: string): Workflow {
  const found = file('a', text);
  if ('broken' in found) throw new Error(found.broken);
  return found.workflow;
}

describe('a workflow file', () => {
  it.each([
    ['on: push\njobs: {}', ['push']],
    ['on: [push, pull_request]\njobs: {}', ['push', 'pull_request']],
    ['on:\n  push:\n  schedule: [{ cron: "* * * * *" }]\njobs: {}', ['push', 'schedule']],
    ['"on": push\njobs: {}', ['push']],
  ])('%j starts on %j', (text, events) => expect([...read(text).on.keys()]).toEqual(events));

  it('takes the permissions of the job, else those of the workflow, else none', () => {
    const jobs = 'jobs: { own: { permissions: { issues: write } }, none: { permissions: {} }, its: {} }';
    expect(read(`on: push\npermissions: read-all\n${jobs}`).jobs.map((job) => job.permissions)).toEqual([
      { issues: 'write' },
      {},
      'read-all',
    ]);
    expect(read(`on: push\n${jobs}`).jobs[2]!.permissions).toBeNull();
    expect(read('on: push\npermissions:\njobs: { a: {} }').jobs[0]!.permissions).toEqual({});
  });

  it('reads an environment in both its forms', () => {
    const { jobs } = read('on: push\njobs: { a: { environment: x }, b: { environment: { name: y, url: z } }, c: {} }');
    expect(jobs.map((job) => job.environment)).toEqual(['x', 'y', '']);
  });

  const laughs = [
    'a: &a [x, x, x, x, x, x, x, x, x]',
    ...'bcdefghi'.split('').map((name, at) => `${name}: &${name} [${`*${'abcdefgh'[at]}, `.repeat(9)}]`),
  ];
  it.each([
    ['broken YAML', 'on: [push\n'],
    ['nothing', ''],
    ['a list', '- on\n- jobs'],
    ['no jobs', 'on: push'],
    ['the same key twice', 'on: push\non: pull_request\njobs: {}'],
    ['aliases without end', `${laughs.join('\n')}\non: push\njobs: {}`],
  ])('%s is broken, and said', (_, text) => expect(file('a', text)).toMatchObject({ broken: expect.any(String) }));

  it.each([
    ['jobs as a list', 'on: push\njobs: [a, b]'],
    [
      'jobs of every form',
      'on: push\njobs: { a: , b: 7, c: [x], d: { steps: 5 }, e: { steps: [1, null, { uses: [x] }] }, __proto__: { steps: x } }',
    ],
    [
      'keys of every form',
      'on: { push: 3, workflow_run: { workflows: { a: b }, types: 4 } }\nenv: x\npermissions: 7\njobs: { a: { permissions: [x], if: [y], needs: 3 } }',
    ],
    [
      'workflows that call each other',
      'on: workflow_call\njobs: { a: { uses: ./.github/workflows/a.yml }, b: { steps: [{ uses: ./actions/gate }] } }',
    ],
  ])('%s ends in rows', (_, text) => {
    expect(findings(repository({ files: { value: [...files(), file('a', text)] } })).length).toBeGreaterThan(20);
  });

  it.each(['pull-request', 'deliver', 'deliver-step-by-step', 'deploy-every-commit', 'approve', 'freeze', 'rollback'])(
    'the example %s is read',
    (name) => expect(read(example(name)).jobs.length).toBeGreaterThan(0),
  );
});
