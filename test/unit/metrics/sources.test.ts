import { describe, expect, it } from 'vitest';
import { countLines, printedNumber, withSeconds } from '../../../src/metrics/commands.ts';
import { seriesIn } from '../../../src/metrics/exposition.ts';
import { atPath, parsePath } from '../../../src/metrics/json-path.ts';
import { bindSpan, hasSpan, numberOf } from '../../../src/metrics/sql.ts';

describe('SQL', () => {
  const span = { from: Date.UTC(2026, 0, 2, 3, 4, 5, 678), to: Date.UTC(2026, 0, 2, 3, 5) };
  const dollar = (position: number) => `$${position}`;

  it('binds times, never text', () => {
    expect(bindSpan('SELECT 1 WHERE a >= {from} AND a < {to};\n', span, 'postgres', dollar)).toEqual({
      sql: 'SELECT 1 WHERE a >= $1 AND a < $2',
      parameters: ['2026-01-02T03:04:05.678Z', '2026-01-02T03:05:00.000Z'],
    });
    expect(bindSpan('{to} {from:s} {from:ms}', span, 'mysql', () => '?')).toEqual({
      sql: '? ? ?',
      parameters: ['2026-01-02 03:05:00.000', span.from / 1000, span.from],
    });
    expect(bindSpan('{from} {from}', span, 'postgres', dollar, 5).sql).toBe('$5 $6');
  });

  it.each([
    ['a {from} b {to}', true],
    ['{from:ms} {to:s}', true],
    ['{from}', false],
    ['{ from } {to}', false],
  ])('%s asks for a span: %s', (query, expected) => expect(hasSpan(query)).toBe(expected));

  it.each([
    [[{ n: 3 }], { value: 3 }],
    [[{ n: '12.50' }], { value: 12.5 }],
    [[{ n: null }], { value: 0 }],
    [[], { why: expect.stringContaining('0 rows') }],
    [[{ n: 1 }, { n: 2 }], { why: expect.stringContaining('2 rows') }],
    [[{ n: 1, m: 2 }], { why: expect.stringContaining('2 columns') }],
    [[{ n: 'many' }], { why: expect.stringContaining('no number') }],
    [[{ n: '' }], { why: expect.stringContaining('no number') }],
    [[{ n: true }], { why: expect.stringContaining('no number') }],
  ])('%j', (rows, expected) => expect(numberOf(rows, 'count')).toEqual(expected));

  it('reads numbers beyond 2^53 too', () => expect(numberOf([{ n: 12n }], 'count')).toEqual({ value: 12 }));

  it('NULL is no number for a level', () => expect(numberOf([{ n: null }], 'gauge')).toEqual({ value: null }));
});

describe('JSON paths', () => {
  const value = { users: 3, pools: [{ 'a b': 4 }], none: null };
  it.each([
    ['$.users', 3],
    ['$.pools[0]["a b"]', 4],
    ["$.pools[0]['a b']", 4],
    ['$.pools[1]', undefined],
    ['$.users.x', undefined],
    ['$.none.x', undefined],
    ['$.constructor', undefined],
    ['$', value],
  ])('%s', (path, expected) => expect(atPath(value, parsePath(path)!)).toEqual(expected));

  it.each(['users', '$..users', '$.a[', '$.a[*]', '$.', '$.a b'])('%s is none', (path) =>
    expect(parsePath(path)).toBeNull(),
  );
});

describe('the Prometheus text form', () => {
  const text = '# TYPE a counter\na{x="1",y="}"} 2 1700000000000\na{x="2"} 3e1\nab 5\nn NaN\na 7\n';
  it.each([
    ['a', [2, 30, 7]],
    ['a{x="2"}', [30]],
    ['a{y="}"}', [2]],
    ['ab', [5]],
    ['n', [Number.NaN]],
    ['b', []],
    ['not a series', []],
  ])('%s', (wanted, expected) => expect(seriesIn(text, wanted)).toEqual(expected));
});

describe('commands', () => {
  it('fill in the seconds', () => {
    expect(withSeconds('tail {seconds} {seconds}', { from: 0, to: 5000 })).toBe('tail 5 5');
    expect(withSeconds('{seconds}', { from: 0, to: 250 })).toBe('0.25');
  });

  it('count lines', () => expect(countLines('a\nERROR b\n\nERROR c', /ERROR/)).toBe(2));

  it.each([
    ['5', 5],
    [' -1.5e3\n', -1500],
  ])('%j is a number', (text, expected) => expect(printedNumber(text)).toBe(expected));
  it.each(['', ' ', 'x', '1 2', 'Infinity', 'NaN'])('%j is none', (text) =>
    expect(() => printedNumber(text)).toThrow('no number'),
  );
});
