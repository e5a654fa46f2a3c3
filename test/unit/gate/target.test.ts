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

const pull = (sha: unknown, from = 'acme/shop') => ({
  pull_request: { number: 7, head: { sha, repo: { full_name: from } } },
});
const onHead = { kind: 'commit', sha: SHA, inQueue: false, pullRequest: 7 };

describe('where the verdict belongs', () => {
  it.each([
    ['a shell', null, { kind: 'none' }],
    [
      'a pull request: its head, not the merge commit',
      runner('pull_request', pull(SHA)),
      { ...onHead, readOnly: false },
    ],
    ['one from a fork', runner('pull_request', pull(SHA, 'fork/shop')), { ...onHead, readOnly: true }],
    [
      'one whose fork is gone',
      runner('pull_request', { pull_request: { number: 7, head: { sha: SHA, repo: null } } }),
      { ...onHead, readOnly: true },
    ],
    [
      'one of Dependabot',
      runner('pull_request', pull(SHA), { actor: 'dependabot[bot]' }),
      { ...onHead, readOnly: true },
    ],
    [
      'pull_request_target from a fork',
      runner('pull_request_target', pull(SHA, 'fork/shop')),
      { ...onHead, readOnly: false },
    ],
    [
      'a merge group',
      runner('merge_group', { merge_group: { head_sha: SHA } }),
      { kind: 'commit', sha: SHA, inQueue: true, pullRequest: null, readOnly: false },
    ],
    ['a push to the branch', runner('push'), { kind: 'all' }],
    ['a push to another branch', runner('push', {}, { ref: 'refs/heads/feature' }), { kind: 'none' }],
    ['a tag of the same name', runner('push', {}, { ref: 'refs/tags/main' }), { kind: 'none' }],
    ['the end of another workflow', runner('workflow_run'), { kind: 'all' }],
    ['a schedule', runner('schedule'), { kind: 'all' }],
    ['a person', runner('workflow_dispatch'), { kind: 'none' }],
    ['an event without its payload', runner('pull_request'), { kind: 'none' }],
    ['a head that is no sha', runner('pull_request', pull('main; rm')), { kind: 'none' }],
  ])('%s', (_, given, target) => {
    expect(targetOf(given, 'main')).toEqual(target);
  });
});
