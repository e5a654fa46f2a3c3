/** A repository in which nothing is missing, made of the example workflows, and the ways to spoil it. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { parseConfig } from '../../../src/config/config.ts';
import type { BranchFacts, Protection, RepositoryFacts, Rule, WorkflowFile } from '../../../src/doors/doctor/facts.ts';
import { type Finding, findings } from '../../../src/doors/doctor/findings.ts';
import { workflowFrom } from '../../../src/doors/doctor/workflow.ts';

export const CONFIG = `
name: shop
artifact: release:shop-{version}.tar.gz
environments:
  uat: { hosts: [./uat] }
  production:
    hosts: [./production]
    approve: { from: [octocat] }
`;

const CI =
  'name: CI\non: [push, pull_request]\njobs: { test: { runs-on: x, permissions: { contents: read }, steps: [] } }';

export const REFUSED = { unseen: 'GitHub answered 403: Resource not accessible', needs: 'Administration: read' };

/** An example of workflows-examples/. */
export function example(name: string): string {
  return readFileSync(new URL(`../../../workflows-examples/${name}.yml`, import.meta.url), 'utf8');
}

export function file(name: string, text: string): WorkflowFile {
  return workflowFrom(`.github/workflows/${name}.yml`, text);
}

export function rule(type: string, parameters: Record<string, unknown> = {}): Rule {
  return { type, parameters, ruleset: 1 };
}

/** The rule that requires the context, from the app `app`; from any where it is null. */
export function requires(app: number | null, strict = true): Rule {
  const check = { context: 'changeline/gate', ...(app === null ? {} : { integration_id: app }) };
  return rule('required_status_checks', {
    required_status_checks: [check],
    strict_required_status_checks_policy: strict,
  });
}

export const PROTECTION: Protection = {
  checks: [{ context: 'changeline/gate', app: 15368 }],
  strict: true,
  admins: true,
  pullRequest: true,
  forcePushes: false,
  deletions: false,
  restricted: false,
};

/** A branch with rules and without classic protection. */
export function ruled(name: string, rules: Rule[]): BranchFacts {
  const ruleset = { id: 1, name: 'main', bypass: [], own: 'never' };
  return {
    name,
    rules: { value: rules },
    rulesets: new Map([[1, { value: ruleset }]]),
    branch: { value: { protected: true, classic: false, checks: [], enforcement: null } },
    protection: { value: null },
  };
}

/** A branch with classic protection alone; null where the token does not see its details. */
export function classic(protection: Protection | null): BranchFacts {
  return {
    name: 'main',
    rules: { value: [] },
    rulesets: new Map(),
    branch: { value: { protected: true, classic: true, checks: PROTECTION.checks, enforcement: 'everyone' } },
    protection: protection ? { value: protection } : REFUSED,
  };
}

export const MAIN = [requires(15368), rule('pull_request'), rule('deletion'), rule('non_fast_forward')];

export function files(changed: Record<string, string | null> = {}): WorkflowFile[] {
  const all: Record<string, string | null> = {
    ci: CI,
    gate: example('pull-request'),
    deliver: example('deliver'),
    approve: example('approve'),
    freeze: example('freeze'),
    ...changed,
  };
  return Object.entries(all).flatMap(([name, text]) => (text === null ? [] : [file(name, text)]));
}

/** The healthy repository, with some of its facts changed. */
export function repository(changed: Partial<RepositoryFacts> = {}): RepositoryFacts {
  const environment = (name: string) => ({
    name,
    reviewers: 1,
    branches: 'chosen' as const,
    policies: { value: [{ name: 'main', type: 'branch' }] },
  });
  return {
    repository: 'acme/shop',
    isPublic: false,
    defaultBranch: 'main',
    gated: ruled('main', MAIN),
    queue: { value: false },
    files: { value: files() },
    defaults: { value: { token: 'read', approves: false } },
    environments: { value: [environment('uat'), environment('production')] },
    ledger: {
      repository: 'acme/shop',
      facts: ruled('changeline', [rule('deletion'), rule('non_fast_forward')]),
    },
    config: configFrom(CONFIG),
    asked: ['uat', 'production'],
    ...changed,
  };
}

export function configFrom(text: string): RepositoryFacts['config'] {
  return parseConfig(text, { name: 'changeline.yml', environment: '', choose: false, looksOnly: true, env: {} }).config;
}

/** The rows of one name. */
export function rowsOf(facts: RepositoryFacts, name: string): Finding[] {
  return findings(facts).filter((row) => row.row === name);
}

/** A case of a table: its name, the facts, the row, its state, and a part of what it says. */
export type Case = [string, RepositoryFacts, string, Finding['state'], string];

/** Holds a case to what the doctor says of it. */
export function judged(...[, facts, name, state, text]: Case): void {
  const [row, ...more] = rowsOf(facts, name);
  expect(more).toEqual([]);
  expect(row?.state).toBe(state);
  expect(`${row?.asked} | ${row?.found} | ${row?.next}`).toContain(text);
}
