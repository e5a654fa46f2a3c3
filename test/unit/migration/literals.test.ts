import { expect, test } from 'vitest';
import { literally, numbered } from '../../../src/migration/literals.ts';

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

test('a mark in a quoted name is none', () => {
  const sql = 'SELECT 1 FROM "a?b""?"."t" WHERE x = ? AND "?" = ?';
  expect(numbered(sql)).toBe('SELECT 1 FROM "a?b""?"."t" WHERE x = $1 AND "?" = $2');
  expect(literally(sql, [7, 'c'])).toBe(`SELECT 1 FROM "a?b""?"."t" WHERE x = 7 AND "?" = E'c'`);
});
