/**
 * The number of events in the watch, given the number in the reference: a gamma-Poisson mixture (negative binomial;
 * Jeffreys' prior), so the reference's own error is in every limit. Where the exposure is the number of events of other
 * hosts, its own scatter is in too: the mixture has the variance of a beta-binomial prediction of two arms
 * (Lindon & Malek 2022), and its mean. Pure.
 */
import { incompleteBeta } from './distributions.ts';

/** What is known when a prediction is made: k events at an exposure of n. */
export interface Known {
  k: number;
  n: number;
  /** The exposures are numbers of events themselves. */
  noisy: boolean;
  /** The distance between possible sums; 0 for any. */
  lattice: number;
  /** How the scatter grows with a harm (see `shrink`). */
  excess: number;
}

/** What is known from a reference. */
export function knownFrom(fit: Omit<Known, 'k' | 'n'> & { events: number; exposure: number }): Known {
  const { events, exposure, noisy, lattice, excess } = fit;
  return { k: events + 0.5, n: exposure, noisy, lattice, excess };
}

/** The shape of the mixture for a watch with the exposure t: 1/k is the squared error of its mean. */
function shapeOf({ k, n, noisy }: Known, t: number): number {
  return noisy ? 1 / (1 / k + 1 / (n + 0.5) + 1 / t) : k;
}

/**
 * By what the numbers are to be multiplied so that they scatter as Poisson numbers do under a harm r: the dispersion
 * above 1 is a wandering pace, which a rise multiplies too (negative binomial). Where the harm multiplies sizes and
 * not the number of events (an infinite excess) it all scales.
 */
function shrink({ excess }: Known, r: number): number {
  if (r === 1 || excess === 0) return 1;
  return excess === Number.POSITIVE_INFINITY ? 1 / r : (1 + excess) / (1 + excess * Math.max(1, r));
}

/** P(sum of the watch >= x) where the harm is r and the watch's exposure t > 0; continuous between lattice points. */
export function atLeast(known: Known, x: number, r: number, t: number): number {
  const scale = shrink(known, r);
  const a = scale * (x - known.lattice / 2) + 0.5;
  if (a <= 0) return 1;
  const shape = shapeOf(known, t);
  const mean = (scale * r * t * known.k) / known.n;
  return incompleteBeta(mean / (shape + mean), a, shape);
}

/** P(sum of the watch <= x), as `atLeast`. */
export function atMost(known: Known, x: number, r: number, t: number): number {
  if (x < 0) return 0;
  const scale = shrink(known, r);
  const shape = shapeOf(known, t);
  const mean = (scale * r * t * known.k) / known.n;
  return 1 - incompleteBeta(mean / (shape + mean), scale * (x + known.lattice / 2) + 0.5, shape);
}

/** The likelihood ratio of a rate r times the predicted one, after `sum` events in the exposure t. */
export function likelihoodRatio(known: Known, logR: number, sum: number, t: number): number {
  if (t <= 0) return 1;
  const shape = shapeOf(known, t);
  const mean = (t * known.k) / known.n;
  const ratio = Math.log((shape + mean) / (shape + Math.exp(logR) * mean));
  return Math.exp(Math.min(600, sum * logR + (shape + sum) * ratio));
}
