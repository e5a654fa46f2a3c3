import { describe, expect, it } from 'vitest';
import { shapeOf, tickFor } from '../../../src/load/shape.ts';

const shape = (options: object, args: string[] = []) => shapeOf(JSON.stringify(options), args);
const scenario = (executor: string, more: object) => ({ scenarios: { a: { executor, ...more } } });

describe('the length of a run', () => {
  it.each<[object, number | null]>([
    [{}, null],
    [{ vus: 3, duration: '1m30s', iterations: null }, 90_000],
    [{ duration: '10s', iterations: 4 }, null],
    [{ stages: [{ duration: '10s' }, { duration: '1m0s' }] }, 70_000],
    [scenario('constant-arrival-rate', { duration: '10s', startTime: '5s' }), 15_000],
    [scenario('ramping-vus', { stages: [{ duration: '2s' }, { duration: '3s' }] }), 5000],
    [scenario('per-vu-iterations', { maxDuration: '10s' }), null],
    [
      {
        scenarios: {
          a: { executor: 'constant-vus', duration: '10s' },
          b: { executor: 'constant-vus', duration: '20s' },
        },
      },
      20_000,
    ],
    [{ scenarios: { a: { executor: 'constant-vus', duration: '10s' }, b: { executor: 'shared-iterations' } } }, null],
  ])('%j', (options, length) => expect(shape(options).length).toBe(length));

  it.each<[string[], number | null]>([
    [['--duration', '20s'], 20_000],
    [['--duration=20s', '-d30s'], 30_000],
    [['-d', '500'], 500],
    [['-s', '10s:5', '--stage=20s:5'], 30_000],
    [['--stage', '10s:5,5s:0'], 15_000],
    [['-i', '5', '-d', '20s'], null],
    [['--vus', '3', '--summary-trend-stats=avg'], 1000],
  ])('the arguments %j change it', (args, length) => expect(shape({ duration: '1s' }, args).length).toBe(length));
});

describe('the model of a load', () => {
  it.each<[object, string[], boolean]>([
    [{ duration: '1s' }, [], true],
    [scenario('constant-arrival-rate', { duration: '1s' }), [], false],
    [scenario('ramping-arrival-rate', { stages: [] }), [], false],
    [scenario('externally-controlled', { duration: '1s' }), [], true],
    [scenario('constant-arrival-rate', { duration: '1s' }), ['-d', '2s'], true],
  ])('%j with %j is closed: %j', (options, args, closed) => expect(shape(options, args).closed).toBe(closed));
});

it('counts thresholds', () => {
  expect(
    shape({ thresholds: { a: ['p(95)<5', { threshold: 'avg<3', abortOnFail: true }], b: ['rate<1'] } }).thresholds,
  ).toBe(3);
  expect(shape({ thresholds: null }).thresholds).toBe(0);
});

it.each([
  [null, 1],
  [1000, 0.1],
  [6000, 0.1],
  [10_000, 0.2],
  [30_000, 0.5],
  [60_000, 1],
  [600_000, 10],
  [86_400_000, 300],
])('a run of %j ms has ticks of %j s', (length, tick) => expect(tickFor(length)).toBe(tick));
