/**
 * Numbers in, a verdict out. Pure: no clock, no input or output. An alarm is valid at any look; `passed` is claimed
 * only where a harm as large as tolerated is excluded; what lies between is `inconclusive`. The noun's public face.
 */
import { countReference, gaugeReference, isIntermittent } from './comparison.ts';
import { countModel } from './counts.ts';
import { gaugeModel } from './gauges.ts';
import { JudgedRun } from './run.ts';
import type { Metric, Model, Plan, Prepared, Reference, Side } from './types.ts';

export { Family, type FamilyLook } from './family.ts';
export { DEFAULT_TOLERANCE, parseTolerance, toleranceInWords } from './tolerance.ts';
export type {
  Alarm,
  Kind,
  Look,
  Metric,
  Plan,
  Prepared,
  Reference,
  Run,
  Side,
  Tolerance,
  Verdict,
  Visible,
} from './types.ts';
export { withoutBeginning } from './young.ts';

/** With fewer ticks of reference than this nothing is judged. */
export const FEWEST_TICKS = 8;
/** A reference shorter than this many watches is used, and said to be short. */
const WATCHES_OF_REFERENCE = 6;

/** Holds a metric against its reference, before the watch. */
export function prepare(metric: Metric, reference: Reference | null, plan: Plan): Prepared {
  const model = reference === null ? 'there is nothing to compare with' : modelOf(metric, reference, plan);
  if (typeof model === 'string') return refused(metric, model);
  const sides: Side[] = metric.worse === 'either' ? ['up', 'down'] : [metric.worse];
  const information = sides.map((side) => model.information(side)).filter((nats) => nats !== null);
  const seen = reference!.values.filter((value) => value !== null).length;
  const short =
    seen < WATCHES_OF_REFERENCE * plan.ticks
      ? [`the reference is short: ${seen} ticks for a watch of ${plan.ticks}`]
      : [];
  const prepared: Prepared = {
    metric,
    refused: null,
    visible: model.visible(plan.ticks),
    visibleAt: (ticks) => model.visible(ticks),
    floorTicks: information.length > 0 ? Math.ceil(1 / Math.max(...information)) : null,
    level: model.level,
    notes: [...short, ...model.notes],
    begin: () => new JudgedRun(prepared, model, plan),
  };
  return prepared;
}

function modelOf(metric: Metric, reference: Reference, plan: Plan): Model | string {
  const seen = reference.values.filter((value) => value !== null).length;
  if (seen < FEWEST_TICKS) return `there is too little to compare with: ${seen} of at least ${FEWEST_TICKS} ticks`;
  if (metric.kind === 'count' || metric.kind === 'money')
    return countModel(metric, countReference(reference, plan), plan);
  if (isIntermittent(reference.values)) return countModel(asSum(metric, plan), countReference(reference, plan), plan);
  const ready = gaugeReference(metric, reference, plan);
  return ready === null || ready.values.filter((value) => value !== null).length < FEWEST_TICKS
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

function refused(metric: Metric, why: string): Prepared {
  const none = { up: null, down: null };
  const prepared: Prepared = {
    metric,
    refused: why,
    visible: none,
    visibleAt: () => none,
    floorTicks: null,
    level: null,
    notes: [],
    begin: () => new JudgedRun(prepared, null, { ticks: 0, alpha: 1 }),
  };
  return prepared;
}
