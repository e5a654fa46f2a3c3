/** What a handler of the REST API is, and how its route is found. */
import type { Needs } from './access.ts';
import type { Repository } from './world.ts';

/** What a handler is given. */
export interface Asked {
  repository: Repository;
  path: Record<string, string>;
  query: URLSearchParams;
  body: Record<string, unknown>;
  accept: string;
  /** The API's own URL. */
  url: string;
  /** Where bytes are served without a token: another host name, as GitHub's storage is. */
  store(bytes: Buffer): string;
}

/** What it answers: `list` is paged, under `key` where GitHub wraps it with a total. */
export type Answer = { status: number; body: unknown } | { list: unknown[]; key?: string } | { redirect: string };

/** One operation. */
export interface Handler {
  needs: Needs;
  answer(asked: Asked): Answer;
}

/** Handlers by route. */
export type Routes = Record<string, Handler>;

/** The route of a request among those that are played, with the values in its path. */
export function findRoute(
  routes: Routes,
  method: string,
  pathname: string,
): { route: string; path: Record<string, string> } | null {
  const parts = pathname.split('/');
  let best: { route: string; path: Record<string, string>; plain: number } | null = null;
  for (const route of Object.keys(routes)) {
    const [routeMethod, template = ''] = route.split(' ');
    const wanted = template.split('/');
    if (routeMethod !== method || wanted.length !== parts.length) continue;
    const path: Record<string, string> = {};
    const fits = wanted.every((part, index) => {
      const name = /^\{(.+)\}$/.exec(part)?.[1];
      if (name) path[name] = decodeURIComponent(parts[index]!);
      return name ? parts[index] !== '' : part === parts[index];
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
export function reads(permission: string, answer: Handler['answer']): Handler {
  return { needs: { permission, level: 'read' }, answer };
}

/** A handler that writes. */
export function writes(permission: string, answer: Handler['answer']): Handler {
  return { needs: { permission, level: 'write' }, answer };
}
