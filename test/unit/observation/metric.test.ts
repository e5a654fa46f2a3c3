import { describe, expect, it } from 'vitest';
import type { MetricSection } from '../../../src/config/config.ts';
import type { Source } from '../../../src/metrics/metrics.ts';
import { comparisonOf, crossings, judgedMetric, stepOf } from '../../../src/observation/metric.ts';

const section = (more: Partial<MetricSection>) =>
  ({ name: 'm', worse: 'up', critical: true, ...more }) as MetricSection;
const source = (kind: Source['kind'], keepsHistory = true) => ({ kind, keepsHistory }) as Source;

it.each([
  [5000, 0, 5000],
  [5000, 5000, 5000],
  [5000, 15_000, 15_000],
  [5000, 12_000, 15_000],
  [250, 500, 500],
])('a tick of %d ms with new numbers every %d ms is %d ms', (every, cadence, step) =>
  expect(stepOf(every, cadence)).toBe(step),
);

describe('an absolute limit', () => {
  it.each([
    ['a level stands as it is', 'gauge', { above: 0.5 }, { above: 0.5, below: null, ticks: 3 }],
    ['a pace is for one tick', 'count', { below: '3/min', for: '1m' }, { above: null, below: 0.25, ticks: 12 }],
    ['money as well', 'money', { above: '2/s', below: '360/h' }, { above: 10, below: 0.5, ticks: 3 }],
    ['at least one tick', 'gauge', { above: 1, for: '1s' }, { above: 1, below: null, ticks: 1 }],
  ] as const)('%s', (_, kind, limit, expected) => {
    expect(judgedMetric(section({ limit }), source(kind), 5000).limit).toEqual(expected);
  });

  it.each([
    ['a count without a unit', 'count', 3],
    ['a level with one', 'gauge', '3/min'],
  ] as const)('%s is refused', (_, kind, above) => {
    expect(() => judgedMetric(section({ limit: { above } }), source(kind), 5000)).toThrow(
      expect.objectContaining({ code: 'config-invalid' }),
    );
  });

  it('is held against what was before: each crossing counts once', () => {
    const limit = { above: 5, below: null, ticks: 2 };
    expect(crossings(limit, [9, 1, 9, 9, 9, null, 9, 1, 9, null, 9])).toBe(2);
    expect(crossings({ ...limit, above: null, below: 2 }, [1, 3, 1, 3])).toBe(0);
  });
});

it('a source without history cannot be held against earlier days', () => {
  expect(() => judgedMetric(section({ compare: 'days' }), source('gauge', false), 5000)).toThrow(/keeps no history/);
  expect(judgedMetric(section({ compare: 'days' }), source('gauge'), 5000).name).toBe('m');
});

describe('what a metric is held against', () => {
  const sides = { fresh: ['a'], old: ['b'] };
  it.each([
    ['by default hosts, where they are told apart', undefined, true, sides, 'hosts'],
    ['by default the time before', undefined, false, sides, 'before'],
    ['no host runs the old version', 'hosts', true, null, 'before'],
    ['hosts', 'hosts', true, sides, 'hosts'],
    ['before', 'before', true, sides, 'before'],
    ['days', 'days', true, sides, 'days'],
  ] as const)('%s', (_, compare, telling, both, expected) => {
    expect(comparisonOf(section({ compare }), telling, both)).toBe(expected);
  });
});
