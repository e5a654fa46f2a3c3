import { describe, expect, it } from 'vitest';
import { fitAutoregression } from '../../../src/judge/autoregression.ts';
import { numbersOf } from '../../../src/judge/comparison.ts';
import { incompleteBeta, logGamma, normalCdf, normalQuantile } from '../../../src/judge/distributions.ts';
import { Innovations } from '../../../src/judge/innovations.ts';
import { Family, withoutBeginning } from '../../../src/judge/judge.ts';
import { memoryFactor, wanderings } from '../../../src/judge/memory.ts';
import { draws } from './series.ts';

describe('distributions, against published values', () => {
  it.each([
    [0, 0.5],
    [1.96, 0.9750021048517795],
    [-5, 2.866515718791933e-7],
    [-3, 0.0013498980316300933],
  ])('normal below %d', (z, p) => {
    expect(normalCdf(z)).toBeCloseTo(p, 12);
    expect(normalQuantile(p)).toBeCloseTo(z, 7);
  });

  it.each([
    [0.3, 2.5, 4.2, 0.37411551802650667],
    [0.5, 3000, 3000, 0.5],
    [0.01, 0.5, 0.5, 0.06376856085851985],
    [0.4, 2e6, 3e6, 0.5000242788547464],
    [0.4003, 2e6, 3e6, 0.914539932068353],
    [5 / 75 + 1e-6, 5e8, 7e9, 0.63577732303318],
    [0.5, 1e12, 1e12, 0.5],
    [0, 1, 1, 0],
    [1, 1, 1, 1],
  ])('incomplete beta at %d of (%d, %d)', (x, a, b, p) => expect(incompleteBeta(x, a, b)).toBeCloseTo(p, 9));

  it('log gamma', () => {
    expect(logGamma(10.5)).toBeCloseTo(13.940625219403763, 10);
    expect(logGamma(0.25)).toBeCloseTo(1.2880225246980774, 10);
  });
});

describe('memory', () => {
  it('is found, and its size', () => {
    const d = draws(1);
    expect(fitAutoregression(numbersOf(d.autoregressive(2000, 0.8))).persistence).toBeCloseTo(0.8, 1);
    expect(fitAutoregression(numbersOf(Array.from({ length: 2000 }, d.normal))).persistence).toBeLessThan(0.1);
  });

  it('survives constant series and gaps', () => {
    expect(fitAutoregression(numbersOf(new Array(100).fill(3)))).toMatchObject({
      constant: 3,
      coefficients: [],
      persistence: 0,
    });
    expect(fitAutoregression(numbersOf([]))).toMatchObject({ coefficients: [] });
    expect(fitAutoregression(numbersOf(new Array(50).fill(null)))).toMatchObject({ coefficients: [] });
  });

  it('of a long series is weighed, however much likelier it is than none', () => {
    const kinds = wanderings(numbersOf(draws(6).autoregressive(5000, 0.97)));
    expect(kinds.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 3);
    expect(memoryFactor(kinds, 5000, 60)).toBeGreaterThan(20);
  });

  it('never explodes: what it expects of gaps stays finite', () => {
    const growing = Array.from({ length: 60 }, (_, i) => (i % 4 === 3 ? null : 1.5 ** i));
    const memory = fitAutoregression(numbersOf(growing));
    const filter = new Innovations(memory, 0, 1);
    for (let i = 0; i < 5000; i++) filter.next(i % 3 === 0 ? 1 : Number.NaN);
    expect(Math.abs(filter.next(1))).toBeLessThan(1e6 * Math.abs(memory.constant) + 1e6);
  });

  it('after a gap an innovation is scaled to its wider spread', () => {
    const filter = new Innovations({ constant: 0, coefficients: [0.5], average: 0, persistence: 0.5 }, 0);
    expect(filter.next(2)).toBe(2);
    expect(filter.next(Number.NaN)).toBeNaN();
    expect(filter.next(3)).toBeCloseTo((3 - 0.5) / Math.sqrt(1.25));
  });

  it('below the noise of counts widens their limits, noise alone does not', () => {
    const d = draws(4);
    const factor = (values: number[]) => memoryFactor(wanderings(numbersOf(values)), values.length, 60);
    expect(factor(d.autoregressive(720, 0.9).map((z) => d.poisson(5 * Math.exp(0.4 * z))))).toBeGreaterThan(4);
    expect(factor(Array.from({ length: 720 }, () => d.poisson(5)))).toBeLessThan(1.3);
    expect(factor(new Array(720).fill(5))).toBe(1);
  });
});

describe('the family', () => {
  it('raises an alarm on the mean of the evidence of one look', () => {
    const family = new Family(0.05, [1, 1]);
    expect(family.share(0)).toBe(0.025);
    expect(family.look([24, 24])).toMatchObject({ alarm: false });
    expect(family.look([51, 0])).toEqual({ alarm: true, leading: 0 });
    expect(family.look([26, 26])).toMatchObject({ alarm: true });
  });

  it('weighs', () => {
    const family = new Family(0.05, [3, 1]);
    expect(family.look([10, 80]).alarm).toBe(true);
    expect(family.look([10, 60])).toEqual({ alarm: false, leading: 1 });
  });
});

describe('a source that began lately', () => {
  it('loses the time before its beginning', () => {
    expect(withoutBeginning([...new Array(50).fill(0), 3, 2, 0, 4, 1])).toEqual([
      ...new Array(50).fill(null),
      3,
      2,
      0,
      4,
      1,
    ]);
  });

  it.each([[[0, 0, 0, 1, 0, 0, 0, 0, 1, 0]], [[0, 0, 0]], [[3, 0, 1]], [[]], [[null, 0, 0, 1, 0, 0]]])(
    '%j stays',
    (values) => {
      expect(withoutBeginning(values)).toEqual(values);
    },
  );
});
