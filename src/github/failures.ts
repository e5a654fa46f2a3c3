/** What GitHub's refusals mean, as Failures. Pure. */
import { type Facts, Failure } from '../outcome/outcome.ts';
import type { Asked } from './retry.ts';

/** The parts of an Octokit error that are looked at; anything may be missing. */
interface Refusal {
  status?: unknown;
  message?: unknown;
  cause?: unknown;
  response?: { headers?: Record<string, unknown>; data?: unknown };
}

/** The Failure for a request that was refused or not answered. Failures pass through. */
export function requestFailure(thrown: unknown, asked: Asked): Failure {
  if (thrown instanceof Failure) return thrown;
  const { status, response, ...rest } = thrown as Refusal;
  const where = asked.what;
  if (!response || typeof status !== 'number') return noAnswer(where, asked, reason(thrown, rest.cause));
  const headers = response.headers ?? {};
  const said = message(response.data);
  const base = { where, why: `GitHub answered ${status}${said ? `: ${said}` : ''}`, cause: thrown };
  if (isLimit(status, headers, said)) return limited(base, headers);
  if (status >= 500) {
    return new Failure({
      ...base,
      code: 'github-unreachable',
      what: 'GitHub could not answer',
      next: 'see https://www.githubstatus.com and run it again',
      facts: { status, ...(asked.read ? {} : { unsure: true }) },
    });
  }
  return refused(base, status, permissionsIn(headers['x-accepted-github-permissions']));
}

/** The Failure for errors inside a GraphQL answer. Failures pass through. */
export function graphqlFailure(
  thrown: unknown,
  { repository, isMutation, needs }: { repository: string; isMutation: boolean; needs: string | null },
): Failure {
  if (thrown instanceof Failure) return thrown;
  const errors = (thrown as { errors?: { type?: string; message?: string }[] }).errors ?? [];
  const types = errors.map((error) => error.type ?? '').filter(Boolean);
  const base = {
    where: `${repository} (GraphQL)`,
    why: errors.map((error) => error.message ?? '').join('; ') || reason(thrown, undefined),
    cause: thrown,
    facts: { types },
  };
  if (types.includes('RATE_LIMITED')) return limited(base, (thrown as Refusal['response'])?.headers ?? {});
  if (isTrouble(errors)) {
    const facts = { types, ...(isMutation ? { unsure: true } : {}) };
    const next = 'see https://www.githubstatus.com and run it again';
    return new Failure({ ...base, code: 'github-unreachable', what: 'GitHub could not answer', next, facts });
  }
  if (types.includes('NOT_FOUND')) {
    const what = 'GitHub does not have it, or does not show it to this token';
    return new Failure({ ...base, code: 'github-not-found', what, next: 'check the name and what the token may read' });
  }
  if (types.some((type) => type === 'FORBIDDEN' || type === 'INSUFFICIENT_SCOPES')) {
    const what = needs ? `the token lacks the permission ${needs}` : 'the token lacks a permission';
    const next = `give the job ${needs ? `\`permissions: { ${needs} }\`` : 'the permission in its `permissions:`'}`;
    return new Failure({ ...base, code: 'github-denied', what, next });
  }
  return new Failure({
    ...base,
    code: 'github-refused',
    what: 'GitHub refused the request',
    next: 'see the answer above',
  });
}

/** True for errors of a GraphQL answer that tell of trouble at GitHub itself, which passes. */
export function isTrouble(errors: unknown): errors is { message: string }[] {
  return Array.isArray(errors) && errors.some((error) => /something went wrong/i.test(error?.message ?? ''));
}

/**
 * The permissions of GitHub's header `x-accepted-github-permissions` in the words of a workflow file:
 * `statuses=write,contents=read; metadata=read` becomes `statuses: write, contents: read` (the first alternative).
 */
export function permissionsIn(header: unknown): string | null {
  if (typeof header !== 'string' || !header.trim()) return null;
  const first = header.split(';')[0]!;
  const pairs = [...first.matchAll(/([a-z_]+)=(read|write|admin)/g)];
  if (pairs.length === 0) return null;
  return pairs.map(([, name, level]) => `${name!.replaceAll('_', '-')}: ${level}`).join(', ');
}

function refused(
  base: { where: string; why: string; cause: unknown },
  status: number,
  permissions: string | null,
): Failure {
  const facts = { status, ...(permissions ? { permissions } : {}) };
  if (status === 401) {
    const next = 'give a token that is still valid';
    return new Failure({ ...base, code: 'github-denied', what: 'GitHub does not accept the token', next, facts });
  }
  if (status === 403) {
    const what = permissions ? `the token lacks the permission ${permissions}` : 'the token lacks a permission';
    const next = permissions
      ? `give the job \`permissions: { ${permissions} }\`; a pull request from a fork never gets a write permission`
      : 'give the job the permission in its `permissions:`';
    return new Failure({ ...base, code: 'github-denied', what, next, facts });
  }
  if (status === 404 || status === 410) {
    const what = 'GitHub does not have it, or does not show it to this token';
    const lacking = permissions ? `, and that the token has ${permissions}` : '';
    return new Failure({ ...base, code: 'github-not-found', what, next: `check the name${lacking}`, facts });
  }
  return new Failure({
    ...base,
    code: 'github-refused',
    what: 'GitHub refused the request',
    next: 'see the answer',
    facts,
  });
}

