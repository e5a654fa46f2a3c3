/**
 * GitHub Deployments, written for people to see on the repository's page. They authorise nothing and never fail a
 * delivery: what could not be written comes back as a note.
 */
import { Failure } from '../outcome/outcome.ts';
import type { GitHub } from './client.ts';

/** What is delivered where. */
export interface DeploymentTarget {
  environment: string;
  /** The commit that the version was built from. */
  sha: string;
  version: string;
  production: boolean;
}

/** The Deployment that stands for a change. `id` is null where none could be written; `note` says why. */
export interface Published {
  id: number | null;
  /** True where the job's own `environment:` had created it: GitHub itself then writes how it ends. */
  adopted: boolean;
  /** Deployments of the environment that are shown as active until this one succeeds. */
  previous: number[];
  note: string | null;
}

const DEPLOYMENTS = `query ($owner: String!, $repo: String!, $environment: String!) {
  repository(owner: $owner, name: $repo) {
    deployments(environments: [$environment], first: 20, orderBy: { field: CREATED_AT, direction: DESC }) {
      nodes { databaseId state commitOid statuses(last: 10) { nodes { logUrl } } }
    }
  }
}`;

/** GraphQL's states of a Deployment whose last status is a success. */
const SHOWN_ACTIVE = ['ACTIVE', 'SUCCESS'];

interface Seen {
  databaseId: number;
  state: string;
  commitOid: string;
  statuses: { nodes: { logUrl: string | null }[] } | null;
}

/** Adopts the Deployment of this run, or creates one and shows it as in progress. */
export async function publishDeployment(github: GitHub, target: DeploymentTarget): Promise<Published> {
  try {
    const seen = await deploymentsOf(github, target.environment);
    const own = seen.find((one) => isOfThisRun(one, github, target.sha));
    const previous = seen.filter((one) => one !== own && SHOWN_ACTIVE.includes(one.state)).map((one) => one.databaseId);
    if (own) return { id: own.databaseId, adopted: true, previous, note: null };
    return { id: await create(github, target), adopted: false, previous, note: null };
  } catch (thrown) {
    return { id: null, adopted: false, previous: [], note: noteFrom(thrown) };
  }
}

/**
 * Shows how the change ended; after a success the previous Deployments of the environment become inactive, which
 * GitHub does not do by itself for production. Returns a note where that could not be written.
 */
export async function publishDeploymentState(
  github: GitHub,
  published: Published,
  state: 'success' | 'failure' | 'inactive',
  description: string,
): Promise<string | null> {
  if (published.id === null) return null;
  try {
    if (!published.adopted) await writeState(github, published.id, state, description);
    if (state === 'success') {
      for (const id of published.previous) await writeState(github, id, 'inactive', 'Another version is live.');
    }
    return null;
  } catch (thrown) {
    return noteFrom(thrown);
  }
}

async function deploymentsOf(github: GitHub, environment: string): Promise<Seen[]> {
  const answer = await github.graphql<{ repository: { deployments: { nodes: Seen[] } } }>(
    DEPLOYMENTS,
    { ...github.at, environment },
    'deployments: write',
  );
  return answer.repository.deployments.nodes;
}

function isOfThisRun(seen: Seen, github: GitHub, sha: string): boolean {
  const run = github.runner?.run;
  if (!run || (seen.commitOid !== sha && seen.commitOid !== github.runner?.sha)) return false;
  const mark = `/actions/runs/${run}/`;
  return (seen.statuses?.nodes ?? []).some((status) => `${status.logUrl ?? ''}/`.includes(mark));
}

async function create(github: GitHub, target: DeploymentTarget): Promise<number> {
  const { rest } = await github.client();
  const { data } = await rest.repos.createDeployment({
    ...github.at,
    ref: target.sha,
    environment: target.environment,
    description: `Changeline delivers ${target.version}`.slice(0, 140),
    production_environment: target.production,
    auto_merge: false,
    required_contexts: [],
  });
  if (!('id' in data)) {
    throw new Failure({
      code: 'github-refused',
      what: 'GitHub created no Deployment',
      why: data.message ?? '',
      next: 'see the answer',
    });
  }
  await writeState(github, data.id, 'in_progress', `${target.version} is on its way.`);
  return data.id;
}

type State = 'in_progress' | 'success' | 'failure' | 'inactive';

async function writeState(github: GitHub, id: number, state: State, description: string): Promise<void> {
  const { rest } = await github.client();
  await rest.repos.createDeploymentStatus({
    ...github.at,
    deployment_id: id,
    state,
    description: description.slice(0, 140),
    auto_inactive: false,
    ...(github.runner?.run ? { log_url: github.runner.url } : {}),
  });
}

function noteFrom(thrown: unknown): string {
  if (!(thrown instanceof Failure) || thrown.code === 'cancelled') throw thrown;
  return `The Deployment on GitHub's page could not be written: ${thrown.what}. Next: ${thrown.next}`;
}
