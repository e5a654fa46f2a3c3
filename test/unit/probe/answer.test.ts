import { describe, expect, it } from 'vitest';
import { type Answer, answerObjections } from '../../../src/probe/answer.ts';
import type { WantedAnswer } from '../../../src/probe/check.ts';

const DAY = 86_400_000;
const answer = (change: Partial<Answer> = {}): Answer => ({
  ...{ status: 200, headers: {}, text: '', cut: false, url: 'https://shop.example/', stopped: null, validFor: null },
  ...change,
});
const wanted = (change: Partial<WantedAnswer> = {}): WantedAnswer => ({
  ...{ status: { inWords: '200', ranges: [[200, 200]] }, headers: [], json: [], tls: null, location: null },
  ...{ holds: [], absent: [], matches: null, version: null },
  ...change,
});
const words = (expected: WantedAnswer, found: Answer) => answerObjections(expected, found).map((one) => one.words);
const redirects = {
  status: { inWords: '3xx', ranges: [[300, 399]] as [number, number][] },
  location: 'https://shop.example/a',
};

describe('an answer', () => {
  it.each<[string, WantedAnswer, Answer]>([
    ['of the right status', wanted(), answer()],
    [
      'of one of several statuses',
      wanted({
        status: {
          inWords: '',
          ranges: [
            [404, 404],
            [200, 299],
          ],
        },
      }),
      answer({ status: 204 }),
    ],
    ['with the text', wanted({ holds: ['a.c', 'x'] }), answer({ text: 'xa.cx' })],
    ['with the version', wanted({ version: '1.2.0' }), answer({ text: '{"version":"1.2.0"}' })],
    [
      'with the values',
      wanted({
        json: [
          ['$.a', { is: 1 }],
          ['$.b[0]', { is: null }],
        ],
      }),
      answer({ text: '{"a":1,"b":[null]}' }),
    ],
    ['with the header', wanted({ headers: [['X-Shop', { is: 'yes' }]] }), answer({ headers: { 'x-shop': 'yes' } })],
    ['without the text', wanted({ absent: ['Error'] }), answer({ text: 'all is well' })],
    ['with a certificate for long', wanted({ tls: 14 * DAY }), answer({ validFor: 14 * DAY })],
    ['that redirects by a path', wanted(redirects), answer({ status: 302, headers: { location: '/a' } })],
  ])('%s passes', (_, expected, found) => expect(answerObjections(expected, found)).toEqual([]));

  it.each<[string, WantedAnswer, Answer, string[]]>([
    ['wrong status', wanted(), answer({ status: 500 }), ['status 500 instead of 200']],
    [
      'redirect',
      wanted(),
      answer({ status: 302, headers: { location: 'https://u:p@shop.example/login?token=secret' } }),
      ['status 302 instead of 200, redirected to "https://shop.example/login"'],
    ],
    [
      'redirect not followed further',
      wanted(),
      answer({ status: 302, headers: { location: '/b' }, stopped: 'redirected once more than it may be, to /b' }),
      ['status 302 instead of 200, redirected once more than it may be, to /b'],
    ],
    [
      'redirect elsewhere',
      wanted(redirects),
      answer({ status: 301, headers: { location: 'http://shop.example/a' } }),
      ['it redirects to http://shop.example/a instead of https://shop.example/a'],
    ],
    [
      'redirect by another query',
      wanted(redirects),
      answer({ status: 301, headers: { location: '/a?key=secret' } }),
      ['it redirects to https://shop.example/a with another query'],
    ],
    [
      'no redirect',
      wanted(redirects),
      answer(),
      ['status 200 instead of 3xx', 'there is no redirect to https://shop.example/a'],
    ],
    ['text missing', wanted({ holds: ['a.c'] }), answer({ text: 'abc' }), ['the body does not hold "a.c"']],
    [
      'error page',
      wanted({ absent: ['went wrong'] }),
      answer({ text: 'Something went wrong' }),
      ['the body holds "went wrong"'],
    ],
    ['pattern not matched', wanted({ matches: /^ok$/ }), answer({ text: 'okay' }), ['the body does not match ^ok$']],
    ['no JSON', wanted({ json: [['$', { is: 1 }]] }), answer({ text: '<html>' }), ['the body is no JSON']],
    [
      'inherited value',
      wanted({ json: [['$.constructor', { is: 'x' }]] }),
      answer({ text: '{}' }),
      ['$.constructor is missing instead of "x"'],
    ],
    ['header missing', wanted({ headers: [['a', { is: 'b' }]] }), answer(), ['header a is missing instead of "b"']],
    [
      'short certificate',
      wanted({ tls: 14 * DAY }),
      answer({ validFor: 3 * DAY }),
      ['the certificate is valid for 3 d more and not for 14 d'],
    ],
    ['no TLS', wanted({ tls: DAY }), answer(), ['there is no certificate: it was answered without TLS']],
    [
      'beyond what was read',
      wanted({ holds: ['x'] }),
      answer({ text: 'yy', cut: true }),
      ['the body does not hold "x" (only the first 2 characters were read)'],
    ],
  ])('%s', (_, expected, found, why) => expect(words(expected, found)).toEqual(why));

  it('is told everything that is wrong with it, not the first thing', () => {
    const json = [
      ['$.a', { is: 1 }],
      ['$.b', { is: 2 }],
    ] as const;
    const all = wanted({ holds: ['x'], version: '1', json, headers: [['a', { is: 'b' }]], tls: 1, absent: ['{'] });
    expect(words(all, answer({ status: 503, text: '{}' }))).toHaveLength(8);
  });
});
