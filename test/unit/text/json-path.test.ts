import { describe, expect, it } from 'vitest';
import { jsonPath, valueAt } from '../../../src/text/text.ts';

describe('a JSON path', () => {
  const document = { a: { b: [1, { 'c d': 'x' }] }, 'e-f': false, none: null, 'say "hi"': 2 };
  it.each([
    ['$', document],
    ['$.a.b[0]', 1],
    ["$.a.b[1]['c d']", 'x'],
    ['$["e-f"]', false],
    ['$.e-f', false],
    ['$["say \\"hi\\""]', 2],
    ['$.none', null],
    ['$.none.x', undefined],
    ['$.a.b[2]', undefined],
    ['$.a.b.length.x', undefined],
    ['$.constructor', undefined],
    ['$.__proto__', undefined],
  ])('%s', (path, value) => expect(valueAt(document, jsonPath(path)!)).toEqual(value));

  it.each(['', 'a', '$a', '$.', '$..a', '$[a]', '$[*]', '$.a[', '$.a b'])('refuses %j', (path) => {
    expect(jsonPath(path)).toBeNull();
  });
});
