/**
 * Evidence that may be looked at after every tick. A weighted mean of e-processes is an e-process, and one that
 * starts at 1 exceeds 1/alpha at any time with probability alpha at most (Ville 1939; Ramdas and others 2023). Mixed are
 * - the fixed-horizon test, made valid at any time through its conditional rejection probability
 *   (Müller & Schäfer 2001; Koning & van Meer 2025): nearly all power of looking once, at the end. Where a watch may be
 *   extended there are two, one for each length;
 * - likelihood ratios of large harms from the first tick on (Robbins 1970; Howard and others 2021): speed;
 * - the same for harms that begin later (Shiryaev–Roberts).
 */
import type { Plan } from './types.ts';

/** Of the promised share of false alarms this much is spent: the models are estimated, not known. */
const SPENT = 0.8;
/** The part of the evidence that is fixed-horizon tests; of the rest, the part of harms from the first tick on. */
const FIXED = 0.8;
const IMMEDIATE = 0.7;
/** Of the fixed-horizon part, what the planned length gets where the watch may be extended. */
const PLANNED = 0.65;
/** How many later beginnings are considered within the planned length. */
const BEGINNINGS = 8;
/** The share of watches in which a harm as large as tolerated may be called passed. */
const BLESSED = 0.05;

/** A length at which a fixed-horizon test would decide, and its one-sided level. */
export interface Horizon {
  ticks: number;
  level: number;
}

/** The levels of one side: the alarm is at 1/alarm, the fixed-horizon tests lie within it. */
export interface Levels {
  alarm: number;
  horizons: readonly Horizon[];
}

/** Where a verdict may be taken, and the error with which a tolerated harm may be excluded there. */
export interface Checkpoint {
  tick: number;
  error: number;
}

/** The level of one side's alarm, for a promise of `alpha` over `sides` sides. */
export function alarmLevel(alpha: number, sides: number): number {
  return (SPENT * alpha) / sides;
}

/** The levels of one side. */
export function levels(plan: Plan, sides: number): Levels {
  const alarm = alarmLevel(plan.alpha, sides);
  const max = lastTick(plan);
  const planned = max > plan.ticks ? PLANNED : 1;
  const horizons = [{ ticks: plan.ticks, level: FIXED * planned * alarm }];
  if (max > plan.ticks) horizons.push({ ticks: max, level: FIXED * (1 - planned) * alarm });
  return { alarm, horizons };
}

/** The last tick at which a plan can raise an alarm. */
export function lastTick(plan: Plan): number {
  return Math.max(plan.ticks, plan.max ?? 0);
}

/**
 * The ticks at which a verdict may be taken: the planned length, its doublings, the longest. Their errors add up to 5 %
 * (Bonferroni), half of it for the planned length.
 */
export function checkpoints(plan: Plan): Checkpoint[] {
  const max = lastTick(plan);
  const later: number[] = [];
  for (let tick = 2 * plan.ticks; tick < max && plan.ticks > 0; tick *= 2) later.push(tick);
  if (max > plan.ticks) later.push(max);
  if (later.length === 0) return [{ tick: plan.ticks, error: BLESSED }];
  return [
    { tick: plan.ticks, error: BLESSED / 2 },
    ...later.map((tick) => ({ tick, error: BLESSED / 2 / later.length })),
  ];
}

/** The ticks, from 0, at which a harm is supposed to begin: at once, in each eighth of the planned length, and after it. */
export function beginnings(plan: Plan): number[] {
  const planned = Array.from({ length: BEGINNINGS }, (_, i) => Math.round((i * plan.ticks) / BEGINNINGS));
  const after = [1, 1.5, 2, 3].map((factor) => Math.round(factor * plan.ticks));
  const max = lastTick(plan);
  return [...new Set([...planned, ...(max > plan.ticks ? after : [])])].filter((tick) => tick < Math.max(1, max));
}

/**
 * The e-value of one side. `attained` and `rejection` are the rejection probabilities of the fixed-horizon tests before
 * the first tick and now, summed; `immediate` and `later` are means of likelihood ratios.
 */
export function mix(alarm: number, attained: number, rejection: number, immediate: number, later: number): number {
  const rest = 1 - attained / alarm;
  return rejection / alarm + rest * (IMMEDIATE * immediate + (1 - IMMEDIATE) * later);
}
