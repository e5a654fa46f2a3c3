/** In which order the status is written where GitHub's limits make the last ones wait. Pure. */
import type { Head, PullRequest } from './pull.ts';

/** What stands in line to merge comes first; nobody waits for a draft. */
const RANKS = ['in the queue', 'auto-merge', 'approved and mergeable', 'open', 'draft'] as const;
type Rank = (typeof RANKS)[number];

/** The heads with the most urgent first; among equals the one that was updated last. A shared head counts as its most urgent pull request. */
export function inOrder(heads: readonly Head[]): Head[] {
  const ranked = heads.map((head) => ({ head, rank: rankOf(head), updated: newest(head) }));
  ranked.sort((a, b) => a.rank - b.rank || (a.updated > b.updated ? -1 : a.updated < b.updated ? 1 : 0));
  return ranked.map(({ head }) => head);
}

function rankOf(head: Head): number {
  const ranks = head.pulls.map((pull) => RANKS.indexOf(rankOfPull(pull)));
  return head.inQueue ? 0 : Math.min(...ranks, RANKS.length - 1);
}

function rankOfPull(pull: PullRequest): Rank {
  if (pull.draft) return 'draft';
  if (pull.autoMerge) return 'auto-merge';
  // GitHub computes whether it can be merged in the background: only a known no counts as one.
  return pull.approved && pull.mergeable !== false ? 'approved and mergeable' : 'open';
}

function newest(head: Head): string {
  return (
    head.pulls
      .map(({ updated }) => updated)
      .toSorted()
      .at(-1) ?? ''
  );
}
