import { describe, expect, it } from 'vitest';
import { targetOf } from '../../../src/gate/target.ts';
import type { Runner } from '../../../src/github/github.ts';

const SHA = 'a'.repeat(40);

function runner(event: string, payload: Record<string, unknown> = {}, more: Partial<Runner> = {}): Runner {
  const base = {
    repository: 'acme/shop',
    sha: 'b'.repeat(40),
    ref: 'refs/heads/main',
    run: '1',
    attempt: '1',
    hosted: false,
    job: 'gate',
  };
  return { ...base, event, payload, workflow: 'Gate', actor: 'octocat', serverUrl: '', apiUrl: '', url: '', ...more };
}

const pull = (from: string | null = 'acme/shop', more: Record<string, unknown> = {}) => ({
  action: 'synchronize',
  pull_request: {
    number: 7,
    state: 'open',
    head: { ref: 'feature', sha: SHA, repo: from === null ? null : { full_name: from } },
    base: { ref: 'main' },
    ...more,
  },
});
const onHead = { kind: 'pull', number: 7, headRef: 'feature' };
const nowhere = (why: RegExp) => ({ kind: 'none', why: expect.stringMatching(why) });
const group = (more: Record<string, unknown> = {}, action = 'checks_requested') => ({
  action,
  merge_group: { head_sha: SHA, base_ref: 'refs/heads/main', ...more },
});
const comment = { issue: { number: 7, pull_request: { url: 'https://api.github.com/x' } } };

describe('where the status belongs', () => {
  it.each([
    ['a shell', null, nowhere(/no run/)],
    ['a pull request', runner('pull_request', pull()), { ...onHead, readOnly: false }],
    ['one from a fork', runner('pull_request', pull('fork/shop')), { ...onHead, readOnly: true }],
    ['one whose fork is gone', runner('pull_request', pull(null)), { ...onHead, readOnly: true }],
    ['one of Dependabot', runner('pull_request', pull(), { actor: 'dependabot[bot]' }), { ...onHead, readOnly: true }],
    [
      'pull_request_target from a fork',
      runner('pull_request_target', pull('fork/shop')),
      { ...onHead, readOnly: false },
    ],
    ['a review', runner('pull_request_review', pull()), { ...onHead, readOnly: false }],
    ['a review of a fork', runner('pull_request_review', pull('fork/shop')), { ...onHead, readOnly: true }],
    [
      'a pull request into another branch',
      runner('pull_request_target', pull(null, { base: { ref: 'stable' } })),
      nowhere(/into stable, not into main/),
    ],
    [
      'one that was taken from the branch to another',
      runner('pull_request_target', {
        ...pull(null, { base: { ref: 'stable' } }),
        action: 'edited',
        changes: { base: { ref: { from: 'main' } } },
      }),
      nowhere(/into stable/),
    ],
    [
      'one that was taken from another branch to this one',
      runner('pull_request_target', { ...pull(), action: 'edited', changes: { base: { ref: { from: 'stable' } } } }),
      { ...onHead, readOnly: false },
    ],
    ['one that was closed', runner('pull_request_target', pull(null, { state: 'closed' })), nowhere(/is closed/)],
    ['one without a number', runner('pull_request', pull(null, { number: '7; rm' })), nowhere(/names no pull request/)],
    ['an event without its payload', runner('pull_request'), nowhere(/names no pull request/)],
    ['a merge group', runner('merge_group', group()), { kind: 'group', sha: SHA }],
    [
      'a merge group of another branch',
      runner('merge_group', group({ base_ref: 'refs/heads/stable' })),
      nowhere(/main/),
    ],
    ['a merge group that is gone', runner('merge_group', group({}, 'destroyed')), nowhere(/gone/)],
    ['a group whose head is no sha', runner('merge_group', group({ head_sha: 'main; rm' })), nowhere(/no group/)],
    [
      'a comment on a pull request',
      runner('issue_comment', comment),
      { kind: 'pull', number: 7, headRef: null, readOnly: false },
    ],
    ['a comment on an issue', runner('issue_comment', { issue: { number: 7 } }), nowhere(/no pull request/)],
    ['a push to the branch', runner('push', { after: SHA }), { kind: 'all', pushed: SHA }],
    ['a push without its commit', runner('push', { after: '$(id)' }), { kind: 'all', pushed: null }],
    ['a push to another branch', runner('push', {}, { ref: 'refs/heads/feature' }), nowhere(/not to main/)],
    ['a tag of the same name', runner('push', {}, { ref: 'refs/tags/main' }), nowhere(/not to main/)],
    ['the end of another workflow', runner('workflow_run'), { kind: 'all', pushed: null }],
    ...['push', 'merge_group', 'schedule', 'pull_request_target', 7].map((event): [string, Runner, object] => [
      `the end of a run of ${event}`,
      runner('workflow_run', { workflow_run: { event, head_branch: 'feature' } }),
      { kind: 'all', pushed: null },
    ]),
    ...['pull_request', 'pull_request_review'].map((event): [string, Runner, object] => [
      `the end of a run of ${event}`,
      runner('workflow_run', { workflow_run: { event, head_branch: 'feature' } }),
      { kind: 'branch', headRef: 'feature' },
    ]),
    [
      'the end of one whose branch is not said',
      runner('workflow_run', { workflow_run: { event: 'pull_request', head_branch: null } }),
      { kind: 'all', pushed: null },
    ],
    ['a schedule', runner('schedule'), { kind: 'all', pushed: null }],
    ['a person', runner('workflow_dispatch'), { kind: 'all', pushed: null }],
    ['another system', runner('repository_dispatch'), { kind: 'all', pushed: null }],
    ['a release', runner('release'), nowhere(/release/)],
  ])('%s', (_, given, target) => {
    expect(targetOf(given, 'main')).toEqual(target);
  });
});
