/** The one connection to the GitHub API: loaded on first use, patient with reads, strict with writes. */
import type { getOctokit } from '@actions/github';
import { Failure } from '../outcome/outcome.ts';
import { hide, withoutCredentials } from '../secret/secret.ts';
import type { Runner } from './event.ts';
import { graphqlFailure, isTrouble, requestFailure } from './failures.ts';
import { LIMITS, Pace } from './pace.ts';
import { type Asked, cancelled, type Patience, patiently } from './retry.ts';

/** Octokit with typed `rest`, `paginate` and `request`. Its errors are Failures: see `GitHub.client`. */
export type Octokit = ReturnType<typeof getOctokit>;

/** How to open the API. */
export interface ClientOptions {
  /** Never shown: it is hidden from every log as soon as it is given here. */
  token: string;
  /** https://api.github.com, or that of a GitHub Enterprise Server. */
  apiUrl: string;
  /** owner/name */
  repository: string;
  /** Ends waiting requests. */
  signal?: AbortSignal | undefined;
  /** The run this is, where there is one. */
  runner?: Runner | null | undefined;
  /** Milliseconds before the first repetition of a read that failed; doubled each time. 500 by default. */
  pause?: number | undefined;
  /** Milliseconds in which GitHub counts what is written: its own minute by default. */
  window?: number | undefined;
}

/** One repository of GitHub, seen with one token. */
export interface GitHub {
  readonly owner: string;
  readonly repo: string;
  /** owner/name */
  readonly repository: string;
  /** `{ owner, repo }`, to spread into the parameters of an endpoint. */
  readonly at: { owner: string; repo: string };
  readonly apiUrl: string;
  /** The run this process belongs to; null in a shell. */
  readonly runner: Runner | null;
  /**
   * The typed client: `(await github.client()).rest.repos.get(github.at)`; `.paginate(endpoint, parameters)` gives
   * all pages. Rejects with a Failure: `github-unreachable`, `github-denied` (naming the permission),
   * `github-not-found` (status 404), `github-refused` (other 4xx). `facts.status` holds the status; `facts.unsure`
   * is true where a write may have been done although no good answer came. Reads are repeated up to three times.
   * Writes keep GitHub's limits of a minute by themselves, and all of them wait where GitHub says so. A longer wait is
   * a Failure with `facts.limited` and, where it is known, `facts.until` (ISO 8601).
   */
  client(): Promise<Octokit>;
  /** The time on GitHub's clock: this machine's, put right by GitHub's last answer, to a second. */
  now(): Date;
  /** Milliseconds in which writes were held back by GitHub's limits. */
  readonly waited: number;
  /** Waits until GitHub's limits leave room for a write. False where there was room at once. Rejects as `client`. */
  room(): Promise<boolean>;
  /**
   * A GraphQL query or mutation. Rejects as `client` does; `facts.types` holds GraphQL's error types (STALE_DATA …).
   * Queries are repeated as reads are; mutations are not. `needs` is the permission it takes (`contents: read`), for
   * the Failure: unlike REST, GraphQL does not name it.
   */
  graphql<T>(query: string, variables?: Record<string, unknown>, needs?: string): Promise<T>;
  /**
   * The bytes behind a GET: `path` starts with / and is relative to `apiUrl`. Follows redirects; the token does not
   * follow to another host. Rejects as `client` does.
   */
  download(path: string, accept?: string): Promise<ReadableStream<Uint8Array>>;
}

/**
 * Opens one repository. Throws `not-configured` where there is neither a runner nor a token and repository,
 * `github-denied` where a run has no token, and `input-invalid` where the repository is not owner/name.
 */
export function openGitHub(options: ClientOptions): GitHub {
  checkOptions(options);
  hide(options.token);
  const [owner, repo] = options.repository.split('/') as [string, string];
  const apiUrl = options.apiUrl.replace(/\/+$/, '');
  const pace = new Pace({ ...LIMITS, window: options.window ?? LIMITS.window });
  const clock = new Clock();
  const patience: Patience = { signal: options.signal, pause: options.pause, pace };
  let opened: Promise<Octokit> | undefined;
  const client = () => (opened ??= connect(options, apiUrl, patience, clock));
  return {
    owner,
    repo,
    repository: options.repository,
    at: { owner, repo },
    apiUrl,
    runner: options.runner ?? null,
    client,
    now: () => clock.now(),
    get waited() {
      return pace.waited;
    },
    room: async () => {
      if (pace.hasRoom) return false;
      await pace.room(options.signal).catch((thrown) => {
        throw options.signal?.aborted ? cancelled({ what: 'the wait for its limits', read: true }) : thrown;
      });
      return true;
    },
    graphql: async <T>(query: string, variables: Record<string, unknown> = {}, needs: string | null = null) => {
      const octokit = await client();
      try {
        return await octokit.graphql<T>(query, variables);
      } catch (thrown) {
        throw graphqlFailure(thrown, { repository: options.repository, isMutation: isMutation(query), needs });
      }
    },
    download: (path, accept = 'application/octet-stream') =>
      download(options.token, patience, `${apiUrl}${path}`, accept),
  };
}

