/** The words of the judge: what is compared, with what, and what comes out. Numbers only, no clock. */
import type { Code, Outcome } from '../outcome/outcome.ts';

/** The direction of a difference against the reference. */
export type Side = 'up' | 'down';

/**
 * gauge: a level, one value a tick. count: events in a tick. money: a sum of values in a tick.
 * window: a rate over a window longer than a tick, so that neighbouring values share data.
 */
export type Kind = 'gauge' | 'count' | 'money' | 'window';

/** The harm that is the user's to bear: a factor or an absolute difference, whichever is larger. */
export interface Tolerance {
  /** Above 1. */
  up: number;
  /** Between 0 and 1. */
  down: number;
  /** Above 0; null where none was declared. */
  absolute: number | null;
  /** What `absolute` counts in, for counts and money: per second, or over the whole watch. Ignored for gauges. */
  per: 'second' | 'watch';
}

/** A bound of the user's own, whatever the reference says: not to be left for so many ticks in a row. */
export interface Limit {
  above: number | null;
  below: number | null;
  /** At least 1. */
  ticks: number;
}

/** One metric to judge. */
export interface Metric {
  name: string;
  kind: Kind;
  worse: Side | 'either';
  critical: boolean;
  tolerate: Tolerance;
  /** null: none; only the reference counts. */
  limit: Limit | null;
}

/** What the watch is compared with. All lists have one entry a tick; null is a tick without a number. */
export interface Reference {
  /** Seconds of a tick, the same in reference and watch. */
  step: number;
  values: readonly (number | null)[];
  /** The hosts that keep the old version, at the same ticks; then `look` must be given theirs too. */
  other?: readonly (number | null)[] | undefined;
  /** The same clock time on earlier days, one row a day: as long as reference and watch together. */
  earlier?: readonly (readonly (number | null)[])[] | undefined;
  /** For a window: its length in seconds. */
  window?: number | undefined;
}

/** How long is watched and how often an unharmed watch may raise an alarm. */
export interface Plan {
  ticks: number;
  /** Ticks to which the watch is extended where `ticks` leave it inconclusive; within the same `alpha`. `ticks` by default. */
  max?: number | undefined;
  /** By how much all limits are widened, as a factor on the standard error (see replay.ts); 1 by default. */
  widen?: number | undefined;
  /** The promised share of false alarms, such as 0.05. */
  alpha: number;
}

/** The smallest harm, as a factor, that is seen in 80 % of watches; null: none. */
export interface Visible {
  up: number | null;
  down: number | null;
}

/** An alarm: the first tick (from 1) at which a difference was proven, and its direction. */
export interface Alarm {
  side: Side;
  tick: number;
}

/** What one look brought. */
export interface Look {
  alarm: Alarm | null;
  /** The e-value of the look, both sides together: 1 says nothing, 1/alpha is an alarm. */
  evidence: number;
}

/** A verdict on one metric. */
export interface Verdict {
  metric: string;
  critical: boolean;
  outcome: Extract<Outcome, 'passed' | 'failed' | 'inconclusive'>;
  code: Extract<Code, 'ok' | 'metric-worse' | 'metric-silent' | 'metric-unsure'>;
  side: Side | null;
  /** The tick of the alarm. */
  alarm: number | null;
  /** `factor`: effect 2 is twice the reference. `difference`: in the metric's own unit, where the reference is at zero. */
  scale: 'factor' | 'difference';
  effect: number | null;
  /** Both limits hold with 95 % each. */
  interval: [number, number] | null;
  /** The reference's mean of one tick. */
  level: number | null;
  /** Ticks looked at, and how many of them had no number. */
  ticks: number;
  silent: number;
  visible: Visible;
  /** Counts and money: how much less came than the reference lets expect, with its limits. */
  missing: { amount: number; low: number; high: number } | null;
  sentence: string;
}

/** One watch of one metric. */
export interface Run {
  /** One tick. `other` is needed where the reference has it. */
  look(value: number | null, other?: number | null): Look;
  /**
   * True where a verdict may be taken: at the planned length, its doublings and the longest one. The error of `passed`
   * is shared among these; a verdict taken between two of them has that of the next, so take one of the two.
   */
  readonly checkpoint: boolean;
  /**
   * What can be said after the ticks so far. `alarm: false`: the family's control of false discoveries does not let the
   * metric's alarm stand (see family.ts); the alarm of an absolute limit stands all the same.
   */
  verdict(options?: { alarm?: boolean }): Verdict;
}

/** A metric held against its reference, before the watch. */
export interface Prepared {
  metric: Metric;
  /** Why nothing can be judged, in words; null where it can. */
  refused: string | null;
  /** True where there is nothing to compare with, and only the absolute limit is judged. */
  limitOnly: boolean;
  readonly visible: Visible;
  /** As `visible`, for a watch of another length. */
  visibleAt(ticks: number): Visible;
  /** The fewest ticks in which a harm as large as tolerated can be proven (Wald 1945); null where it is not known. */
  floorTicks: number | null;
  /** The mean of one tick of the reference. */
  level: number | null;
  /** What a reader should know: methods, widened limits, a short reference. */
  notes: string[];
  begin(): Run;
}

/** What a statistical model must answer. `Run` and `Prepared` are the same for all models (see run.ts). */
export interface Model {
  level: number | null;
  notes: string[];
  visible(ticks: number): Visible;
  /** The fewest ticks in which a harm as large as tolerated can be proven; null: not known. */
  floor(side: Side): number | null;
  begin(): Process;
}

/** A model at work on one watch. */
export interface Process {
  look(value: number | null, other: number | null): void;
  /** The e-value against "no harm on this side". */
  evidence(side: Side): number;
  /** `error`: the probability with which a harm as large as tolerated may be excluded. */
  estimate(error: number): Estimate;
}

/** What the ticks so far say about the size of the difference. */
export interface Estimate {
  scale: 'factor' | 'difference';
  effect: number | null;
  interval: [number, number] | null;
  /** True where a harm as large as tolerated, or larger, is excluded. */
  excluded: Record<Side, boolean>;
  missing: Verdict['missing'];
}
