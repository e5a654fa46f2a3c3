/** What a check cannot see. Pure. */
import type { Check } from './check.ts';

/** True for a check that looks at no body: a page that says "error" with status 200 passes it. */
export function seesNoErrorPage(check: Check): boolean {
  if (check.kind !== 'http') return false;
  const { status, holds, absent, matches, version, json } = check.expect;
  if (!status.ranges.some(([from, to]) => from < 300 && to >= 200)) return false;
  const asked = [holds, absent, json].some((list) => list.length > 0);
  return !asked && matches === null && version === null;
}
