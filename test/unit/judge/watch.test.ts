import { describe, expect, it } from 'vitest';
import { DEFAULT_TOLERANCE, type Limit, type Metric, type Plan, prepare } from '../../../src/judge/judge.ts';
import { draws, metric, times, type Values } from './series.ts';

const plan: Plan = { ticks: 10, alpha: 0.05 };
const limit = (more: Partial<Limit> = {}): Limit => ({ above: 10, below: null, ticks: 2, ...more });

function watched(one: Metric, values: Values | null, watch: Values, given: Plan = plan) {
  const prepared = prepare(one, values && { step: 5, values }, given);
  const run = prepared.begin();
  for (const value of watch) run.look(value);
  return { prepared, run, verdict: run.verdict() };
}

describe('an absolute limit', () => {
  it.each<[string, Limit, Values, number | null, 'up' | 'down' | null]>([
    ['two in a row above', limit(), [1, 11, 12, 1], 3, 'up'],
    ['one alone', limit(), [11, 1, 11, 1], null, null],
    ['at the limit', limit(), [10, 10, 10, 10], null, null],
    ['a tick without a number neither counts nor breaks the row', limit(), [1, 11, null, 12], 4, 'up'],
    ['below', limit({ above: null, below: 1, ticks: 1 }), [2, 0.5, 2, 2], 2, 'down'],
    ['both bounds', limit({ below: 1, ticks: 1 }), [2, 2, 0, 20], 3, 'down'],
    ['a row of none counts as one', limit({ ticks: 0 }), [11], 1, 'up'],
  ])('%s', (_, bound, watch, tick, side) => {
    const { prepared, verdict } = watched(metric({ limit: bound }), null, watch, { ticks: 4, alpha: 0.05 });
    expect(prepared).toMatchObject({ refused: null, limitOnly: true });
    expect(verdict).toMatchObject({ alarm: tick, side, outcome: tick === null ? 'passed' : 'failed' });
  });

  it('alone says so', () => {
    const { prepared, verdict } = watched(
      metric({ limit: limit() }),
      [1, 2],
      times(10, () => 5),
    );
    expect(prepared.notes).toEqual([
      'judged by its limit alone (above 10 for 2 ticks): there is too little to compare with: 2 of at least 8 ticks',
    ]);
    expect(verdict.sentence).toMatch(/judged by its limit alone.*never above 10 for 2 ticks, its limit/);
  });

  it('alone passes nothing that was not watched', () => {
    expect(
      watched(
        metric({ limit: limit() }),
        null,
        times(4, () => 1),
      ).verdict.outcome,
    ).toBe('inconclusive');
    expect(
      watched(
        metric({ limit: limit() }),
        null,
        times(10, () => null),
      ).verdict.code,
    ).toBe('metric-silent');
  });

  it('longer than the watch can never be left: that is refused before', () => {
    const { prepared, verdict } = watched(
      metric({ limit: limit({ ticks: 11 }) }),
      null,
      times(10, () => 20),
    );
    expect(prepared).toMatchObject({
      refused: expect.stringContaining('its limit takes 11 ticks, and the watch has 10'),
      limitOnly: false,
    });
    expect(verdict).toMatchObject({ outcome: 'inconclusive', code: 'metric-unsure' });
    const longer = { ...plan, max: 20 };
    expect(prepare(metric({ limit: limit({ ticks: 11 }) }), null, longer)).toMatchObject({ refused: null });
  });

  it.each<[string, number, Values, RegExp]>([
    ['fewer ticks had a number than it takes', 8, times(10, (i) => (i % 3 === 1 ? null : 1)), /only 7 of the 8 ticks/],
    [
      'it was left at the end for most of the ticks it takes',
      8,
      times(10, (i) => (i < 5 ? 1 : 11)),
      /beyond its limit in the last 5 ticks/,
    ],
  ])('is not known to be kept where %s', (_, ticks, watch, why) => {
    const { verdict } = watched(metric({ limit: limit({ ticks }) }), null, watch);
    expect(verdict).toMatchObject({ outcome: 'inconclusive', code: 'metric-unsure' });
    expect(verdict.sentence).toMatch(why);
  });

  it('counts beside the reference: either raises the alarm, both must pass', () => {
    const d = draws(31);
    const level = (mean: number, n: number) => times(n, () => mean + 0.2 * d.normal());
    const with10 = metric({ limit: limit() });
    expect(watched(with10, level(9, 720), level(9, 10)).verdict.sentence).toMatch(/excluded; never above 10/);
    expect(watched(with10, level(9, 720), level(11, 10)).verdict).toMatchObject({ alarm: 2, side: 'up' });
    expect(watched(with10, level(9, 720), level(4, 10)).verdict).toMatchObject({ outcome: 'failed', side: 'down' });
    expect(watched(with10, level(11, 720), level(11, 10)).verdict.sentence).toMatch(
      /was above 10 for 2 ticks, its limit/,
    );
  });
});

