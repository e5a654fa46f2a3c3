/** REST and GraphQL over the world, each request and each answer held to GitHub's schemas. */
import { type Asker, acceptedHeader, allows, type Needs } from './access.ts';
import { contractOf } from './contract.ts';
import { executeGraphql, type Prepared } from './graphql.ts';
import type { Remaining } from './limits.ts';
import type { Organisation } from './organisation.ts';
import { json, paged, type Reply } from './reply.ts';
import { ROUTES } from './rest.ts';
import { ORGANISATION_ROUTES } from './rest-organisations.ts';
import { type Answer, findRoute, type Request } from './route.ts';
import type { Repository } from './world.ts';

const EVERY_ROUTE = { ...ROUTES, ...ORGANISATION_ROUTES };

/** One request to the REST API. */
interface RestAsked {
  method: string;
  url: URL;
  body: unknown;
  asker: Asker;
  accept: string;
}

export class Api {
  url = '';
  /** Who is being answered at the moment: what happens now is their doing. */
  acting: Asker | null = null;
  readonly #repositories: Map<string, Repository>;
  readonly #organisations: Map<string, Organisation>;
  readonly #breach: (violation: string) => Reply;
  readonly #stored = new Map<string, Buffer>();

  constructor(
    repositories: Map<string, Repository>,
    organisations: Map<string, Organisation>,
    breach: (violation: string) => Reply,
  ) {
    this.#repositories = repositories;
    this.#organisations = organisations;
    this.#breach = breach;
  }

  rest(asked: RestAsked): Reply {
    const { method, url, body, asker } = asked;
    const matched = findRoute(EVERY_ROUTE, method, url.pathname);
    if (!matched) return this.#breach(`${method} ${url.pathname} is not played by the stand-in`);
    const { route, path } = matched;
    const contract = contractOf(route);
    const wrong = contract.request({ path, query: url.searchParams, body });
    if (wrong.length > 0) return this.#breach(`${route}: ${wrong.join('; ')}`);
    const answer = this.#answer(route, path, asked);
    if ('redirect' in answer) return { status: 302, headers: { location: answer.redirect }, body: Buffer.alloc(0) };
    if ('raw' in answer)
      return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body: answer.raw };
    if ('denied' in answer) return refusal(asker, answer.denied);
    const { partial, link } = 'list' in answer ? paged(answer, url) : { partial: answer.body, link: null };
    const status = 'list' in answer ? 200 : answer.status;
    const full = status < 400 ? contract.filled(status, partial) : partial;
    const broken = contract.answer(status, full);
    if (broken.length > 0) return this.#breach(`${route} answered: ${broken.join('; ')}`);
    return json(status, full, link ? { link } : {});
  }

  #answer(route: string, path: Record<string, string>, { url, body, asker, accept }: RestAsked): Answer {
    const request: Request = {
      asker,
      path,
      query: url.searchParams,
      body: (body ?? {}) as Record<string, unknown>,
      accept,
      url: this.url,
      store: (bytes) => this.#store(bytes),
    };
    const ofOrganisation = ORGANISATION_ROUTES[route];
    const repository = this.#repositories.get(`${path.owner}/${path.repo}`);
    const organisation = this.#organisations.get(path.org ?? '');
    if (ofOrganisation ? !organisation : !repository)
      return { status: 404, body: { message: 'Not Found', status: '404' } };
    const { needs } = (ofOrganisation ?? ROUTES[route])!;
    if (!allows(asker.permissions, needs)) return { denied: [needs] };
    this.acting = asker;
    try {
      return ofOrganisation
        ? ofOrganisation.answer({ ...request, organisation: organisation! })
        : ROUTES[route]!.answer({ ...request, repository: repository! });
    } finally {
      this.acting = null;
    }
  }

  /** `left` is what the token may still do within the hour; null where no limit is held. */
  async graphql(
    prepared: Prepared,
    variables: Record<string, unknown>,
    asker: Asker,
    left: () => Remaining | null,
  ): Promise<Reply> {
    if ('unexpected' in prepared) return this.#breach(`GraphQL: ${prepared.unexpected.join('; ')}`);
    const { document, weight } = prepared;
    if (weight.refusals.length > 0) return json(200, { data: null, errors: weight.refusals });
    const remaining = left();
    const { body, unexpected } = await executeGraphql(document, variables, {
      repositories: () => [...this.#repositories.values()],
      permissions: asker.permissions,
      login: asker.login,
      budget: remaining && { ...remaining, resetAt: new Date(remaining.reset * 1000) },
      weight,
    });
    return unexpected.length > 0 ? this.#breach(`GraphQL: ${unexpected.join('; ')}`) : json(200, body);
  }

  /** Bytes behind a redirect: the token must not come along. */
  fromStorage(pathname: string, hasToken: boolean): Reply {
    if (hasToken) return this.#breach('the token was sent to the storage host');
    const bytes = this.#stored.get(pathname);
    return bytes
      ? { status: 200, headers: { 'content-type': 'application/zip' }, body: bytes }
      : json(404, { message: 'Not Found' });
  }

  /** What a played actions/upload-artifact brings: GitHub takes artifacts by an API of its own, which has no schema. */
  upload(full: string, body: unknown): Reply {
    const { zip, ...given } = body as { name: string; run: number; sha: string; zip: string };
    const repository = this.#repositories.get(full);
    const run = repository?.runs.find((one) => one.id === given.run);
    if (!repository || !run) return this.#breach(`an artifact of the run ${given.run} of ${full}, which is not there`);
    repository.artifact(given.name, Buffer.from(zip, 'base64'), run, { sha: given.sha });
    return json(201, {});
  }

  #store(bytes: Buffer): string {
    const key = `/_storage/${this.#stored.size}`;
    this.#stored.set(key, bytes);
    // Another host name, so that a client that sends its token on is found out.
    return `${this.url.replace('127.0.0.1', 'localhost')}${key}`;
  }
}

function refusal({ kind }: Asker, needs: Needs[]): Reply {
  const whose = kind === 'user' ? 'personal access token' : 'integration';
  const headers = { 'x-accepted-github-permissions': acceptedHeader(...needs) };
  return json(403, { message: `Resource not accessible by ${whose}`, status: '403' }, headers);
}
