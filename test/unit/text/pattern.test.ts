import { describe, expect, it } from 'vitest';
import { isPattern, matches, matchingLines } from '../../../src/text/text.ts';

describe('a pattern', () => {
  it('is one, or none', () => expect(['^a+$', '(', '['].map(isPattern)).toEqual([true, false, false]));

  it('is found in a text, or not', () => {
    expect(matches(/^ok\b/, 'ok then')).toBe(true);
    expect(matches(/^ok\b/, 'okay')).toBe(false);
  });

  it.each([
    ['a\nERROR b\n\nERROR c', /ERROR/, 2],
    ['a b\r\nb a\r\n', /b$/, 1],
    ['a\n', /^$/, 0],
    ['', /(?:)/, 0],
    [`${'x'.repeat(100_000)}ERROR\nERROR${'x'.repeat(100_000)}`, /ERROR/, 2],
  ])('is found in lines', (text, pattern, count) => expect(matchingLines(pattern, text)).toBe(count));

  it('that is not through in a second is given up', () => {
    const endless = `${'a'.repeat(60)}b`;
    expect(() => matches(/^(a+)+$/, endless)).toThrow(/\^\(a\+\)\+\$ was not through after 1000 ms/);
  });
});
