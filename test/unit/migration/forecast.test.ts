import { describe, expect, test } from 'vitest';
import type { Applied } from '../../../src/migration/apply.ts';
import {
  factors,
  forecastOf,
  rangeInWords,
  ratioOf,
  refuseLongLocks,
  roundedRange,
} from '../../../src/migration/forecast.ts';
import { Failure } from '../../../src/outcome/outcome.ts';

/** The Failure that a call throws. */
function failureOf(call: () => void): Failure {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(Failure);
    return error as Failure;
  }
  throw new Error('it threw nothing');
}

type Lock = { table: string; mode: string; blocks: 'reads' | 'writes' | 'schema' };
const statement = (line: number, took: number, ...locks: Lock[]) => ({
  line,
  took,
  seen: { locks, rewritten: [], grew: null, logged: null },
});
const step = (file: string, ...statements: Applied['statements']): Applied => ({
  ...{ version: file, name: file, file, retries: 0, statements },
  took: statements.reduce((sum, { took }) => sum + took, 0),
});
const exclusive = (table: string): Lock => ({ table, mode: 'AccessExclusiveLock', blocks: 'reads' });
const share = (table: string): Lock => ({ table, mode: 'ShareLock', blocks: 'writes' });

describe('the factors', () => {
  // From Murphy's formulas in another language, with quantiles by numerical integration of the density.
  test.each([
    ['nothing is known', [], 0.263, 3.795],
    ['one was as rehearsed', [1], 0.441, 2.268],
    ['four were as rehearsed', [1, 1, 1, 1], 0.634, 1.577],
    ['four took twice as long', [2, 2, 2, 2], 0.95, 3.19],
    ['one took long, three did not', [4, 1, 1, 1], 0.526, 3.308],
  ])('%s', (_name, ratios, low, high) => {
    const range = factors(ratios);
    expect(range.low).toBeCloseTo(low, 2);
    expect(range.high).toBeCloseTo(high, 2);
  });

  test('come closer with each delivery that came as forecast, and never below one another', () => {
    const widths = [0, 1, 2, 5, 10, 20].map((n) => {
      const { low, high } = factors(Array(n).fill(1.4));
      expect(low).toBeLessThan(high);
      return high / low;
    });
    expect(widths).toEqual(widths.toSorted((a, b) => b - a));
  });

  test('only the newest twenty count, and nothing that is no ratio', () => {
    expect(factors([...Array(20).fill(1), ...Array(50).fill(9)])).toEqual(factors(Array(20).fill(1)));
    expect(factors([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1])).toEqual(factors([1]));
    expect(Number.isFinite(factors([1e9, 1e-9]).high)).toBe(true);
  });
});

describe('locks', () => {
  const locks = (atomic: boolean, ...statements: Applied['statements']) =>
    forecastOf([step('1.sql', ...statements)], () => atomic, []).locks.map(
      ({ line, table, blocks, rehearsed }) => `${line} ${table} ${blocks} ${rehearsed}`,
    );

  test('of a transaction are held from their statement to its end', () =>
    expect(locks(true, statement(1, 5, exclusive('a')), statement(2, 100), statement(3, 20, share('b')))).toEqual([
      '1 a reads 125',
      '3 b writes 20',
    ]));
  test('outside a transaction end with their statement', () =>
    expect(locks(false, statement(1, 5, exclusive('a')), statement(2, 100), statement(3, 20, share('b')))).toEqual([
      '3 b writes 20',
      '1 a reads 5',
    ]));
  test('a stronger one that comes later is told beside the weaker', () =>
    expect(locks(true, statement(1, 50, share('a')), statement(2, 10, exclusive('a')))).toEqual([
      '1 a writes 60',
      '2 a reads 10',
    ]));
  test('that hold up only changes of the schema are left out', () =>
    expect(locks(true, statement(1, 50, { table: 'a', mode: 'ShareUpdateExclusiveLock', blocks: 'schema' }))).toEqual(
      [],
    ));
  test('within a command nothing is seen: all of its time counts', () => {
    const forecast = forecastOf([{ ...step('apply'), took: 400 }], () => false, []);
    expect(forecast.locks).toMatchObject([{ line: null, blocks: 'reads', rehearsed: 400 }]);
  });
});

describe('max-lock', () => {
  const forecast = forecastOf(
    [step('1.sql', statement(1, 10, share('a'))), step('2.sql', statement(4, 1000, exclusive('orders')))],
    () => true,
    [],
  );

  test('lets pass what stays below it', () => expect(() => refuseLongLocks(forecast, 3796)).not.toThrow());
  test('refuses by the upper end of the forecast, and names statement, table, lock and times', () => {
    const failure = failureOf(() => refuseLongLocks(forecast, 3794));
    expect(failure).toMatchObject({ code: 'migration-unsafe', where: '2.sql:4' });
    expect(failure.what).toBe(
      'reads and writes of orders may be held up for 3.8 s, 3.8 s is allowed (migrate.max-lock)',
    );
    expect(failure.why).toBe('lock AccessExclusiveLock, 1.0 s in the rehearsal, no earlier delivery to calibrate by');
    expect(failure.untouched).toContain('untouched');
    expect(failure.next).toContain('CONCURRENTLY');
  });
  test('names the worst and counts the others', () =>
    expect(failureOf(() => refuseLongLocks(forecast, 5))).toMatchObject({
      where: '2.sql:4',
      why: expect.stringContaining('and 1 more locks'),
    }));
  test('of a command names the command', () => {
    const command = forecastOf([{ ...step('migrate.commands.apply'), took: 400 }], () => false, []);
    expect(failureOf(() => refuseLongLocks(command, 100))).toMatchObject({ where: 'migrate.commands.apply' });
  });
});

test.each([
  [{ low: 1, high: 49 }, 'moments'],
  [{ low: 10, high: 300 }, 'up to 0.3 s'],
  [{ low: 400, high: 5800 }, '0.4 s to 5.8 s'],
  [{ low: 60_000, high: 900_000 }, '60 s to 15 min'],
])('%o in words: %s', (range, words) => expect(rangeInWords(range)).toBe(words));

test('facts pretend no precision', () =>
  expect(roundedRange({ low: 1234, high: 98_765 })).toEqual({ low: 1200, high: 99_000 }));

test.each([
  [49, 5000, null],
  [5000, 49, null],
  [100, 150, 1.5],
  [300, 100, 0.333],
])('the ratio of %i ms rehearsed and %i ms live is %s', (rehearsed, live, ratio) =>
  expect(ratioOf(rehearsed, live)).toBe(ratio),
);
