/** Holds a metric against its reference: chooses the model that fits its kind and what is known of the load. Pure. */
import { countReference, gaugeReference, isIntermittent } from './comparison.ts';
import { countModel } from './counts.ts';
import { lastTick } from './evidence.ts';
import { gaugeModel } from './gauges.ts';
import { limitInWords } from './limits.ts';
import { JudgedRun } from './run.ts';
import { ticksInWords } from './sentences.ts';
import type { Limit, Metric, Model, Plan, Prepared, Reference, Side, Visible } from './types.ts';

/** With fewer ticks of reference than this nothing is judged. */
export const FEWEST_TICKS = 8;
/** A reference of fewer watches or ticks than this is used, and said to be short. */
const WATCHES_OF_REFERENCE = 6;
const TICKS_OF_REFERENCE = 720;
const NOTHING_VISIBLE: Visible = { up: null, down: null };

/** Holds a metric against its reference, before the watch. */
export function prepare(metric: Metric, reference: Reference | null, plan: Plan): Prepared {
  const { limit } = metric;
  if (limit !== null && limit.ticks > lastTick(plan))
    return refusal(
      metric,
      `its limit takes ${ticksInWords(limit.ticks)}, and the watch has ${lastTick(plan)} (watch longer, or give the limit a shorter \`for\`)`,
      plan,
    );
  const model = reference === null ? 'there is nothing to compare with' : modelOf(metric, reference, plan);
  if (typeof model === 'string')
    return limit === null ? refusal(metric, model, plan) : limitAlone(metric, limit, model, plan);
  const sides: Side[] = metric.worse === 'either' ? ['up', 'down'] : [metric.worse];
  const floors = sides.map((side) => model.floor(side)).filter((ticks) => ticks !== null);
  let visible: Visible | null = null;
  const prepared: Prepared = {
    metric,
    refused: null,
    limitOnly: false,
    get visible() {
      visible ??= model.visible(plan.ticks);
      return visible;
    },
    visibleAt: (ticks) => model.visible(ticks),
    floorTicks: floors.length > 0 ? Math.min(...floors) : null,
    level: model.level,
    notes: [...shortness(reference!, plan), ...model.notes],
    begin: () => new JudgedRun(prepared, model, plan),
  };
  return prepared;
}

function shortness(reference: Reference, plan: Plan): string[] {
  const seen = numberOf(reference.values);
  const wanted = Math.max(TICKS_OF_REFERENCE, WATCHES_OF_REFERENCE * lastTick(plan));
  return seen < wanted
    ? [
        `the reference is short: ${seen} ticks for a watch of ${lastTick(plan)}, where ${wanted} are wanted; its error is in the limits, a memory longer than it is not (let \`reference\` reach further back, or watch for less)`,
      ]
    : [];
}

function modelOf(metric: Metric, reference: Reference, plan: Plan): Model | string {
  const seen = numberOf(reference.values);
  if (seen < FEWEST_TICKS) return tooLittle(seen);
  const additive = metric.kind === 'count' || metric.kind === 'money';
  if (additive || isIntermittent(reference.values)) {
    const ready = countReference(reference, plan);
    const compared = ready.values.filter((value, t) =>
      Number.isFinite(value + (ready.exposure[t] ?? Number.NaN)),
    ).length;
    if (compared > 0 && compared < FEWEST_TICKS) return tooLittle(compared);
    return additive
      ? countModel(metric, ready, plan)
      : countModel(asSum(metric, plan), { ...ready, sizes: true }, plan);
  }
  const ready = gaugeReference(metric, reference, plan);
  return ready === null || numberOf(ready.values) < FEWEST_TICKS
    ? 'there is nothing to compare with'
    : gaugeModel(metric, ready, plan);
}

function tooLittle(ticks: number): string {
  return `there is too little to compare with: ${ticks} of at least ${FEWEST_TICKS} ticks`;
}

/** The ticks that have a number. */
function numberOf(values: ArrayLike<number | null>): number {
  return Array.from(values).filter((value) => Number.isFinite(value)).length;
}

/** A level as a sum over the watch: its absolute tolerance is borne in every tick. */
function asSum(metric: Metric, plan: Plan): Metric {
  const { absolute } = metric.tolerate;
  const tolerate = {
    ...metric.tolerate,
    absolute: absolute === null ? null : absolute * plan.ticks,
    per: 'watch' as const,
  };
  return { ...metric, kind: 'money', tolerate };
}

/** Nothing is judged: every verdict is inconclusive, and says why. */
function refusal(metric: Metric, why: string, plan: Plan): Prepared {
  const prepared: Prepared = {
    metric,
    refused: why,
    limitOnly: false,
    visible: NOTHING_VISIBLE,
    visibleAt: () => NOTHING_VISIBLE,
    floorTicks: null,
    level: null,
    notes: [],
    begin: () => new JudgedRun(prepared, null, plan),
  };
  return prepared;
}

/** With nothing to compare with, judged is by the absolute limit. */
function limitAlone(metric: Metric, limit: Limit, why: string, plan: Plan): Prepared {
  const prepared: Prepared = {
    ...refusal(metric, why, plan),
    refused: null,
    limitOnly: true,
    floorTicks: Math.max(1, limit.ticks),
    notes: [`judged by its limit alone (${limitInWords(limit)}): ${why}`],
    begin: () => new JudgedRun(prepared, null, plan),
  };
  return prepared;
}
