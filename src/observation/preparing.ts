/** Makes the metrics of a watch ready: what each is held against, how wide its limits are, what it may spend. */
import type { MetricSection } from '../config/config.ts';
import { inWords } from '../duration/duration.ts';
import { type Metric, type Plan, prepare, type Trace } from '../judge/judge.ts';
import type { Source, Span } from '../metrics/metrics.ts';
import { Failure } from '../outcome/outcome.ts';
import { type Drilled, drillOn, harmsOf, type Undrilled } from './drilling.ts';
import { crossings, judgedMetric, stepOf } from './metric.ts';
import type { Recording } from './recording.ts';
import { type Against, readAgainst, referenceTicks } from './reference.ts';
import {
  type Piece,
  REPLAY_BUDGET_MS,
  type Rehearsal,
  replayed,
  replaysInWords,
  type Shape,
  sinceBeginning,
  tracesOf,
} from './replaying.ts';
import type { Sides } from './summing.ts';
import { Track } from './track.ts';
import type { Length } from './types.ts';

/** When a watch is, in milliseconds. */
export interface Times {
  start: number;
  /** Its end, and where it may be extended to. */
  end: number;
  max: number;
  /** When the old version was last alone. */
  referenceEnd: number;
  /** How long is watched as configured: what is replayed is as long, however late a watch begins to look. */
  length: Length;
}

/** What all metrics of a watcher have in common. Lengths in milliseconds. */
export interface Common {
  every: number;
  reach: number;
  /** How far back traffic is replayed; 0 replays nothing. */
  back: number;
  /** The longest watch that the section knows: what is read of the past serves all of them. */
  longest: number;
  /** True where there is nothing to compare with: only absolute limits are watched. */
  first: boolean;
  rehearsal: Rehearsal;
  disturbed(): Promise<readonly Span[]>;
  signal: AbortSignal;
}

/** One metric of a watch. */
export interface Part {
  section: MetricSection;
  source: Source;
  recording: Recording;
  alpha: number;
  sides: Sides | null;
}

/** Makes a metric ready. Throws what its source throws, and `config-invalid`. */
export async function prepareTrack(common: Common, part: Part, times: Times): Promise<Track> {
  const { section, source, recording, alpha, sides } = part;
  const step = stepOf(common.every, source.cadence);
  // A source without history is asked about now alone, whenever the new version began to serve.
  const start = source.keepsHistory ? times.start : Math.max(times.start, Date.now());
  const ticksUntil = (end: number) => Math.max(1, Math.floor((end - start + 1) / step));
  const plan: Plan = { ticks: ticksUntil(times.end), max: ticksUntil(times.max), alpha };
  const metric = judgedMetric(section, source, step);
  const window = { end: times.referenceEnd, reach: common.reach, step, ticks: plan.max! };
  const against: Against = common.first ? NOTHING : await readAgainst(source, recording, window, sides);
  const notes: string[] = [];
  const { refused, limitOnly } = prepare(metric, against.reference, plan);
  let replays: string | null = null;
  if (refused === null && !limitOnly) {
    const { widen, found, note } = await rehearsed(common, part, metric, step, times.length, against);
    plan.widen = widen;
    replays = found;
    if (note !== null) notes.push(note);
  }
  const crossed = metric.limit && against.reference ? crossings(metric.limit, against.reference.values) : 0;
  if (crossed > 0)
    notes.push(
      `its limit was crossed ${crossed === 1 ? 'once' : `${crossed} times`} in the reference, unharmed as that was`,
    );
  // A watch shorter than a tick has one.
  const end = Math.max(times.end, start + step);
  return new Track({ section, source, metric, against, plan, sides, step, start, end, replays, notes });
}

const NOTHING: Against = { how: 'before', reference: null, fresh: [], old: [], left: [], notes: [] };

