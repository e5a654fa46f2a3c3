import { describe, expect, it } from 'vitest';
import { DEFAULT_TOLERANCE, type Metric, prepare } from '../../../src/judge/judge.ts';
import { draws, judge, metric, times, type Values, watched } from './series.ts';

const plan = { ticks: 60, alpha: 0.05 };

describe('zeroes and constant series', () => {
  it('a constant gauge that stays passes, one that moves fails', () => {
    expect(
      judge(
        {},
        times(720, () => 5),
        times(60, () => 5),
      ),
    ).toMatchObject({ outcome: 'passed', effect: expect.closeTo(1) });
    expect(
      judge(
        {},
        times(720, () => 5),
        times(60, () => 6),
      ),
    ).toMatchObject({ outcome: 'failed', side: 'up' });
  });

  it('one other value in a constant series is no alarm', () => {
    expect(
      judge(
        {},
        times(720, () => 5),
        times(60, (i) => (i === 30 ? 500 : 5)),
      ),
    ).toMatchObject({ outcome: 'passed' });
  });

  it('without any error before, no factor can be excluded, an absolute can', () => {
    const none = times(720, () => 0);
    expect(
      judge(
        { kind: 'count', worse: 'up' },
        none,
        times(60, () => 0),
      ),
    ).toMatchObject({ outcome: 'inconclusive', code: 'metric-unsure' });
    const absolute = { ...DEFAULT_TOLERANCE, absolute: 0.5, per: 'second' as const };
    expect(
      judge(
        { kind: 'count', worse: 'up', tolerate: absolute },
        none,
        times(60, () => 0),
      ),
    ).toMatchObject({ outcome: 'passed' });
    expect(
      judge(
        { kind: 'gauge', worse: 'up', tolerate: absolute },
        none,
        times(60, () => 0),
      ),
    ).toMatchObject({ outcome: 'passed' });
  });

  it('errors out of nothing raise an alarm', () => {
    expect(
      judge(
        { kind: 'count', worse: 'up' },
        times(720, () => 0),
        times(60, () => 1),
      ).alarm,
    ).toBeLessThanOrEqual(3);
    expect(
      judge(
        { kind: 'gauge', worse: 'up' },
        times(720, () => 0),
        times(60, () => 0.1),
      ).alarm,
    ).toBeLessThanOrEqual(3);
  });

  it('a level that is mostly nothing is not blessed when it doubles', () => {
    const d = draws(5);
    const spikes = (n: number, h: number) => times(n, () => (d.uniform() < 0.9 ? 0 : -h * Math.log(1 - d.uniform())));
    const reference = spikes(720, 1);
    const blessed = times(20, () => judge({ worse: 'up' }, reference, spikes(60, 2))).filter(
      ({ outcome }) => outcome === 'passed',
    );
    expect(blessed.length).toBeLessThanOrEqual(3);
  });

  it('orders that stop are seen', () => {
    const d = draws(6);
    expect(
      judge(
        { kind: 'count', worse: 'down' },
        times(720, () => d.poisson(1)),
        times(60, () => 0),
      ).alarm,
    ).toBeLessThanOrEqual(8);
  });

  it('a constant level that moves by less than a thousandth has not moved', () => {
    const moved = (by: number) =>
      judge(
        {},
        times(720, () => 5e7),
        times(60, () => 5e7 + by),
      );
    expect(moved(8192)).toMatchObject({ outcome: 'passed' });
    expect(moved(1e5)).toMatchObject({ outcome: 'failed', side: 'up' });
  });

  it('from nothing there is no fall: an absolute tolerance passes in both directions', () => {
    const tolerate = { ...DEFAULT_TOLERANCE, absolute: 1 };
    const none = times(720, () => 0);
    const calm = times(60, () => 0);
    expect(judge({ kind: 'count', tolerate }, none, calm)).toMatchObject({ outcome: 'passed' });
    expect(judge({ kind: 'count' }, none, calm)).toMatchObject({ outcome: 'inconclusive' });
  });

  it('a small absolute tolerance is not excluded by a watch in which nothing was to be expected', () => {
    const seldom = times(720, (i) => (i % 80 === 40 ? 1 : 0));
    const tolerate = { ...DEFAULT_TOLERANCE, absolute: 0.005 };
    const judged = (ticks: number) =>
      judge(
        { worse: 'up', tolerate },
        seldom,
        times(ticks, () => 0),
      );
    expect(judged(60)).toMatchObject({ outcome: 'inconclusive' });
    expect(judged(240)).toMatchObject({ outcome: 'passed' });
  });

  it('old hosts that had none are no measure: the time before is', () => {
    const none = times(720, () => 0);
    const tolerate = { ...DEFAULT_TOLERANCE, absolute: 1 };
    const one = metric({ kind: 'count', worse: 'up', tolerate });
    const prepared = prepare(one, { step: 5, values: none, other: none }, plan);
    expect(prepared.notes.join()).toMatch(/old hosts had none of it/);
    const calm = times(60, () => 0);
    expect(watched(prepared, calm, calm)).toMatchObject({ outcome: 'passed' });
    const errors = times(60, () => 1);
    expect(watched(prepared, errors, calm)).toMatchObject({ outcome: 'failed', side: 'up' });
  });
});

