/** What a watch would see, said before anything is touched. */
import { inWords } from '../duration/duration.ts';
import type { Prepared, Side } from '../judge/judge.ts';
import { toleranceInWords } from '../judge/judge.ts';
import type { Source } from '../metrics/metrics.ts';
import { Failure } from '../outcome/outcome.ts';
import type { PlanLine } from './types.ts';
import { lengthsInWords, levelInWords, visibleInWords } from './words.ts';

/** The line of a metric whose source could not be opened or asked: an obstacle where it is critical. */
export function unreadable(critical: boolean, name: string, failure: Failure): PlanLine {
  const text = `"${name}" cannot be read: ${failure.why ?? failure.what}`;
  return critical ? { kind: 'obstacle', text, failure } : { kind: 'blind', text };
}

/** The line of a metric whose source answers without a number. */
export function numberless(critical: boolean, name: string, why: string): PlanLine {
  const failure = new Failure({
    code: 'metric-silent',
    what: `the critical metric "${name}" gives no number`,
    why,
    untouched: 'nothing was changed',
    next: 'correct the metric in changeline.yml, see why its source is silent, or make it `critical: false`',
  });
  return unreadable(critical, name, failure);
}

/** The lines of a metric that was held against its reference. `step` is its tick and `length` the watch, in milliseconds. */
export function foreseen(prepared: Prepared, source: Source, step: number, length: number): PlanLine[] {
  const { metric, visible, refused } = prepared;
  const what = `"${metric.name}" (${metric.kind}, ${metric.critical ? 'critical' : 'not critical'}; ${source.notes.join('; ')})`;
  if (refused !== null) {
    const why = source.keepsHistory
      ? refused
      : `it keeps no history, so it is sampled from the first stage on until the version is flipped (${refused} yet)`;
    return [{ kind: 'blind', text: `${what}: ${why}` }];
  }
  const sees = `${visibleInWords(visible, metric.worse)} in ${inWords(length)} (${lengthsInWords(prepared, step)})`;
  const floor =
    prepared.floorTicks === null
      ? ''
      : `; a harm of the tolerated size is proven after ${inWords(prepared.floorTicks * step)} at the earliest`;
  const lines: PlanLine[] = [
    { kind: 'will', text: `watch ${what}: now ${levelInWords(prepared, step)}; sees ${sees}${floor}` },
    ...prepared.notes.map((note) => ({ kind: 'blind' as const, text: `"${metric.name}": ${note}` })),
  ];
  const blind = blindSides(prepared, step, length);
  if (blind.length === 0) return lines;
  const text = `"${metric.name}" cannot see the ${blind.map((side) => (side === 'up' ? 'rise' : 'fall')).join(' and the ')} that is to be excluded (${toleranceInWords(metric.tolerate, metric.worse)}); it sees ${sees}`;
  return [
    ...lines,
    metric.critical ? { kind: 'obstacle', text, failure: tooBlind(metric.name, text) } : { kind: 'blind', text },
  ];
}

/** The sides on which the tolerated harm is smaller than what is seen. */
function blindSides(prepared: Prepared, step: number, length: number): Side[] {
  const { metric, visible, level } = prepared;
  const { absolute, per } = metric.tolerate;
  const counted = metric.kind === 'count' || metric.kind === 'money';
  const perTick =
    absolute === null
      ? 0
      : !counted
        ? absolute
        : per === 'second'
          ? (absolute * step) / 1000
          : (absolute * step) / length;
  const relative = level !== null && level > 0 ? perTick / level : Number.POSITIVE_INFINITY;
  const sides: Side[] = metric.worse === 'either' ? ['up', 'down'] : [metric.worse];
  return sides.filter((side) => {
    const seen = visible[side];
    if (absolute !== null && relative === Number.POSITIVE_INFINITY) return false;
    if (side === 'up') return seen === null || seen > Math.max(metric.tolerate.up, 1 + relative);
    return seen === null || seen < Math.min(metric.tolerate.down, 1 - relative);
  });
}

function tooBlind(name: string, text: string): Failure {
  return new Failure({
    code: 'metric-blind',
    what: text,
    where: `watch.metrics: ${name}`,
    untouched: 'nothing was changed',
    next: 'watch for longer (`for`), tolerate more (`tolerate`), or make the metric `critical: false`',
  });
}
