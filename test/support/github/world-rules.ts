/** How a repository is set up: rulesets, branch protection, environments, what workflows may do. */
import { matchesGlob } from 'node:path';
import { Queue } from './world-queue.ts';

/** A ruleset in REST's form. */
export interface Ruleset {
  id: number;
  name: string;
  target: 'branch' | 'tag' | 'push';
  enforcement: 'active' | 'evaluate' | 'disabled';
  source_type: 'Repository' | 'Organization';
  source: string;
  conditions: { ref_name: { include: string[]; exclude: string[] } };
  rules: { type: string; parameters?: Record<string, unknown> }[];
  /** Only who may write administration sees them. */
  bypass_actors: { actor_id?: number | null; actor_type: string; bypass_mode?: string }[];
}

export interface EnvironmentRules {
  name: string;
  /** Logins, and teams as `team:<slug>`. */
  reviewers: string[];
  preventSelfReview: boolean;
  /** Minutes. */
  waitTimer: number;
  /** Patterns of branches; `protected` for those with protection; null for all. */
  branches: string[] | 'protected' | null;
}

/** Classic protection of a branch in REST's form. */
export type Protection = Record<string, unknown> & {
  required_status_checks?: {
    strict?: boolean;
    contexts?: string[];
    checks?: { context: string; app_id: number | null }[];
  };
  required_pull_request_reviews?: { required_approving_review_count?: number };
  enforce_admins?: { enabled: boolean };
};

export class Rules extends Queue {
  /** Branches that a ruleset keeps from being created or pushed to. */
  readonly ruled = new Set<string>();
  readonly rulesets: Ruleset[] = [];
  readonly protections = new Map<string, Protection>();
  readonly environments: EnvironmentRules[] = [];
  /** What the token of a job may do where its workflow does not say. */
  workflowPermissions: { default_workflow_permissions: 'read' | 'write'; can_approve_pull_request_reviews: boolean } = {
    default_workflow_permissions: 'read',
    can_approve_pull_request_reviews: false,
  };

  /** A ruleset; active and for the default branch unless said otherwise. */
  ruleset(given: Partial<Omit<Ruleset, 'id'>>): Ruleset {
    const ruleset: Ruleset = {
      id: this.nextId(),
      name: 'main',
      target: 'branch',
      enforcement: 'active',
      source_type: 'Repository',
      source: this.full,
      conditions: { ref_name: { include: ['~DEFAULT_BRANCH'], exclude: [] } },
      rules: [],
      bypass_actors: [],
      ...given,
    };
    this.rulesets.push(ruleset);
    return ruleset;
  }

  /** Protects a branch the classic way; it replaces what was there. */
  protection(given: Protection, branch = this.defaultBranch): void {
    this.protections.set(branch, given);
  }

  environment(given: Partial<EnvironmentRules> & { name: string }): EnvironmentRules {
    const environment = { reviewers: [], preventSelfReview: false, waitTimer: 0, branches: null, ...given };
    this.environments.push(environment);
    return environment;
  }

  /** The active rulesets that hold for a branch. */
  rulesetsOn(branch: string): Ruleset[] {
    return this.rulesets.filter((one) => {
      const { include, exclude } = one.conditions.ref_name;
      const fits = (pattern: string) => this.#fits(pattern, branch);
      return one.target === 'branch' && one.enforcement === 'active' && include.some(fits) && !exclude.some(fits);
    });
  }

  /** How many approving reviews a pull request into a branch needs. */
  reviewsWanted(branch: string): number {
    const counts = this.rulesetsOn(branch)
      .flatMap(({ rules }) => rules)
      .map(({ type, parameters }) => (type === 'pull_request' ? parameters?.required_approving_review_count : 0));
    counts.push(this.protections.get(branch)?.required_pull_request_reviews?.required_approving_review_count);
    return Math.max(0, ...counts.map((count) => Number(count ?? 0)));
  }

  hasQueue(branch: string): boolean {
    const isRuled = this.rulesetsOn(branch).some(({ rules }) => rules.some(({ type }) => type === 'merge_queue'));
    return isRuled || this.queues.has(branch);
  }

  #fits(pattern: string, branch: string): boolean {
    if (pattern === '~ALL') return true;
    if (pattern === '~DEFAULT_BRANCH') return branch === this.defaultBranch;
    return matchesGlob(`refs/heads/${branch}`, pattern);
  }
}
