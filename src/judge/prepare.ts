/** Holds a metric against its reference: chooses the model that fits its kind and what is known of the load. Pure. */
import { countReference, gaugeReference, isIntermittent } from './comparison.ts';
import { countModel } from './counts.ts';
import { lastTick } from './evidence.ts';
import { gaugeModel } from './gauges.ts';
import { limitInWords } from './limits.ts';
import { JudgedRun } from './run.ts';
import type { Metric, Model, Plan, Prepared, Reference, Side, Visible } from './types.ts';

/** With fewer ticks of reference than this nothing is judged. */
export const FEWEST_TICKS = 8;
/** A reference of fewer watches or ticks than this is used, and said to be short. */
const WATCHES_OF_REFERENCE = 6;
const TICKS_OF_REFERENCE = 720;
const NOTHING_VISIBLE: Visible = { up: null, down: null };

/** Holds a metric against its reference, before the watch. */
export function prepare(metric: Metric, reference: Reference | null, plan: Plan): Prepared {
  const model = reference === null ? 'there is nothing to compare with' : modelOf(metric, reference, plan);
  if (typeof model === 'string') return withoutModel(metric, model, plan);
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
  const seen = reference.values.filter((value) => value !== null).length;
  const wanted = Math.max(TICKS_OF_REFERENCE, WATCHES_OF_REFERENCE * lastTick(plan));
  return seen < wanted
    ? [
        `the reference is short: ${seen} ticks for a watch of ${lastTick(plan)}, where ${wanted} are wanted; its error is in the limits, a memory longer than it is not (let \`reference\` reach further back, or watch for less)`,
      ]
    : [];
}

function modelOf(metric: Metric, reference: Reference, plan: Plan): Model | string {
  const seen = reference.values.filter((value) => value !== null).length;
  if (seen < FEWEST_TICKS) return `there is too little to compare with: ${seen} of at least ${FEWEST_TICKS} ticks`;
  if (metric.kind === 'count' || metric.kind === 'money')
    return countModel(metric, countReference(reference, plan), plan);
  if (isIntermittent(reference.values))
    return countModel(asSum(metric, plan), { ...countReference(reference, plan), sizes: true }, plan);
  const ready = gaugeReference(metric, reference, plan);
  return ready === null || ready.values.filter((value) => !Number.isNaN(value)).length < FEWEST_TICKS
    ? 'there is nothing to compare with'
    : gaugeModel(metric, ready, plan);
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

/** Nothing to compare with: judged by the absolute limit alone, or not at all. */
function withoutModel(metric: Metric, why: string, plan: Plan): Prepared {
  const limited = metric.limit !== null;
  const prepared: Prepared = {
    metric,
    refused: limited ? null : why,
    limitOnly: limited,
    visible: NOTHING_VISIBLE,
    visibleAt: () => NOTHING_VISIBLE,
    floorTicks: metric.limit === null ? null : Math.max(1, metric.limit.ticks),
    level: null,
    notes: metric.limit === null ? [] : [`judged by its limit alone (${limitInWords(metric.limit)}): ${why}`],
    begin: () => new JudgedRun(prepared, null, plan),
  };
  return prepared;
}
