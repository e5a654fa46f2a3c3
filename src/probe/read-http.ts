/** Checks over HTTP from their entries in the configuration. Pure. */
import { milliseconds } from '../duration/duration.ts';
import { fillUrl, type Named } from '../transport/transport.ts';
import type { HttpCheck, WantedAnswer } from './check.ts';
import { latencyOf, patienceOf, wantedText, wantedValue } from './expectation.ts';
import type { CheckRequest, Long, Place } from './read.ts';
import { endpointOf, filled } from './read-others.ts';
import { short, shownUrl } from './words.ts';

/** True for what is no path: such a URL is what later paths are relative to. */
export function isWhole(url: string): boolean {
  return /^https?:\/\//i.test(url);
}

/** The whole URL, placeholders still in it. Throws an Error where it is neither a URL nor a path after one. */
export function resolved(url: string, base: string | null): string {
  if (isWhole(url)) return url;
  if (!url.startsWith('/') || url.startsWith('//'))
    throw new Error(`${JSON.stringify(short(shownUrl(url)))} is neither an http URL nor a path that starts with /`);
  if (base === null) throw new Error(`the path ${JSON.stringify(shownUrl(url))} comes before any whole URL`);
  return `${/^https?:\/\/[^/?#]*/i.exec(base)![0]}${url}`;
}

/** One entry with get, head or post at one place. Throws an Error where it cannot be asked. */
export function httpCheck(entry: Long, template: string, place: Place, request: CheckRequest): HttpCheck {
  const url = urlOf(template, place.host);
  const { expect, connect, follow = 0 } = entry;
  const method = entry.head !== undefined ? 'HEAD' : entry.post !== undefined ? 'POST' : 'GET';
  if (follow > 0 && expect.location !== undefined)
    throw new Error('it follows redirects, so it cannot expect one: leave out follow or location');
  if (expect.tls !== undefined && url.protocol !== 'https:') throw new Error('tls is asked of a URL without https');
  if (method === 'HEAD' && request.everyVersion) throw new Error('a HEAD has no body to name the version in');
  const { body, contentType } = bodyOf(entry);
  return {
    kind: 'http',
    entry: place.entry,
    name: `${method === 'GET' ? '' : `${method} `}${shownUrl(place.host ? template : url.href)}`,
    host: place.host?.name ?? null,
    there: place.there,
    patience: patienceOf(entry),
    latency: latencyOf(expect),
    method,
    url: url.href,
    headers: { ...contentType, ...entry.headers },
    body,
    follow,
    connect: connect === undefined ? null : endpointOf(filled(connect, place.host)),
    expect: wantedAnswer(entry, url, request),
  };
}

function urlOf(template: string, host: Named | null): URL {
  if (host !== null) return fillUrl(template, host);
  if (!URL.canParse(template)) throw new Error(`${shownUrl(template)} is no URL`);
  return new URL(template);
}

function bodyOf({ send }: Long): { body: string | null; contentType: Record<string, string> } {
  if (send === undefined) return { body: null, contentType: {} };
  if (typeof send === 'string') return { body: send, contentType: {} };
  return { body: JSON.stringify(send), contentType: { 'content-type': 'application/json' } };
}

function wantedAnswer(entry: Long, url: URL, request: CheckRequest): WantedAnswer {
  const { status, headers = {}, json = {}, tls, location, body } = entry.expect;
  return {
    ...wantedText(entry, body, request),
    status: statusOf(status ?? (location === undefined ? 200 : '3xx')),
    headers: Object.entries(headers).map(([name, wanted]) => [name, wantedValue(wanted)] as const),
    json: Object.entries(json).map(([path, wanted]) => [path, wantedValue(wanted)] as const),
    tls: tls === undefined ? null : milliseconds(tls)!,
    location: location === undefined ? null : new URL(location, url).href,
  };
}

/** `204`, `2xx` or a list of them. */
function statusOf(written: NonNullable<Long['expect']['status']>): WantedAnswer['status'] {
  const list = Array.isArray(written) ? written : [written];
  const ranges = list.map((one): [number, number] => {
    if (typeof one === 'number') return [one, one];
    const hundreds = Number(one[0]) * 100;
    return [hundreds, hundreds + 99];
  });
  return { inWords: list.join(' or '), ranges };
}
