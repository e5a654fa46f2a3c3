import { describe, expect, it } from 'vitest';
import { compareContents } from '../../../src/database/contents.ts';
import type { Contents } from '../../../src/database/types.ts';

const held = (tables: Record<string, [number, string]>, sequences: Record<string, string> = {}): Contents => ({
  tables: Object.fromEntries(Object.entries(tables).map(([name, [rows, sha256]]) => [name, { rows, sha256 }])),
  sequences,
});

describe('what differs in two contents', () => {
  it.each<[string, Contents, Contents, string | null]>([
    ['equal', held({ a: [1, 'x'] }, { s: '1' }), held({ a: [1, 'x'] }, { s: '1' }), null],
    ['nothing at all', held({}), held({}), null],
    ['an empty table that is absent', held({ a: [0, 'none'] }), held({}), null],
    ['a lost row', held({ a: [2, 'x'] }), held({ a: [1, 'y'] }), 'table a: 2 rows against 1 row'],
    ['a lost table', held({ a: [2, 'x'] }), held({}), 'table a: 2 rows against no rows'],
    ['a new table', held({}), held({ a: [2, 'x'] }), 'table a: no rows against 2 rows'],
    ['a table named __proto__', held({ ['__proto__']: [2, 'x'] }), held({}), 'table __proto__: 2 rows against no rows'],
    [
      'a changed value',
      held({ a: [2, 'x'] }),
      held({ a: [2, 'y'] }),
      'table a: 2 rows on both sides, but the content differs',
    ],
    ['a moved sequence', held({}, { s: '1' }), held({}, { s: '2' }), 'sequence s: 1 against 2'],
    ['an absent sequence', held({}, { s: '1' }), held({}), 'sequence s: 1 against absent'],
    [
      'the first one by name, and how many more',
      held({ b: [1, 'x'], a: [2, 'x'] }, { s: '1' }),
      held({ b: [2, 'x'], a: [1, 'x'] }),
      'table a: 2 rows against 1 row (and 2 more)',
    ],
  ])('%s', (_case, a, b, expected) => {
    expect(compareContents(a, b)).toBe(expected);
  });
});
