import { describe, expect, it } from 'vitest';
import { planBatches, planWaves } from '../../../src/fleet/waves.ts';

const hosts = (count: number) => Array.from({ length: count }, (_, index) => `h${index + 1}`);
const sizes = (groups: unknown[][]) => groups.map((group) => group.length);

describe('planWaves', () => {
  it.each([
    [60, [1, '25%', '100%'], [1, 14, 45]],
    [60, [1], [1, 59]],
    [4, [1, '100%'], [1, 3]],
    [1, [1, '25%', '100%'], [1]],
    [3, ['1%'], [1, 2]],
    [3, ['100%'], [3]],
    [3, [5], [3]],
    [10, ['50%', 3, '100%'], [5, 5]],
    [10, ['0%', '100%'], [10]],
    [7, ['999%'], [7]],
  ])('%i hosts in waves %j', (count, waves, expected) => {
    const planned = planWaves(hosts(count), { waves });
    expect(sizes(planned)).toEqual(expected);
    expect(planned.flat()).toEqual(hosts(count));
  });
});

describe('planBatches', () => {
  it.each([
    [4, 4, '50%', [2, 2]],
    [3, 3, '50%', [1, 1, 1]],
    [45, 60, '75%', [15, 15, 15]],
    [1, 1, '100%', [1]],
    [3, 3, '100%', [1, 1, 1]],
    [3, 3, '0%', [3]],
    [5, 10, '90%', [1, 1, 1, 1, 1]],
  ])('a wave of %i out of %i with %s in service', (wave, total, share, expected) => {
    const batches = planBatches(hosts(wave), total, { 'min-in-service': share });
    expect(sizes(batches)).toEqual(expected);
    expect(batches.flat()).toEqual(hosts(wave));
  });
});
