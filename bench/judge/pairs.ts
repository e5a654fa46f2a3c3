/** The simulated watches of new hosts against old ones at the same time, and the list of all cells. */
import type { Kind } from '../../src/judge/judge.ts';
import {
  type Cell,
  type Drawn,
  dayFrom,
  type Format,
  innovationScore,
  LEVEL,
  level,
  lognormal,
  ORDERS_A_MINUTE,
  poisson3,
  rate,
  season,
  shiftNats,
  sum,
  times,
} from './cells.ts';
import { chance } from './chance.ts';

/** New machines are faster or slower than the old ones from the start. */
const MACHINES = 1.1;
const OLD_HOSTS = 9;

interface Pair {
  about: string;
  seed: number;
  kind: Kind;
  /** The new hosts' and the old hosts' value under a load; each is called once a tick, in order. */
  start(random: ReturnType<typeof chance>, format: Format, length: number): (t: number, load: number) => number;
  old(random: ReturnType<typeof chance>, format: Format, length: number): (t: number, load: number) => number;
  score(values: readonly number[], other: readonly number[], last: [number, number]): number;
  nats: Cell['nats'];
}

/** New hosts against old ones at the same time, under one load that wanders and has its day. */
function paired(name: string, spec: Pair): Cell {
  const draw = (format: Format, number: number): Drawn => {
    const total = format.reference + format.ticks;
    const random = chance(spec.seed, format.step, number);
    const day = dayFrom(random.uniform(), format);
    const wander = random.autoregression(total, 0.97);
    const load = times(total, (t) => day(t) * Math.exp(0.15 * wander[t]!));
    const old = spec.old(random, format, total);
    const others = times(total, (t) => old(t, load[t]!));
    const fresh = (effect: number, from: number, to: number) => {
      const value = spec.start(
        chance(spec.seed, format.step, number, spec.kind === 'count' ? Math.round(effect * 1e6) + from : 1),
        format,
        total,
      );
      return times(to - from, (t) => value(from + t, load[from + t]! * effect));
    };
    const values = fresh(1, 0, format.reference);
    const last: [number, number] = [values.at(-1)!, others[format.reference - 1]!];
    return {
      reference: { step: format.step, values, other: others.slice(0, format.reference) },
      watch: (effect) => ({ values: fresh(effect, format.reference, total), other: others.slice(format.reference) }),
      plain: values,
      pair: (seen) => ({ before: seen.other!, now: seen.values }),
      score: (seen) => spec.score(seen.values, seen.other!, last),
    };
  };
  return { name, about: spec.about, kind: spec.kind, draw, nats: spec.nats };
}

/** Machines whose values scatter about the load on a log scale, with some memory. */
function machines(about: string, seed: number, spread: number, memory: number): Pair {
  const host = (own: number) => (random: ReturnType<typeof chance>, _: Format, length: number) => {
    const noise = random.autoregression(length, memory);
    return (t: number, load: number) => own * LEVEL * load * Math.exp(spread * noise[t]!);
  };
  const apart = (value: number, other: number) => Math.log(value / other / MACHINES);
  return {
    about,
    seed,
    kind: 'gauge',
    start: host(MACHINES),
    old: host(1),
    score: (values, other, last) =>
      innovationScore([apart(...last), ...values.map((value, t) => apart(value, other[t]!))], memory),
    nats: (effect, ticks) => shiftNats(Math.log(effect) / spread / Math.SQRT2, memory, ticks),
  };
}

const pairCount: Pair = {
  about: 'one new host with three orders a minute, nine old ones',
  seed: 13,
  kind: 'count',
  start: (random, format) => (_, load) => random.poisson(((ORDERS_A_MINUTE * format.step) / 60) * load),
  old: (random, format) => (_, load) =>
    random.poisson(((OLD_HOSTS / MACHINES) * ORDERS_A_MINUTE * format.step * load) / 60),
  score: (values, other) => {
    const [mine, all] = [sum(values), sum(values) + sum(other)];
    const share = MACHINES / (MACHINES + OLD_HOSTS);
    return (mine - all * share) / Math.sqrt(Math.max(1, all) * share * (1 - share));
  },
  nats: (effect, ticks, format) => {
    const mean = (ORDERS_A_MINUTE * format.step) / 60;
    const old = (OLD_HOSTS / MACHINES) * mean;
    const [share, harmed] = [mean / (mean + old), (effect * mean) / (effect * mean + old)];
    const each = harmed * Math.log(harmed / share) + (1 - harmed) * Math.log((1 - harmed) / (1 - share));
    return ticks * (effect * mean + old) * each;
  },
};

/** The cells in which the promise is held: what the metric is compared with is declared. */
export const CELLS: readonly Cell[] = [
  level('normal', 'a level of 100 with independent noise of 20', 1, 0),
  level('ar5', 'the same with memory: autoregression 0.5', 2, 0.5),
  level('ar9', 'autoregression 0.9', 3, 0.9),
  rate('counter'),
  poisson3,
  lognormal,
  season(true),
  paired('pair-ar5', machines('new hosts against old ones, one load, autoregression 0.5', 12, 0.2, 0.5)),
  paired('pair-count', pairCount),
  paired('pair-lognormal', machines('new hosts against old ones, heavy tails', 14, 1, 0)),
];
