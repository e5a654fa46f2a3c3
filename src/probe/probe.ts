/** Questions to a running environment, and whether its answers are right. The noun's public face. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Asking, ask, type Tried } from './ask.ts';
import type { Check } from './check.ts';
import { placeOf, type Reach, Turns, Ways } from './reach.ts';

export { seesNoErrorPage } from './blind.ts';
export type { Check } from './check.ts';
export { type Obstacle, obstacles } from './obstacles.ts';
export type { Reach } from './reach.ts';
export { type CheckRequest, checksOf } from './read.ts';

/**
 * So many checks at once, hosts and front door together: 200 hosts with 10 checks each, all of them silent for 10 s,
 * are through after 5 min, and no host is asked many things at a time since the checks go from host to host.
 */
export const AT_ONCE = 64;

/** What came of one check. */
export interface Probed {
  /** The entry of the list that it comes from, from 1. */
  entry: number;
  /** Of the check: for people, the same on each host. */
  name: string;
  host: string | null;
  /** True where it was asked from the host. */
  there: boolean;
  passed: boolean;
  /** Of the last HTTP answer; null where none came. */
  status: number | null;
  /** Milliseconds of the last try. */
  took: number;
  tries: number;
  /** What was wrong at the last try; empty where it passed. */
  why: string[];
  /** What was wrong at the tries before. */
  before: string[];
  /** True where it failed by nothing but the version that answered. */
  mismatch: boolean;
}

/**
 * Asks all checks, at most `AT_ONCE` at a time, each until its answer is right or its patience ends. The answers are in
 * the order of the checks. `done` is called with each as it is there. Rejects only where `signal` fires.
 */
export async function probeAll(
  checks: readonly Check[],
  reach: Reach,
  signal: AbortSignal,
  done: (probed: Probed) => void = () => {},
): Promise<Probed[]> {
  const ways = new Ways();
  const turns = new Turns();
  const answers: Probed[] = new Array(checks.length);
  let next = 0;
  const worker = async () => {
    while (next < checks.length) {
      const index = next++;
      const check = checks[index]!;
      answers[index] = await probe(check, { reach, ways, signal }, turns);
      done(answers[index]);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, checks.length) }, worker));
    return answers;
  } finally {
    await ways.close();
  }
}

async function probe(check: Check, asking: Asking, turns: Turns): Promise<Probed> {
  const { tries: most, deadline, pause } = patienceNow(check, asking.reach);
  let began: number | null = null;
  const before: string[] = [];
  for (let tries = 1; ; tries++) {
    const tried = await turns.take(check, () => {
      began ??= performance.now();
      return ask(check, asking);
    });
    const passed = tried.objections.length === 0;
    const late = performance.now() - began! + pause > deadline;
    if (passed || tries >= most || late) return { ...probedOf(check, tried), tries, before };
    before.push(wordsOf(tried).join(', '));
    await sleep(pause, undefined, { signal: asking.signal });
  }
}

/** A host that is not connected will not be by waiting. */
function patienceNow({ patience, ...check }: Check, reach: Reach): Check['patience'] {
  try {
    placeOf(check, reach);
    return patience;
  } catch {
    return { ...patience, tries: 1 };
  }
}

function probedOf({ entry, name, host, there }: Check, tried: Tried): Omit<Probed, 'tries' | 'before'> {
  const { objections, status, took } = tried;
  const mismatch = objections.length > 0 && objections.every((objection) => objection.mismatch);
  const passed = objections.length === 0;
  return { entry, name, host, there, passed, status, took: Math.round(took), why: wordsOf(tried), mismatch };
}

function wordsOf({ objections }: Tried): string[] {
  return objections.map(({ words }) => words);
}
