/** Bytes from elsewhere into a file, with their sha256 on the way. */
import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../log/log.ts';
import { Failure } from '../outcome/outcome.ts';
import { credentialsAsHeader, withoutCredentials } from '../secret/secret.ts';

/** Opens the bytes anew; called again where a try broke off. */
export type Open = (signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>;

/** What to save, where, and how much at most. */
export interface SaveRequest {
  open: Open;
  file: string;
  /** How people know it. */
  from: string;
  /** Bytes; `disk-full` beyond. */
  most: number;
  log: Log;
  signal: AbortSignal;
}

const TRIES = 3;
const PAUSE = 500;
const SILENCE = 60_000;

class Silence extends Error {}

/**
 * Saves the bytes and returns `sha256:<hex>`. A try that breaks off or is silent for a minute is repeated twice and
 * said; then it is `artifact-unreachable`. Failures of `open` that are certain (not found, denied) are not repeated.
 */
export async function save(request: SaveRequest): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await saveOnce(request);
    } catch (thrown) {
      await rm(request.file, { force: true });
      if (request.signal.aborted) throw cancelled(request.from);
      if (thrown instanceof Failure && thrown.code !== 'artifact-unreachable') throw thrown;
      if ((thrown as NodeJS.ErrnoException).code === 'ENOSPC') throw tooLarge(request, 'no space is left');
      const failure = thrown instanceof Failure ? thrown : unreachable(request.from, reason(thrown), thrown);
      if (attempt === TRIES) throw failure;
      request.log.warn(`fetching ${request.from}: ${failure.why ?? failure.what}; try ${attempt + 1} of ${TRIES}`);
      await sleep(PAUSE * 2 ** (attempt - 1), undefined, { signal: request.signal }).catch(() => {});
    }
  }
}

async function saveOnce({ open: openBytes, file, from, most, log, signal }: SaveRequest): Promise<string> {
  const hash = createHash('sha256');
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Silence('nothing came for a minute')), SILENCE);
  const target = await open(file, 'w', 0o600);
  const stop = AbortSignal.any([signal, silence.signal]);
  let bytes = 0;
  try {
    const body = await openBytes(stop);
    for await (const chunk of body instanceof ReadableStream ? Readable.fromWeb(body, { signal: stop }) : body) {
      timer.refresh();
      bytes += chunk.length;
      if (bytes > most) throw tooLarge({ from }, `it has more than ${(most / 1e9).toFixed(1)} GB`);
      hash.update(chunk);
      await target.writeFile(chunk);
      if (bytes >> 24 !== (bytes - chunk.length) >> 24) log.progress(`fetching ${from}: ${Math.round(bytes / 1e6)} MB`);
    }
    return `sha256:${hash.digest('hex')}`;
  } finally {
    clearTimeout(timer);
    log.progress(null);
    await target.close();
  }
}

/** The body behind a URL. Throws `artifact-missing` (4xx) or `artifact-unreachable`. Redirects are followed. */
export async function openUrl(url: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  const response = await ask(url, 'GET', signal);
  const body = response.body ?? new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  const encoded = response.headers.has('content-encoding');
  return Number.isNaN(length) || encoded ? body : whole(body, length);
}

/** Asks a URL; the answer is a good one. A 4xx is `artifact-missing`, everything else `artifact-unreachable`. */
export async function ask(url: string, method: 'GET' | 'HEAD', signal: AbortSignal): Promise<Response> {
  const from = withoutCredentials(url);
  const { url: target, headers } = credentialsAsHeader(url);
  let response: Response;
  try {
    response = await fetch(target, { method, headers, signal });
  } catch (thrown) {
    if (signal.aborted && !(signal.reason instanceof Silence)) throw cancelled(from);
    throw unreachable(from, reason(thrown), thrown);
  }
  if (response.ok) return response;
  await response.body?.cancel();
  const status = `it answers ${response.status}`;
  const gone = response.status >= 400 && response.status < 500 && response.status !== 429;
  throw gone ? missing(from, status, response.status) : unreachable(from, status);
}

async function* whole(body: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    yield chunk;
  }
  if (bytes !== length) throw new Error(`${bytes} of ${length} bytes came`);
}

/** The telling part of what fetch throws: its cause. */
export function reason(thrown: unknown): string {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const cause = error.cause instanceof Error ? error.cause : error;
  return cause.message || (cause as NodeJS.ErrnoException).code || error.message;
}

/** The Failure for bytes that are not there. */
export function missing(from: string, why: string, status: number | null = null): Failure {
  return new Failure({
    code: 'artifact-missing',
    what: 'the artifact was not found',
    where: from,
    why,
    untouched: 'no host was touched',
    next: 'build and upload this version first, or name another one',
    ...(status === null ? {} : { facts: { status } }),
  });
}

function unreachable(from: string, why: string, cause?: unknown): Failure {
  return new Failure({
    code: 'artifact-unreachable',
    what: 'the artifact could not be fetched',
    where: from,
    why,
    untouched: 'no host was touched',
    next: 'see whether the place that holds it answers, then run it again',
    cause,
  });
}

function tooLarge({ from }: { from: string }, why: string): Failure {
  return new Failure({
    code: 'disk-full',
    what: 'there is no room for the artifact',
    where: from,
    why,
    untouched: 'no host was touched',
    next: 'make room on the disk of the machine that runs Changeline',
  });
}

function cancelled(from: string): Failure {
  return new Failure({
    code: 'cancelled',
    what: 'fetching the artifact stopped because the run was cancelled',
    where: from,
    untouched: 'no host was touched',
    next: 'run it again',
  });
}
