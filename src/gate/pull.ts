/** A pull request and a group of the merge queue as far as the gate looks at them. */
import type { Check } from './evidence.ts';

/** The status that the gate has written before. `at` is ISO 8601, UTC. */
export interface Status {
  state: 'success' | 'pending' | 'failure' | 'error';
  description: string;
  at: string;
}

/** One commit that bears a status: the head of pull requests, or of a group in the merge queue. */
export interface Head {
  sha: string;
  /** The pull requests of the gated branch with this head; for a group those that it holds, as far as that is known. */
  pulls: PullRequest[];
  inQueue: boolean;
  /** What the gate wrote last on this commit; null where it wrote nothing. */
  status: Status | null;
}

/** An open pull request of the gated branch. Texts come from outside. */
export interface PullRequest {
  number: number;
  title: string;
  author: string | null;
  draft: boolean;
  /** GitHub computes it in the background: null where it does not know yet. */
  mergeable: boolean | null;
  autoMerge: boolean;
  /** GitHub's own decision about the reviews. */
  approved: boolean;
  /** ISO 8601, UTC. */
  updated: string;
  files: number;
  additions: number;
  deletions: number;
  /** What only some rules look at; null where none of them is switched on. */
  details: Details | null;
}

/** What the rules on the change itself look at. */
export interface Details {
  /** Who wrote the head commit; null where GitHub knows no account for it. */
  headBy: string | null;
  /** The last opinion of each reviewer. */
  reviews: Review[];
  closes: ClosedIssue[];
  /** The paths it changes; null where they were not read, or GitHub does not know them. */
  paths: ChangedPath[] | null;
  /** The checks of its head. */
  checks: Check[];
}

export interface Review {
  by: string;
  /** APPROVED, CHANGES_REQUESTED or DISMISSED. */
  state: string;
  /** The head that was reviewed. */
  sha: string | null;
  /** True for a person (not an app) who may write to the repository. */
  counts: boolean;
}

export interface ClosedIssue {
  number: number;
  /** owner/name, where it lies in another repository. */
  repository: string | null;
  labels: string[];
}

export interface ChangedPath {
  path: string;
  /** ADDED, MODIFIED, DELETED, RENAMED … */
  how: string;
  /** Lines; both are 0 for a binary file, and for one that was only moved. */
  additions: number;
  deletions: number;
}
