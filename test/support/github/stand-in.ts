/**
 * A stand-in for GitHub's API on the loopback. It keeps state, holds every request and answer to GitHub's published
 * schemas, and enforces the permissions of each token. A breach of the schemas is answered with 599 and recorded in
 * `violations`, which every test asserts to be empty.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { acceptedHeader, allows, type Permissions } from './access.ts';
import { contractOf } from './contract.ts';
import { type Fault, Faults } from './faults.ts';
import { executeGraphql } from './graphql.ts';
import { ROUTES } from './rest.ts';
import { type Answer, findRoute, type Handler } from './route.ts';
import { Repository } from './world.ts';

export type { Permissions } from './access.ts';
export { permissionsFrom } from './access.ts';
export type { Fault } from './faults.ts';
export type { JobGiven } from './records.ts';
export { digestOf, Repository } from './world.ts';

/** One request as it came. */
export interface Seen {
  /** `METHOD /path?query`, or `POST /graphql` with the first word of the operation. */
  request: string;
  body: unknown;
  status: number;
  job: string | null;
}

/** A running stand-in. */
export interface StandIn {
  /** The API's URL, for GITHUB_API_URL. */
  url: string;
  requests: Seen[];
  violations: string[];
  repository(owner: string, name: string): Repository;
  /** A new token with these permissions. */
  token(permissions: Permissions): string;
  /** Gives the jobs of one shared token their own permissions: see `job-header.mjs`. */
  jobs: (job: string) => Permissions | null;
  fault(fault: Fault): void;
  close(): Promise<void>;
}

interface Reply {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** Starts one on a free port. */
export async function startStandIn(): Promise<StandIn> {
  const standIn = new Server();
  await standIn.listen();
  return standIn;
}

const JOB_HEADER = 'x-changeline-job';

class Server implements StandIn {
  url = '';
  readonly requests: Seen[] = [];
  readonly violations: string[] = [];
  jobs: StandIn['jobs'] = () => null;
  readonly #repositories = new Map<string, Repository>();
  readonly #tokens = new Map<string, Permissions>();
  readonly #stored = new Map<string, Buffer>();
  readonly #answered = new Map<string, Reply>();
  readonly #faults = new Faults();
  #nextId = 1000;
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch((error) => {
      this.violations.push(`the stand-in broke: ${error.stack}`);
      response.writeHead(599).end();
    });
  });

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  repository(owner: string, name: string): Repository {
    const full = `${owner}/${name}`;
    const repository = this.#repositories.get(full) ?? new Repository(owner, name, () => this.#nextId++);
    this.#repositories.set(full, repository);
    return repository;
  }

  token(permissions: Permissions): string {
    const token = `ghs_standin${this.#nextId++}`;
    this.#tokens.set(token, permissions);
    return token;
  }

  fault(fault: Fault): void {
    this.#faults.add(fault);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const text = Buffer.concat(await request.toArray()).toString();
    const body = text === '' ? undefined : parsed(text);
    const name = requestName(request.method ?? '', url, body);
    const fault = this.#faults.take(name);
    if (fault?.kind === 'before') fault.run?.();
    if (fault?.kind === 'drop') return void request.socket.destroy();
    if (fault?.kind === 'delay') await sleep(fault.delay ?? 0);
    const same = `${name} ${text}`;
    const earlier = fault?.kind === 'stale' ? this.#answered.get(same) : undefined;
    const reply = fault?.kind === 'status' ? injected(fault) : (earlier ?? (await this.#reply(request, url, body)));
    this.#answered.set(same, reply);
    const job = request.headers[JOB_HEADER];
    this.requests.push({ request: name, body, status: reply.status, job: typeof job === 'string' ? job : null });
    if (fault?.kind === 'drop-after') return void request.socket.destroy();
    if (fault?.kind === 'cut') return cutShort(response, reply);
    response.writeHead(reply.status, { ...reply.headers, 'content-length': String(reply.body.length) });
    response.end(reply.body);
  }

  async #reply(request: IncomingMessage, url: URL, body: unknown): Promise<Reply> {
    if (url.pathname.startsWith('/_storage/')) return this.#fromStorage(request, url);
    if (url.pathname.startsWith('/_artifacts/')) return this.#upload(url.pathname.slice('/_artifacts/'.length), body);
    const permissions = this.#permissionsOf(request);
    if (!permissions) return json(401, { message: 'Bad credentials', status: '401' });
    if (request.method === 'POST' && url.pathname === '/graphql') return this.#graphql(body, permissions);
    const matched = findRoute(ROUTES, request.method ?? '', url.pathname);
    if (!matched) return this.#breach(`${request.method} ${url.pathname} is not played by the stand-in`);
    return this.#rest(matched, ROUTES[matched.route]!, permissions, request, url, body);
  }

  #rest(
    { route, path }: { route: string; path: Record<string, string> },
    handler: Handler,
    permissions: Permissions,
    request: IncomingMessage,
    url: URL,
    body: unknown,
  ): Reply {
    const contract = contractOf(route);
    const wrong = contract.request({ path, query: url.searchParams, body });
    if (wrong.length > 0) return this.#breach(`${route}: ${wrong.join('; ')}`);
    const repository = this.#repositories.get(`${path.owner}/${path.repo}`);
    if (!repository) return json(404, { message: 'Not Found', status: '404' });
    if (!allows(permissions, handler.needs)) {
      const headers = { 'x-accepted-github-permissions': acceptedHeader(handler.needs) };
      return json(403, { message: 'Resource not accessible by integration', status: '403' }, headers);
    }
    const accept = String(request.headers.accept ?? '');
    const answer = handler.answer({
      repository,
      path,
      query: url.searchParams,
      body: (body ?? {}) as Record<string, unknown>,
      accept,
      url: this.url,
      store: (bytes) => this.#store(bytes),
    });
    if ('redirect' in answer) return { status: 302, headers: { location: answer.redirect }, body: Buffer.alloc(0) };
    const { status, partial, headers } = paged(answer, url);
    const full = status < 400 ? contract.filled(status, partial) : partial;
    const broken = contract.answer(status, full);
    return broken.length > 0 ? this.#breach(`${route} answered: ${broken.join('; ')}`) : json(status, full, headers);
  }

  async #graphql(body: unknown, permissions: Permissions): Promise<Reply> {
    const { query = '', variables = {} } = (body ?? {}) as { query?: string; variables?: Record<string, unknown> };
    const find = (full: string) => this.#repositories.get(full);
    const { body: answer, unexpected } = await executeGraphql(query, variables, { find, permissions });
    if (unexpected.length > 0) return this.#breach(`GraphQL: ${unexpected.join('; ')}`);
    return json(200, answer);
  }

  /** The permissions of the token or, where it is shared by the jobs of a workflow, of the job that asks. */
  #permissionsOf(request: IncomingMessage): Permissions | undefined {
    const token = /^(?:token|bearer) (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const job = request.headers[JOB_HEADER];
    const known = this.#tokens.get(token);
    return known && typeof job === 'string' ? (this.jobs(job) ?? known) : known;
  }

  #store(bytes: Buffer): string {
    const key = `/_storage/${this.#nextId++}`;
    this.#stored.set(key, bytes);
    // Another host name, so that a client that sends its token on is found out.
    return `${this.url.replace('127.0.0.1', 'localhost')}${key}`;
  }

  /** What a played actions/upload-artifact brings: GitHub takes artifacts by an API of its own, which has no schema. */
  #upload(full: string, body: unknown): Reply {
    const { zip, ...given } = body as { name: string; run: number; sha: string; zip: string };
    const repository = this.#repositories.get(full);
    const run = repository?.runs.find((one) => one.id === given.run);
    if (!repository || !run) return this.#breach(`an artifact of the run ${given.run} of ${full}, which is not there`);
    repository.artifact(given.name, Buffer.from(zip, 'base64'), run, { sha: given.sha });
    return json(201, {});
  }

  #fromStorage(request: IncomingMessage, url: URL): Reply {
    if (request.headers.authorization) return this.#breach('the token was sent to the storage host');
    const bytes = this.#stored.get(url.pathname);
    return bytes
      ? { status: 200, headers: { 'content-type': 'application/zip' }, body: bytes }
      : json(404, { message: 'Not Found' });
  }

  #breach(violation: string): Reply {
    this.violations.push(violation);
    return json(599, { message: violation });
  }
}

