/**
 * A stand-in for GitHub's API on the loopback. It keeps state, holds every request and answer to GitHub's published
 * schemas, and enforces the permissions of each token. A breach of the schemas is answered with 599 and recorded in
 * `violations`, which every test asserts to be empty.
 */
import type { Asker, Kind, Permissions } from './access.ts';
import type { Fault } from './faults.ts';
import type { GitHubEvent } from './host.ts';
import type { Limits } from './limits.ts';
import type { Organisation } from './organisation.ts';
import { Server } from './server.ts';
import type { Repository } from './world.ts';

export type { Kind, Permissions } from './access.ts';
export { permissionsFrom } from './access.ts';
export type { Fault } from './faults.ts';
export type { GitHubEvent } from './host.ts';
export type { Limits } from './limits.ts';
export type { JobGiven } from './records.ts';
export type { Comment, Entry, Issue, Pull, PullGiven, Review, Role } from './records-talk.ts';
export { digestOf, Repository } from './world.ts';

/** One request as it came. */
export interface Seen {
  /** `METHOD /path?query`, or `POST /graphql` with the first words of the operation. */
  request: string;
  body: unknown;
  status: number;
  job: string | null;
  /** Who asked; null for a token that is not known. */
  asker: Asker | null;
}

/** What the requests so far have cost, by GitHub's way of counting. */
export interface Used {
  /** REST points: one for a read, five for a write. */
  rest: number;
  /** GraphQL points of the secondary limit: one for a query, five for a mutation. */
  graphql: number;
  /** GraphQL points of the hour's budget. */
  cost: number;
  /** Requests that create content. */
  writes: number;
  /** Answers 304. */
  unchanged: number;
  /** Requests that a limit refused. */
  refused: number;
}

/** A running stand-in. */
export interface StandIn {
  /** The API's URL, for GITHUB_API_URL. */
  url: string;
  requests: Seen[];
  used: Used;
  violations: string[];
  /** Milliseconds that each answer takes. */
  latency: number;
  /** How many reads of a commit do not see a status that the API has just written there. */
  lag: number;
  /** Milliseconds that GitHub's clock is ahead of this machine's; moving it lets the limits' windows pass. */
  skew: number;
  /** What is held of GitHub's documented limits; null for none. Setting it anew forgets what was used. */
  get limits(): Limits | null;
  set limits(limits: Partial<Limits> | null);
  /** What happened that may start workflows, oldest first. What a job's token caused is not here, but for dispatches. */
  events: GitHubEvent[];
  /** Takes the oldest event, of that name where one is given. Throws where there is none. */
  takeEvent(name?: string): GitHubEvent;
  repository(owner: string, name: string): Repository;
  organisation(login: string): Organisation;
  /** A team of an organisation with its members; `pending` have not taken their invitation. */
  team(organisation: string, slug: string, members: string[], pending?: string[]): void;
  /**
   * A new token with these permissions: that of a job, or of whoever is named by `as`. A login that ends in [bot] is an
   * app's, and so is a token with permissions that no job can have (members, administration).
   */
  token(permissions: Permissions, of?: { as?: string; kind?: Kind }): string;
  /** Gives the jobs of one shared token their own permissions: see `job-header.mjs`. */
  jobs: (job: string) => Permissions | null;
  fault(fault: Fault): void;
  /** Forgets the requests, events and costs so far; what the world knows stays. */
  clear(): void;
  close(): Promise<void>;
}

/** Starts one on a free port. */
export async function startStandIn(): Promise<StandIn> {
  const standIn = new Server();
  await standIn.listen();
  return standIn;
}
