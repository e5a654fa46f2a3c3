import { describe, expect, it } from 'vitest';
import { matches } from '../../../../src/database/replacement/mysql-obstacles.ts';
import { leftBeside, nameBeside } from '../../../../src/database/replacement/names.ts';

describe('names beside a live database', () => {
  it.each([
    ['shop', '20261121-101501-3f', 63, 'shop_changeline_202611211015013f'],
    ['é'.repeat(40), '1', 63, `${'é'.repeat(25)}_changeline_1`],
    ['a b"c', '1', 64, 'a b"c_changeline_1'],
  ])('%s', (live, id, longest, name) => {
    expect(nameBeside(live, 'changeline', id, longest)).toBe(name);
    expect(leftBeside(live, [name, live, 'other_changeline_1', 'shop_changeline_']).built).toEqual([name]);
  });
  it('tells what was built from what is kept', () =>
    expect(leftBeside('shop', ['shop_changeline_1', 'shop_replaced_2', 'shop2_replaced_3'])).toEqual({
      built: ['shop_changeline_1'],
      kept: ['shop_replaced_2'],
    }));
});

describe('the pattern of a GRANT', () => {
  it.each([
    ['shop', 'shop', true],
    ['shop', 'shop_changeline_1', false],
    ['shop%', 'shop_changeline_1', true],
    ['shop\\_%', 'shop_changeline_1', true],
    ['shop\\_%', 'shopx', false],
    ['sh_p', 'shop', true],
    ['a.c', 'abc', false],
  ])('%s for %s: %s', (pattern, name, expected) => expect(matches(pattern, name)).toBe(expected));
});
