/** Watches that the judge is bad at, so that what it does then stands in the table too. */
import { prepare, replay, type Side } from '../../src/judge/judge.ts';
import { type Cell, type Format, LEVEL, level, rate, season, single, sum, times } from './cells.ts';
import { chance } from './chance.ts';
import { ALPHA, judge, metricOf } from './measure.ts';

/** A pace that comes in bursts, with a reference hardly longer than the watch. */
const bursts = single(
  'bursts, short reference',
  'thirty events a minute whose pace wanders (autoregression 0.97); a reference as long as the watch',
  'count',
  (format, number) => {
    const random = chance(21, format.step, number);
    const pace = random.autoregression(2 * format.ticks, 0.97).map((z) => (format.step / 2) * Math.exp(0.5 * z));
    return {
      reference: { step: format.step, values: times(format.ticks, (t) => random.poisson(pace[t]!)) },
      watch: (effect) => ({
        values: times(format.ticks, (t) => random.poisson(effect * pace[format.ticks + t]!)),
        other: null,
      }),
      score: ({ values }) => sum(values),
    };
  },
  () => 0,
);

function randomWalk(): Cell {
  return single(
    'random walk',
    'a level that never returns: a step of 1 % a tick',
    'gauge',
    (format, number) => {
      const { normal } = chance(23, format.step, number);
      let at = 10 * LEVEL;
      const walk = times(format.reference + format.ticks, () => {
        at += (LEVEL / 10) * normal();
        return at;
      });
      return {
        reference: { step: format.step, values: walk.slice(0, format.reference) },
        watch: (effect) => ({ values: walk.slice(format.reference).map((value) => value * effect), other: null }),
        score: ({ values }) => sum(values),
      };
    },
    () => 0,
  );
}

/** What no judge can do well with what it is told. */
export const WEAK: readonly Cell[] = [
  level('ar999', 'autoregression 0.999: a memory longer than the reference', 22, 0.999),
  randomWalk(),
  season(false),
  bursts,
  rate('window'),
];

/** What is left of a weakness after replays. */
export interface Replays {
  /** The median widening. */
  widen: number;
  falseAlarms: number;
  /** The share of watches with a harm of ×2 and ×0.5 that is seen. */
  up: number;
  down: number;
}

/** Fourteen days with seven clock times. */
const TRACES = 98;
const WATCHES_A_PAST = 50;
/** No watch is its own past. */
const PAST = 5_000_000;

/** Widens by replays of one past, watches fifty times with it, and so on with other pasts. */
export function afterReplays(cell: Cell, format: Format, watches: number): Replays {
  const metric = metricOf(cell);
  const plan = { ticks: format.ticks, alpha: ALPHA };
  const each = Math.min(watches, WATCHES_A_PAST);
  const runs = times(Math.floor(watches / each), (i) => i).map((run) => {
    const past = times(TRACES, (i) => i).map((i) => {
      const drawn = cell.draw(format, PAST + run * TRACES + i);
      return { reference: drawn.reference, watch: drawn.watch(1).values };
    });
    const { widen } = replay(metric, past, plan);
    const sides = times(each, (i) => i).map((i) => {
      const drawn = cell.draw(format, run * each + i);
      const prepared = prepare(metric, drawn.reference, { ...plan, widen });
      return [1, 2, 0.5].map((effect) => judge(prepared, drawn.watch(effect)).side);
    });
    const share = (effect: number, is: (side: Side | null) => boolean) =>
      sides.filter((side) => is(side[effect]!)).length / each;
    return {
      widen,
      falseAlarms: share(0, (side) => side !== null),
      up: share(1, (side) => side === 'up'),
      down: share(2, (side) => side === 'down'),
    };
  });
  const mean = (of: 'falseAlarms' | 'up' | 'down') => sum(runs.map((run) => run[of])) / runs.length;
  const widen = runs.map((run) => run.widen).sort((a, b) => a - b)[runs.length >> 1]!;
  return { widen, falseAlarms: mean('falseAlarms'), up: mean('up'), down: mean('down') };
}
