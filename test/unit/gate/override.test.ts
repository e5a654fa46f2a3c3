import { describe, expect, it } from 'vitest';
import { parseOverride } from '../../../src/gate/override.ts';
import {
  countedInMarkdown,
  type OverrideComment,
  objectionTo,
  overrideAtSource,
  refusedInMarkdown,
} from '../../../src/gate/override-words.ts';
import type { Override } from '../../../src/ledger/ledger.ts';
import { NASTY } from '../report/nasty.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

const parsed = (body: string) => parseOverride(body, NOW, DAY);
const letIn = (why: string, until = '2026-11-22T12:00:00.000Z') => ({ kind: 'let-in', why, until: new Date(until) });

describe('a comment that is no override', () => {
  it.each([
    '',
    'please /override because it burns',
    ' /override because of the space',
    '> /override because quoted',
    '`/override because code`',
    '\n/override because of the second line',
    '/overrides because of the s',
    '/override-gate because x',
    '/approve',
  ])('%j', (body) => expect(parsed(body)).toBeNull());
});

describe('an override', () => {
  it.each([
    ['/override because prod is down', letIn('prod is down')],
    ['/Override Because prod is down', letIn('prod is down')],
    ['/override   because   prod  is   down  ', letIn('prod is down')],
    ['/override because prod is down\r\nand more\n/override end', letIn('prod is down')],
    ['/override for 2h because prod is down', letIn('prod is down', '2026-11-21T14:00:00Z')],
    ['/override because prod is down for 2h', letIn('prod is down', '2026-11-21T14:00:00Z')],
    ['/override until 2026-11-21T18:00Z because x', letIn('x', '2026-11-21T18:00:00Z')],
    ['/override because x until 2026-11-21T18:00Z', letIn('x', '2026-11-21T18:00:00Z')],
    ['/override until 2026-11-21T19:30+01:00 because x', letIn('x', '2026-11-21T18:30:00Z')],
    ['/override for 24h because x', letIn('x')],
    ['/override for 1h because it runs for 2h', letIn('it runs for 2h', '2026-11-21T13:00:00Z')],
    ['/override because it is for us', letIn('it is for us')],
    ['/override because we wait until Monday', letIn('we wait until Monday')],
    ['/override because because', letIn('because')],
    ['/override because `$(id)` <b>@octocat</b>', letIn('`$(id)` <b>@octocat</b>')],
    ['/override because a\u202eb\u0007c', letIn('a b c')],
    ['/override end', { kind: 'end' }],
    ['/override END', { kind: 'end' }],
    ['/override end because it is repaired', { kind: 'end' }],
  ])('%j', (body, expected) => expect(parsed(body)).toEqual(expected));

  it.each([
    '/override',
    '/override ',
    '/override because',
    '/override because ',
    '/override because \u202e\u200f',
    '/override prod is down',
    '/override ends',
    '/override for because x',
    '/override for 25h because x',
    '/override for 2 because x',
    '/override for 0s because x',
    '/override for 2h',
    '/override because x for 48h',
    '/override until 2026-11-23T18:00Z because x',
    '/override until 2026-11-21T11:59Z because x',
    '/override until 2026-11-21T18:00 because x',
    '/override until 2026-13-41T99:00Z because x',
    '/override until tomorrow because x',
    '/override for 9999999999d because x',
    '/override:because x',
  ])('that is wrong: %j', (body) => {
    const told = parsed(body);
    expect(told?.kind).toBe('wrong');
    expect(told?.kind === 'wrong' && told.problem.length).toBeGreaterThan(5);
  });

  it('keeps no more of a reason than people read, and cuts nothing in two', () => {
    const told = parsed(`/override because ${'😀'.repeat(40_000)}`);
    expect(told?.kind === 'let-in' && told.why).toMatch(/^(😀)+…$/u);
    expect(told?.kind === 'let-in' && told.why.length).toBeLessThanOrEqual(500);
  });

  it.each(NASTY.filter((text) => text.trim()))('is one harmless line: %j', (text) => {
    const told = parsed(`/override because x ${text}`);
    expect(told?.kind === 'let-in' && told.why).not.toMatch(UNSEEN);
  });

  it.each(['/override because ', '/override for ', '/override until '])('is read in no time: %j', (start) => {
    const long = `${start}${'for '.repeat(20_000)}${' '.repeat(60_000)}`;
    expect(parsed(long)).not.toBeUndefined();
  });
});

