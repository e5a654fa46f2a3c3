/** Questions to a running environment, over HTTP, and whether its answers are right. The noun's public face. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { withoutCredentials } from '../secret/secret.ts';
import { ask } from './ask.ts';
import { type Check, objections } from './check.ts';

export type { Check } from './check.ts';
export { type CheckRequest, checksOf } from './read.ts';

/** How patient a probe is. Times in milliseconds. */
export interface Patience {
  /** For one question. */
  timeout: number;
  /** At most so many questions for one check. */
  tries: number;
  /** No new question begins later than this after the first. */
  deadline: number;
  /** Between two questions. */
  pause: number;
}

/** A service that restarts may miss one question; it gets three within five seconds, and each is reported. */
export const PATIENCE: Patience = { timeout: 10_000, tries: 3, deadline: 5_000, pause: 1_000 };

/** What came of one check. */
export interface Probed {
  /** Without credentials. */
  url: string;
  passed: boolean;
  /** Of the last answer; null where none came. */
  status: number | null;
  /** Milliseconds of the last question. */
  took: number;
  tries: number;
  /** What was wrong at the last try; empty where it passed. */
  why: string[];
  /** What was wrong at the tries before. */
  before: string[];
}

/** Asks until the answer is right or patience ends. Rejects only where `signal` fires. */
export async function probe(check: Check, signal: AbortSignal, patience: Patience = PATIENCE): Promise<Probed> {
  const began = performance.now();
  const before: string[] = [];
  for (let tries = 1; ; tries++) {
    const asked = performance.now();
    const result = await ask(check.url, { timeout: patience.timeout, signal });
    const why = 'none' in result ? [result.none] : objections(check, result.answer);
    const status = 'none' in result ? null : result.answer.status;
    const probed = {
      url: withoutCredentials(check.url),
      status,
      took: Math.round(performance.now() - asked),
      tries,
      why,
    };
    if (why.length === 0) return { ...probed, passed: true, before };
    const spent = performance.now() - began + patience.pause;
    if (tries >= patience.tries || spent > patience.deadline) return { ...probed, passed: false, before };
    before.push(why.join(', '));
    await sleep(patience.pause, undefined, { signal });
  }
}

/** Null where the host of the URL has an address here; otherwise why not. */
export async function hostProblem(url: string): Promise<string | null> {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  if (isIP(host)) return null;
  try {
    await lookup(host);
    return null;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code ?? String(thrown);
  }
}
