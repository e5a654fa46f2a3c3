import { describe, expect, it } from 'vitest';
import { drill, harmed, type Kind, replay, type Trace } from '../../../src/judge/judge.ts';
import { draws, metric, times } from './series.ts';

const plan = { ticks: 20, alpha: 0.05 };
const d = draws(22);

/** Pieces of 120 ticks of reference and 20 of watch; each watch stands a little off, as no model lets expect. */
function traces(count: number, off: number, value = (mean: number) => 100 * mean + 10 * d.normal()): Trace[] {
  return Array.from({ length: count }, () => {
    const level = Math.exp(off * d.normal());
    return {
      reference: { step: 15, values: Array.from({ length: 120 }, () => value(1)) },
      watch: Array.from({ length: 20 }, () => value(level)),
    };
  });
}

describe('replays', () => {
  it('calm traffic leaves the limits as they are', () => {
    const calm = replay(metric(), traces(60, 0), plan);
    expect(calm).toMatchObject({ watches: 60, widen: 1, note: null });
    expect(calm.alarms).toBe(calm.alarmsWidened);
  });

  it('traffic that wanders widens them until the promise holds', () => {
    const wandering = replay(metric(), traces(60, 0.05), plan);
    expect(wandering.alarms).toBeGreaterThan(12);
    expect(wandering.alarmsWidened).toBeLessThanOrEqual(2);
    expect(wandering.widen).toBeGreaterThan(1);
    expect(wandering.widen).toBeLessThan(8);
    expect(wandering.note).toBeNull();
  });

  it('says where no widening is enough', () => {
    const wild = replay(
      metric({ kind: 'count' }),
      traces(40, 3, (mean) => Math.round(5 * mean)),
      plan,
    );
    expect(wild.widen).toBe(8);
    expect(wild.note).toContain('even with limits widened ×8');
  });

  it('few traces prove no calm, but they prove unrest', () => {
    expect(replay(metric(), traces(10, 0), plan)).toMatchObject({ watches: 10, widen: 1, note: /only 10/ });
    expect(replay(metric(), traces(10, 0.3), plan).widen).toBeGreaterThan(1);
    expect(replay(metric(), [], plan)).toMatchObject({ watches: 0, alarms: 0, widen: 1, note: /no unharmed watch/ });
  });

  it('leaves out what could not be judged, and an absolute limit', () => {
    const [silent, short, ...rest] = traces(30, 0);
    const given = [
      { ...silent!, watch: silent!.watch.map(() => null) },
      { ...short!, reference: { step: 15, values: [1, 2, 3] } },
      ...rest,
    ];
    const limit = { above: 1, below: null, ticks: 1 };
    expect(replay(metric({ limit }), given, plan)).toMatchObject({ watches: 28, widen: 1 });
  });
});

describe('a harm done on purpose', () => {
  const mean = (values: readonly (number | null)[]) =>
    values.reduce<number>((sum, value) => sum + value!, 0) / values.length;
  const trace = (values: number[]): Trace => ({ reference: { step: 5, values }, watch: values });

  it.each([
    ['gauge', 3],
    ['gauge', 0.2],
    ['count', 10],
    ['count', 1.5],
    ['count', 0.3],
    ['money', 2],
    ['money', 0.5],
  ] as [Kind, number][])('%s ×%d', (kind, factor) => {
    const sum = (orders: number) =>
      Array.from({ length: orders }, () => 20 + 5 * d.normal()).reduce((a, b) => a + b, 0);
    const value = kind === 'money' ? () => sum(d.poisson(2)) : () => d.poisson(5);
    const unharmed = trace(Array.from({ length: 4000 }, value));
    const { watch, reference } = harmed(metric({ kind }), unharmed, factor, 1000);
    expect(reference).toBe(unharmed.reference);
    expect(watch.slice(0, 1000)).toEqual(unharmed.watch.slice(0, 1000));
    expect(mean(watch.slice(1000)) / mean(unharmed.watch.slice(1000)) / factor).toBeCloseTo(1, 1);
    if (kind === 'count') expect(watch.every((count) => Number.isInteger(count))).toBe(true);
    expect(harmed(metric({ kind }), unharmed, factor, 1000).watch).toEqual(watch);
  });

  it('few events scatter after it as few events do', () => {
    const { watch } = harmed(
      metric({ kind: 'count' }),
      trace(Array.from({ length: 4000 }, () => d.poisson(4))),
      0.5,
      0,
    );
    const level = mean(watch);
    expect(mean(watch.map((count) => (count! - level) ** 2)) / level).toBeCloseTo(1, 1);
  });

  it('many events are harmed as fast', () => {
    const { watch } = harmed(metric({ kind: 'count' }), trace(new Array(50).fill(1e6)), 0.5, 0);
    expect(mean(watch)).toBeCloseTo(5e5, -4);
  });

  it('a huge harm takes no longer', () => {
    const { watch } = harmed(metric({ kind: 'count' }), trace(times(20, () => 5)), 1e9, 0);
    expect(mean(watch)).toBeCloseTo(5e9, -4);
  });

  it('a window follows as fast as it forgets, and a gap stays one', () => {
    const given = { reference: { step: 15, values: [], window: 60 }, watch: [4, 4, null, 4, 4, 4] };
    expect(harmed(metric({ kind: 'window' }), given, 2, 1).watch).toEqual([4, 5, null, 7, 8, 8]);
  });

  it('of nothing stays nothing', () => {
    expect(harmed(metric({ kind: 'count' }), trace([0, 0]), 10, 0).watch).toEqual([0, 0]);
  });

  it('is seen by a guard that can, with its side and its tick', () => {
    expect(drill(metric(), traces(15, 0), plan, 2)).toMatchObject({ watches: 15, seen: 15, side: 'up' });
    expect(drill(metric(), traces(15, 0), plan, 10).ticks).toBeLessThanOrEqual(3);
    expect(drill(metric({ worse: 'up' }), traces(15, 0), plan, 0.5)).toEqual({
      watches: 15,
      seen: 0,
      ticks: null,
      side: 'down',
    });
  });
});
