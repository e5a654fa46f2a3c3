import { describe, expect, it } from 'vitest';
import { endedBadly, printedNumber, withSeconds } from '../../../src/metrics/commands.ts';
import { seriesIn } from '../../../src/metrics/exposition.ts';
import { bindSpan, bindSpans, hasSpan, numberOf } from '../../../src/metrics/sql-query.ts';

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

  it('asks for many spans at once', () => {
    const spans = [
      { from: 1, to: 2 },
      { from: 2, to: 3 },
    ];
    expect(bindSpans('SELECT {from:ms} - {to:ms}', spans, 'postgres', dollar)).toEqual({
      sql: 'SELECT (SELECT $1 - $2) AS v0, (SELECT $3 - $4) AS v1',
      parameters: [1, 2, 2, 3],
    });
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
    [[{ n: new Date(5) }], { why: expect.stringContaining('no number') }],
    [[{ n: Buffer.from('12') }], { why: expect.stringContaining('no number') }],
    [[{ n: 'Infinity' }], { why: expect.stringContaining('no number') }],
  ])('%j', (rows, expected) => expect(numberOf(rows, 'count')).toEqual(expected));

  it('reads numbers beyond 2^53 too', () => expect(numberOf([{ n: 12n }], 'count')).toEqual({ value: 12 }));

  it('NULL is no number for a level', () => expect(numberOf([{ n: null }], 'gauge')).toEqual({ value: null }));
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

  const ended = (status: number, stderr: string) => ({ status, stdout: '', stderr, signal: null, timedOut: false });
  it.each([
    [ended(1, ''), 'grep ERROR log', /status 1: grep ends so/],
    [ended(2, 'grep: log: no such file'), 'grep ERROR log', /^status 2: grep: log/],
    [ended(1, ''), 'cat log', /^status 1$/],
    [{ ...ended(0, ''), timedOut: true }, 'grep x', /^no end in time$/],
  ])('%j of %s', (finished, script, why) => expect(endedBadly(finished, script)).toMatch(why));

  it.each([
    ['5', 5],
    [' -1.5e3\n', -1500],
  ])('%j is a number', (text, expected) => expect(printedNumber(text)).toBe(expected));
  it.each(['', ' ', 'x', '1 2', 'Infinity', 'NaN'])('%j is none', (text) =>
    expect(() => printedNumber(text)).toThrow(/printed no number, but (nothing|"[^"]+")$/),
  );
});
