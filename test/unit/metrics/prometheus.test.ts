import { describe, expect, it } from 'vitest';
import { AnswerError, atSteps, Growth, oneNumber, parseAnswer } from '../../../src/metrics/prometheus-answer.ts';
import { counterOf, selectors, windowOf } from '../../../src/metrics/promql.ts';

const vector = (...result: unknown[]) => JSON.stringify({ status: 'success', data: { resultType: 'vector', result } });

describe('what Prometheus answers', () => {
  it('one number', () => {
    expect(oneNumber(parseAnswer(200, vector({ metric: {}, value: [1700000000.5, '3.5'] })))).toEqual({
      value: 3.5,
      at: 1700000000500,
    });
  });

  it('a scalar', () => {
    const body = JSON.stringify({ status: 'success', data: { resultType: 'scalar', result: [1, '2'] } });
    expect(oneNumber(parseAnswer(200, body))).toEqual({ value: 2, at: 1000 });
  });

  it.each([
    ['an empty vector', vector(), /no series answers/],
    ['NaN', vector({ metric: {}, value: [1, 'NaN'] }), /NaN/],
    ['infinity', vector({ metric: {}, value: [1, '+Inf'] }), /Infinity/],
  ])('%s is no number', (_, body, why) => {
    expect(oneNumber(parseAnswer(200, body))).toEqual({ why: expect.stringMatching(why) });
  });

  it.each([
    [
      'several series',
      200,
      vector({ metric: { __name__: 'a', b: '1' }, value: [1, '1'] }, { metric: {}, value: [1, '2'] }),
      /2 series \(a\{b="1"\}, \{\}\)/,
    ],
    ['an error with 200', 200, '{"status":"error","error":"bad_data: parse error"}', /parse error/],
    ['an error page', 502, '<html>', /HTTP 502, not JSON/],
    ['null', 200, 'null', /without success/],
    ['a text', 200, '{"status":"success","data":{"resultType":"string","result":[1,"x"]}}', /a text/],
    ['a histogram', 200, vector({ metric: {}, histogram: [1, {}] }), /histogram/],
    ['a number that is no text', 200, vector({ metric: {}, value: [1, 5] }), /unknown form/],
    ['no data', 200, '{"status":"success"}', /unknown form/],
  ])('%s is an error', (_, status, body, why) => {
    expect(() => oneNumber(parseAnswer(status, body))).toThrow(why);
    expect(() => oneNumber(parseAnswer(status, body))).toThrow(AnswerError);
  });

  it('a range at its steps, with its gaps', () => {
    const points: [number, number][] = [
      [1000, 9],
      [2000, 1],
      [4000, Number.NaN],
      [5000, 4],
    ];
    expect(atSteps({ labels: '', points }, 1000, 1000, 4)).toEqual([1, null, null, 4]);
    expect(atSteps(undefined, 0, 1000, 2)).toEqual([null, null]);
  });
});

describe('counters', () => {
  const grown = (...values: Record<string, number>[]) => {
    const growth = new Growth();
    return values.map((value) => growth.next(new Map(Object.entries(value))));
  };

  it.each([
    ['grow', [{ a: 1 }, { a: 4 }, { a: 4 }], [null, 3, 0]],
    ['count from zero after a reset', [{ a: 100 }, { a: 3 }], [null, 3]],
    [
      'add up',
      [
        { a: 1, b: 2 },
        { a: 2, b: 5 },
      ],
      [null, 4],
    ],
    ['appear with their first event', [{ a: 1 }, { a: 1, b: 2 }], [null, 2]],
    ['go on after a gap', [{ a: 10, b: 50 }, { a: 11 }, { a: 12, b: 53 }], [null, 1, 4]],
    ['are silent where nothing answers', [{ a: 1 }, {}, { a: 3 }], [null, null, 2]],
  ])('%s', (_, values, expected) => expect(grown(...(values as Record<string, number>[]))).toEqual(expected));
});

describe('queries', () => {
  it.each([
    ['sum(rate(http_errors_total[1m]))', ['http_errors_total']],
    ['sum by (job) (rate(a{x="b", y=~"c}d"}[5m])) / on (job) group_left sum(b offset 5m)', ['a{x="b", y=~"c}d"}', 'b']],
    ['{__name__="up"} or vector(0)', ['{__name__="up"}']],
    ['histogram_quantile(0.99, sum by (le) (rate(d_bucket[5m])))', ['d_bucket']],
    ['1 + 2e3', []],
    ['a unless b # and c', ['a', 'b']],
    ['label_replace(up, "x", "$1", "y", "z")', ['up']],
    ['job:orders:rate5m > bool 3', ['job:orders:rate5m']],
  ])('%s reads %j', (query, expected) => expect(selectors(query)).toEqual(expected));

  it.each([
    ['sum(rate(http_errors_total[1m]))', { selector: 'http_errors_total', window: 60_000 }],
    ['rate( a{b="c"}[5m] )', { selector: 'a{b="c"}', window: 300_000 }],
    ['increase(a[1h30m])', { selector: 'a', window: 5_400_000 }],
    ['sum(rate(a[1m])) / sum(rate(b[1m]))', null],
    ['sum by (job) (rate(a[1m]))', null],
    ['avg(rate(a[1m]))', null],
    ['rate(a[1m]) * 60', null],
    ['a', null],
    ['rate(sum(a)[1m:])', null],
  ])('%s is the growth of %j', (query, expected) => expect(counterOf(query)).toEqual(expected));

  it.each([
    ['a / b', null],
    ['rate(a[1m]) / rate(b[5m])', 300_000],
    ['avg_over_time(a[2m])', 120_000],
  ])('the window of %s is %j', (query, expected) => expect(windowOf(query)).toBe(expected));
});
