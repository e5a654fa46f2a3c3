import { describe, expect, it } from 'vitest';
import { backStep, forwardStep, unfinished } from '../../../src/fleet/journal.ts';
import type { Journal, JournalState } from '../../../src/fleet/survey.ts';

const journal = (state: JournalState, from = 'versions/1'): Journal => ({
  change: 'c',
  fence: 1,
  from,
  to: 'versions/2',
  state,
});

describe('unfinished', () => {
  it.each([
    ['flipped', true],
    ['served', true],
    ['turning-back', true],
    ['turned-back', false],
    ['confirmed', false],
  ] as const)('%s: %s', (state, expected) => expect(unfinished(journal(state))).toBe(expected));
  it('is false without a journal', () => expect(unfinished(null)).toBe(false));
});

describe('backStep', () => {
  it.each([
    ['flipped', 'versions/2', 'flip'],
    ['flipped', 'versions/1', 'close'],
    ['flipped', 'versions/9', 'strange'],
    ['flipped', '', 'strange'],
    ['served', 'versions/2', 'flip'],
    ['turning-back', 'versions/2', 'flip'],
    ['turning-back', 'versions/1', 'finish'],
    ['turning-back', 'versions/9', 'strange'],
    ['turned-back', 'versions/1', 'nothing'],
    ['confirmed', 'versions/2', 'nothing'],
  ] as const)('%s with current at %j: %s', (state, link, expected) => {
    expect(backStep({ journal: journal(state), link, currentIsLink: true }, 'c')).toBe(expected);
  });

  it('leaves the host of another change alone', () => {
    expect(backStep({ journal: journal('flipped'), link: 'versions/2', currentIsLink: true }, 'other')).toBe('nothing');
    expect(backStep({ journal: null, link: '', currentIsLink: true }, 'c')).toBe('nothing');
  });

  it('does not touch a current that became a directory', () => {
    expect(backStep({ journal: journal('flipped'), link: '', currentIsLink: false }, 'c')).toBe('strange');
  });

  it('knows a first deploy that did not reach its flip', () => {
    expect(backStep({ journal: journal('flipped', ''), link: '', currentIsLink: true }, 'c')).toBe('close');
  });
});

describe('forwardStep', () => {
  it.each([
    [null, '1', 'flip'],
    [null, '2', 'verify'],
    ['flipped', '2', 'restart'],
    ['turning-back', '2', 'restart'],
    ['served', '2', 'verify'],
    ['confirmed', '2', 'verify'],
    ['turned-back', '1', 'flip'],
  ] as const)('journal %s, current %s: %s', (state, current, expected) => {
    expect(forwardStep({ journal: state && journal(state), current, link: `versions/${current}` }, '2')).toBe(expected);
  });
});
