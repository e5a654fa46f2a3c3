/** Asks a URL, from here or through a host, and follows its redirects where that is meant. */
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { credentialsAsHeader, hide } from '../secret/secret.ts';
import { identity } from '../transport/transport.ts';
import { type Answer, answerObjections } from './answer.ts';
import type { Asking, Tried } from './ask.ts';
import type { Endpoint, HttpCheck } from './check.ts';
import { placeOf } from './reach.ts';
import { short, shownUrl } from './words.ts';

/** What is read of a body. */
const MOST_BYTES = 1 << 20;

/** One request, complete. */
interface Question {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: string | null;
  /** Where to connect to; null: to the host of the URL. */
  connect: Endpoint | null;
}

/** Asks once. Rejects with why no whole answer came. */
export async function askHttp(check: HttpCheck, asking: Asking): Promise<Omit<Tried, 'took'>> {
  hideSecrets(check.headers); // a server may repeat in its answer what it was sent
  const { url, headers } = credentialsAsHeader(check.url);
  let question: Question = {
    method: check.method,
    url: new URL(url),
    headers: { ...headers, ...check.headers },
    body: check.body,
    connect: check.connect,
  };
  for (let hops = 0; ; hops++) {
    const answer = await send(question, check, asking);
    const next = check.follow > 0 ? redirection(question, answer, check.follow - hops) : null;
    if (next !== null && 'question' in next) {
      question = next.question;
      continue;
    }
    const objections = answerObjections(check.expect, { ...answer, stopped: next?.stopped ?? null });
    return { objections, status: answer.status };
  }
}

/** Hides what headers prove by, whatever the variable was called that it came from. */
function hideSecrets(headers: Record<string, string>): void {
  for (const [name, value] of Object.entries(headers))
    if (/auth|cookie|token|key|secret|session/i.test(name))
      for (const secret of [value, value.replace(/^\w+ /, '')]) hide(secret);
}

type Redirection = { question: Question } | { stopped: string } | null;

/**
 * Where a redirect leads; null for an answer that is none. Never from https to http, and what was sent along goes to no
 * other origin, where nobody meant it to go. Pure.
 */
export function redirection(
  from: Question,
  { status, headers }: Pick<Answer, 'status' | 'headers'>,
  left: number,
): Redirection {
  const { location } = headers;
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return null;
  if (!URL.canParse(location, from.url.href)) return { stopped: 'redirected to what is no URL' };
  const url = new URL(location, from.url);
  const to = short(shownUrl(url.href));
  if (left <= 0) return { stopped: `redirected once more than it may be, to ${to}` };
  if (!/^https?:$/.test(url.protocol)) return { stopped: `redirected to ${to}, which is not http` };
  if (from.url.protocol === 'https:' && url.protocol === 'http:') return { stopped: `redirected from https to ${to}` };
  url.username = url.password = '';
  const same = url.origin === from.url.origin;
  return { question: { ...from, url, headers: same ? from.headers : {}, connect: same ? from.connect : null } };
}

async function send(question: Question, check: HttpCheck, asking: Asking): Promise<Omit<Answer, 'stopped'>> {
  const { url, body, method } = question;
  const tls = url.protocol === 'https:';
  const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const target = question.connect ?? { hostname, port: Number(url.port) || (tls ? 443 : 80) };
  const at = await asking.ways.to(placeOf(check, asking.reach), target);
  const options = {
    method,
    hostname: at.hostname,
    port: at.port,
    path: `${url.pathname}${url.search}`,
    headers: {
      host: url.host,
      accept: '*/*',
      'accept-encoding': 'identity',
      'user-agent': 'changeline',
      ...question.headers,
    },
    ...(tls ? identity(hostname) : {}),
    signal: asking.signal,
    agent: false as const,
  };
  return new Promise((resolve, reject) => {
    const request = (tls ? requestHttps : requestHttp)(options, (response) => {
      const validFor = tls ? validity(response.socket as TLSSocket) : null;
      read(response).then(({ text, cut }) => {
        request.destroy();
        resolve({ status: response.statusCode ?? 0, headers: headersOf(response), url: url.href, validFor, text, cut });
      }, reject);
    });
    request.on('error', reject);
    request.end(body ?? undefined);
  });
}

/** Milliseconds until the certificate of the server ends. */
function validity(socket: TLSSocket): number {
  return Date.parse(socket.getPeerCertificate().valid_to) - Date.now();
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
}

/** The body as text. Rejects where it is packed although nobody asked for that: what it holds would not be seen in it. */
async function read(response: IncomingMessage): Promise<{ text: string; cut: boolean }> {
  const { 'content-encoding': coding = 'identity', 'content-type': type = '' } = response.headers;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MOST_BYTES) break; // leaving the loop ends the connection
  }
  if (bytes > 0 && !/^\s*(identity)?\s*$/i.test(coding))
    throw new Error(`the body is packed (content-encoding: ${short(coding)}) although that was not asked for`);
  return { text: decoded(Buffer.concat(chunks).subarray(0, MOST_BYTES), type), cut: bytes > MOST_BYTES };
}

/** By the charset that an answer names (RFC 9110, 8.3.2); UTF-8 where it names none, or one that is not known here. */
function decoded(bytes: Buffer, contentType: string): string {
  const charset = /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}
