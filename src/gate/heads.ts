/** The commits that bear a status: heads of pull requests and of the groups in the merge queue. Pure. */
import type { Head, PullRequest, Status } from './pull.ts';
import { type CommitAnswer, type Connection, nodesOf, type PullPage, statusOf } from './pull-answer.ts';

/** A group of the merge queue. */
export interface QueuedGroup {
  sha: string;
  /** The pull request that it adds, and the commit before: the head of the group before it, or of the branch. */
  adds: { number: number; base: string } | null;
  status: Status | null;
}

/** The groups of `queueSelection` in the `repository` of an answer. */
export function queueFrom(answer: unknown): QueuedGroup[] {
  type Answer = { name: string; target: CommitAnswer | null };
  const { queue } = answer as { queue: Pick<Connection, 'nodes'> | null };
  return nodesOf<Answer>(queue).flatMap(({ name, target }) => {
    return target?.oid ? [groupOf(target.oid, name, statusOf(target))] : [];
  });
}

/** The group of a branch. GitHub names it pr-<number>-<the commit that it stands on>. */
export function groupOf(sha: string, name: string, status: Status | null): QueuedGroup {
  const [, number, base] = name.match(/(?:^|\/)pr-(\d+)-([0-9a-f]{40,64})$/) ?? [];
  return { sha, adds: base ? { number: Number(number), base } : null, status };
}

/**
 * The commits that bear a status, each once. A pull request that two pages told of counts as the later one told; one
 * of a queued group that no page told of is known by its number alone.
 */
export function headsFrom(pages: readonly PullPage[], queue: readonly QueuedGroup[]): Head[] {
  const pulls = new Map(pages.flat().map((read) => [read.pull.number, read]));
  const heads = new Map<string, Head>();
  for (const { sha, adds, status } of queue) {
    const numbers = numbersIn(adds, queue);
    const held = numbers.map((number) => pulls.get(number)?.pull ?? unread(number));
    heads.set(sha, { sha, pulls: held, inQueue: true, status });
  }
  for (const { sha, status, pull } of pulls.values()) {
    const head = heads.get(sha) ?? { sha, pulls: [], inQueue: false, status };
    const others = head.pulls.filter((one) => one.number !== pull.number);
    heads.set(sha, { ...head, pulls: [...others, pull] });
  }
  return [...heads.values()];
}

/** A group stands on the one before it, so it holds that one's pull requests too. */
function numbersIn(adds: QueuedGroup['adds'], queue: readonly QueuedGroup[]): number[] {
  const numbers: number[] = [];
  for (let next = adds; next && !numbers.includes(next.number); ) {
    const { number, base } = next;
    numbers.unshift(number);
    next = queue.find((group) => group.sha === base)?.adds ?? null;
  }
  return numbers;
}

function unread(number: number): PullRequest {
  const unknown = { title: '', author: null, draft: false, mergeable: null, autoMerge: false, approved: false };
  return { number, ...unknown, updated: '', files: 0, additions: 0, deletions: 0, details: null };
}