describe('numbers of any size', () => {
  const d = draws(41);
  it.each([1e5, 1e9, 1e12])('%d events a tick', (pace) => {
    const events = (n: number, harm: number) =>
      times(n, () => Math.round(pace * harm + Math.sqrt(pace * harm) * d.normal()));
    const reference = events(720, 1);
    expect(judge({ kind: 'count' }, reference, events(60, 1))).toMatchObject({ outcome: 'passed' });
    expect(judge({ kind: 'count' }, reference, events(60, 2))).toMatchObject({ outcome: 'failed', alarm: 1 });
    expect(
      judge(
        { kind: 'count' },
        times(720, () => pace),
        times(60, () => pace),
      ),
    ).toMatchObject({ outcome: 'passed' });
  });

  it('a heavy tail has the same effect and interval in any unit', () => {
    const values = times(720, () => Math.exp(d.normal()));
    const watch = times(60, () => 1.2 * Math.exp(d.normal()));
    const [plain, large] = [1, 1e9].map((unit) =>
      judge(
        {},
        values.map((value) => unit * value),
        watch.map((value) => unit * value),
      ),
    );
    expect(large!.effect! / plain!.effect!).toBeCloseTo(1, 3);
    for (const i of [0, 1]) expect(large!.interval![i]! / plain!.interval![i]!).toBeCloseTo(1, 3);
  });

  it('hosts that never differ see the smallest change, however large their level', () => {
    const values = times(720, () => 1e9);
    const { visible } = prepare(metric(), { step: 5, values, other: values }, plan);
    expect(visible.up).toBeCloseTo(1, 2);
    expect(visible.down).toBeCloseTo(1, 2);
  });

  it('more money back than came in is a fall, to no more than little', () => {
    const verdict = judge(
      { kind: 'money' },
      times(720, () => 10 + 3 * d.normal()),
      times(60, () => -10),
    );
    expect(verdict).toMatchObject({ outcome: 'failed', side: 'down' });
    expect(verdict.interval![1]).toBeLessThan(1);
  });
});

describe('a busy pace that wanders', () => {
  const d = draws(42);
  /** Thousands of events a tick, whose pace has far more memory than a number can hold the likelihood of. */
  const events = (n: number, memory: number) =>
    d.autoregressive(n, memory).map((z) => Math.round(2000 * Math.exp(0.3 * z)));

  it.each([
    [720, 0.97],
    [1440, 0.9],
  ])('%d ticks with memory %d: limits are widened, and calm is calm', (n, memory) => {
    const alarms = times(10, () => {
      const all: Values = events(n + 60, memory);
      const prepared = prepare(metric({ kind: 'count' }), { step: 5, values: all.slice(0, n) }, plan);
      expect(prepared.notes.join()).toMatch(/comes in bursts: limits widened/);
      return watched(prepared, all.slice(n)).alarm;
    });
    expect(alarms.filter((alarm) => alarm !== null).length).toBeLessThanOrEqual(2);
  });
});

describe('too few numbers', () => {
  const NUMBERS: [string, Partial<Metric>, Values, Values | undefined][] = [
    ['a reference of NaN and infinities', { kind: 'count' }, times(720, (i) => (i < 7 ? 3 : Number.NaN)), undefined],
    ['ticks that both sides have', { kind: 'count' }, times(720, () => 3), times(720, (i) => (i < 7 ? 3 : null))],
  ];

  it.each(NUMBERS)('%s', (_, more, values, other) => {
    const { refused } = prepare(metric(more), { step: 5, values, other }, plan);
    expect(refused).toMatch(/too little to compare with: 7 of at least 8/);
  });
});
