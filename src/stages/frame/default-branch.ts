/** changeline.yml as it stands on the default branch: for runs that must not believe what lies in their checkout. */
import { posix } from 'node:path';
import { type Loaded, parseConfig } from '../../config/config.ts';
import type { GitHub } from '../../github/github.ts';
import { Failure } from '../../outcome/outcome.ts';

/** What the default branch says. */
export interface OnDefaultBranch {
  /** Its name; null in a repository without a commit. */
  branch: string | null;
  /** Null where the file is not there. */
  loaded: Loaded | null;
}

/** What to read. */
export interface WantedThere {
  /** The path of the file in the repository. */
  path: string;
  /** True where a file that is not there is an error, since it was asked for. */
  required: boolean;
  env: Record<string, string | undefined>;
}

interface Answer {
  repository: {
    defaultBranchRef: { name: string } | null;
    object: { text?: string | null; isTruncated?: boolean; isBinary?: boolean | null } | null;
  };
}

const QUERY = `query ($owner: String!, $repo: String!, $file: String!) {
  repository(owner: $owner, name: $repo) {
    defaultBranchRef { name }
    object(expression: $file) { ... on Blob { text isTruncated isBinary } }
  }
}`;

/** Reads it in one request; no environment is chosen. Throws as `loadConfig`, input-invalid, and what GitHub refuses. */
export async function readDefaultBranch(github: GitHub, wanted: WantedThere): Promise<OnDefaultBranch> {
  const path = insideRepository(wanted.path);
  const { repository } = await github.graphql<Answer>(QUERY, { ...github.at, file: `HEAD:${path}` }, 'contents: read');
  const branch = repository.defaultBranchRef?.name ?? null;
  const blob = repository.object;
  if (typeof blob?.text !== 'string' || blob.isTruncated || blob.isBinary) {
    if (blob?.isTruncated || blob?.isBinary) throw unreadable(path, 'config-invalid', 'it is too large, or no text');
    if (wanted.required) throw unreadable(path, 'config-missing', `it is not on ${branch ?? 'the default branch'}`);
    return { branch, loaded: null };
  }
  const loaded = parseConfig(blob.text, {
    name: path,
    environment: '',
    choose: false,
    looksOnly: true,
    env: wanted.env,
  });
  return { branch, loaded: { ...loaded, environment: null } };
}

/** The name of the default branch in a request of its own. Throws gate-unknown where there is none. */
export async function defaultBranchOf(github: GitHub): Promise<string> {
  const query = `query ($owner: String!, $repo: String!) {
  repository(owner: $owner, name: $repo) { defaultBranchRef { name } }
}`;
  const { repository } = await github.graphql<Pick<Answer, 'repository'>>(query, { ...github.at }, 'contents: read');
  if (repository.defaultBranchRef) return repository.defaultBranchRef.name;
  throw new Failure({
    code: 'gate-unknown',
    what: 'the repository has no default branch with a commit',
    where: github.repository,
    next: 'push a first commit',
    outcome: 'inconclusive',
  });
}

function insideRepository(path: string): string {
  const normal = posix.normalize(path);
  if (!normal.startsWith('/') && !normal.startsWith('..')) return normal;
  throw new Failure({
    code: 'input-invalid',
    what: `the input config is no path in the repository: ${path}`,
    untouched: 'nothing was changed',
    next: 'name it relative to the root of the repository: alone, the gate reads it from the default branch',
  });
}

function unreadable(path: string, code: 'config-missing' | 'config-invalid', why: string): Failure {
  return new Failure({
    code,
    what: 'the configuration cannot be read',
    where: path,
    why,
    untouched: 'nothing was changed',
    next: 'bring it to the default branch, or correct the input `config`: alone, the gate reads nothing else',
  });
}
