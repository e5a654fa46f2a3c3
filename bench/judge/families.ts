/** Twenty metrics that share one cause, in one watch: each for itself, as a family, and by false-discovery control. */
import { discoveries, Family, prepare } from '../../src/judge/judge.ts';
import { FORMATS, LEVEL, times } from './cells.ts';
import { chance } from './chance.ts';
import { ALPHA, metricOf } from './measure.ts';

const METRICS = 20;
/** Of these, where there is harm; it is this large. */
const HARMED = 3;
const HARM = 1.25;
const NOISE = 20;
const format = FORMATS[0]!;

/** In shares of watches, but for `false` and `found`, which are shares of metrics. */
export interface FamilyFound {
  /** An alarm in any of the unharmed metrics. */
  uncontrolled: number;
  family: number;
  discovered: number;
  /** Three of the twenty are harmed: an alarm of the family; of the named, those wrongly named; of the harmed, the named. */
  harmed: { family: number; false: number; found: number };
}

/** Watches so many families. */
export function families(watches: number): FamilyFound {
  const calm = times(watches, (number) => number).map((number) => watch(number, 1));
  const harmed = times(Math.ceil(watches / 4), (number) => number).map((number) => watch(number, HARM));
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const named = harmed.map(({ found }) => ({
    wrong: found.slice(HARMED).filter(Boolean).length,
    right: found.slice(0, HARMED).filter(Boolean).length,
  }));
  return {
    uncontrolled: mean(calm.map((one) => Number(one.alone))),
    family: mean(calm.map((one) => Number(one.family))),
    discovered: mean(calm.map(({ found }) => Number(found.some(Boolean)))),
    harmed: {
      family: mean(harmed.map((one) => Number(one.family))),
      false: mean(named.map(({ wrong, right }) => wrong / Math.max(1, wrong + right))),
      found: mean(named.map(({ right }) => right / HARMED)),
    },
  };
}

function watch(number: number, harm: number): { alone: boolean; family: boolean; found: boolean[] } {
  const random = chance(31, number);
  const total = format.reference + format.ticks;
  const shared = random.autoregression(total, 0.5);
  const family = new Family(ALPHA, new Array(METRICS).fill(1));
  const metrics = times(METRICS, (i) => i).map((i) => {
    const values = shared.map((z) => LEVEL + NOISE * Math.SQRT1_2 * (z + random.normal()));
    const reference = { step: format.step, values: values.slice(0, format.reference) };
    const metric = metricOf({ name: `m${i}`, kind: 'gauge' });
    const by = (alpha: number) => prepare(metric, reference, { ticks: format.ticks, alpha }).begin();
    const more = i < HARMED ? (harm - 1) * LEVEL : 0;
    return {
      now: values.slice(format.reference).map((value) => value + more),
      alone: by(ALPHA),
      shared: by(family.share(i)),
    };
  });
  let [alone, raised] = [false, false];
  let evidence: number[] = [];
  for (let t = 0; t < format.ticks; t++) {
    for (const one of metrics) alone = one.alone.look(one.now[t]!).alarm !== null || alone;
    evidence = metrics.map((one) => one.shared.look(one.now[t]!).evidence);
    raised = family.look(evidence).alarm || raised;
  }
  return { alone, family: raised, found: discoveries(evidence, ALPHA) };
}
