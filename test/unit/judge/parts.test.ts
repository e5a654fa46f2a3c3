import { describe, expect, it } from 'vitest';
import { fitAutoregression, Innovations } from '../../../src/judge/autoregression.ts';
import { memoryOf } from '../../../src/judge/bursts.ts';
import { incompleteBeta, logGamma, normalCdf, normalQuantile } from '../../../src/judge/distributions.ts';
import { Family, withoutBeginning } from '../../../src/judge/judge.ts';
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
    expect(fitAutoregression(d.autoregressive(2000, 0.8)).persistence).toBeCloseTo(0.8, 1);
    expect(fitAutoregression(Array.from({ length: 2000 }, d.normal)).persistence).toBeLessThan(0.1);
  });

  it('survives constant series and gaps', () => {
    expect(fitAutoregression(new Array(100).fill(3))).toEqual({ constant: 3, coefficients: [], persistence: 0 });
    expect(fitAutoregression([])).toMatchObject({ coefficients: [] });
    expect(fitAutoregression(new Array(50).fill(null))).toMatchObject({ coefficients: [] });
  });

  it('after a gap an innovation is scaled to its wider spread', () => {
    const filter = new Innovations({ constant: 0, coefficients: [0.5], persistence: 0.5 }, 0);
    expect(filter.next(2)).toBe(2);
    expect(filter.next(null)).toBeNull();
    expect(filter.next(3)).toBeCloseTo((3 - 0.5) / Math.sqrt(1.25));
  });

  it('below the noise of counts widens their limits, noise alone does not', () => {
    const d = draws(4);
    expect(memoryOf(d.autoregressive(720, 0.9).map((z) => d.poisson(5 * Math.exp(0.4 * z)))).factor).toBeGreaterThan(4);
    expect(memoryOf(Array.from({ length: 720 }, () => d.poisson(5))).factor).toBeLessThan(2);
    const short = Array.from({ length: 100 }, () => memoryOf(Array.from({ length: 80 }, () => d.poisson(5))).factor);
    expect(short.filter((factor) => factor > 1).length).toBeLessThanOrEqual(12);
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
