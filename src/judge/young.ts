/** A source that began only lately: what came before its beginning is no reference. Pure. */

/** A run of nothing this unlikely, given what came after, is not chance. */
const UNLIKELY = 1e-4;

/**
 * Counts with the ticks before the source began as null. Leading zeros are taken for "not there yet" only where so
 * many of them would be all but impossible at the rate of the rest.
 */
export function withoutBeginning(values: readonly (number | null)[]): (number | null)[] {
  const first = values.findIndex((value) => value !== null && value !== 0);
  if (first <= 0) return [...values];
  const rest = values.slice(first).filter((value) => value !== null);
  const busy = rest.filter((value) => value !== 0).length / rest.length;
  const zeros = values.slice(0, first).filter((value) => value === 0).length;
  const chance = busy >= 1 ? 0 : (1 - busy) ** zeros;
  return chance < UNLIKELY ? values.map((value, t) => (t < first ? null : value)) : [...values];
}
