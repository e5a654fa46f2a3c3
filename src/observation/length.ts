/** How long is watched, and how the promise is shared among the watches of a change. Pure. */
import type { WatchSection } from '../config/config.ts';
import { inWords, milliseconds } from '../duration/duration.ts';
import type { Length } from './types.ts';

/** How long a watch is: at least, and at most where it cannot tell before; never less at most than at least. */
export function watchLength(watch: WatchSection): Length {
  const text = typeof watch.for === 'string' ? { min: watch.for, max: watch.for } : watch.for;
  const min = milliseconds(text.min)!;
  return { min, max: Math.max(min, milliseconds(text.max)!) };
}

/** "10 min, and up to 30 min where it cannot tell by then". */
export function lengthInWords({ min, max }: Length): string {
  return max > min ? `${inWords(min)}, and up to ${inWords(max)} where it cannot tell by then` : inWords(min);
}

/** How long each wave but the last is watched: as configured, else a fifth; it may go on as long as the last one. */
export function betweenLength(watch: WatchSection): Length {
  const { min, max } = watchLength(watch);
  const own = watch['between-waves'];
  const between = own === undefined ? min / 5 : milliseconds(own)!;
  return { min: between, max: max > min ? Math.max(between, max) : between };
}

/**
 * How the error budget of a change is shared among its watches: half for the last one, the rest for those between
 * `waves` waves, equally. All of it where there is but one.
 */
export function budget(waves: number): { last: number; between: number } {
  return waves > 1 ? { last: 0.5, between: 0.5 / (waves - 1) } : { last: 1, between: 0 };
}
