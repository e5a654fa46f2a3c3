/** What a handler of the REST API is, and how its route is found. */
import { type Asker, allows, type Needs } from './access.ts';
import type { Organisation } from './organisation.ts';
import type { Repository } from './world.ts';

/** What every handler is given. */
export interface Request {
  asker: Asker;
  path: Record<string, string>;
  query: URLSearchParams;
  body: Record<string, unknown>;
  accept: string;
  /** The API's own URL. */
  url: string;
  /** Where bytes are served without a token: another host name, as GitHub's storage is. */
  store(bytes: Buffer): string;
}

/** A request about a repository. */
export interface Asked extends Request {
  repository: Repository;
}

/** A request about an organisation. */
export interface AskedOrganisation extends Request {
  organisation: Organisation;
}

/**
 * What it answers: `list` is paged, under `key` where GitHub wraps it with a total. `denied` are permissions of which
 * one would have been enough.
 */
export type Answer =
  | { status: number; body: unknown }
  | { list: unknown[]; key?: string }
  | { redirect: string }
  | { raw: Buffer }
  | { denied: Needs[] };

/** One operation. */
export interface Handler<A = Asked> {
  needs: Needs;
  answer(asked: A): Answer;
}

/** Handlers by route. */
export type Routes<A = Asked> = Record<string, Handler<A>>;

/** The route of a request among those that are played, with the values in its path. */
export function findRoute(
  routes: Record<string, unknown>,
  method: string,
  pathname: string,
): { route: string; path: Record<string, string> } | null {
  const parts = pathname.split('/');
  let best: { route: string; path: Record<string, string>; plain: number } | null = null;
  for (const route of Object.keys(routes)) {
    const [routeMethod, template = ''] = route.split(' ');
    const wanted = template.split('/');
    // A path in a repository and the name of a branch may hold slashes.
    const isLong = /\{(path|branch)\}$/.test(template) && parts.length > wanted.length;
    if (routeMethod !== method || (wanted.length !== parts.length && !isLong)) continue;
    const path: Record<string, string> = {};
    const fits = wanted.every((part, index) => {
      const name = /^\{(.+)\}$/.exec(part)?.[1];
      const value = isLong && index === wanted.length - 1 ? parts.slice(index).join('/') : parts[index]!;
      if (name) path[name] = decodeURIComponent(value);
      return name ? value !== '' : part === value;
    });
    const plain = wanted.filter((part) => !part.startsWith('{')).length;
    if (fits && (!best || plain > best.plain)) best = { route, path, plain };
  }
  return best;
}

/** GitHub's answer to what it does not have. */
export const NOT_FOUND: Answer = {
  status: 404,
  body: { message: 'Not Found', status: '404', documentation_url: 'https://docs.github.com/rest' },
};

/** GitHub's answer to what it does not accept. */
export function refused(status: number, message: string): Answer {
  return { status, body: { message, status: String(status), documentation_url: 'https://docs.github.com/rest' } };
}

/** A handler that reads. */
export function reads<A = Asked>(permission: string, answer: Handler<A>['answer']): Handler<A> {
  return { needs: { permission, level: 'read' }, answer };
}

/** A handler that writes. */
export function writes<A = Asked>(permission: string, answer: Handler<A>['answer']): Handler<A> {
  return { needs: { permission, level: 'write' }, answer };
}

/** True where the asker has one of the permissions; a handler that finds otherwise answers `denied`. */
export function mayAny({ asker }: Request, needs: readonly Needs[]): boolean {
  return needs.some((one) => allows(asker.permissions, one));
}
