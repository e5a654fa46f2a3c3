import { describe, expect, it } from 'vitest';
import { seeded } from '../../../src/judge/seeded.ts';
import type { Past } from '../../../src/metrics/metrics.ts';
import { type Asked, againstOf, referenceTicks } from '../../../src/observation/reference.ts';
import {
  type Piece,
  pieceEnds,
  replayed,
  replaysInWords,
  sinceBeginning,
  tracesOf,
} from '../../../src/observation/replaying.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const asked = (kind: Asked['kind'], compare?: 'before' | 'hosts' | 'days'): Asked =>
  ({ kind, window: null, metric: { compare } }) as Asked;
const past = (host: string | null, values: (number | null)[]): Past => ({ host, values });
const shape = { step: 1000, reference: 4, watch: 2 };

describe('what is held against what', () => {
  const sides = { fresh: ['a'], old: ['b', 'c'] };
  const hosts = [past('a', [1, 2]), past('b', [10, 20]), past('c', [100, 200])];

  it.each([
    ['all hosts, where one version runs', undefined, null, hosts, 'before', [111, 222], undefined],
    ['new against old hosts', undefined, sides, hosts, 'hosts', [1, 2], [110, 220]],
    ['the new hosts against themselves', 'before', sides, hosts, 'before', [1, 2], undefined],
    ['the whole, where hosts are not told apart', undefined, sides, [past(null, [5, 6])], 'before', [5, 6], undefined],
  ] as const)('%s', (_, compare, both, pasts, how, values, other) => {
    const against = againstOf(asked('gauge', compare), pasts, 1000, both);
    expect(against.how).toBe(how);
    expect([against.reference!.values, against.reference!.other]).toEqual([values, other]);
  });

  it('says where hosts cannot be compared, and who is left out', () => {
    expect(againstOf(asked('gauge', 'hosts'), [past(null, [1])], 1000, sides).notes[0]).toContain(
      'not tell the hosts apart',
    );
    expect(againstOf(asked('gauge', 'hosts'), hosts, 1000, null).notes[0]).toContain('no host runs the old version');
    const ended = [past('a', [1, 1, 1, 1]), past('b', [9, null, null, null])];
    const against = againstOf(asked('gauge'), ended, 1000, null);
    expect(against.reference!.values).toEqual([1, 1, 1, 1]);
    expect(against.notes[0]).toContain('b gave no number any more');
  });

  it('says from when on a source that began lately counts', () => {
    const { notes, reference } = againstOf(asked('count'), [past(null, [0, 0, 0, 3, 4, 5])], 60_000, null);
    expect(reference!.values).toEqual([null, null, null, 3, 4, 5]);
    expect(notes).toEqual(['taken to have begun 3 min before: the zeroes before that are left out']);
    expect(againstOf(asked('count'), [past(null, [0, 3, 0, 4])], 60_000, null).notes).toEqual([]);
  });

  it('nothing recorded is no reference', () => {
    expect(againstOf(asked('gauge'), [], 1000, null).reference).toBeNull();
  });

  it.each([
    [{ reach: HOUR, step: 5000, ticks: 60 }, 720],
    [{ reach: 10_000, step: 5000, ticks: 60 }, 2],
    [{ reach: DAY, step: 5000, ticks: 720 }, 4320],
  ])('the reference of %o has %d ticks', (window, ticks) => expect(referenceTicks(window)).toBe(ticks));
});

