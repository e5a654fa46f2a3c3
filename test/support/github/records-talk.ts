/** What people do with one another: pull requests, reviews, issues and comments. Times are ISO 8601. */

export interface ChangedFile {
  path: string;
  /** ADDED, MODIFIED, DELETED, RENAMED, COPIED or CHANGED. */
  how: string;
  additions: number;
  deletions: number;
}

export interface Review {
  id: number;
  /** null for a user who is gone. */
  by: string | null;
  /** APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED or PENDING. */
  state: string;
  /** The head that was reviewed; null where it is gone. */
  sha: string | null;
  at: string;
}

export interface Pull {
  id: number;
  number: number;
  head: string;
  base: string;
  state: 'open' | 'closed';
  merged: boolean;
  mergedBy: string | null;
  title: string;
  body: string;
  author: string | null;
  headRef: string;
  /** True where `headRef` is a branch that `commit` moves: the pull request moves with it. */
  follows: boolean;
  draft: boolean;
  /** null where GitHub has not computed it yet. */
  mergeable: boolean | null;
  /** Since when; null where it is off. */
  autoMerge: string | null;
  /** True where the head lies in another repository. */
  fork: boolean;
  files: ChangedFile[];
  closes: number[];
  labels: string[];
  reviews: Review[];
  at: string;
  updated: string;
}

/** What a test may say about a pull request. */
export interface PullGiven {
  title?: string;
  body?: string;
  author?: string | null;
  headRef?: string;
  draft?: boolean;
  mergeable?: boolean | null;
  autoMerge?: boolean;
  fork?: boolean;
  files?: (Pick<ChangedFile, 'path'> & Partial<ChangedFile>)[];
  closes?: number[];
  labels?: string[];
  updated?: string;
}

export interface Issue {
  id: number;
  number: number;
  title: string;
  body: string;
  by: string | null;
  labels: string[];
  state: 'open' | 'closed';
  at: string;
  updated: string;
  /** When its body was last edited; null where it never was. */
  edited: string | null;
  /** COMPLETED, NOT_PLANNED, DUPLICATE or REOPENED; null where it was never closed. */
  reason: string | null;
}

export interface Comment {
  id: number;
  /** The number of the issue or pull request. */
  issue: number;
  by: string | null;
  body: string;
  at: string;
  updated: string;
  edited: string | null;
  editor: string | null;
  minimized: boolean;
  reactions: { id: number; by: string; content: string }[];
}

/** A group of the merge queue. */
export interface Entry {
  id: number;
  pull: number;
  base: string;
  /** AWAITING_CHECKS, LOCKED, MERGEABLE, QUEUED or UNMERGEABLE. */
  state: string;
  /** The branch of the group and its commits. */
  branch: string;
  head: string;
  baseSha: string;
  at: string;
}

export type Role = 'admin' | 'maintain' | 'write' | 'triage' | 'read' | 'none';

/** What GitHub knows of a login. */
export interface Account {
  login: string;
  type: string;
  role: Role;
  /** The role's name: that of `role`, or of an organisation's own role. */
  roleName: string;
  /** True where there is no such account. */
  gone: boolean;
}
