import { describe, expect, it } from 'vitest';
import { type Metric, prepare, type Verdict } from '../../../src/judge/judge.ts';
import { draws, judge, metric, times, type Values, watched } from './series.ts';

const plan = { ticks: 60, alpha: 0.05 };
describe('no harm passes, a known harm fails', () => {
  const d = draws(7);
  const sums = (length: number, pace: number) =>
    times(length, () =>
      times(d.poisson(pace), () => 20 * Math.exp(0.5 * d.normal())).reduce((sum, price) => sum + price, 0),
    );
  const kinds: [string, Partial<Metric>, (length: number, harm: number) => Values][] = [
    ['iid noise', { kind: 'gauge' }, (n, h) => times(n, () => 100 * h + 20 * d.normal())],
    ['memory', { kind: 'gauge' }, (n, h) => d.autoregressive(n, 0.7).map((z) => 100 * h + 10 * z)],
    ['heavy tails', { kind: 'gauge' }, (n, h) => times(n, () => 100 * h * Math.exp(0.6 * d.normal()))],
    [
      'an outlier now and then',
      { kind: 'gauge' },
      (n, h) => times(n, () => 100 * h + 5 * d.normal() + (d.uniform() < 0.02 ? 5000 : 0)),
    ],
    ['whole numbers', { kind: 'gauge' }, (n, h) => times(n, () => Math.round(5 * h + d.normal()))],
    ['ten a tick', { kind: 'count' }, (n, h) => times(n, () => d.poisson(10 * h))],
    ['one a tick', { kind: 'count' }, (n, h) => times(n, () => d.poisson(h))],
    ['bursts', { kind: 'count' }, (n, h) => times(n, () => d.poisson(-5 * h * Math.log(1 - d.uniform())))],
    ['money', { kind: 'money' }, (n, h) => sums(n, 10 * h)],
  ];

  it.each(kinds)('%s', (_, more, series) => {
    const reference = series(720, 1);
    expect(judge(more, reference, series(60, 1))).toMatchObject({ outcome: 'passed', code: 'ok', alarm: null });
    expect(judge(more, reference, series(60, 3))).toMatchObject({
      outcome: 'failed',
      code: 'metric-worse',
      side: 'up',
    });
    expect(judge(more, reference, series(60, 1 / 3))).toMatchObject({ outcome: 'failed', side: 'down' });
    expect(judge(more, reference, series(60, 10)).alarm).toBeLessThanOrEqual(3);
  });

  it('a direction that is no harm raises no alarm', () => {
    const reference = times(720, () => d.poisson(10));
    expect(
      judge(
        { kind: 'count', worse: 'down' },
        reference,
        times(60, () => d.poisson(30)),
      ),
    ).toMatchObject({ outcome: 'passed' });
    expect(
      judge(
        { kind: 'count', worse: 'up' },
        reference,
        times(60, () => d.poisson(3)),
      ),
    ).toMatchObject({ outcome: 'passed' });
  });

  it('says how much is missing, with limits that hold it', () => {
    const verdict = judge(
      { kind: 'count', worse: 'down' },
      times(720, () => d.poisson(10)),
      times(60, () => d.poisson(4)),
      60,
    );
    const lost = verdict.missing!;
    const truth = 6 * verdict.ticks;
    expect(lost.low).toBeLessThan(truth);
    expect(lost.high).toBeGreaterThan(truth);
    expect(lost.low).toBeGreaterThan(0);
  });
});

describe('short watches', () => {
  const d = draws(11);
  it.each([16, 24, 40])('with %d ticks of reference a fall to 30 %% is seen in two seconds', (n) => {
    const price = (pace: number) =>
      times(d.poisson(pace), () => 5 + 20 * d.uniform()).reduce((sum, value) => sum + value, 0);
    const reference = times(n, () => price(15));
    const fallen = judge(
      { kind: 'money', worse: 'down' },
      reference,
      times(16, () => price(4.5)),
    );
    expect(fallen).toMatchObject({ outcome: 'failed', side: 'down' });
    expect(fallen.alarm).toBeLessThanOrEqual(4);
    expect(
      judge(
        { kind: 'money', worse: 'down' },
        reference,
        times(16, () => price(15)),
      ),
    ).toMatchObject({ outcome: 'passed' });
  });
});

