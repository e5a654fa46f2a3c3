import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSummary } from '../../../src/load/summary.ts';

/** Summaries as k6 2.2.0 wrote them. */
function recorded(name: string): string {
  return readFileSync(join(import.meta.dirname, 'fixtures', `${name}.json`), 'utf8');
}

describe('a recorded summary', () => {
  it('of a good run', () => {
    const measured = readSummary(recorded('passed'))!;
    expect(measured).toMatchObject({
      requests: 95,
      failed: 0,
      failedShare: 0,
      iterations: 95,
      dropped: 0,
      otherTraffic: false,
    });
    expect(measured.rate).toBeCloseTo(46.98, 1);
    expect(measured.p95).toBeCloseTo(23.28, 1);
    expect(measured.checks).toEqual([{ name: 'answers 201', passes: 95, fails: 0 }]);
    expect(measured.thresholds).toEqual([
      { metric: 'http_req_duration', expression: 'p(95)<500', value: measured.p95, crossed: false },
      { metric: 'http_req_failed', expression: 'rate<0.01', value: 0, crossed: false },
    ]);
  });

  it('of crossed thresholds: true means crossed', () => {
    const measured = readSummary(recorded('crossed'))!;
    const crossed = Object.fromEntries(
      measured.thresholds.map((one) => [`${one.metric} ${one.expression}`, one.crossed]),
    );
    expect(crossed).toEqual({
      'checks rate>0.9': true,
      'http_req_duration avg<1000': false,
      'http_req_duration p(95)<0.001': true,
      'http_req_failed rate<0.01': true,
      'http_reqs{name:x} count>0': true,
    });
    expect(measured).toMatchObject({ requests: 6, failed: 6, failedShare: 1 });
    expect(measured.thresholds.find((one) => one.metric === 'checks')?.value).toBe(0.5);
    expect(measured.checks.map((check) => check.name)).toEqual(['ok', '<b>|x']);
  });

  it('where every iteration threw: a threshold without a sample held', () => {
    expect(readSummary(recorded('throws'))).toMatchObject({
      requests: 0,
      p95: null,
      iterations: 3,
      thresholds: [{ metric: 'http_req_failed', crossed: false }],
    });
  });

  it('where nothing was requested', () =>
    expect(readSummary(recorded('nothing'))).toMatchObject({ requests: 0, iterations: 3, p95: null }));
  it('where nothing answered', () =>
    expect(readSummary(recorded('refused'))).toMatchObject({ requests: 2, failed: 2, failedShare: 1 }));
  it('where iterations were dropped', () =>
    expect(readSummary(recorded('dropped'))).toMatchObject({ requests: 3, dropped: 18 }));
});

describe('a summary that is none', () => {
  it.each(['', '{', 'null', '[]', '{}', '{"metrics":[]}', '{"metrics":null}'])('%j', (text) =>
    expect(readSummary(text)).toBeNull(),
  );

  it('holds strange values without believing them', () => {
    const strange = {
      metrics: {
        http_reqs: { count: '9', rate: null },
        http_req_failed: 7,
        iterations: { count: 2, thresholds: { 'count>1': 'no' } },
      },
    };
    expect(readSummary(JSON.stringify(strange))).toMatchObject({
      requests: 0,
      iterations: 2,
      thresholds: [{ expression: 'count>1', value: 2, crossed: true }],
    });
  });
});

describe('other traffic', () => {
  it.each([
    [{ grpc_req_duration: { max: 3 } }, true],
    [{ ws_sessions: { count: 1 } }, true],
    [{ grpc_req_duration: { max: 0, thresholds: { 'p(95)<5': false } } }, false],
  ])('%j', (metrics, expected) => expect(readSummary(JSON.stringify({ metrics }))?.otherTraffic).toBe(expected));
});

describe('the value of a threshold', () => {
  it.each([
    ['p(95)<500', { 'p(95)': 3 }, 3],
    ['p(99.9)<500', { 'p(95)': 3 }, null],
    ['rate < 0.01', { value: 0.5, passes: 1 }, 0.5],
    ['rate>10', { count: 4, rate: 20 }, 20],
    ['value<3', { value: 2 }, 2],
    ['constructor<3', {}, null],
    ['<3', { value: 2 }, null],
  ])('%s of %j', (expression, values, value) => {
    const metrics = { m: { ...values, thresholds: { [expression]: false } } };
    expect(readSummary(JSON.stringify({ metrics }))?.thresholds[0]?.value).toBe(value);
  });
});
