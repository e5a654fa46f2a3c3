/** The run that GitHub's runner describes in its variables and its event file. */
import { readFileSync } from 'node:fs';

/** Where this process runs, as the runner tells it. Texts are '' where the runner did not say. */
export interface Runner {
  /** owner/name */
  repository: string;
  /** The event's name: push, pull_request, workflow_dispatch … */
  event: string;
  /** The event itself, as GitHub sent it; empty where the file is missing or no JSON object. */
  payload: Record<string, unknown>;
  sha: string;
  /** refs/heads/main, refs/pull/7/merge … */
  ref: string;
  run: string;
  attempt: string;
  /** The id of the job in the workflow file. */
  job: string;
  workflow: string;
  /** owner/name/.github/workflows/deliver.yml@refs/heads/main: the workflow's file as this run uses it. */
  workflowRef?: string;
  /** Who started this attempt of the run; a run may be started again by another person than the first time. */
  actor: string;
  serverUrl: string;
  apiUrl: string;
  /** The page of this run. */
  url: string;
  /** True on a machine of GitHub's own, which is gone after the job with everything on it. */
  hosted: boolean;
}

/** The runner's description of this run; null outside a runner. Never throws. */
export function runnerFrom(env: Record<string, string | undefined>): Runner | null {
  const repository = env.GITHUB_REPOSITORY ?? '';
  if (env.GITHUB_ACTIONS !== 'true' || !repository) return null;
  const serverUrl = env.GITHUB_SERVER_URL || 'https://github.com';
  const run = env.GITHUB_RUN_ID ?? '';
  const attempt = env.GITHUB_RUN_ATTEMPT || '1';
  return {
    repository,
    event: env.GITHUB_EVENT_NAME ?? '',
    payload: payloadAt(env.GITHUB_EVENT_PATH),
    sha: env.GITHUB_SHA ?? '',
    ref: env.GITHUB_REF ?? '',
    run,
    attempt,
    job: env.GITHUB_JOB ?? '',
    workflow: env.GITHUB_WORKFLOW ?? '',
    ...(env.GITHUB_WORKFLOW_REF ? { workflowRef: env.GITHUB_WORKFLOW_REF } : {}),
    actor: env.GITHUB_TRIGGERING_ACTOR || (env.GITHUB_ACTOR ?? ''),
    serverUrl,
    apiUrl: env.GITHUB_API_URL || 'https://api.github.com',
    hosted: env.RUNNER_ENVIRONMENT === 'github-hosted',
    url: run ? `${serverUrl}/${repository}/actions/runs/${run}/attempts/${attempt}` : `${serverUrl}/${repository}`,
  };
}

function payloadAt(path: string | undefined): Record<string, unknown> {
  if (!path) return {};
  try {
    const payload: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? { ...payload } : {};
  } catch {
    return {};
  }
}
