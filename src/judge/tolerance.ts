/** `tolerate` as it stands in changeline.yml: "x2", "-50%", "+20%", "3", "0.5/s", "2/min", one "or" the other. Pure. */
import type { Tolerance } from './types.ts';

/** Twice as much is borne, and half; no absolute difference. */
export const DEFAULT_TOLERANCE: Tolerance = { up: 2, down: 0.5, absolute: null, per: 'second' };

/** A change smaller than this part of a level is none, however constant the level: the same for metrics and hosts. */
export const SMALLEST_CHANGE = 1e-3;

/** The tolerance of a text; null where it is none, or where it would bear nothing or everything. */
export function parseTolerance(text: string | undefined): Tolerance | null {
  if (text === undefined) return { ...DEFAULT_TOLERANCE };
  const parts = text.trim().split(/\s+or\s+/);
  if (parts.length > 2) return null;
  let tolerance = { ...DEFAULT_TOLERANCE };
  for (const part of parts) {
    const change = parsePart(part);
    if (change === null) return null;
    tolerance = { ...tolerance, ...change };
  }
  return tolerance;
}

function parsePart(part: string): Partial<Tolerance> | null {
  const [, sign, amount, unit] = /^([x+-]?)(\d+(?:\.\d+)?)(%|\/s|\/min)?$/.exec(part) ?? [];
  const number = Number(amount);
  if (sign === undefined || !(number > 0)) return null;
  if (sign === 'x')
    return unit === undefined && number !== 1
      ? { up: Math.max(number, 1 / number), down: Math.min(number, 1 / number) }
      : null;
  if (sign === '+') return unit === '%' ? { up: 1 + number / 100 } : null;
  if (sign === '-') return unit === '%' && number < 100 ? { down: 1 - number / 100 } : null;
  if (unit === '%') return null;
  if (unit === undefined) return { absolute: number, per: 'watch' };
  return { absolute: unit === '/s' ? number : number / 60, per: 'second' };
}

/** A tolerance for people: "×2 up, ×0.5 down, or 0.5/s". */
export function toleranceInWords(tolerance: Tolerance, worse: 'up' | 'down' | 'either'): string {
  const factors = (['up', 'down'] as const)
    .filter((side) => worse === side || worse === 'either')
    .map((side) => `×${Number(tolerance[side].toPrecision(3))} ${side}`);
  const absolute =
    tolerance.absolute === null
      ? []
      : [`or ${Number(tolerance.absolute.toPrecision(3))}${tolerance.per === 'second' ? '/s' : ''}`];
  return [factors.join(', '), ...absolute].join(' ');
}
