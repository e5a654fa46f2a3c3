import { describe, expect, it } from 'vitest';
import { type Answer, type Check, keysOf, namesVersion, objections, valueAt } from '../../../src/probe/check.ts';

const answer = (change: Partial<Answer> & { with?: Record<string, string> } = {}): Answer => ({
  status: 200,
  headers: new Headers(change.with ?? {}),
  body: '',
  cut: false,
  took: 5,
  ...change,
});
const check = (change: Partial<Check> = {}): Check => ({ url: 'https://shop.example/', status: 200, ...change });

describe('an answer', () => {
  it.each<[string, Check, Answer]>([
    ['of the right status', check(), answer()],
    ['of a status that is no success', check({ status: 404 }), answer({ status: 404 })],
    ['a redirect that is expected', check({ status: 301 }), answer({ status: 301 })],
    ['with the text', check({ body: 'a.c' }), answer({ body: 'xa.cx' })],
    ['with the version', check({ version: '1.2.0' }), answer({ body: '{"version":"1.2.0"}' })],
    ['with the values', check({ json: { '$.a': 1, '$.b[0]': null } }), answer({ body: '{"a":1,"b":[null]}' })],
    ['with the header', check({ headers: { 'X-Shop': 'yes' } }), answer({ with: { 'x-shop': 'yes' } })],
    ['just in time', check({ within: 5 }), answer({ took: 5 })],
  ])('%s passes', (_, wanted, found) => expect(objections(wanted, found)).toEqual([]));

  it.each<[string, Check, Answer, string[]]>([
    ['wrong status', check(), answer({ status: 500 }), ['status 500 instead of 200']],
    [
      'redirect',
      check(),
      answer({ status: 302, with: { location: '/login?token=secret' } }),
      ['status 302 instead of 200, redirected to "/login"'],
    ],
    ['text missing', check({ body: 'a.c' }), answer({ body: 'abc' }), ['the body does not hold "a.c"']],
    ['text in other case', check({ body: 'ok' }), answer({ body: 'OK' }), ['the body does not hold "ok"']],
    [
      'other version',
      check({ version: '1.2.0' }),
      answer({ body: 'v1.1.0' }),
      ['the body does not name version 1.2.0; the first it names is "v1.1.0"'],
    ],
    [
      'no version',
      check({ version: '1.2.0' }),
      answer({ body: ' ' }),
      ['the body does not name version 1.2.0: it is empty'],
    ],
    ['no JSON', check({ json: { $: 1 } }), answer({ body: '<html>' }), ['the body is no JSON']],
    [
      'value of another type',
      check({ json: { '$.a': 1 } }),
      answer({ body: '{"a":"1"}' }),
      ['$.a is ""1"" instead of "1"'],
    ],
    ['value missing', check({ json: { '$.a': null } }), answer({ body: '{}' }), ['$.a is missing instead of "null"']],
    [
      'inherited value',
      check({ json: { '$.constructor': 'x' } }),
      answer({ body: '{}' }),
      ['$.constructor is missing instead of ""x""'],
    ],
    ['header missing', check({ headers: { a: 'b' } }), answer(), ['header a is missing instead of "b"']],
    ['header other', check({ headers: { a: 'b' } }), answer({ with: { a: 'c' } }), ['header a is "c" instead of "b"']],
    ['late', check({ within: 5 }), answer({ took: 6.4 }), ['it took 6 ms instead of at most 5 ms']],
    [
      'beyond what was read',
      check({ body: 'x' }),
      answer({ body: 'yy', cut: true }),
      ['the body does not hold "x" (only the first 2 characters were read)'],
    ],
  ])('%s', (_, wanted, found, why) => expect(objections(wanted, found)).toEqual(why));

  it('is told everything that is wrong with it, not the first thing', () => {
    const wanted = check({ body: 'x', version: '1', json: { '$.a': 1, '$.b': 2 }, headers: { a: 'b' }, within: 1 });
    expect(objections(wanted, answer({ status: 503, body: '{}' }))).toHaveLength(7);
  });
});

describe('a version in a text', () => {
  it.each([
    '1.2.0',
    'v1.2.0',
    'V1.2.0',
    '{"version":"1.2.0"}',
    'shop-1.2.0',
    'shop 1.2.0.',
    'shop/1.2.0\n',
    '1.1.0 1.2.0',
    '(1.2.0)',
  ])('is in %j', (text) => {
    expect(namesVersion(text, '1.2.0')).toBe(true);
  });

  it.each([
    '',
    '1.2',
    '1x2x0',
    '11.2.0',
    '0.1.2.0',
    '1.2.01',
    '1.2.0.1',
    '1.2.0-rc.1',
    '1.2.0+7',
    '1.2.0a',
    'rev1.2.0',
    '_1.2.0',
  ])('is not in %j', (text) => {
    expect(namesVersion(text, '1.2.0')).toBe(false);
  });

  it('is taken as text, not as a pattern', () => {
    expect(namesVersion('1.0.0+build.7', '1.0.0+build.7')).toBe(true);
    expect(namesVersion('1.000build.7', '1.0.0+build.7')).toBe(false);
  });
});

describe('a JSON path', () => {
  const document = { a: { b: [1, { 'c d': 'x' }] }, 'e-f': false };
  it.each([
    ['$', document],
    ['$.a.b[0]', 1],
    ["$.a.b[1]['c d']", 'x'],
    ['$["e-f"]', false],
    ['$.e-f', false],
    ['$.a.b[2]', undefined],
    ['$.a.b.length.x', undefined],
    ['$.__proto__', undefined],
  ])('%s', (path, value) => expect(valueAt(document, path)).toEqual(value));

  it.each(['', 'a', '$a', '$.', '$..a', '$[a]', '$[*]', '$.a[', '$.a b'])('refuses %j', (path) => {
    expect(() => keysOf(path)).toThrow(/JSON path/);
  });
});
