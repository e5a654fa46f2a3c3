import { describe, expect, it } from 'vitest';
import type { Environment } from '../../../src/config/config.ts';
import { DEFAULT_TOLERANCE, type Metric, prepare, type Verdict } from '../../../src/judge/judge.ts';
import type { Source } from '../../../src/metrics/metrics.ts';
import { conclude, type Judged } from '../../../src/observation/conclusion.ts';
import { budget, watchedDatabases, watchesHosts } from '../../../src/observation/observation.ts';
import { foreseen, numberless } from '../../../src/observation/planning.ts';
import { recordedTicks, sumOrNull } from '../../../src/observation/recording.ts';
import { stepOf } from '../../../src/observation/track.ts';
import { chartInMermaid, figure, sparkline } from '../../../src/observation/words.ts';

const judged = (
  metric: string,
  outcome: Verdict['outcome'],
  code: Verdict['code'],
  more: Partial<Judged> & { critical?: boolean } = {},
): Judged => ({
  verdict: { metric, outcome, code, critical: more.critical ?? true, sentence: `${metric}: ${outcome}` } as Verdict,
  silence: more.silence ?? null,
  broken: more.broken ?? false,
});

describe('several verdicts together', () => {
  const passed = judged('a', 'passed', 'ok');
  const failed = judged('b', 'failed', 'metric-worse');
  const silent = judged('c', 'inconclusive', 'metric-silent', { silence: 'HTTP 502' });
  const unsure = judged('d', 'inconclusive', 'metric-unsure');
  const harmless = { critical: false };

  it.each([
    ['all passed', [passed], 'passed', 'ok', 0],
    ['one worse', [passed, unsure, silent, failed], 'failed', 'metric-worse', 3],
    ['one silent', [passed, unsure, silent], 'inconclusive', 'metric-silent', 2],
    [
      'one broken',
      [passed, judged('c', 'inconclusive', 'metric-silent', { broken: true })],
      'inconclusive',
      'metric-error',
      1,
    ],
    ['one unsure', [passed, unsure], 'inconclusive', 'metric-unsure', 1],
    ['worse, but not critical', [passed, judged('b', 'failed', 'metric-worse', harmless)], 'passed', 'ok', 0],
    ['silent, but not critical', [judged('c', 'inconclusive', 'metric-silent', harmless), passed], 'passed', 'ok', 1],
  ] as const)('%s', (_, all, outcome, code, deciding) => {
    expect(conclude('watch', all, null)).toMatchObject({ outcome, code, deciding });
  });

  it('all together may be worse where none is alone', () => {
    expect(conclude('watch', [passed, unsure], 1)).toMatchObject({
      outcome: 'failed',
      code: 'metric-worse',
      deciding: 1,
      summary: expect.stringContaining('together'),
    });
  });

  it('says where nothing could stop the change', () => {
    expect(conclude('watch', [judged('a', 'passed', 'ok', harmless)], null).summary).toMatch(/no metric is critical/);
  });

  it('says why a source was silent', () => expect(conclude('watch', [silent], null).summary).toContain('HTTP 502'));
});

