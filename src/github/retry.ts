/** Patience with an API that is sometimes away. A write is repeated only where GitHub said that it did not do it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../outcome/outcome.ts';
import type { Pace } from './pace.ts';

/** One request in words, and whether asking twice is harmless. */
export interface Asked {
  what: string;
  read: boolean;
  /** True for a download: only its first answer is limited in time, by the platform's own limits. */
  lasts?: boolean;
}

const TRIES = 4;
/** Milliseconds that one answer may take. */
const ANSWER = 30_000;
/** The longest wait that GitHub may ask for; what is longer is told to the person instead. */
export const LONGEST_WAIT = 60_000;

const NEVER = new AbortController().signal;

/** What `patiently` is given beside the request. */
export interface Patience {
  signal?: AbortSignal | undefined;
  /** Milliseconds before the first repetition. */
  pause?: number | undefined;
  /** Holds back writes, and all of them where GitHub said so. */
  pace: Pace;
}

/** Runs `ask` up to four times. It must reject with Failures; those that say so (see `facts`) are repeated. */
export async function patiently<T>(
  asked: Asked,
  options: Patience,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await paced(asked, options, ask);
    } catch (thrown) {
      if (options.signal?.aborted) throw cancelled(asked);
      const wait = attempt < TRIES ? waitBefore(thrown, asked, attempt, options.pause ?? 500) : null;
      if (wait === null) throw thrown;
      // A write that a limit refused is held by the pace, as are all others.
      if (!asked.read && (thrown as Failure).facts.limited) continue;
      await sleep(wait, undefined, { signal: options.signal }).catch(() => {
        throw cancelled(asked);
      });
    }
  }
}

async function paced<T>(asked: Asked, options: Patience, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { pace, signal } = options;
  await pace.begin(asked, signal);
  try {
    return await ask(asked.lasts ? (signal ?? NEVER) : withLimit(signal));
  } catch (thrown) {
    if (thrown instanceof Failure && typeof thrown.facts.retryAfter === 'number') {
      pace.pause(thrown.facts.retryAfter * 1000, thrown);
    }
    throw thrown;
  } finally {
    pace.end(asked);
  }
}

/** Milliseconds to wait before the next attempt; null where there must be none. Pure but for its jitter. */
export function waitBefore(thrown: unknown, asked: Asked, attempt: number, pause: number): number | null {
  if (!(thrown instanceof Failure) || thrown.code !== 'github-unreachable') return null;
  const { limited, retryAfter } = thrown.facts;
  if (limited) return typeof retryAfter === 'number' && retryAfter * 1000 <= LONGEST_WAIT ? retryAfter * 1000 : null;
  return asked.read ? pause * 2 ** (attempt - 1) * (0.75 + Math.random() / 2) : null;
}

function withLimit(signal: AbortSignal | undefined): AbortSignal {
  const limit = AbortSignal.timeout(ANSWER);
  return signal ? AbortSignal.any([signal, limit]) : limit;
}

/** The failure of a request that the run's cancellation ended. */
export function cancelled(asked: Asked): Failure {
  return new Failure({
    code: 'cancelled',
    what: `the run was cancelled during ${asked.what}`,
    next: 'run it again',
    facts: asked.read ? {} : { unsure: true },
  });
}
