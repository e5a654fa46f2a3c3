/** What is new in each tick of a series with memory. Pure. */
import type { Autoregression } from './autoregression.ts';

const FARTHEST_GAP = 500;

/**
 * Follows a series and answers what is new in each tick: the value less what the ticks before let expect.
 * After a gap the expectation is further off; the answer is scaled to the usual spread. NaN is a tick without a number.
 */
export class Innovations {
  private readonly model: Autoregression;
  private readonly constant: number;
  private readonly coefficients: Float64Array;
  /** The tick before first. */
  private readonly lags: Float64Array;
  private readonly average: number;
  private readonly clip: number;
  private before = 0;
  private gap = 0;
  private ticks = 0;

  /**
   * `start` is the value before the first. An innovation beyond `clip` is remembered as one of that size: an outlier
   * does not disturb what is expected after it, and a jump is not taken for the new state at once (Masreliez & Martin 1977).
   */
  constructor(model: Autoregression, start: number, clip = Number.POSITIVE_INFINITY) {
    this.model = model;
    this.constant = model.constant;
    this.average = model.average;
    this.clip = clip;
    this.coefficients = Float64Array.from(model.coefficients);
    this.lags = new Float64Array(model.coefficients.length).fill(start);
  }

  /** A filter that goes on from here, on its own. */
  copy(): Innovations {
    const copy = new Innovations(this.model, 0, this.clip);
    copy.lags.set(this.lags);
    copy.before = this.before;
    copy.gap = this.gap;
    copy.ticks = this.ticks;
    return copy;
  }

  next(value: number): number {
    const { coefficients, lags } = this;
    let expected = this.constant + this.average * this.before;
    for (let i = 0; i < lags.length; i++) expected += coefficients[i]! * lags[i]!;
    const missing = Number.isNaN(value);
    const spread = this.gap === 0 || missing ? 1 : gapSpread(coefficients, this.average, this.gap);
    this.gap = missing ? this.gap + 1 : 0;
    // The first values are where it starts, not jumps.
    const clip = this.ticks++ < lags.length ? Number.POSITIVE_INFINITY : this.clip;
    this.before = missing ? 0 : Math.max(-clip, Math.min(clip, value - expected));
    lags.copyWithin(1, 0);
    if (lags.length > 0) lags[0] = expected + this.before;
    return (value - expected) / spread;
  }
}

/** The standard deviation of a forecast `gap` ticks further ahead, in innovations (sum of the squared psi weights). */
function gapSpread(coefficients: Float64Array, average: number, gap: number): number {
  const psi = [1];
  for (let j = 1; j <= Math.min(gap, FARTHEST_GAP); j++) {
    let weight = j === 1 ? average : 0;
    for (let i = 0; i < Math.min(j, coefficients.length); i++) weight += coefficients[i]! * psi[j - 1 - i]!;
    psi.push(weight);
  }
  return Math.sqrt(psi.reduce((sum, weight) => sum + weight * weight, 0));
}
