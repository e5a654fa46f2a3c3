import { expect, it } from 'vitest';
import { hide, redact, whenHidden, withoutCredentials } from '../../../src/secret/secret.ts';

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
