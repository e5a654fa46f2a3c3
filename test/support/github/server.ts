/** The HTTP server of the stand-in: who asks, what goes wrong on purpose, which limits hold. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Asker, type Kind, NEVER_A_JOB, type Permissions } from './access.ts';
import { Api } from './api.ts';
import { Clock } from './clock.ts';
import { type Fault, Faults } from './faults.ts';
import { type Prepared, prepareGraphql } from './graphql.ts';
import type { GitHubEvent, Host } from './host.ts';
import { Budget, DOCUMENTED, type Limits, type Load, limitHeaders, refusalOf } from './limits.ts';
import { Organisation } from './organisation.ts';
import { cutShort, injected, json, type Reply, send, tagged } from './reply.ts';
import type { Seen, StandIn, Used } from './stand-in.ts';
import { Repository } from './world.ts';

const JOB_HEADER = 'x-changeline-job';
const NOTHING: Used = { rest: 0, graphql: 0, cost: 0, writes: 0, unchanged: 0, refused: 0 };

/** A request as it was taken apart. */
interface Taken {
  request: IncomingMessage;
  url: URL;
  body: unknown;
  asker: Asker | null;
  budget: Budget | null;
}

export class Server implements StandIn, Host {
  url = '';
  latency = 0;
  lag = 0;
  readonly requests: Seen[] = [];
  readonly used: Used = { ...NOTHING };
  readonly violations: string[] = [];
  readonly events: GitHubEvent[] = [];
  readonly clock = new Clock();
  jobs: StandIn['jobs'] = () => null;
  #limits: Limits | null = null;
  readonly #repositories = new Map<string, Repository>();
  readonly #organisations = new Map<string, Organisation>();
  readonly #tokens = new Map<string, Asker>();
  readonly #budgets = new Map<Asker, Budget>();
  readonly #answered = new Map<string, Reply>();
  readonly #faults = new Faults();
  readonly #api = new Api(this.#repositories, this.#organisations, (violation) => this.#breach(violation));
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
    this.#api.url = this.url;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get skew(): number {
    return this.clock.skew;
  }

  set skew(milliseconds: number) {
    this.clock.skew = milliseconds;
  }

  get limits(): Limits | null {
    return this.#limits;
  }

  set limits(limits: Partial<Limits> | null) {
    this.#limits = limits && { ...DOCUMENTED, ...limits };
    this.#budgets.clear();
  }

  repository(owner: string, name: string): Repository {
    const full = `${owner}/${name}`;
    const repository = this.#repositories.get(full) ?? new Repository(owner, name, this);
    this.#repositories.set(full, repository);
    return repository;
  }

  organisation(login: string): Organisation {
    const organisation = this.#organisations.get(login) ?? new Organisation(login);
    this.#organisations.set(login, organisation);
    return organisation;
  }

  team(organisation: string, slug: string, members: string[], pending: string[] = []): void {
    const all = new Map<string, 'active' | 'pending'>(members.map((login) => [login, 'active']));
    for (const login of pending) all.set(login, 'pending');
    this.organisation(organisation).teams.set(slug, { id: this.nextId(), slug, members: all });
  }

  nextId(): number {
    return this.#nextId++;
  }

  emit(event: GitHubEvent): void {
    const isDispatch = ['workflow_dispatch', 'repository_dispatch'].includes(event.name);
    if (this.#api.acting?.kind !== 'job' || isDispatch) this.events.push(event);
  }

  takeEvent(name?: string): GitHubEvent {
    const at = this.events.findIndex((event) => name === undefined || event.name === name);
    const [event] = at === -1 ? [] : this.events.splice(at, 1);
    if (!event) throw new Error(`no event ${name ?? ''} waits; there are: ${this.events.map((one) => one.name)}`);
    return event;
  }

  token(permissions: Permissions, of: { as?: string; kind?: Kind } = {}): string {
    const beyond = NEVER_A_JOB.filter((name) => (permissions[name] ?? 'none') !== 'none');
    if (of.kind === 'job' && beyond.length > 0) throw new Error(`no job has the permission ${beyond}`);
    const login = of.as ?? (beyond.length > 0 ? 'acme-app[bot]' : 'github-actions[bot]');
    const own = login.endsWith('[bot]') ? 'app' : 'user';
    const kind = of.kind ?? (of.as === undefined && beyond.length === 0 ? 'job' : own);
    const token = `ghs_standin${this.nextId()}`;
    this.#tokens.set(token, { login, kind, permissions });
    return token;
  }

  fault(fault: Fault): void {
    this.#faults.add(fault);
  }

  clear(): void {
    this.requests.length = 0;
    this.events.length = 0;
    Object.assign(this.used, NOTHING);
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
    const asker = this.#askerOf(request);
    const taken: Taken = { request, url, body, asker, budget: asker && this.#budgetOf(request, asker) };
    const reply = fault?.kind === 'status' ? injected(fault) : (earlier ?? (await this.#reply(taken)));
    this.#answered.set(same, reply);
    const job = request.headers[JOB_HEADER];
    const seen = { request: name, body, status: reply.status, job: typeof job === 'string' ? job : null, asker };
    this.requests.push(seen);
    if (fault?.kind === 'drop-after') return void request.socket.destroy();
    const dated = { ...reply, headers: { date: this.clock.date().toUTCString(), ...reply.headers } };
    if (fault?.kind === 'cut') cutShort(response, dated);
    else send(response, dated);
  }

  /** Weighs the request, holds it to the limits and answers it, as slowly as was asked for. */
  async #reply(taken: Taken): Promise<Reply> {
    const { request, url, body, asker, budget } = taken;
    const own = await this.#ownAnswer(request, url, body, asker);
    if (own) return own;
    const isGraphql = request.method === 'POST' && url.pathname === '/graphql';
    const prepared = isGraphql ? await prepareGraphql(...queryOf(body)) : null;
    const load = loadOf(request.method ?? 'GET', prepared);
    const refused = budget?.begin(load);
    if (budget && refused) {
      this.used.refused++;
      const { status, body: told } = refusalOf(refused, asker!.login);
      const wait: Record<string, string> = refused.primary ? {} : { 'retry-after': String(refused.retryAfter) };
      return json(status, told, { ...limitHeaders(load.resource, budget.remaining(load.resource)), ...wait });
    }
    this.#count(load);
    const left = () => budget?.remaining(load.resource) ?? null;
    const answer = prepared
      ? await this.#api.graphql(prepared, queryOf(body)[1], asker!, left)
      : this.#api.rest({ method: request.method ?? 'GET', url, body, asker: asker!, accept: acceptOf(request) });
    if (this.latency > 0) await sleep(this.latency);
    const reply = request.method === 'GET' ? tagged(answer, request.headers['if-none-match']) : answer;
    if (reply.status === 304) this.used.unchanged++;
    budget?.done(load, reply.status === 304);
    const about = budget ? limitHeaders(load.resource, budget.remaining(load.resource)) : {};
    return { ...reply, headers: { ...about, ...reply.headers } };
  }

  /** What is not GitHub's API: its storage, and a door for played actions. And nobody without a token. */
  async #ownAnswer(request: IncomingMessage, url: URL, body: unknown, asker: Asker | null): Promise<Reply | null> {
    if (url.pathname.startsWith('/_storage/'))
      return this.#api.fromStorage(url.pathname, request.headers.authorization !== undefined);
    if (url.pathname.startsWith('/_artifacts/'))
      return this.#api.upload(url.pathname.slice('/_artifacts/'.length), body);
    return asker ? null : json(401, { message: 'Bad credentials', status: '401' });
  }

  #count(load: Load): void {
    if (load.resource === 'core') this.used.rest += load.write ? 5 : 1;
    else this.used.graphql += load.write ? 5 : 1;
    if (load.resource === 'graphql') this.used.cost += load.cost;
    if (load.write) this.used.writes++;
  }

  /** Whose token it is, with the permissions of the job that asks where jobs share one. */
  #askerOf(request: IncomingMessage): Asker | null {
    const known = this.#tokens.get(tokenOf(request));
    const job = request.headers[JOB_HEADER];
    if (!known || typeof job !== 'string') return known ?? null;
    return { ...known, permissions: this.jobs(job) ?? known.permissions };
  }

  #budgetOf(request: IncomingMessage, { kind }: Asker): Budget | null {
    const known = this.#tokens.get(tokenOf(request))!;
    if (this.#limits === null) return null;
    const budget = this.#budgets.get(known) ?? new Budget(this.#limits, this.clock, kind === 'job');
    this.#budgets.set(known, budget);
    return budget;
  }

  #breach(violation: string): Reply {
    this.violations.push(violation);
    return json(599, { message: violation });
  }
}

function tokenOf(request: IncomingMessage): string {
  return /^(?:token|bearer) (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
}

function acceptOf(request: IncomingMessage): string {
  return String(request.headers.accept ?? '');
}

function queryOf(body: unknown): [string, Record<string, unknown>] {
  const { query, variables } = (body ?? {}) as { query?: string; variables?: Record<string, unknown> | null };
  return [query ?? '', variables ?? {}];
}

function loadOf(method: string, prepared: Prepared | null): Load {
  if (!prepared) return { resource: 'core', write: !['GET', 'HEAD', 'OPTIONS'].includes(method), cost: 1 };
  const isKnown = 'weight' in prepared;
  return { resource: 'graphql', write: isKnown && prepared.isMutation, cost: isKnown ? prepared.weight.cost : 1 };
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
