import { describe, expect, it } from 'vitest';
import type { MetricSection } from '../../../src/config/config.ts';
import { Growth, growthAlong } from '../../../src/metrics/growth.ts';
import { hostOfLabel } from '../../../src/metrics/host-names.ts';
import { wantedCounter } from '../../../src/metrics/prometheus.ts';
import {
  AnswerError,
  atSteps,
  labelsInWords,
  parseAnswer,
  severalSeries,
} from '../../../src/metrics/prometheus-answer.ts';
import { counterOf, selectors, takenApart, windowOf } from '../../../src/metrics/promql.ts';

const vector = (...result: unknown[]) => JSON.stringify({ status: 'success', data: { resultType: 'vector', result } });

describe('what Prometheus answers', () => {
  it('numbers of series, by their labels', () => {
    const body = vector(
      { metric: { b: '1', a: '2' }, value: [1700000000.5, '3.5'] },
      { metric: {}, value: [1, '+Inf'] },
    );
    expect(parseAnswer(200, body)).toEqual([
      { labels: { b: '1', a: '2' }, points: [[1700000000500, 3.5]] },
      { labels: {}, points: [[1000, Infinity]] },
    ]);
    expect(labelsInWords({ b: '1', a: '2', __name__: 'n' })).toBe('n{a="2",b="1"}');
  });

  it('a scalar', () => {
    const body = JSON.stringify({ status: 'success', data: { resultType: 'scalar', result: [1, '2'] } });
    expect(parseAnswer(200, body)).toEqual([{ labels: {}, points: [[1000, 2]] }]);
  });

  it('several series are told apart by the labels in which they differ', () => {
    const series = ['a', 'b', 'c', 'd'].map((host) => ({ labels: { __name__: 'up', job: 'x', host }, points: [] }));
    expect(severalSeries(series, ' for web1')).toMatch(
      /^the query gives 4 series for web1 \(up\{host="a",job="x"\}, .*, …\) .*; they differ in host$/,
    );
  });

  it.each([
    ['an error with 200', 200, '{"status":"error","error":"bad_data: parse error"}', /parse error/],
    ['an error page', 502, '<html>', /HTTP 502, an HTML page/],
    ['a text page', 200, 'hello', /HTTP 200, not JSON/],
    ['half an answer', 200, '{"status":"success","warnings":["store 2 is away"]}', /not whole: store 2/],
    ['null', 200, 'null', /without success/],
    ['a text', 200, '{"status":"success","data":{"resultType":"string","result":[1,"x"]}}', /a text/],
    ['a histogram', 200, vector({ metric: {}, histogram: [1, {}] }), /histogram/],
    ['a number that is no text', 200, vector({ metric: {}, value: [1, 5] }), /unknown form/],
    ['no data', 200, '{"status":"success"}', /unknown form/],
  ])('%s is an error', (_, status, body, why) => {
    expect(() => parseAnswer(status, body)).toThrow(why);
    expect(() => parseAnswer(status, body)).toThrow(AnswerError);
  });

  it('a range at its steps, with its gaps', () => {
    const points: [number, number][] = [
      [1000, 9],
      [2000, 1],
      [4000, Number.NaN],
      [5000, 4],
    ];
    expect(atSteps({ labels: {}, points }, 1000, 1000, 4)).toEqual([9, 1, null, null, 4]);
    expect(atSteps(undefined, 0, 1000, 2)).toEqual([null, null, null]);
  });
});

describe('counters', () => {
  const grown = (up: boolean, ...values: Record<string, number>[]) => {
    const growth = new Growth();
    return values.map((value) => {
      const by = growth.next(new Map(Object.entries(value)), () => up);
      return by === null ? null : [...by.values()].reduce((sum, one) => sum + one, 0);
    });
  };

  it.each([
    ['grow', true, [{ a: 1 }, { a: 4 }, { a: 4 }], [null, 3, 0]],
    ['count from zero after a reset', true, [{ a: 100 }, { a: 3 }], [null, 3]],
    [
      'add up',
      true,
      [
        { a: 1, b: 2 },
        { a: 2, b: 5 },
      ],
      [null, 4],
    ],
    ['appear with their first event', true, [{ a: 1 }, { a: 1, b: 2 }], [null, 2]],
    ['begin with a new target', false, [{ a: 1 }, { a: 1, b: 2_000_000 }, { a: 1, b: 2_000_003 }], [null, 0, 3]],
    ['come back without a leap', true, [{ a: 10, b: 50 }, { a: 11 }, { a: 12, b: 54 }], [null, 1, 3]],
    ['come back from a restart', true, [{ a: 10, b: 50 }, { a: 11 }, { a: 12, b: 4 }], [null, 1, 5]],
    ['appear after nothing', true, [{}, { a: 3 }], [null, 3]],
  ] as const)('%s', (_, up, values, expected) => expect(grown(up, ...values)).toEqual(expected));

  const series = (labels: Record<string, string>, ...values: (number | null)[]) => ({
    labels,
    points: values.flatMap((value, i): [number, number][] => (value === null ? [] : [[1000 + i * 10, value]])),
  });
  const along = (all: ReturnType<typeof series>[], fresh = [true, true, true, true], up: string[] = []) =>
    Object.fromEntries(
      growthAlong({
        series: all,
        from: 1000,
        step: 10,
        count: 3,
        fresh,
        wasUp: (target, point) => up.includes(`${target}${point}`),
        groupOf: ({ host }) => host ?? null,
      }),
    );

  it('along a grid, each host by itself', () => {
    const all = [
      series({ host: 'a' }, 1, 2, 4, 7),
      series({ host: 'a', p: '2' }, 1, 1, 2, 2),
      series({ host: 'b' }, null, 5, null, 9),
    ];
    expect(along(all)).toEqual({ a: [1, 3, 3], b: [0, null, 2] });
  });

  it('stand still and leap around a scrape that stopped: no number there', () => {
    expect(along([series({}, 1, 1, 1, 90)], [true, true, false, true])).toEqual({ null: [0, null, null] });
  });

  it('that appear count from zero where their target was scraped before', () => {
    const late = series({ job: 'x', instance: 'y', host: 'h' }, null, null, 3, 4);
    expect(along([late])).toEqual({ h: [null, 0, 1] });
    expect(along([late], undefined, ['["x","y"]1'])).toEqual({ h: [null, 3, 1] });
  });
});

