/**
 * The simulated watches: what is watched, what it is compared with, and what a harm does to it. A harm multiplies the
 * mean of the watch from its first tick on; the noise stays the same. Each cell also knows what no judge may know: the
 * best statistic for its own process, and how much a tick can tell at most.
 */
import type { Kind, Reference } from '../../src/judge/judge.ts';
import { chance } from './chance.ts';

/** Seconds of a tick, ticks of the watch and of the reference. */
export interface Format {
  name: string;
  step: number;
  ticks: number;
  reference: number;
}

export const FORMATS: readonly Format[] = [
  { name: '5 min', step: 5, ticks: 60, reference: 720 },
  { name: '30 min', step: 15, ticks: 120, reference: 240 },
];

/** What is seen of one watch. */
export interface Seen {
  values: number[];
  other: number[] | null;
}

/** One reference and the watches that may follow it. */
export interface Drawn {
  reference: Reference;
  watch(effect: number): Seen;
  /** The reference as a plain threshold sees it. */
  plain: readonly number[];
  /** What a judge by ranks is given: reference and watch of equal length. */
  pair(seen: Seen): { before: readonly number[]; now: readonly number[] };
  /** The score of a harm at the true process (locally most powerful; exact where the process is Gaussian or Poisson). */
  score(seen: Seen): number;
}

export interface Cell {
  name: string;
  about: string;
  kind: Kind;
  draw(format: Format, number: number): Drawn;
  /** Nats that so many ticks tell between a harm and none, on average, to one who knows the process. */
  nats(effect: number, ticks: number, format: Format): number;
}

export const LEVEL = 100;
const NOISE = 20;
export const ORDERS_A_MINUTE = 3;
const EVENTS_A_SECOND = 0.5;
const WINDOW = 300;
const DAY = 86_400;

export const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
export const times = (length: number, value: (t: number) => number) => Array.from({ length }, (_, t) => value(t));

/** Kullback and Leibler's divergence of two Poisson numbers. */
const poissonNats = (mean: number, effect: number) => mean * (effect * Math.log(effect) - effect + 1);

/** A cell of one series: `series` gives the reference and the watch's noise, `harmed` puts the harm on. */
export function single(
  name: string,
  about: string,
  kind: Kind,
  make: (format: Format, number: number) => Omit<Drawn, 'pair' | 'plain'>,
  nats: Cell['nats'],
): Cell {
  const draw = (format: Format, number: number): Drawn => {
    const drawn = make(format, number);
    return {
      ...drawn,
      plain: drawn.reference.values as number[],
      pair: ({ values }) => ({ before: drawn.reference.values.slice(-format.ticks) as number[], now: values }),
    };
  };
  return { name, about, kind, draw, nats };
}

/** A level of 100 with noise of 20, and so much memory. */
export function level(name: string, about: string, seed: number, memory: number): Cell {
  const make = (format: Format, number: number) => {
    const total = format.reference + format.ticks;
    const noise = chance(seed, format.step, number).autoregression(total, memory);
    const values = times(format.reference, (t) => LEVEL + NOISE * noise[t]!);
    const now = noise.slice(format.reference);
    return {
      reference: { step: format.step, values },
      watch: (effect: number) => ({ values: now.map((z) => LEVEL * effect + NOISE * z), other: null }),
      score: (seen: Seen) =>
        innovationScore([values.at(-1)! - LEVEL, ...seen.values.map((value) => value - LEVEL)], memory),
    };
  };
  return single(name, about, 'gauge', make, (effect, ticks) =>
    shiftNats(((effect - 1) * LEVEL) / NOISE, memory, ticks),
  );
}

/** The score of a shift in an autoregression of known memory; the first entry is the last before the watch. */
export function innovationScore(series: readonly number[], memory: number): number {
  let score = 0;
  for (let t = 1; t < series.length; t++) score += (t === 1 ? 1 : 1 - memory) * (series[t]! - memory * series[t - 1]!);
  return score;
}

export function shiftNats(shift: number, memory: number, ticks: number): number {
  return (shift ** 2 / 2 / (1 - memory ** 2)) * (1 + (ticks - 1) * (1 - memory) ** 2);
}

