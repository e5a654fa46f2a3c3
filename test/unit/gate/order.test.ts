import { describe, expect, it } from 'vitest';
import { inOrder } from '../../../src/gate/order.ts';
import type { Head, PullRequest } from '../../../src/gate/pull.ts';

function pull(more: Partial<PullRequest> = {}): PullRequest {
  return {
    number: 1,
    title: 'a change',
    author: 'octocat',
    draft: false,
    mergeable: true,
    autoMerge: false,
    approved: false,
    updated: '2026-11-20T10:00:00Z',
    files: 1,
    additions: 1,
    deletions: 0,
    details: null,
    ...more,
  };
}

function head(sha: string, pulls: PullRequest[], inQueue = false): Head {
  return { sha, pulls, inQueue, status: null };
}

const shas = (heads: readonly Head[]) => inOrder(heads).map(({ sha }) => sha);

describe('the order of writing', () => {
  const urgent = [
    head('queued', [], true),
    head('auto-merge', [pull({ autoMerge: true })]),
    head('approved', [pull({ approved: true })]),
    head('open', [pull()]),
    head('draft', [pull({ draft: true, approved: true, autoMerge: true })]),
  ];

  it('is queue, auto-merge, approved and mergeable, open, draft, whatever came first', () => {
    const wanted = urgent.map(({ sha }) => sha);
    expect(shas(urgent)).toEqual(wanted);
    expect(shas(urgent.toReversed())).toEqual(wanted);
  });

  it.each([
    ['approved, and GitHub does not know yet whether it merges', { approved: true, mergeable: null }, ['a', 'open']],
    ['approved and in conflict', { approved: true, mergeable: false, updated: '2020-01-01T00:00:00Z' }, ['open', 'a']],
    ['updated later', { updated: '2026-11-20T10:00:01Z' }, ['a', 'open']],
    ['updated earlier', { updated: '2026-11-20T09:59:59Z' }, ['open', 'a']],
  ])('%s', (_, more, wanted) => {
    expect(shas([head('open', [pull()]), head('a', [pull(more)])])).toEqual(wanted);
  });

  it('takes a shared head by the most urgent of its pull requests', () => {
    const shared = head('shared', [pull({ draft: true }), pull({ autoMerge: true, updated: '2020-01-01T00:00:00Z' })]);
    expect(shas([head('approved', [pull({ approved: true })]), shared])).toEqual(['shared', 'approved']);
  });

  it('keeps what it was given', () => {
    const given = urgent.toReversed();
    inOrder(given);
    expect(given.map(({ sha }) => sha)).toEqual(urgent.map(({ sha }) => sha).toReversed());
  });
});
