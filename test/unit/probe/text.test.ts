import { describe, expect, it } from 'vitest';
import { namesVersion, textObjections } from '../../../src/probe/text.ts';

const NOTHING = { holds: [], absent: [], matches: null, version: null };

describe('a text', () => {
  it('that was not read to its end is not taken for one without something', () => {
    expect(textObjections('the body', { ...NOTHING, absent: ['x'] }, { text: 'yy', cut: true })).toEqual([
      { words: 'the body is too long to be searched to its end (only the first 2 characters were read)' },
    ]);
  });

  it.each([
    ['v1.1.0', 'the body does not name version 1.2.0; the first it names is "v1.1.0"', true],
    ['{"version":"1.1.0","next":"1.2.0"}', 'the body does not name version 1.2.0; it says "1.1.0"', true],
    ['{"version":"1.2.0-rc.1"}', 'the body does not name version 1.2.0; it says "1.2.0-rc.1"', true],
    ['<h1>Bad gateway</h1>', 'the body does not name version 1.2.0: "<h1>Bad gateway</h1>"', undefined],
    [' ', 'the body does not name version 1.2.0: it is empty', undefined],
  ])('with another version, or none: %j', (text, words, mismatch) => {
    const found = textObjections('the body', { ...NOTHING, version: '1.2.0' }, { text, cut: false });
    expect(found).toEqual([{ words, ...(mismatch ? { mismatch } : {}) }]);
  });

  it.each(['{"version":"v1.2.0"}', '{"version":"shop 1.2.0","before":"1.1.0"}', '["1.1.0","1.2.0"]'])(
    'with the version: %s',
    (text) => expect(textObjections('the body', { ...NOTHING, version: '1.2.0' }, { text, cut: false })).toEqual([]),
  );
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
