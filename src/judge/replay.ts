/**
 * The past as a rehearsal. Unharmed pieces of it are watched as if something had been released then: where too many
 * raise an alarm, what the models take for granted does not hold there, and the limits are widened until it does.
 * The same pieces, harmed on purpose, show whether the guard would have fired, and when. Pure.
 */
import { incompleteBeta } from './distributions.ts';
import { prepare } from './prepare.ts';
import { seeded } from './seeded.ts';
import type { Alarm, Metric, Plan, Reference, Side } from './types.ts';

/** An unharmed piece of the past, as long as a reference and the watch after it; one entry a tick. */
export interface Trace {
  reference: Reference;
  watch: readonly (number | null)[];
  /** The other hosts during the watch, where the reference has them. */
  other?: readonly (number | null)[] | undefined;
}

/** What the replays found. `widen` belongs into `Plan.widen`. */
export interface Replayed {
  /** The traces that could be judged. */
  watches: number;
  /** How many of them raised an alarm with limits as they are, and with `widen`. */
  alarms: number;
  alarmsWidened: number;
  /** A factor on the standard error, at least 1. */
  widen: number;
  /** What a reader should know of these numbers; null: nothing. */
  note: string | null;
}

/** What a guard saw of a harm. */
export interface Drilled {
  watches: number;
  /** The watches that raised an alarm on the harm's side. */
  seen: number;
  /** The median tick, from 1, of these alarms; null where there was none. */
  ticks: number | null;
  side: Side;
}

/** The factors that are tried, from small to large. */
const GRID = [1, 1.15, 1.3, 1.5, 1.75, 2, 2.5, 3, 4, 6, 8];
/** With too few traces for a promise, limits are widened where chance explains the alarms worse than this. */
const CHANCE = 0.05;
/** A trace without a number in more than this share of the watch says nothing. */
const SILENT_SHARE = 0.5;
/** Events of at most so many other ticks are added to one; for a larger harm each of them counts several times. */
const MOST_TICKS = 100;
/** From this many events on, a binomial number is drawn as a normal one. */
const MANY = 200;

/**
 * Watches each trace as if it were the watch, and finds the smallest widening with which no more than `plan.alpha` of
 * such watches raise an alarm. The share is held for the next watch, not for the traces: alarms + 1 of traces + 1,
 * the rank of one more among its like (conformal prediction; Vovk, Gammerman & Shafer 2005). An absolute limit of the
 * metric is left out: no widening moves it. `plan.widen` is not looked at.
 */