export function rate(told: 'counter' | 'window'): Cell {
  const make = (format: Format, number: number) => {
    const random = chance(4, format.step, number);
    const width = WINDOW / format.step;
    const mean = EVENTS_A_SECOND * format.step;
    const counts = times(width + format.reference, () => random.poisson(mean));
    const rates = (all: number[]) => times(all.length - width, (t) => sum(all.slice(t + 1, t + 1 + width)) / WINDOW);
    const values = told === 'counter' ? counts.slice(width) : rates(counts);
    return {
      counts,
      rates,
      reference: { step: format.step, values, window: told === 'window' ? WINDOW : undefined },
      watch: (effect: number): Seen => {
        const fresh = chance(4, format.step, number, Math.round(effect * 1e6));
        const now = times(format.ticks, () => fresh.poisson(mean * effect));
        return { values: told === 'counter' ? now : rates([...counts, ...now]).slice(-format.ticks), other: null };
      },
    };
  };
  return {
    name: told === 'counter' ? 'rate5m' : 'rate5m, no counter',
    about:
      told === 'counter'
        ? 'a counter of one event in 2 s; the judge reads the counter, the others rate(x[5m])'
        : 'the same, where the judge too has only rate(x[5m])',
    kind: told === 'counter' ? 'count' : 'window',
    draw: (format, number) => {
      const { counts, rates, reference, watch } = make(format, number);
      const ended = (values: number[]) =>
        told === 'counter' ? rates([...counts, ...values]).slice(-format.ticks) : values;
      const plain = rates(counts);
      const before = plain.slice(-format.ticks);
      return {
        reference,
        watch,
        plain,
        pair: ({ values }) => ({ before, now: ended(values) }),
        // Of windows only the last value is free of what came before, so the oracle has the counter here too.
        score: ({ values }) => (told === 'counter' ? sum(values) : windowTotal(counts, values, WINDOW / format.step)),
      };
    },
    nats: (effect, ticks, format) => ticks * poissonNats(EVENTS_A_SECOND * format.step, effect),
  };
}

/** The events of the watch out of its windows: each window adds one tick and drops the one that was `width` ago. */
function windowTotal(counts: readonly number[], rates: readonly number[], width: number): number {
  const all = [...counts];
  let inside = sum(all.slice(-width));
  for (const value of rates) {
    const now = Math.round(value * WINDOW) - inside + all[all.length - width]!;
    inside += now - all[all.length - width]!;
    all.push(now);
  }
  return sum(all.slice(counts.length));
}

export const poisson3 = single(
  'poisson3',
  'three orders a minute',
  'count',
  (format, number) => {
    const mean = (ORDERS_A_MINUTE * format.step) / 60;
    const random = chance(5, format.step, number);
    return {
      reference: { step: format.step, values: times(format.reference, () => random.poisson(mean)) },
      watch: (effect) => {
        const fresh = chance(5, format.step, number, Math.round(effect * 1e6));
        return { values: times(format.ticks, () => fresh.poisson(mean * effect)), other: null };
      },
      score: ({ values }) => sum(values),
    };
  },
  (effect, ticks, format) => ticks * poissonNats((ORDERS_A_MINUTE * format.step) / 60, effect),
);

export const lognormal = single(
  'lognormal',
  'a heavy tail: the logarithm has a standard deviation of 1',
  'gauge',
  (format, number) => {
    const { normal } = chance(6, format.step, number);
    const values = times(format.reference, () => LEVEL * Math.exp(normal()));
    const now = times(format.ticks, () => LEVEL * Math.exp(normal()));
    return {
      reference: { step: format.step, values },
      watch: (effect) => ({ values: now.map((value) => value * effect), other: null }),
      score: (seen) => sum(seen.values.map(Math.log)),
    };
  },
  (effect, ticks) => (ticks * Math.log(effect) ** 2) / 2,
);

/** A day with a peak half above its mean, from any hour on. */
export function dayFrom(start: number, format: Format): (t: number) => number {
  return (t) => 1 + 0.5 * Math.sin(2 * Math.PI * (start + (t * format.step) / DAY));
}

export function season(told: boolean): Cell {
  return single(
    told ? 'season' : 'season, told nothing',
    told
      ? 'a daily rhythm; the same clock time on seven earlier days is known'
      : 'a daily rhythm; only the hour before is known',
    'gauge',
    (format, number) => {
      const random = chance(7, format.step, number);
      const total = format.reference + format.ticks;
      const day = dayFrom(random.uniform(), format);
      const values = times(format.reference, (t) => LEVEL * day(t) + NOISE * random.normal());
      const noise = times(format.ticks, () => NOISE * random.normal());
      const at = (t: number) => LEVEL * day(format.reference + t);
      const earlier = () => {
        const own = LEVEL * Math.exp(0.1 * random.normal());
        return times(total, (t) => own * day(t) + NOISE * random.normal());
      };
      return {
        reference: { step: format.step, values, earlier: told ? Array.from({ length: 7 }, earlier) : undefined },
        watch: (effect) => ({ values: noise.map((z, t) => at(t) * effect + z), other: null }),
        score: (seen) => sum(seen.values.map((value, t) => (at(t) / LEVEL) * (value - at(t)))),
      };
    },
    (effect, ticks) => shiftNats(((effect - 1) * LEVEL) / NOISE, 0, ticks),
  );
}
