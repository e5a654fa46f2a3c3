/** GitHub's documented rate limits, held truly and for each token. */
import type { Clock } from './clock.ts';

/** What a token may do within a minute and an hour. Lengths in milliseconds. */
export interface Limits {
  minute: number;
  hour: number;
  /** REST requests an hour; without it 1,000 for the token of a job and 5,000 for another one. */
  requests: number | null;
  /** GraphQL points an hour; by default as many as `requests`. */
  graphql: number | null;
  /** REST points a minute: a read costs one, a write five. */
  points: number;
  /** GraphQL points a minute: a query costs one, a mutation five. */
  graphqlPoints: number;
  /** Requests that create content. */
  contentMinute: number;
  contentHour: number;
  concurrent: number;
}

export const DOCUMENTED: Limits = {
  minute: 60_000,
  hour: 3_600_000,
  requests: null,
  graphql: null,
  points: 900,
  graphqlPoints: 2000,
  contentMinute: 80,
  contentHour: 500,
  concurrent: 100,
};

/** What one request weighs. */
export interface Load {
  resource: 'core' | 'graphql';
  write: boolean;
  /** Points of the primary limit: one for REST, what the query costs for GraphQL. */
  cost: number;
}

/** A refusal: `primary` says which of the two kinds of limit it was. `retryAfter` in whole seconds. */
export interface Refused {
  primary: boolean;
  resource: Load['resource'];
  retryAfter: number;
}

/** How much of the hour's budget is left. `reset` in seconds since 1970. */
export interface Remaining {
  limit: number;
  used: number;
  remaining: number;
  reset: number;
}

/** Points within a window that slides. */
class Window {
  readonly #length: number;
  readonly #limit: number;
  #seen: { at: number; points: number }[] = [];
  #sum = 0;

  constructor(length: number, limit: number) {
    this.#length = length;
    this.#limit = limit;
  }

  /** Milliseconds until there is room; 0 where there is. */
  wait(now: number, points: number): number {
    while (this.#seen.length > 0 && this.#seen[0]!.at + this.#length <= now) this.#sum -= this.#seen.shift()!.points;
    let over = this.#sum + points - this.#limit;
    for (const one of this.#seen) {
      if (over <= 0) return 0;
      over -= one.points;
      if (over <= 0) return one.at + this.#length - now;
    }
    return over > 0 ? this.#length : 0;
  }

  add(at: number, points: number): void {
    this.#seen.push({ at, points });
    this.#sum += points;
  }
}

/** What one token has used. */
export class Budget {
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #hourly: Record<Load['resource'], { limit: number; used: number; begun: number }>;
  readonly #minute: Record<Load['resource'], Window>;
  readonly #content: Window[];
  #underWay = 0;

  constructor(limits: Limits, clock: Clock, isJob: boolean) {
    const limit = limits.requests ?? (isJob ? 1000 : 5000);
    this.#limits = limits;
    this.#clock = clock;
    this.#hourly = {
      core: { limit, used: 0, begun: 0 },
      graphql: { limit: limits.graphql ?? limit, used: 0, begun: 0 },
    };
    this.#minute = {
      core: new Window(limits.minute, limits.points),
      graphql: new Window(limits.minute, limits.graphqlPoints),
    };
    this.#content = [new Window(limits.minute, limits.contentMinute), new Window(limits.hour, limits.contentHour)];
  }

  /** Counts a request; null where it may go on, and `done` must be called at its end. */
  begin(load: Load): Refused | null {
    const now = this.#clock.date().getTime();
    const hour = this.#hour(load.resource, now);
    const refusal = (primary: boolean, wait: number) => {
      return { primary, resource: load.resource, retryAfter: Math.max(1, Math.ceil(wait / 1000)) };
    };
    if (hour.used + load.cost > hour.limit) return refusal(true, hour.begun + this.#limits.hour - now);
    if (this.#underWay >= this.#limits.concurrent) return refusal(false, 1000);
    const points = load.write ? 5 : 1;
    const content = load.write ? this.#content : [];
    const waits = [this.#minute[load.resource].wait(now, points), ...content.map((one) => one.wait(now, 1))];
    if (Math.max(...waits) > 0) return refusal(false, Math.max(...waits));
    this.#minute[load.resource].add(now, points);
    for (const one of content) one.add(now, 1);
    hour.used += load.cost;
    this.#underWay++;
    return null;
  }

  /** A request has ended. `free` for an answer that GitHub does not count: 304. */
  done(load: Load, free: boolean): void {
    this.#underWay--;
    if (free) this.#hourly[load.resource].used -= load.cost;
  }

  remaining(resource: Load['resource']): Remaining {
    const { limit, used, begun } = this.#hour(resource, this.#clock.date().getTime());
    return { limit, used, remaining: Math.max(0, limit - used), reset: Math.ceil((begun + this.#limits.hour) / 1000) };
  }

  /** The hour begins with its first request. */
  #hour(resource: Load['resource'], now: number) {
    const hour = this.#hourly[resource];
    if (now >= hour.begun + this.#limits.hour) Object.assign(hour, { used: 0, begun: now });
    return hour;
  }
}

/** GitHub's headers about the hour's budget. */
export function limitHeaders(resource: Load['resource'], left: Remaining): Record<string, string> {
  return {
    'x-ratelimit-limit': String(left.limit),
    'x-ratelimit-remaining': String(left.remaining),
    'x-ratelimit-used': String(left.used),
    'x-ratelimit-reset': String(left.reset),
    'x-ratelimit-resource': resource,
  };
}

const ABOUT = 'https://docs.github.com/rest/overview/rate-limits-for-the-rest-api';
const SECONDARY =
  'You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out to ' +
  'GitHub Support for help, please include the request ID.';

/** GitHub's answer to a request that a limit refused. */
export function refusalOf(refused: Refused, login: string): { status: number; body: unknown } {
  if (!refused.primary) return { status: 403, body: { message: SECONDARY, documentation_url: ABOUT, status: '403' } };
  const message = `API rate limit exceeded for installation of ${login}.`;
  if (refused.resource === 'graphql') return { status: 200, body: { errors: [{ type: 'RATE_LIMITED', message }] } };
  return { status: 403, body: { message, documentation_url: ABOUT, status: '403' } };
}
