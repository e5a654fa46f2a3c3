import { describe, expect, it } from 'vitest';
import { diagnose, type HostSeries, type Kind, type Metric } from '../../../src/judge/judge.ts';
import { draws } from './series.ts';

const metric = (kind: Kind, worse: Metric['worse'] = 'either'): Metric => ({
  name: 'errors',
  kind,
  worse,
  critical: true,
  tolerate: { up: 2, down: 0.5, absolute: null, per: 'second' },
  limit: null,
});

/** Hosts that are not alike from the start; `harm` multiplies what a host has in the watch. */
function hosts(value: (mean: number, host: number) => number | null, harm: (host: number) => number, count = 10) {
  return Array.from({ length: count }, (_, i): HostSeries => {
    const own = 1 + 0.3 * Math.sin(i);
    return {
      host: `web${i}`,
      reference: Array.from({ length: 120 }, () => value(own, i)),
      watch: Array.from({ length: 30 }, () => value(own * harm(i), i)),
    };
  });
}

describe('hosts that stand out', () => {
  const d = draws(11);
  const level = (mean: number) => 100 * mean + 10 * d.normal();
  const events = (mean: number) => d.poisson(2 * mean);

  it.each([
    ['a level', 'gauge', level, 2],
    ['a count', 'count', events, 4],
    ['money', 'money', (mean: number) => 20 * events(mean), 4],
    ['a level below zero', 'gauge', (mean: number) => level(mean) - 300, 3],
  ] as const)('%s: the one that changed is named, with its side', (_, kind, value, factor) => {
    const harm = (host: number) => (host === 3 ? factor : 1);
    expect(diagnose(metric(kind), hosts(value, harm))).toMatchObject([{ host: 'web3', side: 'up' }]);
    expect(
      diagnose(
        metric(kind),
        hosts(value, () => 1),
      ),
    ).toEqual([]);
  });

  it('the effect is against what all others did', () => {
    const [first] = diagnose(
      metric('gauge'),
      hosts(level, (host) => (host === 3 ? 4 : 2)),
    );
    expect(first).toMatchObject({ host: 'web3', side: 'up', scale: 'factor' });
    expect(first!.effect).toBeGreaterThan(1.8);
    expect(first!.effect).toBeLessThan(2.2);
    expect(first!.sentence).toMatch(/^web3: errors changed by ×\d\.?\d* against the other hosts$/);
  });

  it('a side that is no harm names nobody', () => {
    const less = hosts(level, (host) => (host === 3 ? 0.3 : 1));
    expect(diagnose(metric('gauge', 'up'), less)).toEqual([]);
    expect(diagnose(metric('gauge', 'down'), less)).toMatchObject([{ host: 'web3', side: 'down' }]);
  });

  it('the strangest is first; two hosts are told from eight', () => {
    const two = diagnose(
      metric('gauge'),
      hosts(level, (host) => (host === 2 ? 2 : host === 7 ? 5 : 1)),
    );
    expect(two.map(({ host }) => host)).toEqual(['web7', 'web2']);
  });

  it('a host that fell silent is named, all silent are not', () => {
    const gone = (of: (host: number) => boolean) =>
      hosts(level, () => 1).map((one, i) => (of(i) ? { ...one, watch: one.watch.map(() => null) } : one));
    expect(
      diagnose(
        metric('gauge'),
        gone((host) => host === 4),
      ),
    ).toMatchObject([{ host: 'web4', side: null }]);
    expect(
      diagnose(
        metric('gauge'),
        gone(() => true),
      ),
    ).toEqual([]);
  });

  it('NaN is no number', () => {
    const odd = hosts(level, () => 1).map((one, i) =>
      i === 4 ? { ...one, watch: one.watch.map(() => Number.NaN) } : one,
    );
    expect(diagnose(metric('gauge'), odd)).toMatchObject([{ host: 'web4', side: null }]);
  });

  it('a host without a reference is held against the level of the others', () => {
    const fresh = hosts(level, (host) => (host === 0 ? 6 : 1)).map((one, i) =>
      i < 2 ? { ...one, reference: null } : one,
    );
    expect(diagnose(metric('gauge'), fresh)).toMatchObject([{ host: 'web0', side: 'up' }]);
  });

  it('memory of a host is no change of it', () => {
    const named = Array.from({ length: 50 }, () => {
      const all = Array.from({ length: 10 }, (_, i) => {
        const series = d.autoregressive(150, 0.9).map((z) => 100 + 10 * z);
        return { host: `web${i}`, reference: series.slice(0, 120), watch: series.slice(120) };
      });
      return diagnose(metric('gauge'), all).length;
    });
    expect(named.filter((count) => count > 0).length).toBeLessThanOrEqual(3);
  });

  it('constant hosts: none is named, one that differs is', () => {
    expect(
      diagnose(
        metric('gauge'),
        hosts(
          (mean) => mean,
          () => 1,
        ),
      ),
    ).toEqual([]);
    expect(
      diagnose(
        metric('gauge'),
        hosts(
          (mean) => mean,
          (host) => (host === 1 ? 1.5 : 1),
        ),
      ),
    ).toMatchObject([{ host: 'web1', side: 'up' }]);
    expect(
      diagnose(
        metric('gauge'),
        hosts(
          () => 0,
          () => 1,
        ),
      ),
    ).toEqual([]);
  });

  it('of two nobody stands out, and of none', () => {
    expect(
      diagnose(
        metric('gauge'),
        hosts(level, (host) => 1 + 9 * host, 2),
      ),
    ).toEqual([]);
    expect(diagnose(metric('gauge'), [])).toEqual([]);
  });
});