/** GitHub's pages: `per_page` up to 100, a total where the list is wrapped, and a Link header. */
function paged(
  answer: Exclude<Answer, { redirect: string }>,
  url: URL,
): { status: number; partial: unknown; headers: Record<string, string> } {
  if ('status' in answer) return { status: answer.status, partial: answer.body, headers: {} };
  const size = Math.min(Number(url.searchParams.get('per_page') ?? 30), 100);
  const page = Number(url.searchParams.get('page') ?? 1);
  const items = answer.list.slice((page - 1) * size, page * size);
  const next = new URL(url);
  next.searchParams.set('page', String(page + 1));
  const headers: Record<string, string> = page * size < answer.list.length ? { link: `<${next}>; rel="next"` } : {};
  const partial = answer.key ? { total_count: answer.list.length, [answer.key]: items } : items;
  return { status: 200, partial, headers };
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: Buffer.from(JSON.stringify(body)),
  };
}

function injected(fault: Fault): Reply {
  return json(fault.status ?? 502, fault.body ?? { message: 'Server Error' }, fault.headers);
}

function cutShort(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, { ...reply.headers, 'content-length': String(reply.body.length) });
  response.write(reply.body.subarray(0, reply.body.length / 2), () => response.destroy());
}

function requestName(method: string, url: URL, body: unknown): string {
  const operation = (body as { query?: unknown } | undefined)?.query;
  if (url.pathname === '/graphql' && typeof operation === 'string')
    return `${method} /graphql ${operation.replace(/\s+/g, ' ').slice(0, 300)}`;
  return `${method} ${url.pathname}${url.search}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
