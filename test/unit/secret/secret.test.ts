import { expect, it } from 'vitest';
import { credentialsAsHeader, hide, redact, whenHidden, withoutCredentials } from '../../../src/secret/secret.ts';

it('hides a secret in every form in which tools repeat it', () => {
  hide('s3cr/t+x');
  expect(redact('s3cr/t+x s3cr%2Ft%2Bx czNjci90K3g=')).toBe('*** *** ***');
});

it('hides the longer of two that overlap first', () => {
  hide('abcd');
  hide('abcdefgh');
  expect(redact('abcdefgh')).toBe('***');
});

it('leaves text alone that is too short to be a secret', () => {
  hide('abc');
  expect(redact('abc')).toBe('abc');
});

it('tells doors of secrets known before and after', () => {
  const seen: string[] = [];
  hide('before-it');
  whenHidden((secret) => seen.push(secret));
  hide('after-it');
  expect(seen).toContain('before-it');
  expect(seen).toContain('after-it');
});

it.each([
  ['postgres://u:p@h:5432/db?sslpassword=x', 'postgres://u@h:5432/db'],
  ['not a url', '(hidden)'],
])('withoutCredentials(%j)', (url, clean) => expect(withoutCredentials(url)).toBe(clean));

it('hides the password that it turns into a header', () => {
  expect(credentialsAsHeader('https://probe:let%25me@h/')).toEqual({
    url: 'https://h/',
    headers: { authorization: `Basic ${Buffer.from('probe:let%me').toString('base64')}` },
  });
  expect(redact(`let%me let%25me ${Buffer.from('probe:let%me').toString('base64')} probe`)).toBe('*** *** *** probe');
  expect(credentialsAsHeader('https://u:100%@h/').headers).toHaveProperty('authorization');
});
