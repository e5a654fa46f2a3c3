import { describe, expect, it } from 'vitest';
import { redirection } from '../../../src/probe/http.ts';
import { addressObjections, listedAddresses } from '../../../src/probe/name.ts';
import { errorInWords, short } from '../../../src/probe/words.ts';
import { hide } from '../../../src/secret/secret.ts';

const from = {
  ...{ method: 'GET', url: new URL('https://shop.example/a'), headers: { authorization: 'Basic x' } },
  ...{ body: null, connect: { hostname: '127.0.0.1', port: 8443 } },
};
const to = (location: string, left = 1, status = 302) => redirection(from, { status, headers: { location } }, left);

describe('a redirect', () => {
  it('is followed within its origin as it began, and elsewhere with nothing that was sent along', () => {
    expect(to('/b')).toEqual({ question: { ...from, url: new URL('https://shop.example/b') } });
    expect(to('https://u:p@other.example/')).toEqual({
      question: { ...from, url: new URL('https://other.example/'), headers: {}, connect: null },
    });
  });

  it.each([
    ['http://shop.example/a', 'redirected from https to http://shop.example/a'],
    ['ftp://shop.example/a', 'redirected to ftp://shop.example/a, which is not http'],
    ['https://', 'redirected to what is no URL'],
  ])('to %s is not followed', (location, stopped) => expect(to(location)).toEqual({ stopped }));

  it('is followed no further than it may, and nothing else is one', () => {
    expect(to('/b?key=secret', 0)).toEqual({
      stopped: 'redirected once more than it may be, to https://shop.example/b',
    });
    expect(to('/b', 1, 201)).toBeNull();
    expect(redirection(from, { status: 302, headers: {} }, 1)).toBeNull();
  });
});

describe('the addresses of a name', () => {
  it('are read from what getent prints', () => {
    const printed = '192.0.2.1      STREAM shop.example\n192.0.2.1      DGRAM  \n2001:db8:0:0::1 STREAM\n';
    expect(listedAddresses(printed)).toEqual(['192.0.2.1', '2001:db8::1']);
  });

  it.each([
    [[], ['192.0.2.1'], []],
    [[], [], ['it has no address']],
    [['192.0.2.1', '192.0.2.2'], ['192.0.2.2', '192.0.2.1'], []],
    [['192.0.2.1'], ['192.0.2.9', '192.0.2.1'], ['it has 192.0.2.1, 192.0.2.9 instead of 192.0.2.1']],
    [['192.0.2.1'], [], ['it has no address instead of 192.0.2.1']],
  ])('%j wanted, %j found', (wanted, found, why) =>
    expect(addressObjections(wanted, found).map(({ words }) => words)).toEqual(why),
  );
});

it.each([
  [
    new Error('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) }),
    'the connection was broken off (ECONNRESET)',
  ],
  [
    new AggregateError([Object.assign(new Error('x'), { code: 'ECONNREFUSED' })]),
    'the connection was refused (ECONNREFUSED)',
  ],
  [Object.assign(new Error('bad record'), { code: 'ERR_SSL_BAD' }), 'TLS: bad record (ERR_SSL_BAD)'],
  [new Error('strange'), 'no answer: strange'],
])('%s in words', (error, words) => expect(errorInWords(error)).toBe(words));

it('what is cut short holds no half of a secret', () => {
  hide('a-token-of-the-shop-0123456789');
  expect(short(`${'x'.repeat(60)} a-token-of-the-shop-0123456789`)).toBe(`${'x'.repeat(60)} ***`);
});
