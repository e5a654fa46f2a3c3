import { describe, expect, it } from 'vitest';
import type { RepositoryFacts } from '../../../src/doors/doctor/facts.ts';
import { type Case, CONFIG, configFrom, example, files, judged, REFUSED, repository, rowsOf } from './doctor-facts.ts';

const GATE = example('pull-request');
const gate = (text: string, more: Partial<RepositoryFacts> = {}) =>
  repository({ files: { value: files({ gate: text }) }, ...more });
const without = (key: string) => GATE.replace(new RegExp(`^  ${key}:\\n(?: {4}.*\\n)*`, 'm'), '');
const job = (permissions: string, more = '') =>
  `on:\n  pull_request_target:\n  workflow_run: { workflows: [CI] }\njobs:\n  g:\n    ${permissions}\n    ${more}\n    steps: [{ uses: acme/changeline/actions/gate@v1 }]`;
const READS = 'actions: read, checks: read, contents: read, pull-requests: read';
const queued = { queue: { value: true } };

describe("the gate's workflow", () => {
  it.each<Case>([
    ['none', repository({ files: { value: files({ gate: null }) } }), 'gate-workflow', 'missing', 'pull-request.yml'],
    [
      'one in a delivery does not count',
      repository({ files: { value: files({ gate: example('deliver-step-by-step') }) } }),
      'gate-workflow',
      'missing',
      '',
    ],
    [
      'one of another repository',
      repository({
        files: { value: files({ gate: 'on: push\njobs: { a: { uses: acme/ci/.github/workflows/gate.yml@v1 } }' }) },
      }),
      'gate-workflow',
      'unknown',
      'acme/ci',
    ],
    [
      'on pull_request',
      gate(GATE.replace('pull_request_target', 'pull_request')),
      'trigger-pull-request',
      'missing',
      'fork',
    ],
    ['not on pull requests', gate(without('pull_request_target')), 'trigger-pull-request', 'missing', ''],
    [
      'paths',
      gate(GATE.replace('types: [opened, reopened, synchronize, edited, ready_for_review]', 'paths: [src/**]')),
      'trigger-pull-request',
      'missing',
      'narrowed',
    ],
    ['types', gate(GATE.replace('synchronize, ', '')), 'trigger-pull-request', 'missing', 'synchronize'],
    [
      'queue without it',
      gate(GATE.replace('  merge_group:\n', ''), queued),
      'trigger-queue',
      'missing',
      'waits for ever',
    ],
    ['queue with it', gate(GATE, queued), 'trigger-queue', 'ok', ''],
    ['queue unseen', gate(GATE.replace('  merge_group:\n', ''), { queue: REFUSED }), 'trigger-queue', 'unknown', ''],
    ['push alone', gate(without('workflow_run')), 'trigger-red', 'advice', 'before the build has ended'],
    [
      'neither',
      gate(without('workflow_run').replace('push:\n    branches: [main]', 'push: { tags: [v*] }')),
      'trigger-red',
      'missing',
      'keep a green status',
    ],
    [
      'requested alone',
      gate(GATE.replace('[requested, completed]', '[requested]').replace('branches: [main] #', 'branches: [dev] #')),
      'trigger-red',
      'missing',
      '',
    ],
    [
      'push after the tests',
      gate(
        `on: { push: , pull_request_target: }\njobs: { g: { needs: t, steps: [{ uses: a/changeline/actions/gate@v1 }] } }`,
      ),
      'trigger-red',
      'ok',
      '',
    ],
    ['no schedule', gate(without('schedule')), 'trigger-schedule', 'missing', 'cron'],
    ['a schedule in public', repository({ isPublic: true }), 'schedule-idle', 'advice', '60 days'],
    ['no comments', gate(without('issue_comment')), 'trigger-comment', 'advice', '/override'],
  ])('%s', judged);

  it.each<Case>([
    ['there', repository(), 'workflow-names', 'ok', '"CI"'],
    [
      'a name that is read as a pattern',
      repository({
        files: {
          value: files({
            ci: 'name: "C++ [x]"\non: push\njobs: {}',
            gate: GATE.replace('[CI, Deliver, Freeze]', '["C++ [x]"]'),
          }),
        },
      }),
      'workflow-names',
      'missing',
      'backslash',
    ],
    [
      'the same name, escaped',
      repository({
        files: {
          value: files({ ci: 'name: C+\non: push\njobs: {}', gate: GATE.replace('[CI, Deliver, Freeze]', "['C\\+']") }),
        },
      }),
      'workflow-names',
      'ok',
      '',
    ],
    ['a pattern', gate(GATE.replace('[CI, Deliver, Freeze]', '["*"]')), 'workflow-names', 'advice', 'pattern'],
    [
      'nothing that tests the branch',
      gate(GATE.replace('[CI, Deliver, Freeze]', '[Continuous]')),
      'workflow-names',
      'missing',
      'on push run "CI"',
    ],
    ['one that is not there', gate(GATE.replace('Freeze]', 'Frieze]')), 'workflow-names', 'advice', '"Frieze"'],
    [
      'without a name its path is meant',
      repository({
        files: {
          value: files({
            ci: 'on: push\njobs: {}',
            gate: GATE.replace('[CI, Deliver, Freeze]', '[.github/workflows/ci.yml]'),
          }),
        },
      }),
      'workflow-names',
      'ok',
      '',
    ],
  ])('names: %s', judged);

  it.each<Case>([
    ['undeclared', gate(job('if: true')), 'gate-permissions', 'missing', 'no `permissions:`'],
    ['everything', gate(job('permissions: write-all')), 'gate-permissions', 'missing', 'write-all'],
    ['only reads', gate(job('permissions: read-all')), 'gate-permissions', 'missing', 'lacks statuses: write'],
    ['none', gate(job('permissions: {}')), 'gate-permissions', 'missing', 'statuses: write, actions: read'],
    ['as asked', gate(job(`permissions: { statuses: write, ${READS} }`)), 'gate-permissions', 'ok', ''],
    [
      'contents without overrides',
      gate(job('permissions: { statuses: write, actions: read, checks: read, contents: write, pull-requests: read }')),
      'gate-permissions',
      'missing',
      'too wide: contents: write',
    ],
    [
      'a token of its own',
      gate(job('permissions: {}', 'env: { CHANGELINE_TOKEN: "${{ secrets.APP }}" }')),
      'gate-permissions',
      'ok',
      '',
    ],
    [
      "the job's token by name",
      gate(job('permissions: {}', 'env: { CHANGELINE_TOKEN: "${{ secrets.GITHUB_TOKEN }}" }')),
      'gate-permissions',
      'missing',
      '',
    ],
    [
      'from the workflow',
      gate(`permissions: { statuses: write, ${READS} }\n${job('if: true')}`),
      'gate-permissions',
      'ok',
      '',
    ],
  ])('permissions: %s', judged);

  it.each<Case>(
    [
      ['for overrides', ['role:admin', 'team:acme/ops'], GATE, 'missing', 'can never read teams'],
      [
        'for overrides, own token',
        ['team:acme/ops'],
        GATE.replaceAll('gate@v1', 'gate@v1\n        with: { token: x }'),
        'unknown',
        'Members: read',
      ],
    ].map(([name, from, text, state, words]): Case => {
      const config = configFrom(`${CONFIG}gate: { override: { from: ${JSON.stringify(from)} } }\n`);
      return [name as string, gate(text as string, { config }), 'override-teams', state as 'missing', words as string];
    }),
  )('teams: %s', judged);

  it('counts the events of a local workflow that calls it', () => {
    const called = gate(`on: workflow_call\njobs: { g: { steps: [{ uses: ./actions/gate }] } }`);
    expect(rowsOf(called, 'trigger-pull-request')[0]?.state).toBe('missing');
    const caller = 'on: pull_request_target\njobs: { call: { uses: ./.github/workflows/gate.yml } }';
    const value = files({ gate: 'on: workflow_call\njobs: { g: { steps: [{ uses: ./actions/gate }] } }', caller });
    expect(rowsOf(repository({ files: { value } }), 'trigger-pull-request')[0]?.state).toBe('ok');
    const narrowed = files({
      gate: 'on: workflow_call\njobs: { g: { steps: [{ uses: ./actions/gate }] } }',
      caller: caller.replace('on: pull_request_target', 'on: { pull_request_target: { branches: [dev] } }'),
    });
    expect(rowsOf(repository({ files: { value: narrowed } }), 'trigger-pull-request')[0]?.state).toBe('missing');
  });
});