export function replay(metric: Metric, traces: readonly Trace[], plan: Plan): Replayed {
  const steps = replaySteps(metric, traces, plan);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** As `replay`, with a pause after each watched trace: many take seconds, in which the caller may have other duties. */
export function* replaySteps(metric: Metric, traces: readonly Trace[], plan: Plan): Generator<void, Replayed> {
  const free = { ...metric, limit: null };
  let watches = 0;
  let alarmed: Trace[] = [];
  for (const trace of traces) {
    const alarm = watched(free, trace, { ...plan, widen: 1 });
    if (alarm !== 'not judged') watches++;
    if (typeof alarm === 'object') alarmed.push(trace);
    yield;
  }
  const alarms = alarmed.length;
  const enough = Math.floor(plan.alpha * (watches + 1) + 1e-9) >= 1;
  const isCalm = (count: number) =>
    enough
      ? count + 1 <= plan.alpha * (watches + 1) + 1e-9
      : count === 0 || atLeast(count, watches, plan.alpha) > CHANCE;
  let widen = GRID[0]!;
  for (const wider of GRID.slice(1)) {
    if (isCalm(alarmed.length)) break;
    widen = wider;
    const still: Trace[] = [];
    for (const trace of alarmed) {
      if (typeof watched(free, trace, { ...plan, widen }) === 'object') still.push(trace);
      yield;
    }
    alarmed = still;
  }
  const alarmsWidened = alarmed.length;
  return { watches, alarms, alarmsWidened, widen, note: noteOf(watches, enough, isCalm(alarmsWidened)) };
}

function noteOf(watches: number, enough: boolean, calm: boolean): string | null {
  if (!calm) return `even with limits widened ×${GRID.at(-1)} too many unharmed watches raise an alarm`;
  if (enough) return null;
  return watches === 0
    ? 'no unharmed watch of the past could be replayed'
    : `only ${watches} unharmed watches could be replayed: too few to hold the promised share of false alarms`;
}

/** P(X >= k) of a binomial number. */
function atLeast(k: number, n: number, p: number): number {
  return incompleteBeta(p, k, n - k + 1);
}

function watched(metric: Metric, { reference, watch, other }: Trace, plan: Plan): Alarm | 'calm' | 'not judged' {
  const silent = watch.filter((value) => value === null).length;
  const prepared = silent > SILENT_SHARE * watch.length ? null : prepare(metric, reference, plan);
  if (prepared === null || prepared.refused !== null) return 'not judged';
  const run = prepared.begin();
  for (const [tick, value] of watch.entries()) {
    const { alarm } = run.look(value, other?.[tick] ?? null);
    if (alarm !== null) return alarm;
  }
  return 'calm';
}

/**
 * The trace with its watch harmed by `factor` from tick `onset` (from 0) on; the same each time. Levels are multiplied,
 * and a window follows as fast as it forgets. Of counts each event is kept with the factor's probability, or events of
 * other ticks of the watch are added, so that few events scatter as few do. Money is moved in orders of the typical
 * size: variance over mean (scaled Poisson; Bohm & Zech 2014).
 */
export function harmed(metric: Metric, trace: Trace, factor: number, onset: number): Trace {
  const move =
    metric.kind === 'count' || metric.kind === 'money' ? thinner(metric, trace, factor) : multiplier(trace, factor);
  return {
    ...trace,
    watch: trace.watch.map((value, tick) => (value === null || tick < onset ? value : move(value, tick - onset))),
  };
}

function multiplier({ reference }: Trace, factor: number): (value: number, since: number) => number {
  const width = Math.max(1, Math.round((reference.window ?? reference.step) / reference.step));
  return (value, since) => value * (1 + (factor - 1) * Math.min(1, (since + 1) / width));
}

function thinner(metric: Metric, { reference, watch }: Trace, factor: number): (value: number) => number {
  const random = seeded(watch.length);
  const known = watch.filter((value) => value !== null);
  const size = metric.kind === 'count' ? 1 : orderSize(reference.values);
  const some = (value: number, share: number) => {
    const orders = Math.max(1, Math.round(value / size));
    return value <= 0 ? 0 : (value * binomial(orders, share, random)) / orders;
  };
  return (value) => {
    if (factor <= 1) return some(value, factor);
    let total = value;
    const times = Math.ceil((factor - 1) / MOST_TICKS);
    for (let more = (factor - 1) / times; more > 0; more--)
      total += times * some(known[Math.floor(random() * known.length)]!, Math.min(1, more));
    return total;
  };
}

function orderSize(values: readonly (number | null)[]): number {
  const known = values.filter((value) => value !== null);
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length;
  return mean > 0 && variance > 0 ? variance / mean : 1;
}

function binomial(n: number, p: number, random: () => number): number {
  if (p >= 1) return n;
  if (n > MANY) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.min(n, Math.max(0, Math.round(n * p + normal * Math.sqrt(n * p * (1 - p)))));
  }
  let kept = 0;
  for (let event = 0; event < n; event++) if (random() < p) kept++;
  return kept;
}

/** Harms each trace by `factor` from its first tick on, and says in how many an alarm was raised for it, and when. */
export function drill(metric: Metric, traces: readonly Trace[], plan: Plan, factor: number): Drilled {
  const side = factor > 1 ? 'up' : 'down';
  const judged = traces
    .map((trace) => watched(metric, harmed(metric, trace, factor, 0), plan))
    .filter((alarm) => alarm !== 'not judged');
  const ticks = judged
    .flatMap((alarm) => (alarm !== 'calm' && alarm.side === side ? [alarm.tick] : []))
    .sort((a, b) => a - b);
  return { watches: judged.length, seen: ticks.length, ticks: ticks[ticks.length >> 1] ?? null, side };
}
