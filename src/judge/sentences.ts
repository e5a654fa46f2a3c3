/** Verdicts for people. Pure. */
import { limitInWords } from './limits.ts';
import type { Alarm, Estimate, Limit, Metric, Prepared, Side } from './types.ts';

/** The size of a difference: "×1.9 of the reference (×1.5 to ×2.4)". */
export function sizeInWords({ scale, effect, interval }: Estimate): string {
  const sign = scale === 'factor' ? '×' : '';
  const range = interval === null ? '' : ` (${sign}${short(interval[0])} to ${sign}${short(interval[1])})`;
  if (effect === null)
    return interval === null
      ? 'an unknown part of the reference'
      : `between ${sign}${short(interval[0])} and ${sign}${short(interval[1])} of the reference`;
  return scale === 'factor'
    ? `×${short(effect)} of the reference${range}`
    : `${short(effect)} against the reference${range}`;
}

/** The harms that are excluded. */
export function notWithin(metric: Metric, sides: readonly Side[]): string {
  return `${tolerated(metric, sides)} excluded`;
}

/** The harms that are not. */
export function openInWords(metric: Metric, sides: readonly Side[]): string {
  return `${tolerated(metric, sides)} cannot be excluded`;
}

/** A limit that was left. */
export function limitLeft(limit: Limit, { side, tick }: Alarm): string {
  const bound = side === 'up' ? `above ${limit.above}` : `below ${limit.below}`;
  return `was ${bound} for ${ticksInWords(limit.ticks)}, its limit, after ${ticksInWords(tick)}`;
}

/** A limit that was kept. */
export function withinLimits(limit: Limit): string {
  return `never ${limitInWords(limit)}, its limit`;
}

/** Why only the limit was judged. */
export function limitOnly({ notes }: Prepared): string {
  return notes[0] ?? 'judged by its limit alone';
}

/** "1 tick", "2 ticks". */
export function ticksInWords(ticks: number): string {
  return `${ticks} tick${ticks === 1 ? '' : 's'}`;
}

function tolerated({ tolerate: { up, down, absolute } }: Metric, sides: readonly Side[]): string {
  const or = absolute === null ? '' : ' (or the absolute tolerance)';
  return sides
    .map((side) => (side === 'up' ? `a rise to ×${short(up)}${or}` : `a fall to ×${short(down)}${or}`))
    .join(' and ');
}

/** Two or three digits: 0.31, 1.4, 12, 1200. */
function short(value: number): string {
  return String(Number(value.toPrecision(Math.abs(value) >= 1 ? 3 : 2)));
}