function noAnswer(where: string, asked: Asked, why: string): Failure {
  return new Failure({
    code: 'github-unreachable',
    what: 'the GitHub API did not answer',
    where,
    why,
    next: 'check the network and https://www.githubstatus.com, then run it again',
    facts: asked.read ? {} : { unsure: true },
  });
}

/** `facts.retryAfter` in seconds and `facts.until` on GitHub's clock, where GitHub or its documentation says a time. */
function limited(
  base: { where: string; why: string; cause: unknown; facts?: Facts },
  headers: Record<string, unknown>,
): Failure {
  const now = Date.parse(String(headers.date)) || Date.now();
  const wait = secondsToWait(headers, base.why, now);
  const until = wait === null ? null : new Date(now + wait * 1000).toISOString();
  return new Failure({
    ...base,
    code: 'github-unreachable',
    what: "GitHub's rate limit is used up",
    untouched: 'GitHub did not carry the request out',
    next: until ? `run it again after ${until}` : 'run it again in some minutes',
    facts: { ...base.facts, limited: true, ...(wait === null ? {} : { retryAfter: wait, until: until! }) },
  });
}

/** A minute is what GitHub documents for a secondary limit that names no time. */
const SECONDARY = 60;

function secondsToWait(headers: Record<string, unknown>, why: string, now: number): number | null {
  const retryAfter = Number(headers['retry-after']);
  if (retryAfter > 0) return retryAfter;
  const reset = Number(headers['x-ratelimit-reset']);
  if (headers['x-ratelimit-remaining'] === '0' && reset > 0) return Math.max(reset - Math.floor(now / 1000), 1);
  return /secondary rate limit/i.test(why) ? SECONDARY : null;
}

function isLimit(status: number, headers: Record<string, unknown>, said: string): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  return 'retry-after' in headers || headers['x-ratelimit-remaining'] === '0' || /rate limit/i.test(said);
}

function message(data: unknown): string {
  const body = data as { message?: unknown; errors?: unknown } | null | undefined;
  if (typeof body?.message !== 'string') return '';
  const details = Array.isArray(body.errors)
    ? body.errors
        .map((error) => (typeof error === 'string' ? error : (error as { message?: string })?.message))
        .filter(Boolean)
    : [];
  return [body.message, ...details].join('; ').slice(0, 300);
}

function reason(thrown: unknown, cause: unknown): string {
  const inner = (cause ?? (thrown as { cause?: unknown })?.cause) as { code?: string; message?: string } | undefined;
  const text = inner?.code ?? inner?.message ?? (thrown instanceof Error ? thrown.message : String(thrown));
  return String(text).slice(0, 300);
}