describe('a longer watch where the planned one cannot tell', () => {
  it('may be judged at the planned length, its doublings and the longest', () => {
    const run = prepare(metric(), { step: 5, values: times(60, (i) => i % 7) }, { ...plan, max: 45 }).begin();
    const at = times(50, (i) => {
      run.look(i % 7);
      return run.checkpoint ? i + 1 : null;
    });
    expect(at.filter((tick) => tick !== null)).toEqual([10, 20, 40, 45]);
  });

  it('raises alarms until the longest, not after', () => {
    const d = draws(32);
    const calm = times(720, () => d.poisson(5));
    const late = (from: number) => times(60, (i) => d.poisson(i < from ? 5 : 30));
    const longer = { ...plan, max: 40 };
    expect(watched(metric({ kind: 'count' }), calm, late(25), longer).verdict.alarm).toBeLessThanOrEqual(30);
    expect(watched(metric({ kind: 'count' }), calm, late(25)).verdict.alarm).toBeNull();
    expect(watched(metric({ kind: 'count' }), calm, late(45), longer).verdict.alarm).toBeNull();
  });

  it('costs little of what the planned length sees', () => {
    const d = draws(37);
    const values = times(720, () => 100 + 20 * d.normal());
    const visible = (max: number) => prepare(metric(), { step: 5, values }, { ...plan, ticks: 60, max }).visible.up!;
    expect(visible(240)).toBeGreaterThan(visible(60));
    expect(visible(240) - 1).toBeLessThan(1.15 * (visible(60) - 1));
  });

  it('keeps both promises', () => {
    const d = draws(33);
    const series = (n: number, harm: number) => times(n, () => d.poisson(0.5 * harm));
    const outcomes = (harm: number) =>
      times(30, () => {
        const run = prepare(
          metric({ kind: 'count' }),
          { step: 5, values: series(240, 1) },
          { ...plan, ticks: 20, max: 80 },
        ).begin();
        for (const value of series(80, harm)) {
          if (run.look(value).alarm) return 'alarm';
          if (run.checkpoint && run.verdict().outcome === 'passed') return 'passed';
        }
        return 'open';
      });
    expect(outcomes(1).filter((outcome) => outcome === 'alarm').length).toBeLessThanOrEqual(5);
    expect(outcomes(2).filter((outcome) => outcome === 'passed').length).toBeLessThanOrEqual(5);
    expect(outcomes(0.5).filter((outcome) => outcome === 'passed').length).toBeLessThanOrEqual(5);
  });
});

describe('limits that were widened', () => {
  const d = draws(34);
  it.each<[Metric['kind'], () => number]>([
    ['gauge', () => 100 + 20 * d.normal()],
    ['count', () => d.poisson(20)],
    ['money', () => 7 * d.poisson(20)],
  ])('of a %s see less and exclude less', (kind, value) => {
    const reference = { step: 5, values: times(720, value) };
    const watch = times(10, value);
    const of = (widen: number) => {
      const prepared = prepare(metric({ kind }), reference, { ...plan, widen });
      const run = prepared.begin();
      for (const value of watch) run.look(value);
      const [low, high] = run.verdict().interval!;
      return { visible: prepared.visible.up!, width: high - low };
    };
    expect(of(2).visible - 1).toBeGreaterThan(1.7 * (of(1).visible - 1));
    expect(of(2).width).toBeGreaterThan(1.7 * of(1).width);
  });
});

