import { describe, expect, it } from 'vitest';
import { Recording } from '../../../src/load/recording.ts';

const NAMES = { http_reqs: {}, http_req_duration: {}, http_req_failed: {}, time: {} };

function recorded(lines: readonly (object | string)[]): Recording {
  const recording = new Recording();
  for (const line of lines) recording.add(typeof line === 'string' ? line : JSON.stringify(line));
  return recording;
}

/** In the order of the names: duration, failed, requests, time. */
function snapshot(requests: number, failed = 0, p95 = 10): object {
  const empty = requests === 0;
  const duration = empty ? [] : [1, 20, 4, 1, 8, p95, 15];
  return {
    event: 'snapshot',
    data: [duration, empty ? [] : [failed / requests], empty ? [] : [requests, requests], [0]],
  };
}

const begun = [
  { event: 'param', data: { period: 500 } },
  { event: 'metric', data: NAMES },
];

describe('a recording', () => {
  it('is read by the names of its metrics, whenever they become known', () => {
    const late = [
      { event: 'metric', data: { a_metric: {}, vus: {} } },
      { event: 'snapshot', data: [[1], [1, 20, 4, 1, 8, 30, 15], [0.33333], [3, 3], [0], [5]] },
    ];
    expect(recorded([...begun, snapshot(10, 5), ...late]).series).toEqual({
      step: 0.5,
      requests: [10, 3],
      failed: [5, 1],
      p50: [4, 4],
      p95: [10, 30],
    });
  });

  it('begins and ends with a request, and keeps what stood still between', () => {
    const { requests, p95 } = recorded([...begun, snapshot(0), snapshot(2), snapshot(0), snapshot(4), snapshot(0)])
      .series!;
    expect({ requests, p95 }).toEqual({ requests: [2, 0, 4], p95: [10, null, 10] });
  });

  it('puts neighbours together where there are more than 120, weighted with their requests', () => {
    const ticks = Array.from({ length: 300 }, (_, tick) =>
      tick % 4 === 0 ? snapshot(30, 3, 40) : snapshot(10, 0, 16),
    );
    const series = recorded([...begun, ...ticks]).series!;
    expect(series).toMatchObject({ step: 2 });
    expect(series.requests).toEqual(Array.from({ length: 75 }, () => 60));
    expect(series.failed[0]).toBe(3);
    expect(series.p95[0]).toBe(28);
    // Half as long a run has ticks that fit into these.
    expect(recorded([...begun, ...ticks.slice(0, 150)]).series).toMatchObject({ step: 1 });
  });

  it.each<[string, readonly (object | string)[]]>([
    ['nothing', []],
    ['no request', [...begun, snapshot(0)]],
    ['no length of a tick', [begun[1]!, snapshot(3)]],
    ['a line that broke off', [...begun, JSON.stringify(snapshot(3)).slice(0, 40)]],
    ['another number of metrics', [...begun, { event: 'snapshot', data: [[1]] }]],
    ['other JSON', [...begun, { event: 'snapshot', data: null }, { event: 'snapshot', data: { a: 1 } }, '[]', 'x']],
  ])('%s is no series', (_, lines) => expect(recorded(lines).series).toBeNull());
});
