/** Answers as bytes: JSON, pages with their Link header, entity tags. */
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Fault } from './faults.ts';

export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  const type = { 'content-type': 'application/json; charset=utf-8' };
  const isEmpty = body === undefined;
  return {
    status,
    headers: isEmpty ? headers : { ...type, ...headers },
    body: Buffer.from(isEmpty ? '' : JSON.stringify(body)),
  };
}

/** GitHub's pages: `per_page` up to 100, a total where the list is wrapped, and a Link header. */
export function paged(answer: { list: unknown[]; key?: string }, url: URL): { partial: unknown; link: string | null } {
  const size = Math.max(1, Math.min(Number(url.searchParams.get('per_page') ?? 30), 100));
  const page = Math.max(1, Number(url.searchParams.get('page') ?? 1));
  const items = answer.list.slice((page - 1) * size, page * size);
  const last = Math.max(1, Math.ceil(answer.list.length / size));
  const links: [string, number][] = [];
  if (page > 1) links.push(['prev', page - 1]);
  if (page < last) links.push(['next', page + 1], ['last', last]);
  if (page > 1) links.push(['first', 1]);
  const link = links.map(([relation, to]) => `<${withPage(url, to)}>; rel="${relation}"`).join(', ');
  const partial = answer.key ? { total_count: answer.list.length, [answer.key]: items } : items;
  return { partial, link: link || null };
}

function withPage(url: URL, page: number): string {
  const other = new URL(url);
  other.searchParams.set('page', String(page));
  return other.toString();
}

/** The reply with its entity tag; 304 where the asker has it already. */
export function tagged(reply: Reply, known: string | undefined): Reply {
  if (reply.status !== 200) return reply;
  const etag = `W/"${createHash('sha256').update(reply.body).digest('hex')}"`;
  const isKnown = known?.split(/,\s*/).some((one) => one.replace(/^W\//, '') === etag.slice(2));
  const { 'content-type': _, ...headers } = reply.headers;
  if (isKnown) return { status: 304, headers: { ...headers, etag }, body: Buffer.alloc(0) };
  return { ...reply, headers: { ...reply.headers, etag } };
}

export function injected(fault: Fault): Reply {
  return json(fault.status ?? 502, fault.body ?? { message: 'Server Error' }, fault.headers);
}

export function send(response: ServerResponse, reply: Reply): void {
  const length: Record<string, string> = reply.status === 304 ? {} : { 'content-length': String(reply.body.length) };
  response.writeHead(reply.status, { ...reply.headers, ...length });
  response.end(reply.body);
}

/** Half of the body, then the connection is cut. */
export function cutShort(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, { ...reply.headers, 'content-length': String(reply.body.length) });
  response.write(reply.body.subarray(0, reply.body.length / 2), () => response.destroy());
}
