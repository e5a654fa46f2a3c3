/** Asks one URL once. */
import { performance } from 'node:perf_hooks';
import { credentialsAsHeader } from '../secret/secret.ts';
import type { Answer } from './check.ts';

/** What is read of a body. */
const MOST_BYTES = 1 << 20;

/** How long one question may take, in milliseconds, and what may end it earlier. */
export interface AskOptions {
  timeout: number;
  signal: AbortSignal;
}

/** An answer, or why there is none, in words. */
export type Asked = { answer: Answer } | { none: string };

/**
 * One GET. A redirect is an answer like any other and is not followed. Rejects only where `signal` fires.
 */
export async function ask(url: string, { timeout, signal }: AskOptions): Promise<Asked> {
  signal.throwIfAborted();
  const began = performance.now();
  const patience = AbortSignal.timeout(timeout);
  const both = AbortSignal.any([signal, patience]);
  try {
    const { url: target, headers } = credentialsAsHeader(url);
    const response = await fetch(target, { redirect: 'manual', signal: both, headers });
    const { body, cut } = await readBody(response);
    return {
      answer: { status: response.status, headers: response.headers, body, cut, took: performance.now() - began },
    };
  } catch (thrown) {
    signal.throwIfAborted();
    return { none: patience.aborted ? `no whole answer within ${timeout} ms` : inWords(thrown) };
  }
}

async function readBody(response: Response): Promise<{ body: string; cut: boolean }> {
  if (response.body === null) return { body: '', cut: false };
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MOST_BYTES) break; // leaving the loop ends the connection
  }
  return { body: Buffer.concat(chunks).subarray(0, MOST_BYTES).toString(), cut: bytes > MOST_BYTES };
}

const WORDS: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was broken off',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_SOCKET: 'the connection was broken off',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  CERT_HAS_EXPIRED: 'TLS: the certificate has expired',
  CERT_NOT_YET_VALID: 'TLS: the certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'TLS: the certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'TLS: a certificate of the chain is signed by itself',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'TLS: the certificate cannot be verified; the chain may be incomplete',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'TLS: the issuer of the certificate is not known here',
  ERR_TLS_CERT_ALTNAME_INVALID: 'TLS: the certificate is for another host name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'TLS: the port does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'TLS: the port does not speak TLS',
};

/** The cause of what fetch throws, which itself only says "fetch failed". */
function inWords(thrown: unknown): string {
  for (const error of causes(thrown)) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && WORDS[code]) return `${WORDS[code]} (${code})`;
    if (code?.startsWith('ERR_SSL') || code?.startsWith('ERR_TLS'))
      return `TLS: ${error.message.slice(0, 200)} (${code})`;
  }
  const last = causes(thrown).at(-1);
  return last ? `no answer: ${last.message || last.name}` : String(thrown);
}

/** The error and everything it was caused by, outermost first; of several at once, all. */
function causes(thrown: unknown): Error[] {
  if (!(thrown instanceof Error)) return [];
  const inside = thrown instanceof AggregateError ? thrown.errors : [thrown.cause];
  return [thrown, ...inside.flatMap(causes)];
}
