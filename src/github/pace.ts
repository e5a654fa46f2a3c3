/**
 * The pace of writes, so that GitHub need not refuse them: its documented secondary limits are 80 requests that
 * create content and 900 points a minute. The window slides and counts from the end of a request, since only then is
 * it sure that GitHub has counted it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure } from '../outcome/outcome.ts';
import { type Asked, LONGEST_WAIT } from './retry.ts';

/** What GitHub allows within `window` milliseconds. */
export interface Limits {
  window: number;
  writes: number;
  points: number;
}

/** GitHub's documented limits. A read costs one point, a write five. */
export const LIMITS: Limits = { window: 60_000, writes: 80, points: 900 };
const COST = { read: 1, write: 5 };

/** A request that was answered. `ended` in milliseconds of a clock that only grows. */
export interface Answered {
  ended: number;
  write: boolean;
}

/** Requests that count at the moment: those under way, and those that were answered, oldest first. */
export interface Counted {
  underWay: { reads: number; writes: number };
  answered: readonly Answered[];
}

/**
 * Milliseconds until one more write may begin: 0 for now, Infinity where one under way must be answered first. Pure.
 */
export function waitForRoom(counted: Counted, now: number, limits: Limits): number {
  let writes = counted.underWay.writes;
  let points = writes * COST.write + counted.underWay.reads * COST.read;
  const isFull = () => writes + 1 > limits.writes || points + COST.write > limits.points;
  if (isFull()) return Number.POSITIVE_INFINITY;
  // From the newest back: the first that is one too many must have left the window.
  for (const { ended, write } of counted.answered.toReversed()) {
    if (ended + limits.window < now) break;
    writes += write ? 1 : 0;
    points += write ? COST.write : COST.read;
    if (isFull()) return ended + limits.window - now + 1;
  }
  return 0;
}

/** Holds the writes of one client to the limits. Reads are counted and never held. */
export class Pace {
  readonly #limits: Limits;
  readonly #clock: () => number;
  readonly #underWay = { reads: 0, writes: 0 };
  #answered: Answered[] = [];
  #ended: (() => void)[] = [];
  #last: Promise<void> = Promise.resolve();
  #pausedUntil = 0;
  #why: Failure | null = null;
  #waited = 0;

  constructor(limits: Limits, clock: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Milliseconds in which writes were held. */
  get waited(): number {
    return Math.round(this.#waited);
  }

  /** True where a write would begin at once. */
  get hasRoom(): boolean {
    const now = this.#clock();
    return now >= this.#pausedUntil && waitForRoom(this.#counted(), now, this.#limits) === 0;
  }

  /**
   * Waits until a write may begin, in the order of asking, and counts it as begun; a read begins at once. Whoever
   * called it calls `end` once. Rejects where `signal` aborts, and with GitHub's own refusal where that lasts longer
   * than anybody waits.
   */
  async begin(asked: Asked, signal?: AbortSignal): Promise<void> {
    if (asked.read) {
      this.#underWay.reads++;
      return;
    }
    await this.#inTurn(async () => {
      await this.#room(signal);
      this.#underWay.writes++;
    });
  }

  /** Counts a request as answered. */
  end(asked: Asked): void {
    this.#underWay[asked.read ? 'reads' : 'writes']--;
    const now = this.#clock();
    this.#answered = this.#answered.filter((one) => one.ended + this.#limits.window >= now);
    this.#answered.push({ ended: now, write: !asked.read });
    for (const wake of this.#ended.splice(0)) wake();
  }

  /** Holds all writes for this long, since GitHub refused one. */
  pause(milliseconds: number, why: Failure): void {
    const until = this.#clock() + milliseconds;
    if (until <= this.#pausedUntil) return;
    this.#pausedUntil = until;
    this.#why = why;
  }

  /** Waits until a write could begin, without beginning one. Rejects as `begin`. */
  async room(signal?: AbortSignal): Promise<void> {
    await this.#inTurn(() => this.#room(signal));
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #room(signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      const now = this.#clock();
      const pause = this.#pausedUntil - now;
      if (pause > LONGEST_WAIT && this.#why) throw this.#why;
      const wait = Math.max(pause, waitForRoom(this.#counted(), now, this.#limits));
      if (wait <= 0) return;
      await this.#sleep(wait, signal);
      this.#waited += this.#clock() - now;
    }
  }

  /** Until the time is over or, where only the end of another request makes room, until that. */
  async #sleep(wait: number, signal: AbortSignal | undefined): Promise<void> {
    if (Number.isFinite(wait)) {
      await sleep(Math.ceil(wait), undefined, { signal });
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const stop = () => reject(signal?.reason);
      signal?.addEventListener('abort', stop, { once: true });
      this.#ended.push(() => {
        signal?.removeEventListener('abort', stop);
        resolve();
      });
    });
  }

  #counted(): Counted {
    return { underWay: this.#underWay, answered: this.#answered };
  }
}
