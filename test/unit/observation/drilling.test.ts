import { describe, expect, it } from 'vitest';
import type { Metric, Plan, Trace } from '../../../src/judge/judge.ts';
import { type Drilled, drilled, drillOn, harmsOf, type Undrilled } from '../../../src/observation/drilling.ts';

const metric = (more: Partial<Metric> = {}): Metric => ({
  name: 'orders',
  kind: 'gauge',
  worse: 'down',
  critical: true,
  tolerate: { up: 2, down: 0.5, absolute: null, per: 'second' },
  limit: null,
  ...more,
});
const row = (more: Partial<Drilled> = {}): Drilled => ({
  metric: 'orders',
  critical: true,
  side: 'down',
  factor: 0.5,
  watches: 50,
  seen: 46,
  after: 60_000,
  unharmed: 1,
  ...more,
});

describe('the harm of a drill', () => {
  it.each([
    ['what is tolerated, on the side that is worse', metric(), '', [{ side: 'down', factor: 0.5 }]],
    [
      'both sides where either is worse',
      metric({ worse: 'either' }),
      'x4',
      [
        { side: 'up', factor: 4 },
        { side: 'down', factor: 0.25 },
      ],
    ],
    ['a share', metric(), '-60%', [{ side: 'down', factor: 0.4 }]],
    ['a share or another', metric({ worse: 'up' }), '+50% or -60%', [{ side: 'up', factor: 1.5 }]],
    [
      'what is tolerated, where a fall says nothing of the side that is worse',
      metric({ worse: 'up', tolerate: { up: 3, down: 0.5, absolute: null, per: 'second' } }),
      '-60%',
      [{ side: 'up', factor: 3 }],
    ],
  ] as const)('is %s', (_, one, harm, expected) => {
    expect(harmsOf(one, harm)).toEqual(expected);
  });

  it.each(['much', '3', '0.5/s', 'x1'])('is no %s', (harm) => {
    expect(() => harmsOf(metric(), harm)).toThrow(expect.objectContaining({ code: 'input-invalid', where: 'harm' }));
  });
});

describe('a drill of one metric', () => {
  // A level of 100 that scatters by one: a fall to a half cannot be missed, a rise by a thousandth can.
  const scatter = (t: number) => 2 * Math.abs((Math.sin(t * 78.233) * 43758.5453) % 1) - 1;
  const wave = (from: number, length: number) => Array.from({ length }, (_, t) => 100 + scatter(from + t));
  const traces: Trace[] = Array.from({ length: 25 }, (_, i) => ({
    reference: { step: 5, values: wave(i * 1000, 120) },
    watch: wave(i * 1000 + 120, 20),
  }));

  const plan: Plan = { ticks: 20, alpha: 0.05 };

  it('fires on a large harm and says when', () => {
    const [one] = drillOn(metric(), { traces, alarms: 2 }, plan, 5000, '')!;
    expect(one).toMatchObject({ metric: 'orders', side: 'down', factor: 0.5, watches: 25, seen: 25, unharmed: 2 });
    expect(one!.after).toBeLessThanOrEqual(15_000);
  });

  it('sleeps through a harm that nobody could see', () => {
    const [one] = drillOn(metric({ worse: 'up' }), { traces, alarms: 0 }, plan, 5000, 'x1.0001')!;
    expect(one).toMatchObject({ side: 'up', seen: 0, after: null });
  });
});

describe('a drill of what is tolerated in absolute terms', () => {
  const counts = (level: number): Trace[] => [
    { reference: { step: 60, values: Array.from({ length: 120 }, () => level) }, watch: [level, level, null, level] },
  ];
  const harm = (level: number, more: Partial<Metric>, absolute: number, per: 'second' | 'watch' = 'second') =>
    drillOn(
      metric({ tolerate: { up: 2, down: 0.5, absolute, per }, ...more }),
      { traces: counts(level), alarms: 0 },
      { ticks: 4, alpha: 0.05 },
      60_000,
      '',
    )?.map(({ factor }) => factor) ?? null;

  it.each<[string, number[] | null, number[] | null]>([
    ['a pace above the factor', harm(2, { kind: 'count', worse: 'up' }, 0.1), [4]],
    ['a pace below the factor', harm(20, { kind: 'count', worse: 'up' }, 0.1), [2]],
    ['so many in the whole watch', harm(2, { kind: 'count', worse: 'up' }, 24, 'watch'), [4]],
    ['a level, in every tick', harm(10, { worse: 'either' }, 8), [2, 0.2]],
    ['more than there is', harm(10, {}, 30), [0]],
    ['nothing at all', harm(0, { kind: 'count', worse: 'up' }, 0.1), null],
  ])('%s', (_, factors, expected) =>
    expect(factors).toEqual(expected?.map((factor) => expect.closeTo(factor)) ?? null),
  );
});

describe('what drills say together', () => {
  const left: Undrilled = { metric: 'users', critical: false, why: 'its source keeps no history' };

  it.each<[string, Drilled[], Undrilled[], string, string, string]>([
    [
      'the guard fires',
      [row()],
      [left],
      'passed',
      'ok',
      'orders ×0.5: fires in 46 of 50 watches, half of them within 60 s; not drilled: users',
    ],
    [
      'a critical metric sleeps',
      [row({ seen: 24 }), row({ metric: 'errors' })],
      [],
      'failed',
      'drill-blind',
      'the guard would have slept: orders ×0.5: fires in 24 of 50 watches, half of them within 60 s; the others: errors ×0.5',
    ],
    [
      'none is critical',
      [row({ critical: false })],
      [left],
      'failed',
      'drill-blind',
      'no metric is critical, so no harm would have ended a watch: orders ×0.5: fires in 46',
    ],
    [
      'one that is not critical sleeps',
      [row(), row({ critical: false, seen: 0, after: null })],
      [],
      'passed',
      'ok',
      'fires in 0 of 50 watches',
    ],
    [
      'a critical metric cannot be drilled',
      [row()],
      [{ ...left, critical: true }],
      'inconclusive',
      'metric-unsure',
      'not drilled: users, its source keeps no history',
    ],
    [
      'a past with nothing in it proves nothing',
      [row({ watches: 0, seen: 0, after: null })],
      [],
      'inconclusive',
      'metric-unsure',
      'no metric could be drilled: orders, no piece of its past holds enough to judge',
    ],
    ['nothing can be drilled', [], [left], 'inconclusive', 'metric-unsure', 'no metric could be drilled: users'],
  ])('%s', (_, rows, without, outcome, code, words) => {
    const drill = drilled(rows, without, { min: 300_000, max: 300_000 });
    expect(drill).toMatchObject({ outcome, code });
    expect(drill.summary).toContain(words);
    expect(drill.next === null).toBe(outcome === 'passed');
  });

  it('are a table, escaped', () => {
    const { markdown } = drilled([row({ metric: 'a|b' })], [{ ...left, why: '<b>' }], { min: 300_000, max: 600_000 });
    expect(markdown).toContain('| a\\|b | yes | ×0.5 | 46 of 50 | 60 s | 1 of 50 |');
    expect(markdown).toContain('users: not drilled, \\<b\\>');
  });
});
