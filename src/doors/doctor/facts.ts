/** What the doctor knows of a repository before it judges. Types only. */
import type { Config } from '../../config/config.ts';
import type { Workflow } from './workflow.ts';

/** What a look at GitHub gave: the value, or why it could not be had and the permission that it takes. */
export type Seen<T> = { value: T } | { unseen: string; needs: string | null };

/** One active rule of a branch. */
export interface Rule {
  type: string;
  parameters: Record<string, unknown>;
  /** Id of its ruleset; null where GitHub did not say it. */
  ruleset: number | null;
}

/** Who may pass by a ruleset. */
export interface BypassActor {
  type: string;
  id: number | null;
  /** always, pull_request, exempt */
  mode: string;
}

export interface Ruleset {
  id: number;
  name: string;
  /** Null where the answer left them out, as it does for every token that may not write the ruleset. */
  bypass: BypassActor[] | null;
  /** Whether the token's own owner may pass by: always, pull_requests_only, exempt, never; null where not said. */
  own: string | null;
}

/** A required check of classic branch protection; `app` is null for any app. */
export interface ClassicCheck {
  context: string;
  app: number | null;
}

/** Classic branch protection, as far as a token without administration sees it. */
export interface Branch {
  /** True where classic protection or a ruleset applies. */
  protected: boolean;
  /** True where classic protection is on; null where GitHub did not say it. */
  classic: boolean | null;
  checks: ClassicCheck[];
  /** everyone, non_admins, off; null where not said. */
  enforcement: string | null;
}

/** Classic branch protection, whole. */
export interface Protection {
  checks: ClassicCheck[];
  strict: boolean;
  admins: boolean;
  pullRequest: boolean;
  forcePushes: boolean;
  deletions: boolean;
  /** True where only named people, teams and apps may push. */
  restricted: boolean;
}

/** The rules of one branch, from all that GitHub has of them. */
export interface BranchFacts {
  name: string;
  rules: Seen<Rule[]>;
  rulesets: Map<number, Seen<Ruleset>>;
  /** Null where the branch is not there. */
  branch: Seen<Branch | null>;
  /** Null where there is no classic protection. */
  protection: Seen<Protection | null>;
}

/** An environment of GitHub. */
export interface GitHubEnvironment {
  name: string;
  reviewers: number;
  /** all: no restriction. protected: protected branches. chosen: those of `policies`. */
  branches: 'all' | 'protected' | 'chosen';
  policies: Seen<{ name: string; type: string }[]>;
}

/** A file of .github/workflows on the default branch. */
export type WorkflowFile = { path: string; workflow: Workflow } | { path: string; broken: string };

/** Everything that `findings` judges. */
export interface RepositoryFacts {
  /** owner/name */
  repository: string;
  isPublic: boolean;
  defaultBranch: string;
  /** The branch that the gate keeps. */
  gated: BranchFacts;
  /** Whether the gated branch has a merge queue, as GraphQL says it. */
  queue: Seen<boolean>;
  files: Seen<WorkflowFile[]>;
  /** The repository's default for the job's token. */
  defaults: Seen<{ token: 'read' | 'write'; approves: boolean }>;
  environments: Seen<GitHubEnvironment[]>;
  /** Null where the ledger is a directory. */
  ledger: { repository: string; facts: BranchFacts } | null;
  /** Null without changeline.yml. */
  config: Config | null;
  /** The environments of changeline.yml that are asked about. */
  asked: string[];
}
