/** Patience with an API that is sometimes away. A write is repeated only where GitHub said that it did not do it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../outcome/outcome.ts';

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
const LONGEST_WAIT = 60_000;

const NEVER = new AbortController().signal;

/** Runs `ask` up to four times. It must reject with Failures; those that say so (see `facts`) are repeated. */
export async function patiently<T>(
  asked: Asked,
  options: { signal?: AbortSignal | undefined; pause?: number | undefined },
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask(asked.lasts ? (options.signal ?? NEVER) : withLimit(options.signal));
    } catch (thrown) {
      if (options.signal?.aborted) throw cancelled(asked);
      const wait = attempt < TRIES ? waitBefore(thrown, asked, attempt, options.pause ?? 500) : null;
      if (wait === null) throw thrown;
      await sleep(wait, undefined, { signal: options.signal }).catch(() => {
        throw cancelled(asked);
      });
    }
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

function cancelled(asked: Asked): Failure {
  return new Failure({
    code: 'cancelled',
    what: `the run was cancelled during ${asked.what}`,
    next: 'run it again',
    facts: asked.read ? {} : { unsure: true },
  });
}