describe('what cannot be judged is inconclusive', () => {
  const d = draws(3);
  const calm = times(720, () => 100 + 5 * d.normal());
  const cases: [string, Values, Values, Verdict['code'], RegExp][] = [
    ['nothing to compare with', [], times(60, () => 1), 'metric-unsure', /too little to compare with: 0/],
    ['seven ticks of reference', times(7, () => 1), times(60, () => 1), 'metric-unsure', /7 of at least 8/],
    ['a reference of gaps', times(720, () => null), times(60, () => 1), 'metric-unsure', /too little/],
    ['a silent source', calm, times(60, () => null), 'metric-silent', /no number in 60 of 60 ticks/],
    [
      'NaN and infinities',
      calm,
      times(60, (i) => [Number.NaN, Infinity, -Infinity][i % 3]!),
      'metric-silent',
      /no number in 60/,
    ],
    ['silent in more than half', calm, times(60, (i) => (i % 5 < 3 ? null : 100)), 'metric-silent', /no number in 36/],
    [
      'silent at the end',
      calm,
      times(60, (i) => (i >= 45 ? null : 100 + 5 * d.normal())),
      'metric-silent',
      /no number in 15/,
    ],
    ['no tick at all', calm, [], 'metric-silent', /no number in 0 of 0/],
    ['one tick', calm, [100], 'metric-unsure', /only 1 of 60 ticks were watched/],
  ];

  it.each(cases)('%s', (_, values, watch, code, sentence) => {
    const verdict = judge({}, values, watch, 60);
    expect(verdict).toMatchObject({ outcome: 'inconclusive', code });
    expect(verdict.sentence).toMatch(sentence);
  });

  it('no reference at all', () => {
    const prepared = prepare(metric(), null, plan);
    expect(prepared.refused).toBe('there is nothing to compare with');
    expect(
      watched(
        prepared,
        times(60, () => 1),
      ),
    ).toMatchObject({ outcome: 'inconclusive', code: 'metric-unsure' });
  });

  it('money without a single order before', () => {
    expect(
      judge(
        { kind: 'money' },
        times(720, () => 0),
        times(60, () => 0),
      ).sentence,
    ).toMatch(/nothing to compare with/);
  });

  it('a few missing ticks do not matter', () => {
    expect(
      judge(
        {},
        calm,
        times(60, (i) => (i % 10 === 0 ? null : 100 + 5 * d.normal())),
      ),
    ).toMatchObject({ outcome: 'passed', silent: 6 });
  });
});

