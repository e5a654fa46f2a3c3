import { describe, expect, it } from 'vitest';
import type { Wanted } from '../../../src/probe/check.ts';
import { comparable, oneValue } from '../../../src/probe/sql.ts';
import { valueObjections } from '../../../src/probe/value.ts';

const words = (wanted: Wanted, found: Parameters<typeof valueObjections>[2]) =>
  valueObjections('it', wanted, found).map((one) => one.words);

describe('a value', () => {
  it.each<[Wanted, Parameters<typeof valueObjections>[2]]>([
    [{ is: 'ok' }, 'ok'],
    [{ is: null }, null],
    [{ not: 'down' }, 'up'],
    [{ above: 0, below: 10 }, 5],
    [{ 'at-least': 5, 'at-most': 5 }, '5.0'],
    [{ matches: /^text/ }, 'text/html'],
    [{ matches: /^\[1/ }, [1, 2]],
    [{ exists: true }, null],
    [{ exists: false }, undefined],
    [{}, 0],
  ])('%j is right with %j', (wanted, found) => expect(words(wanted, found)).toEqual([]));

  it.each<[Wanted, Parameters<typeof valueObjections>[2], string[]]>([
    [{ is: 1 }, '1', ['it is "1" instead of 1']],
    [{ is: null }, undefined, ['it is missing instead of null']],
    [{ not: 'down' }, 'down', ['it is "down"']],
    [{ above: 0 }, 0, ['it is 0 and not above 0']],
    [{ 'at-least': 3, below: 2 }, 2, ['it is 2 and not below 2', 'it is 2 and not at least 3']],
    [{ above: 0 }, true, ['it is true, which is no number']],
    [{ above: 0 }, '', ['it is "", which is no number']],
    [{ matches: /^a/ }, 'b', ['it is "b" and does not match ^a']],
    [{ exists: false }, null, ['it is there: null']],
    [{}, undefined, ['it is missing']],
  ])('%j is wrong with %j', (wanted, found, why) => expect(words(wanted, found)).toEqual(why));
});

describe('the value of a query', () => {
  it.each([
    [[], { value: undefined }],
    [[{ n: null }], { value: null }],
    [[{ n: 12n }], { value: '12' }],
    [[{ at: new Date(0) }], { value: '1970-01-01T00:00:00.000Z' }],
    [[{ n: 1 }, { n: 2 }], { why: 'the query gives 2 rows where one value is needed' }],
    [[{ a: 1, b: 2 }], { why: 'the query gives 2 columns where one value is needed' }],
  ])('%o', (rows, expected) => expect(oneValue(rows)).toEqual(expected));

  it.each<[Parameters<typeof comparable>[0], Wanted, unknown]>([
    ['9007199254740993', {}, '9007199254740993'],
    ['12.50', { is: 12.5 }, 12.5],
    [1, { is: true }, true],
    [7, { is: '7' }, '7'],
    [null, { is: null }, null],
    [null, { above: 0 }, undefined],
    ['many', { is: 1 }, 'many'],
  ])('%j is compared by %j as %j', (value, wanted, expected) => expect(comparable(value, wanted)).toBe(expected));
});
