import { describe, expect, it } from 'vitest';
import type { MetricSection } from '../../../src/config/config.ts';
import { RecordingLog } from '../../../src/log/log.ts';
import type { Sample, Source } from '../../../src/metrics/metrics.ts';
import { Teller } from '../../../src/observation/events.ts';
import { judgedMetric } from '../../../src/observation/metric.ts';
import { againstOf } from '../../../src/observation/reference.ts';
import { summed } from '../../../src/observation/result.ts';
import { Track } from '../../../src/observation/track.ts';
import type { WatchEvent } from '../../../src/observation/types.ts';
import { Failure } from '../../../src/outcome/outcome.ts';

const STEP = 1000;
type Tick = Record<string, number | null> | Error;

/** A source that answers what a test wrote down, tick by tick. */
function scripted(ticks: readonly Tick[], kind: Source['kind']): Source {
  let tick = 0;
  return {
    metric: { name: 'users', worse: 'either', critical: true } as MetricSection,
    kind,
    unit: null,
    notes: [],
    keepsHistory: true,
    replays: false,
    cadence: 0,
    window: null,
    history: () => Promise.resolve([]),
    sample: async ({ to }): Promise<Sample[]> => {
      const now = ticks[tick++]!;
      if (now instanceof Error) throw now;
      return Object.entries(now).map(([host, value]) => ({
        at: to,
        host: host === 'all' ? null : host,
        value,
        why: value === null ? 'HTTP 502' : null,
      }));
    },
    close: () => Promise.resolve(),
  };
}

const noisy = (level: number, i: number) => level + ((i * 7) % 5);

/** Watches `ticks`, after a reference in which each host of the first tick had its level. */
async function watched(ticks: readonly Tick[], { kind = 'gauge' as Source['kind'], before = 240, mute = '' } = {}) {
  const source = scripted(ticks, kind);
  const first = ticks[0] as Record<string, number>;
  const pasts = Object.keys(first).map((host) => ({
    host: host === 'all' ? null : host,
    values: Array.from({ length: before }, (_, i) => (host === mute && i > before - 5 ? null : noisy(100, i))),
  }));
  const track = new Track({
    section: source.metric,
    source,
    metric: judgedMetric(source.metric, source, STEP),
    against: againstOf(source, pasts, STEP, null),
    plan: { ticks: ticks.length, alpha: 0.05 },
    sides: null,
    step: STEP,
    start: 0,
    end: ticks.length * STEP,
    replays: null,
    notes: [],
  });
  const events: WatchEvent[] = [];
  const teller = new Teller(new RecordingLog(), 'watch', (event) => void events.push(event));
  while (track.next !== null) {
    await track.look(1000);
    await teller.tick([track]);
  }
  const options = { for: { min: ticks.length * STEP, max: ticks.length * STEP }, label: 'watch' };
  const seen = summed(options, [{ section: source.metric, course: track }], {
    leading: null,
    stands: () => true,
    isDeclared: (host) => host !== 'pod',
    extended: null,
  });
  return { track, seen, events: events.map(({ kind: what }) => what) };
}

const steady = (hosts: readonly string[], count: number, from = 0): Tick[] =>
  Array.from({ length: count }, (_, i) => Object.fromEntries(hosts.map((host) => [host, noisy(100, i + from)])));

describe('a host that ends during the watch', () => {
  it('is no fall of the sum: what is left is judged, then and before', async () => {
    const { track, seen, events } = await watched([...steady(['a', 'b', 'pod'], 6), ...steady(['a', 'b'], 14, 6)]);
    expect(track.points.map(({ value }) => value !== null && value < 250)).not.toContain(false);
    expect([...track.gone]).toEqual([['pod', 6]]);
    expect(events).toEqual(['host-gone']);
    expect(seen).toMatchObject({ outcome: 'passed', code: 'ok' });
    expect(seen.markdown).toContain('pod gave no number any more after 6.0 s');
  });

  it('is no pass where it is one of ours', async () => {
    const { seen } = await watched([...steady(['a', 'b', 'web3'], 6), ...steady(['a', 'b'], 14, 6)]);
    expect(seen).toMatchObject({
      outcome: 'inconclusive',
      code: 'metric-silent',
      summary: expect.stringContaining('web3 ended during the watch'),
    });
  });

  it('does not hide what happens on the others', async () => {
    const worse = steady(['a', 'b'], 14).map((tick) => ({ ...tick, a: 400 }));
    const { seen } = await watched([...steady(['a', 'b', 'web3'], 6), ...worse]);
    expect(seen).toMatchObject({ outcome: 'failed', code: 'metric-worse' });
  });
});

describe('a source', () => {
  const unreachable = new Failure({ code: 'metric-unreachable', what: 'no answer', why: 'ECONNREFUSED', next: 'see' });

  it.each([
    ['goes silent in the middle', { all: null }, 'metric-silent', 'HTTP 502'],
    ['cannot be reached any more', unreachable, 'metric-unreachable', 'ECONNREFUSED'],
  ] as const)('that %s is no pass', async (_, end, code, why) => {
    const { seen, events } = await watched([...steady(['all'], 10), ...new Array(10).fill(end)]);
    expect(seen).toMatchObject({ outcome: 'inconclusive', code, summary: expect.stringContaining(why) });
    expect(events).toEqual(['silent']);
  });

  it('with a few missing ticks is judged all the same', async () => {
    const ticks = steady(['all'], 20).map((tick, i) => (i % 7 === 3 ? { all: null } : tick));
    expect((await watched(ticks)).seen).toMatchObject({ outcome: 'passed' });
  });

  it('that had nothing before, and numbers under load, is not judged by what it had not', async () => {
    const { seen } = await watched(steady(['all'], 20), { before: 0 });
    expect(seen).toMatchObject({ outcome: 'inconclusive', code: 'metric-unsure' });
  });

  it('of events whose host was silent before the watch leaves it out', async () => {
    const ticks = steady(['a', 'b'], 20);
    const { track } = await watched(ticks, { kind: 'count', mute: 'b' });
    expect(track.points[10]!.value).toBeLessThan(150);
    expect(track.notes[0]).toContain('b gave no number any more before the watch');
  });

  it('of events whose host comes later counts them all', async () => {
    const ticks = steady(['a', 'b'], 20).map((tick, i) => (i < 5 ? tick : { ...tick, c: 300 }));
    const { track } = await watched(ticks, { kind: 'count' });
    expect(track.points[10]!.value).toBeGreaterThan(450);
  });
});
