/**
 * The drill: a known harm is put into unharmed traffic of the last days, and the judge watches it as it would watch a
 * release. A guard that nobody tried is no guard.
 */
import { inWords } from '../duration/duration.ts';
import { escapeMarkdown, markdownTable } from '../escape/escape.ts';
import { drill, type Metric, type Plan, parseTolerance, type Side, type Trace } from '../judge/judge.ts';
import type { Code, Facts, Outcome } from '../outcome/outcome.ts';
import { Failure } from '../outcome/outcome.ts';
import { isAdditive } from './summing.ts';
import type { Length } from './types.ts';
import { figure } from './words.ts';

/** A guard that fires in fewer watches than this share has slept. */
const FIRED_SHARE = 0.5;

/** What one harm did to one metric. */
export interface Drilled {
  metric: string;
  critical: boolean;
  side: Side;
  /** What the metric was multiplied by. */
  factor: number;
  /** Watches of the past that were harmed, and those in which the alarm was raised for it. */
  watches: number;
  seen: number;
  /** Milliseconds until half of these alarms; null where there was none. */
  after: number | null;
  /** Alarms in the same watches, unharmed. */
  unharmed: number;
}

/** A metric that could not be drilled, and why. */
export interface Undrilled {
  metric: string;
  critical: boolean;
  why: string;
}

/** What came of a drill. */
export interface Drill {
  outcome: Extract<Outcome, 'passed' | 'failed' | 'inconclusive'>;
  code: Code;
  summary: string;
  facts: Facts;
  /** Escaped, without a heading. */
  markdown: string;
  next: string | null;
}

/**
 * The factors by which a metric is harmed: what the harm says of the sides that are worse, and where it says nothing of
 * one (-60% says nothing of a rise), what the metric tolerates. Throws `input-invalid` for a harm that is none.
 */
export function harmsOf(
  metric: Metric,
  harm: string,
  tolerated: Record<Side, number> = metric.tolerate,
): { side: Side; factor: number }[] {
  const sides: Side[] = metric.worse === 'either' ? ['up', 'down'] : [metric.worse];
  const said = harm === '' ? metric.tolerate : parseTolerance(harm);
  if (said === null || (harm !== '' && said.absolute !== null)) {
    throw new Failure({
      code: 'input-invalid',
      what: `the harm ${harm} is no factor`,
      where: 'harm',
      untouched: 'nothing was changed',
      next: 'write it as x3, +50% or -60%',
    });
  }
  const signs = { up: /[x+]/, down: /[x-]/ };
  return sides.map((side) => ({ side, factor: signs[side].test(harm) ? said[side] : tolerated[side] }));
}

/**
 * What the metric tolerates as factors of its usual level: the factor, or the absolute difference where that is more.
 * null where the level is 0, of which no factor makes a harm.
 */
function toleratedAt(metric: Metric, traces: readonly Trace[], plan: Plan): Record<Side, number> | null {
  const known = traces.flatMap(({ watch }) => watch.filter((value) => value !== null));
  if (known.every((value) => value === 0)) return null;
  const { up, down, absolute, per } = metric.tolerate;
  const level = known.reduce((sum, value) => sum + value, 0) / known.length;
  if (absolute === null || level <= 0) return { up, down };
  const perTick = per === 'second' ? absolute * traces[0]!.reference.step : absolute / (plan.max ?? plan.ticks);
  const part = (isAdditive(metric.kind) ? perTick : absolute) / level;
  return { up: Math.max(up, 1 + part), down: Math.max(0, Math.min(down, 1 - part)) };
}

/** Unharmed pieces of the past, and in how many of them an alarm is raised all the same. */
export interface Unharmed {
  traces: readonly Trace[];
  alarms: number;
}

/**
 * Drills one metric on these pieces of the past; `step` is its tick in milliseconds. null where they are 0 throughout.
 * Throws as `harmsOf` does.
 */
export function drillOn(
  metric: Metric,
  { traces, alarms: unharmed }: Unharmed,
  plan: Plan,
  step: number,
  harm: string,
): Drilled[] | null {
  const tolerated = toleratedAt(metric, traces, plan);
  if (tolerated === null) return null;
  return harmsOf(metric, harm, tolerated).map(({ side, factor }) => {
    const { watches, seen, ticks } = drill(metric, traces, plan, factor);
    const after = ticks === null ? null : ticks * step;
    return { metric: metric.name, critical: metric.critical, side, factor, watches, seen, after, unharmed };
  });
}

