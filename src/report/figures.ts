/** Numbers, times and outcomes as people read them. Pure. */
import type { Outcome } from '../outcome/outcome.ts';

/** At most four telling digits: 0.01234, 1,235, 12.3. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return Number(value.toPrecision(4)).toLocaleString('en-US', { maximumFractionDigits: 6 });
}

/** `10:28:03`, UTC. A time that is none comes back as it is. */
export function clock(time: number | string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString().slice(11, 19);
}

/** `2026-11-21 10:28:03 UTC`. */
export function moment(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? time : `${date.toISOString().slice(0, 10)} ${clock(time)} UTC`;
}

/** How an outcome looks: a class for its colour, and a sign, since colour alone tells some readers nothing. */
export const LOOKS: Record<Outcome | 'none', { tone: string; sign: string; word: string }> = {
  passed: { tone: 'good', sign: '✓', word: 'passed' },
  failed: { tone: 'bad', sign: '✕', word: 'failed' },
  inconclusive: { tone: 'unsure', sign: '?', word: 'inconclusive' },
  skipped: { tone: 'quiet', sign: '–', word: 'skipped' },
  waiting: { tone: 'unsure', sign: '…', word: 'waiting' },
  none: { tone: 'quiet', sign: '', word: 'not reached' },
};

/** Three to five round numbers that span the values. */
export function ticks(low: number, high: number): number[] {
  const raw = (high - low || Math.abs(high) || 1) / 3;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw)!;
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  return Array.from({ length: Math.max(last - first, 1) + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}
