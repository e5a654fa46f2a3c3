import { describe, expect, it } from 'vitest';
import { wrapped } from '../../../src/doors/wrap.ts';

describe('wrapped', () => {
  it('breaks between words and begins further lines in the same column', () => {
    const text = `✓ deploy   ${'word '.repeat(20).trim()}`;
    const lines = wrapped(text, 11, 60).split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
    for (const line of lines.slice(1)) expect(line).toMatch(/^ {11}word/);
    expect(lines.map((line) => line.trim()).join(' ')).toBe(text);
  });

  it.each([
    ['no terminal', undefined],
    ['a very narrow one', 40],
    ['a wide one', 500],
  ])('leaves the text as it is: %s', (_, columns) => {
    const text = `a  b ${'word '.repeat(30)}`;
    expect(wrapped(text, 2, columns)).toBe(text);
  });

  it('keeps a word that is longer than a line, so that a path can be copied', () => {
    const path = `/${'x'.repeat(100)}`;
    expect(wrapped(`see ${path} there`, 0, 60).split('\n')).toEqual(['see', path, 'there']);
  });
});