describe('the alarm of a metric that is not critical', () => {
  it('is withdrawn where the family says so, and nothing passes then; a limit stays', () => {
    const values = times(720, (i) => 100 + (i % 5));
    const { run } = watched(
      metric(),
      values,
      times(10, () => 300),
    );
    expect(run.verdict({ alarm: true })).toMatchObject({ outcome: 'failed' });
    expect(run.verdict({ alarm: false })).toMatchObject({ outcome: 'inconclusive', alarm: null, side: null });
    expect(run.verdict({ alarm: false }).sentence).toMatch(/no larger than chance brings/);
    const limited = watched(
      metric({ limit: limit({ above: 200 }) }),
      values,
      times(10, () => 300),
    ).run;
    expect(limited.verdict({ alarm: false })).toMatchObject({ outcome: 'failed', alarm: 2 });
  });
});

describe('what it is bad at, it says', () => {
  const d = draws(35);
  it('a level that wanders below its noise', () => {
    const slow = d.autoregressive(720, 0.99);
    const { notes } = prepare(
      metric(),
      { step: 5, values: slow.map((z) => 100 + 10 * z + 10 * d.normal()) },
      { ...plan, ticks: 120 },
    );
    expect(notes.join()).toMatch(/wanders more slowly than its own noise/);
  });

  it('few earlier days, or none that can be used', () => {
    const values = times(720, () => 100 + d.normal());
    const day = times(730, () => 90 + d.normal());
    const notes = (earlier: Values[]) => prepare(metric(), { step: 5, values, earlier }, plan).notes.join();
    expect(notes([day, day, day])).toMatch(/only 3 earlier days/);
    expect(notes([day, times(730, () => null)])).toMatch(/fewer than two earlier days/);
    expect(notes([day, day, day, day])).not.toMatch(/earlier days/);
  });

  it('one odd day among the earlier ones does not count', () => {
    const shape = (level: number) => times(780, (i) => level * (1 + i / 780) + 3 * d.normal());
    const odd = times(780, (i) => 100 * (3 - (2 * i) / 780));
    const today = shape(100);
    const reference = { step: 5, values: today.slice(0, 720), earlier: [90, 95, 110, 120].map(shape).concat([odd]) };
    const run = prepare(metric({ tolerate: { ...DEFAULT_TOLERANCE, up: 1.2, down: 0.8 } }), reference, {
      ...plan,
      ticks: 60,
    }).begin();
    for (const value of today.slice(720)) run.look(value);
    expect(run.verdict()).toMatchObject({ outcome: 'passed', effect: expect.closeTo(1, 1) });
  });

  it('counts follow the shape of the day as well', () => {
    const shape = () => times(780, (i) => d.poisson(10 * (1 + i / 780)));
    const reference = { step: 5, values: shape().slice(0, 720), earlier: times(7, shape) };
    const run = prepare(metric({ kind: 'count' }), reference, { ...plan, ticks: 60 }).begin();
    for (const value of shape().slice(720)) run.look(value);
    expect(run.verdict()).toMatchObject({ outcome: 'passed', effect: expect.closeTo(1, 0) });
  });
});

describe('missing ticks', () => {
  it('a fifth of them costs no more than a fifth of what is seen', () => {
    const d = draws(36);
    const fallen = (share: number) =>
      times(30, () => {
        const values = times(240, () => d.poisson(4));
        const watch = times(40, () => (d.uniform() < share ? null : d.poisson(2.6)));
        return watched(metric({ kind: 'count', worse: 'down' }), values, watch, { ticks: 40, alpha: 0.05 }).verdict
          .alarm;
      }).filter((alarm) => alarm !== null).length;
    expect(fallen(0)).toBeGreaterThan(25);
    expect(fallen(0.2)).toBeGreaterThan(20);
  });
});
