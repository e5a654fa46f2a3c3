import { describe, expect, it } from 'vitest';
import { discoveries, prepare } from '../../../src/judge/judge.ts';
import { draws, metric } from './series.ts';

describe('of many metrics, those that were harmed', () => {
  it.each([
    ['nothing is found in nothing', [], []],
    ['one must reach all that is promised', [99, 1, 1, 1], [false, false, false, false]],
    ['one that does', [100, 1, 1, 1], [true, false, false, false]],
    ['two need half as much each', [1, 50, 50, 1], [false, true, true, false]],
    ['the weaker lean on the stronger', [34, 1, 1000, 34], [true, false, true, true]],
    ['equal evidence, equal answer', [25, 25, 25, 25], [true, true, true, true]],
  ])('%s', (_, evidence, found) => expect(discoveries(evidence, 0.05)).toEqual(found));

  it('names the harmed ones, and calm ones next to never', () => {
    const d = draws(5);
    const plan = { ticks: 30, alpha: 0.05 / 10 };
    const wrong = Array.from({ length: 8 }, () => {
      const evidence = Array.from({ length: 10 }, (_, i) => {
        const harm = i < 3 ? 1.5 : 1;
        const noise = (mean: number) => mean + 20 * d.normal();
        const values = Array.from({ length: 180 }, () => noise(100));
        const run = prepare(metric(), { step: 5, values }, plan).begin();
        return Array.from({ length: plan.ticks }, () => run.look(noise(100 * harm)).evidence).at(-1)!;
      });
      const found = discoveries(evidence, 0.05);
      expect(found.slice(0, 3)).toEqual([true, true, true]);
      return found.slice(3).filter(Boolean).length;
    });
    expect(wrong.filter((count) => count > 0).length).toBeLessThanOrEqual(1);
  });
});
