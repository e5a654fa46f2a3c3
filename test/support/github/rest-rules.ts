/** How a repository is set up, as the API shows it to tokens that may see it. */
import { allows } from './access.ts';
import { type Answer, type Asked, NOT_FOUND, type Routes, reads, refused } from './route.ts';
import { apiUrl, userOf } from './shapes.ts';
import type { Repository } from './world.ts';
import type { EnvironmentRules, Ruleset } from './world-rules.ts';

/** The routes of rules and settings below a repository. */
export function ruleRoutes(repo: string): Routes {
  return {
    [`GET ${repo}/rules/branches/{branch}`]: reads('metadata', ({ repository, path }) => ({
      list: repository.rulesetsOn(path.branch!).flatMap(rulesOf),
    })),
    [`GET ${repo}/rulesets`]: reads('metadata', ({ repository }) => ({ list: repository.rulesets.map(brief) })),
    [`GET ${repo}/rulesets/{ruleset_id}`]: reads('metadata', rulesetOf),
    [`GET ${repo}/branches/{branch}`]: reads('contents', branchOf),
    [`GET ${repo}/branches/{branch}/protection`]: reads('administration', ({ repository, path }) => {
      if (!repository.branches.has(path.branch!)) return refused(404, 'Branch not found');
      const protection = repository.protections.get(path.branch!);
      return protection ? { status: 200, body: protection } : refused(404, 'Branch not protected');
    }),
    [`GET ${repo}/environments`]: reads('actions', ({ repository }) => ({
      list: repository.environments.map((one) => environmentOf(repository, one)),
      key: 'environments',
    })),
    [`GET ${repo}/environments/{environment_name}`]: reads('actions', ({ repository, path }) => {
      const found = environmentNamed(repository, path.environment_name);
      return found ? { status: 200, body: environmentOf(repository, found) } : NOT_FOUND;
    }),
    [`GET ${repo}/environments/{environment_name}/deployment-branch-policies`]: reads(
      'actions',
      ({ repository, path }) => {
        const found = environmentNamed(repository, path.environment_name);
        if (!found) return NOT_FOUND;
        const patterns = Array.isArray(found.branches) ? found.branches : [];
        return {
          list: patterns.map((name, index) => ({ id: index + 1, name, type: 'branch' })),
          key: 'branch_policies',
        };
      },
    ),
    [`GET ${repo}/actions/permissions/workflow`]: reads('administration', ({ repository }) => ({
      status: 200,
      body: repository.workflowPermissions,
    })),
  };
}

function rulesOf(ruleset: Ruleset) {
  const from = {
    ruleset_id: ruleset.id,
    ruleset_source_type: ruleset.source_type,
    ruleset_source: ruleset.source,
  };
  return ruleset.rules.map((rule) => ({ ...rule, ...from }));
}

function brief({ id, name, target, enforcement, source_type, source }: Ruleset) {
  return { id, name, target, enforcement, source_type, source };
}

function rulesetOf({ repository, path, asker }: Asked): Answer {
  const found = repository.rulesets.find((one) => String(one.id) === path.ruleset_id);
  if (!found) return NOT_FOUND;
  const { bypass_actors, conditions, rules } = found;
  const isSeen = allows(asker.permissions, { permission: 'administration', level: 'write' });
  return {
    status: 200,
    body: { ...brief(found), conditions, rules, ...(isSeen ? { bypass_actors } : {}) },
  };
}

/** Whoever reads the code sees whether a branch is protected and which checks it requires, and no more. */
function branchOf({ repository, path }: Asked): Answer {
  const name = path.branch!;
  const commit = repository.branches.has(name) ? repository.find(`refs/heads/${name}`) : undefined;
  if (!commit) return refused(404, 'Branch not found');
  const protection = repository.protections.get(name);
  const { contexts = [], checks = [] } = protection?.required_status_checks ?? {};
  const everyone = protection?.enforce_admins?.enabled ? 'everyone' : 'non_admins';
  const url = apiUrl(repository, `branches/${name}`);
  return {
    status: 200,
    body: {
      name,
      commit: {
        sha: commit.sha,
        url: apiUrl(repository, `commits/${commit.sha}`),
        commit: { message: commit.message, author: { name: commit.author, date: commit.date } },
        parents: commit.parents.map((sha) => ({ sha, url: apiUrl(repository, `commits/${sha}`) })),
        author: userOf(commit.author),
        committer: userOf(commit.author),
      },
      _links: { html: `https://github.com/${repository.full}/tree/${name}`, self: url },
      protected: protection !== undefined,
      protection: {
        enabled: protection !== undefined,
        required_status_checks: {
          enforcement_level: protection?.required_status_checks ? everyone : 'off',
          contexts: [...new Set([...contexts, ...checks.map(({ context }) => context)])],
          checks,
        },
      },
      protection_url: `${url}/protection`,
    },
  };
}

function environmentNamed(repository: Repository, name: string | undefined): EnvironmentRules | undefined {
  return repository.environments.find((one) => one.name.toLowerCase() === name?.toLowerCase());
}

function environmentOf(repository: Repository, one: EnvironmentRules) {
  const { name, reviewers, preventSelfReview, waitTimer, branches } = one;
  const id = repository.environments.indexOf(one) + 1;
  const rules: Record<string, unknown>[] = [];
  const add = (type: string, more: Record<string, unknown> = {}) =>
    rules.push({ id: id * 10 + rules.length, node_id: `GA_${id}_${rules.length}`, type, ...more });
  if (waitTimer > 0) add('wait_timer', { wait_timer: waitTimer });
  if (reviewers.length > 0) {
    add('required_reviewers', { prevent_self_review: preventSelfReview, reviewers: reviewers.map(reviewerOf) });
  }
  if (branches !== null) add('branch_policy');
  return {
    id,
    name,
    url: apiUrl(repository, `environments/${encodeURIComponent(name)}`),
    protection_rules: rules,
    deployment_branch_policy:
      branches === null
        ? null
        : { protected_branches: branches === 'protected', custom_branch_policies: branches !== 'protected' },
  };
}

function reviewerOf(name: string) {
  const team = /^team:(.+)$/.exec(name)?.[1];
  return team ? { type: 'Team', reviewer: { slug: team, name: team } } : { type: 'User', reviewer: userOf(name) };
}
