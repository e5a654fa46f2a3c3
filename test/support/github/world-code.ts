/** The code of a repository: branches, commits and their files. */
import { createHash } from 'node:crypto';
import type { Host } from './host.ts';
import type { Commit } from './records.ts';

/** What a test may say about a commit. */
export interface CommitGiven {
  /** Added to those of the commit before. */
  files?: Record<string, string>;
  author?: string;
  /** Further parents. */
  also?: string[];
  sha?: string;
  message?: string;
  at?: string;
}

export class Code {
  readonly owner: string;
  readonly name: string;
  defaultBranch = 'main';
  isPrivate = true;
  readonly branches = new Map<string, string>();
  readonly commits = new Map<string, Commit>();
  readonly trees = new Map<string, Map<string, string>>();
  readonly id: number;
  readonly host: Host;

  constructor(owner: string, name: string, host: Host) {
    this.owner = owner;
    this.name = name;
    this.host = host;
    this.id = this.nextId();
  }

  get full(): string {
    return `${this.owner}/${this.name}`;
  }

  nextId(): number {
    return this.host.nextId();
  }

  /** The time of a record that is made now. */
  now(): string {
    return this.host.clock.now();
  }

  /** A new commit at the head of a branch, which is created where it is not there. Returns its sha. */
  commit(branch = this.defaultBranch, given: CommitGiven = {}): string {
    const head = this.branches.get(branch);
    const files = new Map([...(head ? this.filesAt(head) : []), ...Object.entries(given.files ?? {})]);
    const parents = [...(head ? [head] : []), ...(given.also ?? [])];
    const { message = 'a change', author = 'octocat' } = given;
    const sha = this.addCommit(this.addTree(files), parents, message, author, given.sha);
    if (given.at) this.commits.get(sha)!.date = given.at;
    this.branches.set(branch, sha);
    return sha;
  }

  addTree(files: Map<string, string>): string {
    const sha = hash(['tree', ...[...files].flat()]);
    this.trees.set(sha, files);
    return sha;
  }

  addCommit(tree: string, parents: string[], message: string, author: string, known?: string): string {
    const sha = known ?? hash(['commit', tree, ...parents, message, String(this.nextId())]);
    this.commits.set(sha, { sha, tree, parents, message, author, date: this.now() });
    return sha;
  }

  /** A commit is gone, as that of a deleted fork may be. */
  forget(sha: string): void {
    this.commits.delete(sha);
    for (const [branch, head] of this.branches) if (head === sha) this.branches.delete(branch);
  }

  filesAt(sha: string): Map<string, string> {
    return this.trees.get(this.commits.get(sha)?.tree ?? '') ?? new Map();
  }

  /** The commit behind a sha, a branch, a full ref or HEAD. */
  find(ref: string): Commit | undefined {
    const name = ref === 'HEAD' ? this.defaultBranch : ref.replace(/^(refs\/)?heads\//, '');
    return this.commits.get(this.branches.get(name) ?? ref);
  }

  /** Every commit that can be reached from one, itself first. */
  reachable(sha: string): Map<string, Commit> {
    const found = new Map<string, Commit>();
    const waiting = [sha];
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const commit = this.commits.get(next);
      if (!commit || found.has(next)) continue;
      found.set(next, commit);
      waiting.push(...commit.parents);
    }
    return found;
  }
}

/** A git-like name for what was made of these parts. */
export function hash(parts: readonly string[]): string {
  return createHash('sha1').update(parts.join('\0')).digest('hex');
}