describe('the plan', () => {
  const metric = (more: Partial<Metric>): Metric => ({
    name: 'orders',
    kind: 'count',
    worse: 'down',
    critical: true,
    tolerate: DEFAULT_TOLERANCE,
    ...more,
  });
  const source = { notes: ['the database main'], keepsHistory: true } as Source;
  const lines = (more: Partial<Metric>, values: number[], ticks = 60) =>
    foreseen(prepare(metric(more), { step: 5, values }, { ticks, alpha: 0.05 }), source, 5000, ticks * 5000);
  const busy = Array.from({ length: 720 }, (_, i) => 10 + ((i * 7) % 5));
  const rare = Array.from({ length: 720 }, (_, i) => (i % 60 === 0 ? 1 : 0));

  it('says what will be seen, also in other lengths', () => {
    const [line] = lines({}, busy);
    expect(line).toMatchObject({ kind: 'will' });
    expect(line!.text).toMatch(
      /^watch "orders" \(count, critical; the database main\): now 144\/min; sees a fall to ×0\.8\d* in 5 min \(5 min ×0\.8\d*, 15 min .* 60 min ×0\.9/,
    );
  });

  it.each([
    ['critical', true, 'obstacle', 'metric-blind'],
    ['not critical', false, 'blind', undefined],
  ] as const)('a metric that cannot see its tolerance, %s', (_, critical, kind, code) => {
    const line = lines({ critical }, rare).at(-1)!;
    expect(line.kind).toBe(kind);
    expect(line.failure?.code).toBe(code);
    expect(line.text).toContain('cannot see the fall');
  });

  it('an absolute tolerance may be seen where the factor is not', () => {
    const tolerate = { ...DEFAULT_TOLERANCE, absolute: 1, per: 'second' as const };
    expect(lines({ worse: 'up' }, rare).at(-1)!.kind).toBe('obstacle');
    expect(lines({ worse: 'up', tolerate }, rare).some(({ kind }) => kind === 'obstacle')).toBe(false);
  });

  it('nothing to compare with is said, and no obstacle', () => {
    expect(lines({}, [1, 2])).toMatchObject([{ kind: 'blind', text: expect.stringContaining('too little') }]);
  });

  it('a critical metric without a number is an obstacle', () => {
    expect(numberless(true, 'm', 'a typo')).toMatchObject({
      kind: 'obstacle',
      failure: { code: 'metric-silent', why: 'a typo' },
    });
    expect(numberless(false, 'm', 'a typo')).toEqual({ kind: 'blind', text: '"m" cannot be read: a typo' });
  });
});

describe('recorded samples', () => {
  const kept = [
    { at: 500, host: 'a', value: 1 },
    { at: 600, host: 'b', value: 2 },
    { at: 1500, host: 'a', value: 3 },
    { at: 2500, host: 'a', value: 4 },
    { at: 2600, host: 'b', value: null },
    { at: 9000, host: 'a', value: 9 },
  ];
  it('are added up over all hosts, or not at all', () => {
    expect(recordedTicks(kept, { from: 0, to: 4000 }, 1000)).toEqual([3, null, null, null]);
    expect(recordedTicks(kept, { from: 0, to: 3000 }, 1000, (host) => host === 'a')).toEqual([1, 3, 4]);
    expect(recordedTicks([], { from: 0, to: 2000 }, 1000)).toEqual([null, null]);
  });
  it('half a fleet is no sum', () => {
    expect(sumOrNull([1, null])).toBeNull();
    expect(sumOrNull([])).toBeNull();
    expect(sumOrNull([1, 2])).toBe(3);
  });
});

describe('small things', () => {
  it.each([
    [5000, 0, 5000],
    [5000, 5000, 5000],
    [5000, 15_000, 15_000],
    [5000, 12_000, 15_000],
    [250, 500, 500],
  ])('a tick of %d ms with new numbers every %d ms is %d ms', (every, cadence, step) =>
    expect(stepOf(every, cadence)).toBe(step),
  );

  it('sparklines', () => {
    expect(sparkline([0, 1, null, 2])).toBe('▁▅·█');
    expect(sparkline([5, 5])).toBe('██');
    expect(sparkline([0, 0])).toBe('▁▁');
    expect(sparkline([])).toBe('');
    expect(sparkline(new Array(99).fill(1))).toHaveLength(20);
  });

  it('figures', () => expect([0.12345, 12.345, 1234.5, 0].map(figure)).toEqual(['0.123', '12.3', '1235', '0']));

  it('a chart holds no markup of a name', () => {
    const points = Array.from({ length: 100 }, (_, i) => ({ at: i * 1000, value: i === 3 ? null : i }));
    const chart = chartInMermaid('a"]\n```<b>', points, 50);
    expect(chart.match(/```/g)).toHaveLength(2);
    expect(chart).not.toContain('<b>');
    expect(
      chart
        .split('\n')
        .find((line) => line.includes('line ['))!
        .split(',').length,
    ).toBeLessThanOrEqual(40);
    expect(chartInMermaid('a', [], null)).toBe('');
  });

  it('the budget of a change is spent once', () => {
    expect(budget(1)).toEqual({ last: 1, between: 0 });
    for (const waves of [2, 3, 5]) expect(budget(waves).last + (waves - 1) * budget(waves).between).toBeCloseTo(1);
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
});
