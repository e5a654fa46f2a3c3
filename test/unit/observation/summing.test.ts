import { describe, expect, it } from 'vitest';
import { recordedPasts } from '../../../src/observation/recording.ts';
import { HostValues, stillThere, sumOrNull, sumOver } from '../../../src/observation/summing.ts';

const n = null;
const past = (host: string | null, values: (number | null)[]) => ({ host, values });

describe('a sum over hosts', () => {
  it.each([
    ['all give numbers', [past('a', [1, 2]), past('b', [10, 20])], [11, 22], [11, 22]],
    ['half a fleet is no sum', [past('a', [1, 2]), past('b', [10, n])], [11, n], [11, n]],
    ['a host that came later had none of what adds up', [past('a', [1, 2]), past('b', [n, 20])], [1, 22], [n, 22]],
    ['nobody gave anything', [past('a', [n, n])], [n, n], [n, n]],
    ['there is no host', [], [], []],
  ] as const)('%s', (_, pasts, added, levels) => {
    expect(sumOver(pasts as never, true)).toEqual(added);
    expect(sumOver(pasts as never, false)).toEqual(levels);
  });

  it('one null is no sum', () => {
    expect([sumOrNull([1, n]), sumOrNull([]), sumOrNull([1, 2])]).toEqual([n, n, 3]);
  });
});

describe('hosts that end', () => {
  it('are left out of a reference; a gap at the end is no end', () => {
    const pasts = [past('a', [1, 1, 1, 1, 1]), past('b', [1, 1, n, n, n]), past('c', [1, 1, 1, n, n])];
    const { there, gone } = stillThere(pasts);
    expect([there.map(({ host }) => host), gone]).toEqual([['a', 'c'], ['b']]);
  });

  it('are not told where nobody answers any more', () => {
    const silent = [past('a', [1, n, n, n, n]), past('b', [1, n, n, n, n])];
    expect(stillThere(silent).gone).toEqual([]);
    const values = new HostValues();
    for (const value of [1, n, n, n, n])
      values.add([
        { at: 0, host: 'a', value, why: null },
        { at: 0, host: 'b', value, why: null },
      ]);
    expect(values.gone(['a', 'b'])).toEqual([]);
  });

  it('are told after three ticks in which another answers', () => {
    const values = new HostValues();
    const tick = (...hosts: string[]) => values.add(hosts.map((host) => ({ at: 0, host, value: 1, why: null })));
    tick('a', 'b');
    tick('a');
    tick('a');
    expect(values.gone(['a', 'b'])).toEqual([]);
    tick('a');
    expect(values.gone(['a', 'b'])).toEqual(['b']);
    expect(values.of('b')).toEqual([1, n, n, n]);
    tick('a', 'c');
    expect(values.of('c')).toEqual([n, n, n, n, 1]);
  });
});

it('recorded samples are one entry a tick and host', () => {
  const kept = [
    { at: 500, host: 'a', value: 1 },
    { at: 600, host: 'b', value: 2 },
    { at: 1500, host: 'a', value: 3 },
    { at: 2600, host: 'b', value: n },
    { at: 9000, host: 'a', value: 9 },
  ];
  expect(recordedPasts(kept, { from: 0, to: 3000 }, 1000)).toEqual([past('a', [1, 3, n]), past('b', [2, n, n])]);
  expect(recordedPasts([], { from: 0, to: 2000 }, 1000)).toEqual([]);
});
