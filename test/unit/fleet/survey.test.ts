import { describe, expect, it } from 'vitest';
import { parseSurvey, versionOf } from '../../../src/fleet/survey.ts';

const FULL = [
  'root yes',
  'writable yes',
  'free 2048',
  'inodes 100',
  'tool flock',
  'tool sha256',
  'tool rename',
  'link versions/1.1',
  'version 1.0 {"version":"1.0","digest":"sha256:aa","at":"2026-01-01T00:00:00.000Z"}',
  'version 1.1 not json',
  'version adopted ',
  'fence 7',
  'journal change c7',
  'journal fence 7',
  'journal from versions/1.0',
  'journal to versions/1.1',
  'journal state served',
  'live {"version":"1.1","previous":"1.0","ledger":"{\\"a\\":1}"}',
].join('\n');

describe('parseSurvey', () => {
  it('reads what a host says', () => {
    expect(parseSurvey('h', '/srv', FULL)).toEqual({
      host: 'h',
      root: true,
      writable: true,
      closed: [],
      currentIsLink: true,
      link: 'versions/1.1',
      current: '1.1',
      previous: '1.0',
      versions: [
        { name: '1.0', digest: 'sha256:aa', at: '2026-01-01T00:00:00.000Z' },
        { name: '1.1', digest: null, at: null },
        { name: 'adopted', digest: null, at: null },
      ],
      fence: 7,
      journal: { change: 'c7', fence: 7, from: 'versions/1.0', to: 'versions/1.1', state: 'served' },
      ledger: '{"a":1}',
      freeBytes: 2_097_152,
      freeFiles: 100,
      tools: { rename: true, sha256: true, flock: true, rsync: false },
    });
  });

  it.each([
    '',
    'nonsense',
    'journal change x',
    'journal change x\njournal state exploded',
    'live [',
    'fence -3',
    'free lots',
  ])('takes nothing from %j for granted', (text) => {
    const state = parseSurvey('h', '/srv', text);
    expect(state).toMatchObject({
      root: false,
      writable: false,
      current: null,
      journal: null,
      fence: 0,
      freeBytes: null,
    });
  });

  it('sees that current is no link', () => {
    expect(parseSurvey('h', '/srv', 'root yes\ncurrent other')).toMatchObject({ currentIsLink: false, current: null });
  });
});

describe('versionOf', () => {
  it.each([
    ['versions/1.0', '1.0'],
    ['./versions/1.0/', '1.0'],
    ['/srv/versions/1.0', '1.0'],
    ['/other/versions/1.0', null],
    ['releases/1.0', null],
    ['versions/../etc', null],
    ['versions/.incoming-c-1', null],
    ['', null],
  ])('%j means %j', (link, expected) => expect(versionOf(link, '/srv')).toBe(expected));
});