describe('comparisons', () => {
  it('new hosts against old ones: shared load is no harm', () => {
    const d = draws(8);
    const load = (t: number) => 1 + 0.8 * Math.sin(t / 100);
    const side = (h: number, from: number, n: number) =>
      times(n, (i) => 100 * h * load(from + i) * Math.exp(0.1 * d.normal()));
    const reference = { step: 5, values: side(1.1, 0, 720), other: side(1, 0, 720) };
    const prepared = prepare(metric(), reference, plan);
    const other = side(1, 720, 60);
    expect(watched(prepared, side(1.1, 720, 60), other)).toMatchObject({ outcome: 'passed' });
    expect(watched(prepared, side(2.2, 720, 60), other)).toMatchObject({ outcome: 'failed', side: 'up' });
  });

  it('counts against those of old hosts that sometimes have none', () => {
    const d = draws(12);
    const prepared = prepare(
      metric({ kind: 'count' }),
      { step: 5, values: times(720, () => d.poisson(2)), other: times(720, () => d.poisson(1)) },
      plan,
    );
    const other = times(60, () => d.poisson(1));
    expect(other).toContain(0);
    expect(
      watched(
        prepared,
        times(60, () => d.poisson(2)),
        other,
      ),
    ).toMatchObject({ outcome: 'passed' });
    expect(
      watched(
        prepared,
        times(60, () => d.poisson(6)),
        other,
      ),
    ).toMatchObject({ outcome: 'failed', side: 'up' });
  });

  it('the same time on earlier days: the shape of the day is no harm', () => {
    const d = draws(9);
    const day = (level: number) => times(780, (i) => level * (1 + i / 780) + 3 * d.normal());
    const today = day(100);
    const values = today.slice(0, 720);
    const earlier = [90, 95, 105, 110, 120].map(day);
    const harmed = today.slice(720).map((value) => 2.2 * value);
    expect(watched(prepare(metric(), { step: 5, values, earlier }, plan), harmed)).toMatchObject({ outcome: 'failed' });
    expect(watched(prepare(metric(), { step: 5, values, earlier }, plan), today.slice(720))).toMatchObject({
      outcome: 'passed',
    });
  });
});

describe('before the watch', () => {
  const d = draws(10);
  const three = times(720, () => d.poisson(0.25));

  it('says what it sees, and sees more in a longer watch', () => {
    const prepared = prepare(metric({ kind: 'count' }), { step: 5, values: three }, plan);
    expect(prepared.visible.up).toBeGreaterThan(1.6);
    expect(prepared.visible.up).toBeLessThan(2.5);
    expect(prepared.visible.down).toBeGreaterThan(0.2);
    expect(prepared.visible.down).toBeLessThan(0.5);
    expect(prepared.visibleAt(360).up).toBeLessThan(prepared.visible.up!);
    expect(prepared.visibleAt(360).down).toBeGreaterThan(prepared.visible.down!);
    expect(prepared.floorTicks).toBeGreaterThan(20);
  });

  it('sees no fall where there is nearly nothing', () => {
    expect(
      prepare(metric({ kind: 'count' }), { step: 5, values: times(720, (i) => (i % 100 === 0 ? 1 : 0)) }, plan).visible
        .down,
    ).toBeNull();
  });

  it('says where the reference is short', () => {
    expect(prepare(metric({ kind: 'count' }), { step: 5, values: three.slice(0, 30) }, plan).notes.join()).toMatch(
      /reference is short: 30 ticks for a watch of 60/,
    );
  });
});

describe('the promise', () => {
  const R = 24;
  /** The promise with a binomial margin of three standard errors. */
  const most = R * 0.05 + 3 * Math.sqrt(R * 0.05 * 0.95);
  const d = draws(2026);
  const cells: [string, Metric['kind'], (n: number, h: number) => Values][] = [
    ['iid', 'gauge', (n, h) => times(n, () => 100 * h + 20 * d.normal())],
    ['memory', 'gauge', (n, h) => d.autoregressive(n, 0.8).map((z) => 100 * h + 20 * z)],
    ['three a minute', 'count', (n, h) => times(n, () => d.poisson(0.25 * h))],
    ['bursts', 'count', (n, h) => times(n, () => d.poisson(-2 * h * Math.log(1 - d.uniform())))],
  ];

  it.each(cells)(
    '%s: few false alarms with a look every tick, and no blessing of a tolerated harm',
    (_, kind, series) => {
      const outcomes = (harm: number) => times(R, () => judge({ kind }, series(240, 1), series(40, harm)));
      expect(outcomes(1).filter(({ alarm }) => alarm !== null).length).toBeLessThanOrEqual(most);
      expect(outcomes(2).filter(({ outcome }) => outcome === 'passed').length).toBeLessThanOrEqual(most);
      expect(outcomes(0.5).filter(({ outcome }) => outcome === 'passed').length).toBeLessThanOrEqual(most);
    },
  );
});
