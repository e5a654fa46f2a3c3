import { describe, expect, it } from 'vitest';
import type { FreezeSection } from '../../../src/config/config.ts';
import { activeFreezes, nextWindow } from '../../../src/freeze/freeze.ts';
import { type EnvironmentState, emptyState, type Freeze } from '../../../src/ledger/ledger.ts';

const now = new Date('2026-11-21T12:00:00Z'); // a Saturday
const weekend = {
  from: 'Fri 16:00',
  to: 'Mon 08:00',
  timezone: 'Europe/Lisbon',
  why: 'no weekend releases',
  owner: 'octocat',
};
const byPerson: Freeze = {
  id: 'f',
  since: '2026-11-21T10:00:00.000Z',
  until: null,
  why: 'the bank is down',
  owner: 'ann',
  change: null,
};
const empty = emptyState('production');
const holder = {
  kind: 'actions',
  repository: 'acme/shop',
  run: '7',
  attempt: '1',
  job: 'j',
  url: 'https://x/7',
  actor: 'bob',
} as const;
const flying: EnvironmentState = {
  ...empty,
  open: { change: 'c', version: '1.4.0', holder, since: '2026-11-21T11:00:00.000Z', committed: false },
};

function section(parts: Partial<FreezeSection> = {}): FreezeSection {
  return { 'during-change': false, windows: [], ...parts };
}

function words(
  given: FreezeSection | undefined,
  state: EnvironmentState,
  stops: 'merges' | 'deliveries' = 'merges',
): string[] {
  return activeFreezes('production', given, state, now, stops).map(({ inWords }) => inWords);
}

describe('what is on', () => {
  it('is nothing without a section and without a freeze of the ledger', () => {
    expect(words(undefined, empty)).toEqual([]);
    expect(words(section({ windows: [{ ...weekend, from: 'Mon 08:00', to: 'Fri 16:00' }] }), empty)).toEqual([]);
  });

  it('is a window, with its times in UTC and in words', () => {
    expect(activeFreezes('production', section({ windows: [weekend] }), empty, now, 'deliveries')).toEqual([
      {
        environment: 'production',
        why: 'no weekend releases',
        owner: 'octocat',
        since: '2026-11-20T16:00:00.000Z',
        until: '2026-11-23T08:00:00.000Z',
        source: 'window',
        inWords: 'production is frozen until Mon 23 Nov 08:00 Europe/Lisbon: no weekend releases (octocat)',
      },
    ]);
  });

  it.each<[string, Partial<Freeze>, string[]]>([
    ['of a person', {}, ['production is frozen until it is ended: the bank is down (ann)']],
    [
      'with an end',
      { until: '2026-11-21T18:00:00.000Z' },
      ['production is frozen until Sat 21 Nov 18:00 UTC: the bank is down (ann)'],
    ],
    [
      'with an end in the next year',
      { until: '2027-01-02T18:00:00.000Z' },
      ['production is frozen until Sat 2 Jan 2027 18:00 UTC: the bank is down (ann)'],
    ],
    ['whose end has come', { until: '2026-11-21T12:00:00.000Z' }, []],
    ['whose end is a millisecond away', { until: '2026-11-21T12:00:00.001Z' }, [expect.any(String) as string]],
  ])('a freeze %s', (_, parts, expected) => {
    expect(words(undefined, { ...empty, freezes: [{ ...byPerson, ...parts }] })).toEqual(expected);
  });

  it('tells a freeze that a change left from one of a person', () => {
    const freezes = [byPerson, { ...byPerson, id: 'g', why: '1.3.0 was taken back: watch', change: 'c0' }];
    const active = activeFreezes('production', undefined, { ...empty, freezes }, now, 'deliveries');
    expect(active.map(({ source }) => source)).toEqual(['person', 'change']);
  });

  it('a change in flight stops merges alone, and only where the section says so', () => {
    const during = section({ 'during-change': true });
    expect(words(during, flying)).toEqual([
      'production is frozen while a change is in flight: 1.4.0 is on its way (bob)',
    ]);
    expect(words(during, flying, 'deliveries')).toEqual([]);
    expect(words(section(), flying)).toEqual([]);
    expect(words(during, empty)).toEqual([]);
  });

  it('names what lasts longest first', () => {
    const windows = [{ ...weekend, from: 'Sat 10:00', to: 'Sat 13:00', why: 'short' }, weekend];
    const active = activeFreezes('production', section({ windows }), { ...empty, freezes: [byPerson] }, now, 'merges');
    expect(active.map(({ why }) => why)).toEqual(['the bank is down', 'no weekend releases', 'short']);
  });

  it('is one line that turns no writing round, whatever the texts hold', () => {
    const nasty = 'a\nb\u0000c\u202ed\u2066e\u001b[31m';
    const [said] = words(section({ windows: [{ ...weekend, why: nasty, owner: nasty }] }), empty);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(said).not.toMatch(/[\u0000-\u001f\u202a-\u202e\u2066-\u2069]/);
    expect(said).toMatch(/^production is frozen until .*: a b c d e/);
  });
});

describe('the next window', () => {
  it('is the one that begins first', () => {
    const windows = [weekend, { ...weekend, from: '22:00', to: '06:00', why: 'nights' }];
    expect(nextWindow(section({ windows }), now)).toEqual({
      begins: '2026-11-21T22:00:00.000Z',
      ends: '2026-11-22T06:00:00.000Z',
      inWords: 'next freeze: Sat 21 Nov 22:00 Europe/Lisbon: nights',
    });
  });

  it.each([
    ['without a section', undefined],
    ['without windows', section()],
    ['after the last date', section({ windows: [{ ...weekend, from: '2026-01-01', to: '2026-01-02' }] })],
  ])('is none %s', (_, given) => expect(nextWindow(given, now)).toBeNull());
});