/** What the drilled metrics say together. Pure. */
export function drilled(all: readonly Drilled[], undrillable: readonly Undrilled[], length: Length): Drill {
  const rows = all.filter(({ watches }) => watches > 0);
  const unjudged = all.filter(({ watches }) => watches === 0);
  const left = [...undrillable, ...unjudged.map(({ metric, critical }) => ({ metric, critical, why: UNJUDGED }))];
  const slept = rows.filter((row) => row.critical && row.seen < FIRED_SHARE * row.watches);
  const undrilled = left.filter(({ critical }) => critical);
  const toothless = rows.length > 0 && ![...rows, ...left].some(({ critical }) => critical);
  const outcome =
    slept.length > 0 || toothless ? 'failed' : undrilled.length > 0 || rows.length === 0 ? 'inconclusive' : 'passed';
  const code = { failed: 'drill-blind', inconclusive: 'metric-unsure', passed: 'ok' } as const;
  const next = {
    failed: toothless
      ? 'say `critical: true` of the metrics that must not get worse'
      : 'watch for longer (`for`), tolerate more (`tolerate`), or look at what the source really counts',
    inconclusive: 'give the metric a source that keeps history, or harm a test environment and watch that',
    passed: null,
  };
  const summary = toothless ? `${TOOTHLESS}: ${summaryOf(rows, [], left)}` : summaryOf(rows, slept, left);
  const { min, max } = length;
  const long = max > min ? `${inWords(min)} to ${inWords(max)}` : inWords(min);
  return {
    outcome,
    code: code[outcome],
    summary: `drill of a watch of ${long}: ${summary}`,
    facts: {
      'for-ms': min,
      'for-max-ms': max,
      drilled: rows.map(({ metric, critical, side, factor, watches, seen, after, unharmed }) => ({
        metric,
        critical,
        side,
        factor,
        watches,
        seen,
        'after-ms': after,
        unharmed,
      })),
      left: left.map(({ metric, critical, why }) => ({ metric, critical, why })),
    },
    markdown: tableOf(rows, left),
    next: next[outcome],
  };
}

const UNJUDGED = 'no piece of its past holds enough to judge';

const TOOTHLESS = 'no metric is critical, so no harm would have ended a watch';

function summaryOf(rows: readonly Drilled[], slept: readonly Drilled[], left: readonly Undrilled[]): string {
  if (rows.length === 0) return `no metric could be drilled: ${left.map(inOneLine).join('; ') || 'none is configured'}`;
  const told = (some: readonly Drilled[]) => some.map(drilledInWords).join('; ');
  const others = rows.filter((row) => !slept.includes(row));
  return [
    ...(slept.length > 0 ? [`the guard would have slept: ${told(slept)}`] : []),
    ...(others.length > 0 ? [`${slept.length > 0 ? 'the others: ' : ''}${told(others)}`] : []),
    ...(left.length > 0 ? [`not drilled: ${left.map(inOneLine).join('; ')}`] : []),
  ].join('; ');
}

function inOneLine({ metric, why }: Undrilled): string {
  return `${metric}, ${why}`;
}

/** "orders ×0.5: fires in 46 of 50 watches, half of them within 1 min". */
export function drilledInWords({ metric, factor, watches, seen, after }: Drilled): string {
  const when = after === null ? '' : `, half of them within ${inWords(after)}`;
  return `${metric} ×${figure(factor)}: fires in ${seen} of ${watches} watches${when}`;
}

function tableOf(rows: readonly Drilled[], left: readonly Undrilled[]): string {
  const head = ['metric', 'critical', 'harm', 'fires in', 'half within', 'fires unharmed in'];
  const lines = rows.map(({ metric, critical, factor, watches, seen, after, unharmed }) => [
    metric,
    critical ? 'yes' : 'no',
    `×${figure(factor)}`,
    `${seen} of ${watches}`,
    after === null ? '' : inWords(after),
    `${unharmed} of ${watches}`,
  ]);
  const notes = left.map(({ metric, why }) => `- ${escapeMarkdown(metric)}: not drilled, ${escapeMarkdown(why)}\n`);
  return [...(lines.length > 0 ? [markdownTable(head, lines)] : []), notes.join('')].filter(Boolean).join('\n');
}