function comment(more: Partial<OverrideComment> = {}): OverrideComment {
  return {
    id: 'IC_1',
    author: { login: 'mona', kind: 'User' },
    body: '/override for 6h because it is the fix',
    at: '2026-11-21T11:00:00Z',
    edited: false,
    minimized: false,
    repository: 'acme/shop',
    pull: { number: 12, state: 'OPEN' },
    ...more,
  };
}

describe('a comment does not count', () => {
  it.each([
    ['of an account that is gone', { author: null }],
    ['of an app', { author: { login: 'dependabot', kind: 'Bot' } }],
    ['of a mannequin', { author: { login: 'mona', kind: 'Mannequin' } }],
    ['that was edited', { edited: true }],
    ['that was hidden', { minimized: true }],
    ['in another repository', { repository: 'acme/other' }],
    ['on an issue', { pull: null }],
  ])('%s', (_, more) => expect(objectionTo(comment(more), 'acme/shop')).not.toBeNull());

  it('is objected to for nothing else', () => {
    expect(objectionTo(comment(), 'acme/shop')).toBeNull();
    expect(objectionTo(comment(), 'Acme/Shop')).toBeNull();
  });
});

describe('what the ledger says is held against the comment', () => {
  const recorded: Override = {
    id: 'override-IC_1',
    pull: 12,
    comment: 'IC_1',
    by: 'mona',
    why: 'it is the fix',
    since: '2026-11-21T11:00:00Z',
    until: '2026-11-21T17:00:00.000Z',
  };
  const given = { repository: 'acme/shop', longest: DAY, now: NOW };
  const now = (at: string) => ({ ...given, now: new Date(at) });

  it.each([
    ['as it was', recorded, {}, given, true],
    ['by the same person in capitals', { ...recorded, by: 'MONA' }, {}, given, true],
    ['of another pull request', { ...recorded, pull: 13 }, {}, given, false],
    ['of another person', { ...recorded, by: 'hubot' }, {}, given, false],
    ['edited', recorded, { edited: true }, given, false],
    ['says nothing more', recorded, { body: 'thanks' }, given, false],
    ['says the end now', recorded, { body: '/override end' }, given, false],
    ['is wrong by the rule of today', recorded, {}, { ...given, longest: HOUR }, false],
    ['a moment before its end', recorded, {}, now('2026-11-21T16:59:59Z'), true],
    ['at its end', recorded, {}, now('2026-11-21T17:00:00Z'), false],
    ['of which the ledger says no end', { ...recorded, until: 'never' }, {}, given, false],
  ])('%s', (_, override, more, with_, counts) => {
    expect(overrideAtSource(override, comment(more), with_) !== null).toBe(counts);
  });

  it('a ledger that was changed makes it neither longer nor another', () => {
    const forged = { ...recorded, until: '2099-01-01T00:00:00Z', why: 'I was never here' };
    expect(overrideAtSource(forged, comment(), given)).toEqual(recorded);
    expect(overrideAtSource(forged, comment(), now('2026-11-21T17:00:00Z'))).toBeNull();
    const bare = comment({ body: '/override because it is the fix' });
    expect(overrideAtSource(forged, bare, given)?.until).toBe('2026-11-22T11:00:00.000Z');
    expect(overrideAtSource({ ...forged, until: '2026-11-21T13:00:00.000Z' }, bare, given)?.until).toBe(
      '2026-11-21T13:00:00.000Z',
    );
  });
});

describe('the answer', () => {
  it.each(NASTY)('escapes %j', (text) => {
    const override = { id: 'o', pull: 12, comment: 'c', by: text, why: text, since: '', until: '2026-11-21T17:00:00Z' };
    for (const answer of [
      countedInMarkdown(override, text, false),
      countedInMarkdown(override, text, true),
      refusedInMarkdown(text),
    ]) {
      const outside = answer.replace(/\\./g, '').replaceAll(/`[^`]*`/g, '');
      expect(outside).not.toMatch(/[<>`*_~$&]|(^|\W)@\w/);
    }
  });

  it('says who, until when, why, and how it ends', () => {
    const override = {
      id: 'o',
      pull: 12,
      comment: 'c',
      by: 'mona',
      why: 'it burns',
      since: '',
      until: '2026-11-21T17:00:00Z',
    };
    const answer = countedInMarkdown(override, 'has the role maintain', false);
    expect(answer).toContain('mona (has the role maintain) lets this pull request in until 2026-11-21 17:00 UTC');
    expect(answer).toContain('Why: it burns');
    expect(answer).toContain('`/override end`');
  });
});
