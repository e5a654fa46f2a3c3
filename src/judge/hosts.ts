/**
 * Which hosts stand out among their like, so that a person knows where to look. Each host's change against its own
 * reference is held against the median change of all, in units of their scatter (median and MAD; Hampel 1974). A
 * diagnosis, never a verdict: decided is on the sum of a wave. Pure.
 */
import { incompleteBeta, median, PER_MAD } from './distributions.ts';
import { SMALLEST_CHANGE } from './tolerance.ts';
import type { Metric, Side } from './types.ts';

/** One host's numbers, one entry a tick; without a reference its level is held against the others'. */
export interface HostSeries {
  host: string;
  reference: readonly (number | null)[] | null;
  watch: readonly (number | null)[];
}

/** A host that stands out. */
export interface Diagnosis {
  host: string;
  /** null: it gave no numbers where the others did. */
  side: Side | null;
  /** Against the change of the other hosts: a factor, or a difference where levels are not all above zero. */
  effect: number | null;
  scale: 'factor' | 'difference';
  sentence: string;
}

/** With fewer hosts nobody can be told from the rest. */
const FEWEST_HOSTS = 3;
/** Of those named, no more than this share is named by chance (Benjamini & Hochberg 1995). */
const BY_CHANCE = 0.01;
const SILENT_SHARE = 0.5;
/** The degrees of freedom that a MAD has of each value: its efficiency against the standard deviation (Huber 1981). */
const EFFICIENCY = 0.37;
/** What the hosts' own scatter over time counts for, in degrees of freedom: few hosts say little about each other. */
const OWN_SCATTER = 5;
const MOST_MEMORY = 0.98;

/** The mean of the ticks that have a number, its standard error, and their sum. */
interface Mean {
  mean: number;
  error: number;
  sum: number;
  known: number;
}

/** A host's change on the scale of the comparison, with its standard error. */
interface Moved {
  host: string;
  change: number;
  error: number;
}

/** The hosts that stand out, the strangest first, silent ones at the end. A side that is no harm names nobody. */
export function diagnose(metric: Metric, hosts: readonly HostSeries[]): Diagnosis[] {
  const measured = hosts.map(({ host, reference, watch }) => {
    const now = meanOf(watch);
    const before = reference === null ? null : meanOf(reference);
    return { host, silent: now.known === 0 || now.known < (1 - SILENT_SHARE) * watch.length, before, now };
  });
  const silent = measured.filter((host) => host.silent);
  const speaking = measured.filter((host) => !host.silent);
  const compared = speaking.filter((host) => (host.before?.known ?? 0) > 0);
  const fresh = speaking.filter((host) => !compared.includes(host));
  const factor = isPositive(metric, speaking);
  const scale = factor ? 'factor' : 'difference';
  const place = factor ? logOf : levelOf;
  const against = compared.map(({ host, before, now }) => difference(host, place(metric, now), place(metric, before!)));
  const among = speaking.map(({ host, now }) => ({ host, ...place(metric, now) }));
  const named = [
    ...standingOut(metric, against, scale),
    ...standingOut(metric, fresh.length > 0 ? among : [], scale).filter(({ host }) =>
      fresh.some((one) => one.host === host),
    ),
  ];
  return silent.length < hosts.length / 2
    ? [...named, ...silent.map(({ host }) => silence(metric, host, scale))]
    : named;
}

/** The standard error counts in the memory of neighbouring ticks (an autoregression of order 1). */
function meanOf(values: readonly (number | null)[]): Mean {
  let [sum, known] = [0, 0];
  for (const value of values)
    if (isNumber(value)) {
      sum += value;
      known++;
    }
  if (known === 0) return { mean: 0, error: 0, sum, known };
  const mean = sum / known;
  let [squares, products, before] = [0, 0, 0];
  for (const value of values) {
    const off = isNumber(value) ? value - mean : 0;
    squares += off * off;
    products += off * before;
    before = off;
  }
  const memory = squares > 0 ? Math.min(MOST_MEMORY, Math.max(0, products / squares)) : 0;
  return { mean, error: Math.sqrt((squares * (1 + memory)) / (1 - memory)) / known, sum, known };
}

