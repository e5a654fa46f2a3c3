/**
 * Levels and windowed rates. The sum of the scores of the innovations (see gauge-fit.ts), scaled by n/(n+t), is a
 * Gaussian martingale that holds the reference's own error (n reference ticks, t watched ones; recursive residuals,
 * Brown, Durbin & Evans 1975). Pure.
 */
import type { GaugeReference } from './comparison.ts';
import { crossing, normalQuantile } from './distributions.ts';
import { type Levels, levels } from './evidence.ts';
import {
  expectedSum,
  factorOf,
  fitGauge,
  type GaugeFit,
  meanScore,
  shiftOf,
  toleratedShift,
  unitOf,
  wayOf,
} from './gauge-fit.ts';
import { GaugeProcess } from './gauge-process.ts';
import type { Metric, Model, Plan, Side } from './types.ts';

/** The power with which the smallest visible harm is seen. */
const POWER = normalQuantile(0.8);
/** The largest harm that is looked for, in spreads of the reference. */
const FAR = 60;
/** No more ticks than this are gone through for the earliest alarm. */
const LATEST = 100_000;

/** The model of a gauge or a window. */
export function gaugeModel(metric: Metric, reference: GaugeReference, plan: Plan): Model {
  const fit = fitGauge(reference, plan);
  const level = levels(plan, metric.worse === 'either' ? 2 : 1);
  return {
    level: reference.level,
    notes: fit.notes,
    visible: (ticks) => {
      const way = wayOf(fit);
      return { up: visible(fit, way, 'up', ticks, level), down: visible(fit, way, 'down', ticks, level) };
    },
    floor: (side) => floorOf(fit, toleratedShift(metric, side, reference), Math.log(1 / plan.alpha)),
    begin: () => new GaugeProcess(fit, metric, plan, level),
  };
}

/** The first tick at which the expected evidence of a shift reaches so many nats (Wald 1945). */
function floorOf(fit: GaugeFit, shift: number | null, nats: number): number | null {
  if (shift === null) return null;
  const way = wayOf(fit);
  let left = nats;
  let drift = 0;
  for (let tick = 0; tick < way.length; tick++) {
    drift = meanScore(fit, shift * way[tick]!);
    left -= (drift * drift) / 2 / fit.inflation;
    if (left <= 0) return tick + 1;
  }
  const ticks = way.length + Math.ceil((2 * left * fit.inflation) / (drift * drift));
  return ticks <= LATEST ? ticks : null;
}

/** The factor that the fixed-horizon test sees in 80 % of watches. */
function visible(fit: GaugeFit, way: Float64Array, side: Side, ticks: number, level: Levels): number | null {
  const { reference, size } = fit;
  if (reference.level <= 0 && reference.scale === 'raw') return null;
  const planned = level.horizons[0]!.level;
  const needed = (POWER - normalQuantile(planned)) * Math.sqrt(((size * ticks) / (size + ticks)) * fit.inflation);
  const sign = side === 'up' ? 1 : -1;
  const reach = (shift: number) => (sign * size * expectedSum(fit, way, sign * shift, ticks)) / (size + ticks) - needed;
  const far =
    side === 'down' ? Math.abs(shiftOf(1e-3, reference)!) : FAR * Math.max(fit.spread, unitOf(reference), 1e-9);
  // Near the answer first: far away a normal score says no more than that it is the largest.
  let [low, high] = [0, Math.min(far, fit.spread / 4 || far)];
  while (high < far && reach(high) < 0) [low, high] = [high, Math.min(far, 3 * high)];
  const shift = crossing(reach, low, high, 1e-4);
  return shift === null ? null : factorOf(sign * shift, reference);
}