/** How wide the limits must be by what was replayed. A source that fails here is no obstacle: it is said. Throws `cancelled`. */
async function rehearsed(
  common: Common,
  part: Part,
  metric: Metric,
  step: number,
  length: Length,
  against: Against,
): Promise<{ widen: number; found: string | null; note: string | null }> {
  if (!part.source.replays || common.back === 0) return { widen: 1, found: null, note: null };
  try {
    const plan = planOf(length, step, part.alpha);
    const { pieces, traces } = await unharmed(common, part, step, plan, against.reference?.values ?? []);
    const of = [metric, part.section.compare, part.sides, plan, step];
    const found = await common.rehearsal.found(pieces, of, () => replayed(metric, traces, plan, common.signal));
    return { widen: found.widen, ...replaysInWords(found, common.back) };
  } catch (error) {
    // Only what a source said is a note; a defect is none, and a cancelled run ends.
    if (!(error instanceof Failure) || error.code === 'cancelled') throw error;
    const why = error.why ?? error.what;
    return { widen: 1, found: null, note: `the last ${inWords(common.back)} could not be replayed: ${why}` };
  }
}

function planOf(length: Length, step: number, alpha: number): Plan {
  const ticks = (ms: number) => Math.max(1, Math.floor(ms / step));
  return { ticks: ticks(length.min), max: ticks(length.max), alpha };
}

/**
 * Unharmed pieces of the past, each as long as a watch of this plan and its reference; `lately` is what the source
 * gives now. Throws what the source throws.
 */
async function unharmed(
  common: Common,
  { source, sides }: Part,
  step: number,
  plan: Plan,
  lately: readonly (number | null)[] = [],
): Promise<{ pieces: readonly Piece[]; traces: Trace[] }> {
  const ticks = plan.max ?? plan.ticks;
  const shape = shapeOf(common, step, ticks);
  const pieces = sinceBeginning(source, await readOnce(common, source, shape), lately);
  const cut = { reference: referenceTicks({ reach: common.reach, step, ticks }), watch: ticks };
  return { pieces, traces: tracesOf(source, pieces, shape, cut, sides) };
}

/** Reads what will be replayed for a watch of at most `longest` milliseconds, so that no tick has to wait for it. Never throws. */
export async function readAhead(common: Common, source: Source, longest: number): Promise<void> {
  if (!source.replays || common.back === 0) return;
  const step = stepOf(common.every, source.cadence);
  await readOnce(common, source, shapeOf(common, step, Math.floor(longest / step))).catch(() => {});
}

function shapeOf(common: Common, step: number, ticks: number): Shape {
  const watch = Math.max(1, ticks, Math.floor(common.longest / step));
  return { step, reference: referenceTicks({ reach: common.reach, step, ticks: watch }), watch };
}

async function readOnce(common: Common, source: Source, shape: Shape): Promise<Piece[]> {
  return common.rehearsal.pieces(source, shape, {
    now: Date.now(),
    back: common.back,
    disturbed: await common.disturbed(),
    until: performance.now() + REPLAY_BUDGET_MS,
    signal: common.signal,
  });
}

/**
 * Harms what would be replayed, and says whether a watch of this length would have seen it; `harm` as in `harmsOf`.
 * Throws as that does, and `cancelled`.
 */
export async function drillPart(
  common: Common,
  part: Part,
  length: Length,
  harm: string,
): Promise<Drilled[] | Undrilled> {
  const { section, source } = part;
  const { name: metric, critical } = section;
  const step = stepOf(common.every, source.cadence);
  const judged = judgedMetric(section, source, step);
  harmsOf(judged, harm);
  const cannot = (why: string): Undrilled => ({ metric, critical, why });
  if (!source.replays) return cannot('its source keeps no past that could be harmed');
  if (common.back === 0) return cannot('replay is 0');
  try {
    const plan = planOf(length, step, part.alpha);
    const { traces } = await unharmed(common, part, step, plan);
    if (traces.length === 0) return cannot('its source holds no unharmed past');
    const { widen, alarmsWidened: alarms } = await replayed(judged, traces, plan, common.signal);
    plan.widen = widen;
    return (
      drillOn(judged, { traces, alarms }, plan, step, harm) ??
      cannot('it was 0 all the time, of which no factor makes a harm')
    );
  } catch (error) {
    // Only what a source said is a finding of the drill.
    if (!(error instanceof Failure) || error.code === 'cancelled') throw error;
    return cannot(error.why ?? error.what);
  }
}
