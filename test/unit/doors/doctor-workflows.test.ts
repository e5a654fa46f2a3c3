import { describe, it } from 'vitest';
import type { RepositoryFacts } from '../../../src/doors/doctor/facts.ts';
import { type Case, files, judged, REFUSED, repository } from './doctor-facts.ts';

const also = (text: string, more: Partial<RepositoryFacts> = {}) =>
  repository({ files: { value: files({ also: text }) }, ...more });
const checkout = (event: string, ref: string, more = '') =>
  `on: ${event}\njobs: { a: { ${more} steps: [{ uses: actions/checkout@v4, with: { ref: "\${{ ${ref} }}" } }] } }`;
const uses = (what: string, permissions = 'permissions: { contents: write }') =>
  `on: push\njobs: { a: { ${permissions}, steps: [{ uses: "${what}" }] } }`;
const SHA = '3d3c42e5aac5ba805825da76410c181273ba90b1';

describe('all workflows', () => {
  it.each<Case>([
    ['broken YAML', also('on: [push\njobs: {'), 'workflow-broken', 'missing', 'also.yml'],
    ['no workflow at all', also('just text'), 'workflow-broken', 'missing', '`on`'],
    [
      'a job of the same name',
      also('on: push\njobs: { a: { name: changeline/gate } }'),
      'job-name',
      'missing',
      'job a',
    ],
    [
      'the head in pull_request_target',
      also(checkout('pull_request_target', 'github.event.pull_request.head.sha')),
      'untrusted-checkout',
      'missing',
      'also.yml, job a',
    ],
    [
      'the head in pull_request',
      also(checkout('pull_request', 'github.event.pull_request.head.sha')),
      'untrusted-checkout',
      'ok',
      '',
    ],
    [
      'the base in pull_request_target',
      also(checkout('pull_request_target', 'github.event.pull_request.base.sha')),
      'untrusted-checkout',
      'ok',
      '',
    ],
    [
      'the head in workflow_run',
      also(checkout('workflow_run', 'github.event.workflow_run.head_sha')),
      'untrusted-checkout',
      'missing',
      '',
    ],
    [
      'the own head in workflow_run',
      also(
        checkout(
          'workflow_run',
          'github.event.workflow_run.head_sha',
          "if: github.event.workflow_run.event == 'push',",
        ),
      ),
      'untrusted-checkout',
      'ok',
      '',
    ],
    [
      'gh pr checkout',
      also('on: issue_comment\njobs: { a: { steps: [{ run: gh pr checkout 7 }] } }'),
      'untrusted-checkout',
      'missing',
      '',
    ],
    [
      'the default writes',
      repository({ defaults: { value: { token: 'write', approves: false } } }),
      'default-token',
      'missing',
      'Read repository contents and packages permissions',
    ],
    ['the default unseen', repository({ defaults: REFUSED }), 'default-token', 'unknown', 'Administration: read'],
    [
      'Actions approves',
      repository({ defaults: { value: { token: 'read', approves: true } } }),
      'actions-approve',
      'advice',
      'create and approve pull requests',
    ],
    ['a tag of a stranger', also(uses('stranger/act@v1')), 'pinned-actions', 'missing', '"stranger/act@v1"'],
    ['a stranger by sha', also(uses(`stranger/act@${SHA}`)), 'pinned-actions', 'ok', ''],
    ['a short sha', also(uses(`stranger/act@${SHA.slice(0, 7)}`)), 'pinned-actions', 'missing', ''],
    [
      "GitHub's own, the owner's own, Changeline",
      also(
        'on: push\njobs: { a: { permissions: write-all, steps: [{ uses: actions/cache@v4 }, { uses: acme/x@v1 }, { uses: other/changeline/actions/deploy@v1 }] } }',
      ),
      'pinned-actions',
      'ok',
      '',
    ],
    ['an image', also(uses('docker://alpine:3')), 'pinned-actions', 'missing', 'docker'],
    [
      'a stranger beside a token that reads',
      also(uses('stranger/act@v1', 'permissions: { contents: read }')),
      'pinned-actions',
      'ok',
      '',
    ],
    [
      'a stranger, default unseen',
      also(uses('stranger/act@v1', 'if: true'), { defaults: REFUSED }),
      'pinned-actions',
      'unknown',
      '',
    ],
    [
      'a stranger, default writes',
      also(uses('stranger/act@v1', 'if: true'), { defaults: { value: { token: 'write', approves: false } } }),
      'pinned-actions',
      'missing',
      '',
    ],
    [
      "a stranger's workflow",
      also('on: push\njobs: { a: { permissions: write-all, uses: s/w/.github/workflows/x.yml@main } }'),
      'pinned-actions',
      'missing',
      's/w',
    ],
  ])('%s', judged);
});
