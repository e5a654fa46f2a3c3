/** What a watch of 5, 15, 30 and 60 minutes would see in 80 % of cases, as the judge says it before the watch. */
import { type Kind, prepare, type Visible } from '../../src/judge/judge.ts';
import { LEVEL, times } from './cells.ts';
import { type Chance, chance } from './chance.ts';
import { ALPHA, metricOf } from './measure.ts';

export const MINUTES = [5, 15, 30, 60] as const;
const STEP = 15;
const PER_MINUTE = 60 / STEP;
const DRAWN = 5;
/** Minutes of reference: a day for counts, six hours for levels. */
const REFERENCE = { count: 1440, gauge: 360 };

/** One row: a kind of traffic, and the visible effects of each length. */
export interface Pace {
  name: string;
  visible: Visible[];
}

/** The median of some references. */
export function paces(): Pace[] {
  const events = [0.3, 3, 30, 300].map((pace): [string, Kind, (random: Chance, length: number) => number[]] => [
    `${pace} events a minute`,
    'count',
    (random, length) => times(length, () => random.poisson(pace / PER_MINUTE)),
  ]);
  const levels: typeof events = [
    ['a level, noise 20 %', 'gauge', (random, length) => random.autoregression(length, 0).map(noisy)],
    ['the same with memory 0.9', 'gauge', (random, length) => random.autoregression(length, 0.9).map(noisy)],
    ['a heavy tail (log-normal, σ = 1)', 'gauge', (random, length) => times(length, () => Math.exp(random.normal()))],
  ];
  return [...events, ...levels].map(([name, kind, draw], row) => ({
    name,
    visible: MINUTES.map((minutes) => {
      const plan = { ticks: minutes * PER_MINUTE, alpha: ALPHA };
      const all = times(DRAWN, (number) => number).map((number) => {
        const values = draw(chance(51, row, number), REFERENCE[kind === 'count' ? 'count' : 'gauge'] * PER_MINUTE);
        return prepare(metricOf({ name, kind }), { step: STEP, values }, plan).visible;
      });
      return { up: median(all.map(({ up }) => up)), down: median(all.map(({ down }) => down)) };
    }),
  }));
}

function noisy(z: number): number {
  return LEVEL * (1 + 0.2 * z);
}

/** Null where most are. */
function median(values: (number | null)[]): number | null {
  const sorted = values.map((value) => value ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const middle = sorted[sorted.length >> 1]!;
  return Number.isFinite(middle) ? middle : null;
}