function checkOptions({ token, repository, runner }: ClientOptions): void {
  if ((!token || !repository) && !runner) {
    throw new Failure({
      code: 'not-configured',
      what: repository ? `there is no token to ask GitHub about ${repository}` : 'there is no GitHub repository to ask',
      untouched: 'nothing was changed',
      next: repository
        ? 'set CHANGELINE_TOKEN to a token of it, if GitHub should be asked'
        : 'run it in a checkout of a repository on GitHub, or set GITHUB_REPOSITORY to owner/name and CHANGELINE_TOKEN to a token',
    });
  }
  if (!token) {
    throw new Failure({
      code: 'github-denied',
      what: 'the token input is empty',
      where: repository,
      next: 'leave the token input out (the default is the token of the job), or give it one that is not empty',
    });
  }
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) {
    throw new Failure({
      code: 'input-invalid',
      what: `"${repository}" is not a repository`,
      next: 'write it as owner/name',
    });
  }
}

/** GitHub's clock as its answers tell it. */
class Clock {
  #skew = 0;

  now(): Date {
    return new Date(Date.now() + this.#skew);
  }

  learn(date: unknown): void {
    const told = typeof date === 'string' ? Date.parse(date) : Number.NaN;
    if (!Number.isNaN(told)) this.#skew = told - Date.now();
  }
}

async function connect(options: ClientOptions, apiUrl: string, patience: Patience, clock: Clock): Promise<Octokit> {
  const { getOctokit } = await import('@actions/github');
  const octokit = getOctokit(options.token, { baseUrl: apiUrl, log: SILENT });
  octokit.hook.wrap('request', (request, parameters) => {
    const asked = describe(parameters);
    return patiently(asked, patience, async (signal) => {
      try {
        const response = await request({ ...parameters, request: { ...parameters.request, signal } });
        clock.learn(response.headers.date);
        const { errors } = (response.data ?? {}) as { errors?: unknown };
        // GraphQL tells of trouble in an answer of status 200; known here, a query is asked again like any read.
        if (isTrouble(errors)) {
          const { repository } = options;
          throw graphqlFailure({ errors }, { repository, isMutation: !asked.read, needs: null });
        }
        return whole(response);
      } catch (thrown) {
        clock.learn((thrown as { response?: { headers?: { date?: string } } }).response?.headers?.date);
        throw requestFailure(thrown, asked);
      }
    });
  });
  return octokit;
}

/** Octokit hands JSON that was cut off on as a text; that is no answer. */
function whole<R extends { data: unknown; headers: { 'content-type'?: string } }>(response: R): R {
  const isJson = /^application\/json\b/.test(response.headers['content-type'] ?? '');
  if (isJson && typeof response.data === 'string') throw new Error('the answer broke off');
  return response;
}

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** What is asked, in words, and whether asking twice is harmless. */
function describe(parameters: { method: string; url: string; [name: string]: unknown }): Asked {
  const path = parameters.url.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = parameters[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : whole;
  });
  const isQuery = path === '/graphql' && typeof parameters.query === 'string' && !isMutation(parameters.query);
  return { what: `${parameters.method} ${path}`, read: ['GET', 'HEAD'].includes(parameters.method) || isQuery };
}

function isMutation(query: string): boolean {
  return query.trimStart().startsWith('mutation');
}

async function download(
  token: string,
  patience: Patience,
  url: string,
  accept: string,
): Promise<ReadableStream<Uint8Array>> {
  const asked: Asked = { what: `GET ${withoutCredentials(url)}`, read: true, lasts: true };
  return patiently(asked, patience, async (signal) => {
    const headers = { accept, authorization: `Bearer ${token}`, 'user-agent': 'changeline' };
    let response: Response;
    try {
      response = await fetch(url, { headers, signal });
    } catch (thrown) {
      throw requestFailure(thrown, asked);
    }
    if (response.ok && response.body) return response.body;
    const data = await response.json().catch(() => ({}));
    throw requestFailure(
      { status: response.status, response: { headers: Object.fromEntries(response.headers), data } },
      asked,
    );
  });
}
