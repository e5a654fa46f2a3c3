/** The forms in which a freeze window says when it begins and ends. Pure. */
import type { FreezeWindow } from './control.ts';

/** The days as they are written, Monday first. */
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;

/** A point of local time. Minutes count from midnight; a weekday is 1 (Monday) to 7. */
export type Point =
  | { form: 'weekly'; weekday: number; minutes: number }
  | { form: 'daily'; minutes: number }
  /** `minutes` is null where only the date was given: its first moment, or in `to` its last. */
  | { form: 'date'; year: number; month: number; day: number; minutes: number | null };

const ALLOWED = 'Fri 16:00, 22:00 (every day), 2026-12-20 or 2026-12-20 18:00';

/** `Fri 16:00`, `22:00`, `2026-12-20` or `2026-12-20 18:00`; null where the text is none of these or no such time is. */
export function parsePoint(text: string): Point | null {
  const found = /^(?:([A-Za-z]{3}) +|(\d{4})-(\d{2})-(\d{2})(?: +|$))?(?:(\d{1,2}):(\d{2}))?$/.exec(text.trim());
  if (!found) return null;
  const [, dayName, year, month, day, hour, minute] = found;
  const minutes = hour === undefined ? null : minutesOf(Number(hour), Number(minute));
  if (hour !== undefined && minutes === null) return null;
  if (year !== undefined) {
    const date = { year: Number(year), month: Number(month), day: Number(day) };
    return isDate(date) ? { form: 'date', ...date, minutes } : null;
  }
  if (minutes === null) return null;
  if (dayName === undefined) return { form: 'daily', minutes };
  const weekday = DAYS.findIndex((name) => name.toLowerCase() === dayName.toLowerCase()) + 1;
  return weekday > 0 ? { form: 'weekly', weekday, minutes } : null;
}

/** What is wrong with a window, in words; null where nothing is. */
export function windowProblem(window: FreezeWindow): string | null {
  const from = parsePoint(window.from);
  const to = parsePoint(window.to);
  if (!from) return `from is ${JSON.stringify(window.from)}; allowed: ${ALLOWED}`;
  if (!to) return `to is ${JSON.stringify(window.to)}; allowed: ${ALLOWED}`;
  if (from.form !== to.form)
    return `from is "${window.from}" and to is "${window.to}"; both must be of one form: ${ALLOWED}`;
  if (from.form === 'date' && to.form === 'date') {
    if (orderOf(to, 24 * 60) <= orderOf(from, 0)) return `to (${window.to}) must come after from (${window.from})`;
  } else if (JSON.stringify(from) === JSON.stringify(to))
    return `from and to are both "${window.from}"; a window that is always on is no window: use the freeze action`;
  if (!isTimeZone(window.timezone))
    return `timezone is ${JSON.stringify(window.timezone)}; it must be a name of the IANA list, such as Europe/Lisbon or UTC`;
  return null;
}

function minutesOf(hour: number, minute: number): number | null {
  return hour < 24 && minute < 60 ? hour * 60 + minute : null;
}

function isDate({ year, month, day }: { year: number; month: number; day: number }): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

/** Minutes that sort dates; `otherwise` is the time of a date without one. */
function orderOf({ year, month, day, minutes }: Extract<Point, { form: 'date' }>, otherwise: number): number {
  return Date.UTC(year, month - 1, day) / 60_000 + (minutes ?? otherwise);
}

function isTimeZone(name: string): boolean {
  // Node takes offsets such as +01:00 too, which know no daylight saving.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