describe('pieces of the past', () => {
  const now = 100 * DAY;
  const ends = (back: number, disturbed: { from: number; to: number }[] = []) =>
    pieceEnds({ step: 5000, reference: 720, watch: 60 }, { now, back, disturbed });

  it('lie at seven clock times a day, this very one first', () => {
    const all = ends(14 * DAY);
    expect(all.slice(0, 14)).toEqual(Array.from({ length: 14 }, (_, i) => now - (i + 1) * DAY));
    expect(all).toHaveLength(98);
    expect(new Set(all.map((end) => Math.round((now - end) / (DAY / 7)) % 7)).size).toBe(7);
    expect(Math.min(...all)).toBeGreaterThanOrEqual(now - 15 * DAY);
  });

  it('reach neither over now nor over what was disturbed', () => {
    const free = ends(2 * DAY, [{ from: now - DAY - HOUR / 2, to: now - DAY - HOUR / 3 }]);
    expect(free).not.toContain(now - DAY);
    expect(free).toContain(now - 2 * DAY);
    expect(ends(2 * DAY, [{ from: now - DAY + 300_000, to: now - DAY + HOUR }])).toContain(now - DAY);
    expect(ends(0)).toEqual([]);
    expect(pieceEnds({ step: HOUR, reference: 1, watch: 5 }, { now, back: DAY, disturbed: [] })).not.toContain(
      now - Math.round(DAY / 7),
    );
  });

  it('are cut to the watch, and read as the watch itself is', () => {
    const piece: Piece = { end: now, pasts: [past('a', [1, 2, 3, 4, 5, 6]), past('b', [10, 20, 30, 40, 50, 60])] };
    expect(tracesOf(asked('gauge'), [piece], shape, { reference: 2, watch: 1 }, null)).toEqual([
      { reference: { step: 1, values: [33, 44] }, watch: [55] },
    ]);
    const sides = { fresh: ['a'], old: ['b'] };
    expect(tracesOf(asked('gauge'), [piece], shape, shape, sides)).toEqual([
      { reference: { step: 1, values: [1, 2, 3, 4], other: [10, 20, 30, 40] }, watch: [5, 6], other: [50, 60] },
    ]);
  });

  it('leave out a host that ended in them: its end is no fall', () => {
    const longer = { step: 1000, reference: 4, watch: 4 };
    const piece: Piece = {
      end: now,
      pasts: [past('a', [1, 1, 1, 1, 1, 1, 1, 1]), past('b', [9, 9, 9, 9, 9, null, null, null])],
    };
    expect(tracesOf(asked('gauge'), [piece], longer, longer, null)).toEqual([
      { reference: { step: 1, values: [1, 1, 1, 1] }, watch: [1, 1, 1, 1] },
    ]);
  });

  it('have their own days before, or are left out', () => {
    const pieces = [0, 1, 2, 3].map((day) => ({ end: now - day * DAY, pasts: [past(null, [day, 1, 1, 1, 1, 1])] }));
    const traces = tracesOf(asked('gauge', 'days'), pieces, shape, shape, null);
    expect(traces.map(({ reference }) => reference.earlier!.map((row) => row[0]))).toEqual([
      [1, 2, 3],
      [2, 3],
    ]);
  });

  it('say how wide the limits must be', async () => {
    const metric = {
      name: 'm',
      kind: 'gauge' as const,
      worse: 'up' as const,
      critical: true,
      tolerate: { up: 2, down: 0.5, absolute: null, per: 'second' as const },
      limit: null,
    };
    const random = seeded(5);
    const calm = (length: number, level = 100) => Array.from({ length }, () => level + 10 * (random() + random()));
    const traces = Array.from({ length: 40 }, () => ({ reference: { step: 5, values: calm(120) }, watch: calm(20) }));
    const plan = { ticks: 20, alpha: 0.05 };
    const { signal } = new AbortController();
    const said = async (all: typeof traces) => replaysInWords(await replayed(metric, all, plan, signal), 14 * DAY);
    expect(await said(traces)).toEqual({
      found: '0 of 40 replayed watches of the last 14 days would have alarmed',
      note: null,
    });
    const wild = traces.map((trace, i) =>
      i < 10 ? { ...trace, watch: trace.watch.map((value) => value + 30) } : trace,
    );
    expect((await said(wild)).found).toMatch(
      /^limits widened ×[\d.]+: \d+ of 40 replayed watches of the last 14 days would have alarmed/,
    );
    expect(await said([])).toEqual({ found: null, note: expect.stringContaining('no unharmed watch') });
    await expect(replayed(metric, traces, plan, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });

  it.each([
    ['zeroes from before its beginning are no unharmed traffic', 'count', [5, 4, 6, 5], [2, 3]],
    ['a rare event may not have come for days', 'count', [0, 0, 0, 1], [0, 1, 2, 3]],
    ['a level of zero is one', 'gauge', [5, 4, 6, 5], [0, 1, 2, 3]],
  ] as const)('%s', (_, kind, busy, kept) => {
    const pieces = [3, 2, 1, 0].map((day, i) => ({
      end: now - day * DAY,
      pasts: [past(null, i < 2 ? [0, 0, 0, 0] : [...busy])],
    }));
    expect(sinceBeginning(asked(kind), pieces, [4, 5, 0, 4])).toEqual(kept.map((i) => pieces[i]));
  });
});
