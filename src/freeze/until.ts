/** When a freeze that a person opens ends by itself. Pure. */
import { DateTime } from 'luxon';
import { milliseconds } from '../duration/duration.ts';
import { Failure } from '../outcome/outcome.ts';

const LONGEST_DAYS = 60;

/**
 * The end that was asked for, ISO 8601 in UTC; null where the text is empty: until somebody ends it. The text is a
 * length of time from `now` (4h) or a moment with its time zone (2026-12-24T18:00Z). Throws input-invalid.
 */
export function untilOf(text: string, now: Date): string | null {
  if (!text) return null;
  const length = milliseconds(text);
  const at = length === null ? momentOf(text) : now.getTime() + length;
  if (at === null) throw refused(text, 'it is neither a length of time nor a moment with a time zone');
  if (at <= now.getTime()) throw refused(text, 'that is over already');
  if (!(at - now.getTime() <= LONGEST_DAYS * 86_400_000))
    throw refused(text, `that is more than ${LONGEST_DAYS} days from now`);
  return new Date(at).toISOString();
}

/** A moment is one everywhere only with its zone: a bare local time would be the runner's. */
function momentOf(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})$/i.test(text)) return null;
  const read = DateTime.fromISO(text.toUpperCase());
  return read.isValid ? read.toMillis() : null;
}

function refused(text: string, why: string): Failure {
  return new Failure({
    code: 'input-invalid',
    what: `until is ${JSON.stringify(text.slice(0, 80))}`,
    why,
    untouched: 'nothing was changed',
    next: `give a length of time such as 4h or 2d, or a moment such as 2026-12-24T18:00Z or 2026-12-24T18:00+01:00, in the future and at most ${LONGEST_DAYS} days from now; without it the freeze lasts until it is ended`,
  });
}
