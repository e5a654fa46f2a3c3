/**
 * Evidence that may be looked at after every tick. A weighted mean of e-processes is an e-process, and one that
 * starts at 1 exceeds 1/alpha at any time with probability alpha at most (Ville 1939; Ramdas and others 2023). Mixed are
 * - the fixed-horizon test, made valid at any time through its conditional rejection probability
 *   (Müller & Schäfer 2001; Koning & van Meer 2025): nearly all power of looking once, at the end;
 * - likelihood ratios of large harms from the first tick on (Robbins 1970; Howard and others 2021): speed;
 * - the same for harms that begin later (Shiryaev–Roberts).
 */

/** Of the promised share of false alarms this much is spent: the models are estimated, not known. */
const SPENT = 0.8;
/** The part of the evidence that is the fixed-horizon test; of the rest, the part of harms from the first tick on. */
const FIXED = 0.8;
const IMMEDIATE = 0.6;
/** How many later beginnings are considered. */
const BEGINNINGS = 8;

/** The levels of one side: `alarm` is reached by 1/alarm, `fixed` is that of the fixed-horizon test within it. */
export interface Levels {
  alarm: number;
  fixed: number;
}

/** The levels of one side, for a promise of `alpha` over `sides` sides. */
export function levels(alpha: number, sides: number): Levels {
  const alarm = (SPENT * alpha) / sides;
  return { alarm, fixed: FIXED * alarm };
}

/** The ticks, from 0, at which a later harm is supposed to begin. */
export function beginnings(ticks: number): number[] {
  const all = Array.from({ length: BEGINNINGS - 1 }, (_, i) => Math.round(((i + 1) * ticks) / BEGINNINGS));
  return [...new Set(all)].filter((tick) => tick > 0 && tick < ticks);
}

/**
 * The e-value of one side. `attained` and `rejection` are the fixed-horizon test's rejection probability before the
 * first tick and now; `immediate` and `later` are likelihood ratios (1 where a later harm has not begun).
 */
export function mix(
  level: Levels,
  attained: number,
  rejection: number,
  immediate: readonly number[],
  later: readonly number[],
): number {
  const rest = 1 - attained / level.alarm;
  const early = mean(immediate);
  return (
    rejection / level.alarm + rest * (IMMEDIATE * early + (1 - IMMEDIATE) * (later.length > 0 ? mean(later) : early))
  );
}

function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
