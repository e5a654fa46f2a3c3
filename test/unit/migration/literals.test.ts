import { expect, test } from 'vitest';
import { literally } from '../../../src/migration/literals.ts';

test.each<[string | number | null, string]>([
  ['plain', "E'plain'"],
  ["o'clock", "E'o''clock'"],
  ["\\'; DROP TABLE t; --", "E'\\\\''; DROP TABLE t; --'"],
  ['what?', "E'what?'"],
  ['$1 $&', "E'$1 $&'"],
  [7, '7'],
  [null, 'NULL'],
])('%s', (value, literal) => {
  expect(literally('VALUES (?, ?)', [value, 'b'])).toBe(`VALUES (${literal}, E'b')`);
});
