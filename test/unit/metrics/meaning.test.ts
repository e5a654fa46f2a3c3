import { describe, expect, it } from 'vitest';
import type { MetricSection } from '../../../src/config/config.ts';
import { clockInWords, clockOffset } from '../../../src/metrics/failures.ts';
import { answeredAt } from '../../../src/metrics/http-answer.ts';
import { meaningInWords, unitOfName, unitOfNames } from '../../../src/metrics/meaning.ts';

describe('units', () => {
  it.each([
    ['http_request_duration_seconds', 's'],
    ['http_request_duration_seconds_sum', 's'],
    ['http_request_duration_seconds_bucket', 's'],
    ['http_request_duration_seconds_count', null],
    ['sent_bytes_total', 'bytes'],
    ['revenue_eur_total', 'EUR'],
    ['latency_ms', 'ms'],
    ['orders_total', null],
    ['constructor', null],
    ['users', null],
    ['', null],
  ])('%s is in %s', (name, unit) => expect(unitOfName(name)).toBe(unit));

  it.each([
    [['d_seconds_sum', 'd_seconds_count'], 's'],
    [['d_seconds_bucket'], 's'],
    [['used_bytes', 'free_bytes'], null],
    [['d_seconds_count'], null],
    [[], null],
  ])('%j together are in %s', (names, unit) => expect(unitOfNames(names)).toBe(unit));

  it.each([
    [{}, 's', ['taken as a gauge: it is a level', 'a rise harms', 'in s, as its name says']],
    [{ kind: 'count', worse: 'down', unit: 'EUR' }, 'EUR', ['a fall harms', 'in EUR']],
    [{ kind: 'count', worse: 'either' }, null, ['a rise and a fall harm']],
  ])('%j is said', (section, unit, expected) => {
    const metric = { worse: 'up', ...section } as MetricSection;
    expect(meaningInWords(metric, { value: 'gauge', from: 'it is a level' }, unit)).toEqual(expected);
  });
});

describe('clocks', () => {
  it.each([
    [1000, 900, 1100, 0],
    [800, 900, 1100, -100],
    [1500, 900, 1100, 400],
  ])('%d in answer to %d to %d is off by %d', (theirs, asked, answered, off) =>
    expect(clockOffset(theirs, asked, answered)).toBe(off),
  );

  it.each([
    [600_000, /^its clock is 10 min ahead of .* it says 2026-01-01T00:10:00Z, here it is 2026-01-01T00:00:00Z$/],
    [-90_000, /90 s behind/],
    [30_000, null],
    [Number.NaN, null],
  ])('%d ms: %s', (off, words) => {
    const now = Date.UTC(2026, 0, 1);
    const said = clockInWords(now + off, now, now);
    if (words === null) expect(said).toBeNull();
    else expect(said).toMatch(words);
  });

  it.each([
    [{ date: 'Thu, 01 Jan 1970 00:01:00 GMT' }, 60_000],
    [{ date: 'Thu, 01 Jan 1970 00:01:00 GMT', age: '30' }, 90_000],
    [{}, Number.NaN],
    [{ date: 'soon' }, Number.NaN],
  ])('%j was answered at %d', (headers, at) => expect(answeredAt(headers)).toBe(at));
});