describe('hosts of labels', () => {
  const hosts = [
    { name: 'deploy@web1', kind: 'ssh', with: {} },
    { name: 'deploy@10.0.0.2:2222', kind: 'ssh', with: {} },
    { name: 'me@[fd00::1]:22', kind: 'ssh', with: {} },
    { name: 'a@shared', kind: 'ssh', with: { port: '8081' } },
    { name: 'b@shared', kind: 'ssh', with: { port: '8082' } },
    { name: './local', kind: 'local', with: {} },
  ] as const;
  it.each([
    ['deploy@web1', 'deploy@web1'],
    ['web1', 'deploy@web1'],
    ['WEB1:9100', 'deploy@web1'],
    ['10.0.0.2:9100', 'deploy@10.0.0.2:2222'],
    ['[fd00::1]:9100', 'me@[fd00::1]:22'],
    ['shared:8082', 'b@shared'],
    ['shared:9100', 'shared:9100'],
    ['localhost:8080', './local'],
    ['web10:9100', 'web10:9100'],
    ['', ''],
  ])('%s is %s', (label, expected) => expect(hostOfLabel(label, hosts)).toBe(expected));
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
    ['a', { name: 'a', equal: {} }],
    ['a{b="c", d!="e", f=~"g", h=\'i"j\'}', { name: 'a', equal: { b: 'c', h: 'i"j' } }],
    ['{__name__="a",b="c"}', { name: 'a', equal: { b: 'c' } }],
    ['{b="c"}', { name: null, equal: { b: 'c' } }],
  ])('%s taken apart', (selector, expected) => {
    const { name, equal } = takenApart(selector);
    expect({ name, equal: Object.fromEntries(equal) }).toEqual(expected);
  });

  const counter = (selector: string, window: number | null, more = {}) => ({
    selector,
    window,
    sum: false,
    by: [],
    zero: false,
    ...more,
  });
  it.each([
    ['sum(rate(http_errors_total[1m]))', counter('http_errors_total', 60_000, { sum: true })],
    ['rate( a{b="c"}[5m] )', counter('a{b="c"}', 300_000)],
    ['sum(rate(a{b="}"}[5m]))', counter('a{b="}"}', 300_000, { sum: true })],
    ['increase(a[1h30m])', counter('a', 5_400_000)],
    ['irate({__name__="a"}[1m])', counter('{__name__="a"}', 60_000)],
    ['sum by (job) (rate(a[1m]))', counter('a', 60_000, { sum: true, by: ['job'] })],
    ['sum(rate(a[1m])) by (job, instance)', counter('a', 60_000, { sum: true, by: ['job', 'instance'] })],
    ['(sum(rate(a[1m])) or vector(0)) # none yet', counter('a', 60_000, { sum: true, zero: true })],
    ['sum(rate(a[1m])) or on() vector(0)', counter('a', 60_000, { sum: true, zero: true })],
    ['a', counter('a', null)],
    ['sum(a{b="c"})', counter('a{b="c"}', null, { sum: true })],
    ['sum(rate(a[1m])) / sum(rate(b[1m]))', null],
    ['sum(rate(a[1m])) or vector(1)', null],
    ['sum without (job) (rate(a[1m]))', null],
    ['avg(rate(a[1m]))', null],
    ['rate(a[1m]) * 60', null],
    ['rate(a[1m] offset 1d)', null],
    ['rate(sum(a)[1m:])', null],
    ['up == 1', null],
    ['7', null],
  ])('%s is the growth of %j', (query, expected) => expect(counterOf(query)).toEqual(expected));

  it.each([
    ['a rate', 'sum(rate(a[1m]))', {}, true],
    ['a rate that is declared a level', 'sum(rate(a[1m]))', { kind: 'gauge' }, false],
    ['money', 'sum(increase(eur[1m]))', { kind: 'money' }, true],
    ['a total by its name', 'sum(orders_total)', {}, true],
    ['a total by its kind', 'orders', { kind: 'count' }, true],
    ['a level', 'sum(users)', {}, false],
    ['by the label of hosts', 'sum by (instance) (rate(a[1m]))', { host: 'instance' }, true],
    ['by another label', 'sum by (path) (rate(a[1m]))', { host: 'instance' }, false],
    ['by a label that nobody asked for', 'sum by (instance) (rate(a[1m]))', {}, false],
  ] as const)('%s: the counter itself is read: %s', (_, query, section, expected) =>
    expect(wantedCounter(section as unknown as MetricSection, query) !== null).toBe(expected),
  );

  it.each([
    ['a / b', null],
    ['rate(a[1m]) / rate(b[5m])', 300_000],
    ['avg_over_time(a[2m])', 120_000],
    ['sum(job:orders:rate5m)', 300_000],
    ['job:orders:rate', null],
  ])('the window of %s is %j', (query, expected) => expect(windowOf(query)).toBe(expected));
});
