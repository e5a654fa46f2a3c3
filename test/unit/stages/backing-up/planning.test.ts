import { describe, expect, it } from 'vitest';
import { roomFor, type Size } from '../../../../src/stages/backing-up/planning.ts';

const sizes = ['a 10', 'b 30', 'c 20'].map((text): Size => {
  const [name, bytes] = text.split(' ') as [string, string];
  return { name, bytes: Number(bytes), file: false };
});

describe('the room for copies', () => {
  it.each<[string, Size[], string | null, number]>([
    ['is that of the largest, since they come one after the other', sizes, null, 30],
    ['has room for the one that stays for the migrations too', sizes, 'a', 40],
    ['counts that one once', sizes, 'b', 50],
    ['of one database is its size, whether it stays or not', sizes.slice(0, 1), 'a', 10],
    ['of none is none', [], 'a', 0],
  ])('%s', (_case, some, kept, bytes) => expect(roomFor(some, kept)).toBe(bytes));
});
