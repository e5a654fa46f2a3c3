/** One GET of a metric's URL, directly or through a tunnel to a host. */
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { credentialsAsHeader } from '../secret/secret.ts';
import { identity } from '../transport/transport.ts';
import { unconnected } from './failures.ts';

const MOST_BYTES = 4 * 1024 * 1024;

/** What came back, whatever the status. */
export interface HttpAnswer {
  status: number;
  body: string;
  headers: IncomingMessage['headers'];
}

/** Asks `url` at `address` (its own where null). Rejects with an Error whose message is for people: no answer in time, a refused connection. */
export async function get(
  url: URL,
  address: { hostname: string; port: number } | null,
  timeout: number,
  cancelled: AbortSignal,
): Promise<HttpAnswer> {
  const tls = url.protocol === 'https:';
  const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const { headers } = credentialsAsHeader(url.href);
  const late = AbortSignal.timeout(timeout);
  const options = {
    hostname: address?.hostname ?? hostname,
    port: address?.port ?? url.port,
    path: `${url.pathname}${url.search}`,
    ...(tls ? identity(hostname) : {}),
    headers: { host: url.host, accept: 'application/json, text/plain', 'accept-encoding': 'identity', ...headers },
    signal: AbortSignal.any([cancelled, late]),
    agent: false as const,
  };
  try {
    return await new Promise((resolve, reject) => {
      const request = (tls ? requestHttps : requestHttp)(options, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          body += text;
          if (body.length > MOST_BYTES) request.destroy(new Error('the answer is longer than 4 MB'));
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
        response.on('error', reject);
      });
      request.on('error', reject);
      request.end();
    });
  } catch (error) {
    if (late.aborted) throw new Error(`no answer in ${timeout / 1000} s`);
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(code === undefined ? message : `no answer: ${unconnected(code).why}`);
  }
}