function isNumber(value: number | null): value is number {
  return Number.isFinite(value);
}

function logOf({ kind }: Metric, { mean, error, sum, known }: Mean): Omit<Moved, 'host'> {
  if (kind !== 'count') return { change: Math.log(mean), error: Math.max(SMALLEST_CHANGE, error / mean) };
  const events = Math.max(0, sum) + 0.5;
  return { change: Math.log(events / known), error: Math.max(1 / Math.sqrt(events), error / (events / known)) };
}

function levelOf(_: Metric, { mean, error }: Mean): Omit<Moved, 'host'> {
  return { change: mean, error: Math.max(SMALLEST_CHANGE * Math.abs(mean), error) };
}

function difference(host: string, now: Omit<Moved, 'host'>, before: Omit<Moved, 'host'>): Moved {
  return { host, change: now.change - before.change, error: Math.hypot(now.error, before.error) };
}

/** Counts are always compared as factors; other values where all are above zero. */
function isPositive(metric: Metric, hosts: readonly { before: Mean | null; now: Mean }[]): boolean {
  if (metric.kind === 'count') return true;
  return hosts.every(({ before, now }) => now.mean > 0 && (before === null || before.known === 0 || before.mean > 0));
}

function standingOut(metric: Metric, moved: readonly Moved[], scale: Diagnosis['scale']): Diagnosis[] {
  if (moved.length < FEWEST_HOSTS) return [];
  const centre = median(moved.map(({ change }) => change));
  const far = moved
    .map((host) => ({ ...host, distance: host.error > 0 ? Math.abs(host.change - centre) / host.error : 0 }))
    .sort((a, b) => b.distance - a.distance);
  const { spread, freedom } = spreadOf(far.map(({ distance }) => distance));
  let named = 0;
  for (const [i, { distance }] of far.entries()) {
    const chance = twoSided(distance / spread, freedom);
    if (chance > BY_CHANCE) break;
    if (chance <= (BY_CHANCE * (i + 1)) / far.length) named = i + 1;
  }
  return far.slice(0, named).flatMap(({ host, change }) => {
    const side = change > centre ? 'up' : 'down';
    if (metric.worse !== 'either' && metric.worse !== side) return [];
    const effect = scale === 'factor' ? Math.exp(change - centre) : change - centre;
    return [{ host, side, effect, scale, sentence: inWords(metric, host, side, effect, scale) } as const];
  });
}

/**
 * By how much the hosts differ, in their own standard errors: what they show, drawn towards the 1 that they would show
 * if nothing but their own scatter told them apart (moderated t; Smyth 2004).
 */
function spreadOf(distances: readonly number[]): { spread: number; freedom: number } {
  const shown = EFFICIENCY * (distances.length - 1);
  const freedom = OWN_SCATTER + shown;
  const typical = Math.max(1, PER_MAD * median(distances));
  return { spread: Math.sqrt((OWN_SCATTER + shown * typical ** 2) / freedom), freedom };
}

/** Student's t: the chance of a value as far from zero. */
function twoSided(t: number, freedom: number): number {
  return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
}

function silence(metric: Metric, host: string, scale: Diagnosis['scale']): Diagnosis {
  return { host, side: null, effect: null, scale, sentence: `${host}: gave no ${metric.name} where the others did` };
}

function inWords(metric: Metric, host: string, side: Side, effect: number, scale: Diagnosis['scale']): string {
  const size = Number(Math.abs(effect).toPrecision(3));
  const how = scale === 'factor' ? `×${size}` : `${side === 'up' ? '+' : '-'}${size}`;
  return `${host}: ${metric.name} changed by ${how} against the other hosts`;
}
