/** What a service on a host answers: asked from here, through the host's tunnel. */
import { request as http } from 'node:http';
import { request as https } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { milliseconds } from '../duration/duration.ts';
import { Failure } from '../outcome/outcome.ts';
import { fillUrl, type Host } from '../transport/transport.ts';
import { printable } from './flip.ts';

/** A URL of changeline.yml and how long it may take until it answers as it should. */
export interface Question {
  url: string;
  within: string;
}

interface Heard {
  status: number | null;
  body: string;
  error: string | null;
}

const ONE_TRY = 5000;
const LONGEST_BODY = 65_536;

/** Waits until the URL answers 2xx. Throws `health-failed` with the last answer. */
export async function waitHealthy(host: Host, question: Question, signal: AbortSignal): Promise<void> {
  const heard = await until(host, question, signal, ({ status }) => status !== null && status >= 200 && status < 300);
  if (heard === null) return;
  throw failure(
    'health-failed',
    host,
    question,
    `not healthy within ${question.within}`,
    heard,
    "look into the service's log there",
  );
}

/** Waits until the URL answers the version. Throws `version-mismatch`, or `health-failed` where it never answers. */
export async function waitVersion(host: Host, question: Question, version: string, signal: AbortSignal): Promise<void> {
  const heard = await until(
    host,
    question,
    signal,
    ({ status, body }) => status === 200 && answeredVersion(body) === version,
  );
  if (heard === null) return;
  const other = heard.status === 200 ? answeredVersion(heard.body) : null;
  const what =
    other === null
      ? `no version was answered within ${question.within}`
      : `answers version ${printable(other)} and not ${version}`;
  const next =
    'check that the restart really replaces the process (an old one may keep the port, a cache the old files)';
  throw failure(other === null ? 'health-failed' : 'version-mismatch', host, question, what, heard, next);
}

/** The version in an answer: `{"version": "…"}`, a JSON string, or plain text. */
export function answeredVersion(body: string): string {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && 'version' in value) return String(value.version);
    if (typeof value === 'string') return value;
  } catch {
    // plain text
  }
  return body.trim();
}

/** Asks again and again until the answer is right (null) or the time is over (the last answer). */
async function until(
  host: Host,
  question: Question,
  signal: AbortSignal,
  right: (heard: Heard) => boolean,
): Promise<Heard | null> {
  const url = fillUrl(question.url, host);
  const deadline = performance.now() + (milliseconds(question.within) ?? 30_000);
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const tunnel = await host.tunnel(url.hostname.replace(/^\[(.*)\]$/, '$1'), port);
  try {
    for (let pause = 50; ; pause = Math.min(1000, pause * 1.5)) {
      const left = deadline - performance.now();
      const heard = await ask(url, tunnel, Math.max(250, Math.min(ONE_TRY, left)), signal);
      if (right(heard)) return null;
      if (performance.now() + pause >= deadline) return heard;
      await sleep(pause, undefined, { signal }).catch(() => {
        throw new Failure({
          code: 'cancelled',
          where: host.name,
          what: 'the run was cancelled while a host was waited for',
          next: 'run it again',
        });
      });
    }
  } finally {
    await tunnel.close().catch(() => {});
  }
}

function ask(url: URL, at: { hostname: string; port: number }, timeout: number, signal: AbortSignal): Promise<Heard> {
  return new Promise((resolve) => {
    const failed = (error: Error) =>
      resolve({ status: null, body: '', error: 'code' in error ? String(error.code) : error.message });
    const options = {
      hostname: at.hostname,
      port: at.port,
      path: `${url.pathname}${url.search}`,
      headers: { host: url.host, accept: 'application/json, text/plain, */*', 'user-agent': 'changeline' },
      agent: false,
      signal: AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(timeout))]),
    };
    const send = url.protocol === 'https:' ? https({ ...options, servername: url.hostname }) : http(options);
    send.on('error', failed).on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('error', failed);
      response.on('data', (text: string) => {
        if (body.length < LONGEST_BODY) body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? null, body, error: null }));
    });
    send.end();
  });
}

function failure(
  code: 'health-failed' | 'version-mismatch',
  host: Host,
  question: Question,
  what: string,
  heard: Heard,
  next: string,
): Failure {
  const said = heard.error ?? `status ${heard.status}: ${printable(heard.body).slice(0, 80)}`;
  return new Failure({ code, where: `${host.name} ${question.url}`, what, why: `last answer: ${said}`, next });
}
