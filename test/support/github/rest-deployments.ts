/** Deployments and their statuses. */

import type { Deployment, DeploymentStatus } from './records.ts';
import { type Answer, type Asked, NOT_FOUND, type Routes, reads, refused, writes } from './route.ts';
import type { Repository } from './world.ts';

/** The routes of deployments below a repository. */
export function deploymentRoutes(repo: string): Routes {
  return {
    [`GET ${repo}/deployments`]: reads('deployments', ({ repository, query }) => ({
      list: repository.deployments
        .filter((one) => !query.get('environment') || one.environment === query.get('environment'))
        .toReversed()
        .map((one) => deploymentOf(repository, one)),
    })),
    [`POST ${repo}/deployments`]: writes('deployments', create),
    [`GET ${repo}/deployments/{deployment_id}/statuses`]: reads('deployments', ({ repository, path }) => {
      const found = repository.deployments.find((one) => String(one.id) === path.deployment_id);
      return found ? { list: found.statuses.toReversed().map((one) => statusOf(found, one)) } : NOT_FOUND;
    }),
    [`POST ${repo}/deployments/{deployment_id}/statuses`]: writes('deployments', createStatus),
  };
}

function create({ repository, body }: Asked): Answer {
  const commit = repository.find(body.ref as string);
  if (!commit) return refused(422, `No ref found for: ${body.ref}`);
  const failing = repository.statuses.some((one) => one.sha === commit.sha && one.state !== 'success');
  if (failing && !Array.isArray(body.required_contexts))
    return refused(409, 'Conflict: Commit status checks failed for the ref.');
  const deployment = repository.deployment(commit.sha, (body.environment as string) ?? 'production');
  deployment.production = body.production_environment === true;
  deployment.description = (body.description as string) ?? null;
  return { status: 201, body: deploymentOf(repository, deployment) };
}

function createStatus({ repository, path, body }: Asked): Answer {
  const found = repository.deployments.find((one) => String(one.id) === path.deployment_id);
  if (!found) return NOT_FOUND;
  const description = (body.description as string) ?? '';
  if (description.length > 140)
    return refused(422, 'Validation Failed: description is too long (maximum is 140 characters)');
  const status = {
    id: repository.nextId(),
    state: body.state as string,
    description,
    logUrl: (body.log_url as string) ?? null,
    at: repository.now(),
  };
  found.statuses.push(status);
  return { status: 201, body: statusOf(found, status) };
}

function deploymentOf(repository: Repository, one: Deployment) {
  return {
    id: one.id,
    sha: one.sha,
    ref: one.sha,
    task: 'deploy',
    environment: one.environment,
    original_environment: one.environment,
    production_environment: one.production,
    description: one.description,
    payload: {},
    created_at: one.at,
    updated_at: one.at,
    url: `https://api.github.com/repos/${repository.full}/deployments/${one.id}`,
  };
}

function statusOf(deployment: Deployment, one: DeploymentStatus) {
  return {
    id: one.id,
    state: one.state,
    description: one.description,
    environment: deployment.environment,
    log_url: one.logUrl ?? '',
    created_at: one.at,
    updated_at: one.at,
  };
}
