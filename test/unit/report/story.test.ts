import { describe, expect, it } from 'vitest';
import type { Change, LedgerEvent } from '../../../src/ledger/ledger.ts';
import { clock, figure, moment, ticks } from '../../../src/report/figures.ts';
import { between, stationsOf, timelineOf, verdictOf } from '../../../src/report/story.ts';
import { change, event } from './samples.ts';

const withEvents = (events: LedgerEvent[], rest: Partial<Change> = {}) => change({ events, ...rest });

describe('the stations', () => {
  it('stand in the order of the line; what it does not name comes after, and the last event of each counts', () => {
    const events = [
      event('deploy', 'failed'),
      event('gate', 'passed'),
      event('deploy', 'passed'),
      event('extra', 'skipped'),
    ];
    expect(
      stationsOf(withEvents(events), ['gate', 'deploy', 'watch']).map(({ verb, outcome }) => [verb, outcome]),
    ).toEqual([
      ['gate', 'passed'],
      ['deploy', 'passed'],
      ['watch', null],
      ['extra', 'skipped'],
    ]);
  });

  it.each(['deliver', 'rollback'])('are the stages of the line, and not %s itself', (verb) => {
    const stations = stationsOf(withEvents([event('gate', 'passed'), event(verb, 'passed')]), ['gate', 'watch']);
    expect(stations.map((station) => station.verb)).toEqual(['gate', 'watch']);
  });

  it('are none where there is nothing', () => expect(stationsOf(withEvents([]), [])).toEqual([]));
});

describe('the verdict', () => {
  it.each<[string, Partial<Change>, string, string | undefined]>([
    ['open', { outcome: null }, 'open', undefined],
    ['passed', { outcome: 'passed', events: [event('gate', 'passed')] }, 'passed', undefined],
    [
      'stopped',
      {
        outcome: 'failed',
        events: [event('gate', 'passed'), event('backup', 'inconclusive'), event('watch', 'failed')],
      },
      'failed',
      'backup',
    ],
    [
      'turned back',
      { outcome: 'failed', events: [event('watch', 'failed'), { ...event('x', 'passed'), kind: 'turned-back' }] },
      'turned back',
      'watch',
    ],
    [
      'not turned back completely',
      { outcome: 'failed', events: [event('watch', 'failed'), { ...event('x', 'failed'), kind: 'turned-back' }] },
      'failed',
      'watch',
    ],
  ])('%s', (_, rest, word, decidedBy) => {
    const verdict = verdictOf(change(rest));
    expect(verdict.word).toBe(word);
    expect(verdict.decidedBy?.stage).toBe(decidedBy);
  });
});

describe('the timeline', () => {
  it('is in the order of time, over several changes, each event once', () => {
    const first = event('gate', 'passed', { at: '2026-01-01T00:00:02Z' });
    const second = event('deploy', 'passed', { at: '2026-01-01T00:00:01Z', took: 1200, summary: '3 of 3 hosts' });
    const third = {
      ...event('x', 'passed', { at: '2026-01-01T00:00:03Z', why: 'slow' }),
      kind: 'turned-back' as const,
    };
    const moments = timelineOf(withEvents([first, second, first]), withEvents([third, second]));
    expect(moments).toEqual([
      { at: '2026-01-01T00:00:01Z', text: 'deploy passed: 3 of 3 hosts', outcome: 'passed', took: 1200 },
      { at: '2026-01-01T00:00:02Z', text: 'gate passed', outcome: 'passed', took: null },
      { at: '2026-01-01T00:00:03Z', text: 'The change was turned back: why: slow', outcome: 'passed', took: null },
    ]);
  });

  it('says who opened the change', () => {
    const [opened] = timelineOf(withEvents([{ id: '1', at: '2026-01-01T00:00:00Z', kind: 'opened' }]));
    expect(opened!.text).toBe('The change was opened by octocat, run 8812 of acme/shop for 1.2.0');
  });
});

it('a span is known where both its ends are', () => {
  expect(between('2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z')).toBe(60_000);
  for (const unknown of [null, undefined, '', 'never']) expect(between('2026-01-01T00:00:00Z', unknown)).toBeNull();
});

describe('figures', () => {
  it.each([
    [0, '0'],
    [0.012345, '0.01235'],
    [12.345, '12.35'],
    [1234.5, '1,235'],
    [-3, '-3'],
    [Number.NaN, '–'],
    [Number.POSITIVE_INFINITY, '–'],
  ])('%d', (value, text) => expect(figure(value)).toBe(text));

  it.each([
    [0, 1],
    [0.1, 0.35],
    [12, 38],
    [-5, 5],
    [7, 7],
    [0, 0],
    [1e-9, 3e-9],
    [1e6, 9e6],
  ])('ticks span %d to %d', (low, high) => {
    const levels = ticks(low, high);
    expect(levels[0]!).toBeLessThanOrEqual(low);
    expect(levels.at(-1)!).toBeGreaterThanOrEqual(high);
    expect(levels.length).toBeGreaterThanOrEqual(2);
    expect(levels.length).toBeLessThanOrEqual(6);
    expect([...levels].sort((a, b) => a - b)).toEqual(levels);
  });

  it('times', () => {
    expect(clock('2026-11-21T10:28:03.999Z')).toBe('10:28:03');
    expect(moment('2026-11-21T10:28:03Z')).toBe('2026-11-21 10:28:03 UTC');
    expect([clock('never'), moment('never')]).toEqual(['never', 'never']);
  });
});
