import { describe, expect, it } from 'vitest';
import type { Environment, MetricSection, WatchSection } from '../../../src/config/config.ts';
import { liveLine } from '../../../src/observation/course.ts';
import {
  betweenLength,
  budget,
  watchedDatabases,
  watchesHosts,
  watchLength,
} from '../../../src/observation/observation.ts';
import { chartInMermaid, expectedRange, figure, inColumns, sparkline } from '../../../src/observation/words.ts';

describe('words and pictures', () => {
  it('sparklines', () => {
    expect(sparkline([0, 1, null, 2])).toBe('▁▅·█');
    expect(sparkline([5, 5])).toBe('██');
    expect(sparkline([0, 0])).toBe('▁▁');
    expect(sparkline([])).toBe('');
    expect(sparkline(new Array(99).fill(1))).toHaveLength(20);
  });

  it('figures', () => expect([0.12345, 12.345, 1234.5, 0].map(figure)).toEqual(['0.123', '12.3', '1235', '0']));

  it('columns', () =>
    expect(
      inColumns([
        ['a', 'bbb'],
        ['aaa', 'b'],
      ]),
    ).toEqual(['a    bbb', 'aaa  b']));

  it('where nine of ten numbers lay', () => {
    expect(expectedRange(Array.from({ length: 101 }, (_, i) => 100 - i))).toEqual({ low: 5, high: 95 });
    expect(expectedRange([null])).toBeNull();
  });

  it('a chart holds no markup of a name', () => {
    const points = Array.from({ length: 100 }, (_, i) => ({ at: i * 1000, value: i === 3 ? null : i }));
    const picture = { name: 'a"]\n```<b>', points, level: 50, range: null, alarm: null };
    const chart = chartInMermaid(picture);
    expect(chart.match(/```/g)).toHaveLength(2);
    expect(chart).not.toContain('<b>');
    const line = chart.split('\n').find((text) => text.includes('line ['))!;
    expect(line.split(',').length).toBeLessThanOrEqual(40);
    expect(chart).toContain('1 of 100 ticks gave no number');
    expect(chartInMermaid({ ...picture, points: [] })).toBe('');
  });

  it('a chart has a bar where the alarm was', () => {
    const points = [9, null, 8, 2, 1].map((value, i) => ({ at: (i + 1) * 1000, value }));
    const chart = chartInMermaid({
      name: 'a',
      unit: 'per 1 s',
      points,
      level: 9,
      range: { low: 8, high: 10 },
      alarm: 4,
    });
    expect(chart.split('\n').slice(2, -2)).toEqual([
      '  title "a, per 1 s"',
      '  x-axis "5.0 s, alarm after 4.0 s, 1 of 5 ticks gave no number and are left out" 0 --> 3',
      '  y-axis 0 --> 11',
      '  bar [0, 0, 10, 0]',
      '  line [9, 8, 2, 1]',
      '  line [9, 9, 9, 9]',
      '  line [8, 8, 8, 8]',
      '  line [10, 10, 10, 10]',
    ]);
  });

  it('a live line of six metrics fits 120 columns, critical ones first', () => {
    const points = Array.from({ length: 30 }, (_, i) => ({ at: i, value: i % 7 }));
    const track = (name: string, critical: boolean, alarmed = false) => {
      const section = { name, critical, worse: 'up' } as MetricSection;
      return { section, alarmed, points };
    };
    const names = ['errors', 'p95', 'queue', 'users', 'memory'];
    const tracks = [...names.map((name) => track(name, false)), track('revenue', true, true)];
    const line = liveLine({ label: 'wave 1', times: { start: 0, end: 60_000, max: 90_000 }, tracks }, 1);
    expect(line).toMatch(/^wave 1 90 s of 90 s \(extended\) {2}revenue! [▁-█]+ 1 {2}errors [▁-█]+ 1 {2}p95/);
    expect(line.length).toBeLessThan(120);
    expect(liveLine({ label: 'w', times: { start: 0, end: 1, max: 1 }, tracks: [] }, null)).toBe('w 0 s of 0 s');
  });
});

describe('how long is watched', () => {
  const of = (more: Partial<WatchSection>) => {
    const section = { for: '5m', ...more } as WatchSection;
    return [watchLength(section), betweenLength(section)].map(({ min, max }) => [min / 60_000, max / 60_000]);
  };
  it.each([
    ['one length', {}, [5, 5], [1, 1]],
    ['where it cannot tell, longer; between waves as well', { for: { min: '5m', max: '30m' } }, [5, 30], [1, 30]],
    ['between waves as it says', { 'between-waves': '10m' }, [5, 5], [10, 10]],
    ['never less at most than at least', { for: { min: '5m', max: '1m' } }, [5, 5], [1, 1]],
  ] as const)('%s', (_, more, last, between) => expect(of(more as never)).toEqual([last, between]));

  it('the budget of a change is spent once', () => {
    expect(budget(1)).toEqual({ last: 1, between: 0 });
    for (const waves of [2, 3, 5]) expect(budget(waves).last + (waves - 1) * budget(waves).between).toBeCloseTo(1);
  });
});

it('only what is asked is opened', () => {
  const databases = [
    { name: 'a', url: 'sqlite:a' },
    { name: 'b', url: 'sqlite:b' },
  ];
  const environment = (metric: object, hosts = ['deploy@h']) =>
    ({
      databases,
      hosts: hosts.map((at) => ({ at, with: {} })),
      watch: { metrics: [metric] },
    }) as unknown as Environment;
  expect(watchedDatabases(environment({ sql: 'x', database: 'b' }))).toEqual([databases[1]]);
  expect(watchedDatabases(environment({ http: 'http://x' }))).toEqual([]);
  expect(watchesHosts(environment({ http: 'https://shop.example.com/stats' }))).toBe(false);
  expect(watchesHosts(environment({ http: 'http://127.0.0.1:8080/stats' }))).toBe(true);
  expect(watchesHosts(environment({ http: 'http://127.0.0.1:8080/stats' }, ['./web1']))).toBe(false);
  expect(watchesHosts(environment({ http: 'http://127.0.0.1:{port}/stats' }, ['./web1']))).toBe(true);
  expect(watchesHosts(environment({ log: 'cat log' }))).toBe(true);
});
