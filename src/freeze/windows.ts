/**
 * When a window of changeline.yml is on. A window covers every moment whose local time lies in it: a local time that
 * does not exist begins at the next that does, and one that comes twice is covered both times. Pure.
 */
import { IANAZone } from 'luxon';
import { type FreezeWindow, type Point, parsePoint } from '../config/config.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Farther from UTC than any local time is, and than any of them was ever moved at once. */
const FAR = 36 * HOUR;

/** One time that a window is on, from its first moment until just before `ends`. Milliseconds since 1970. */
export interface Period {
  begins: number;
  ends: number;
}

/** The time at `now` that the window is on; null where it is off. The window must be sound (see `windowProblem`). */
export function periodAt(window: FreezeWindow, now: Date): Period | null {
  const at = now.getTime();
  return periodsAround(window, at).find(({ begins, ends }) => begins <= at && at < ends) ?? null;
}

/** The next time that the window goes on after `now`; null where it never does again. */
export function periodAfter(window: FreezeWindow, now: Date): Period | null {
  return periodsAround(window, now.getTime()).find(({ begins }) => begins > now.getTime()) ?? null;
}

/** The times of the window from before `at` until after it, in their order. */
function periodsAround(window: FreezeWindow, at: number): Period[] {
  const from = parsePoint(window.from)!;
  const to = parsePoint(window.to)!;
  const zone = IANAZone.create(window.timezone);
  return spans(from, to, localDay(zone, at))
    .map(([begin, end]) => ({ begins: firstMoment(zone, begin), ends: lastMoment(zone, end) }))
    .filter(({ begins, ends }) => begins < ends);
}

/** Local beginnings and ends around a local day, as milliseconds that read as UTC what the clock on the wall shows. */
function spans(from: Point, to: Point, today: number): [number, number][] {
  if (from.form === 'date' && to.form === 'date') return [[wall(from, 0), wall(to, 24 * 60)]];
  if (from.form === 'daily' && to.form === 'daily') {
    const length = positive((to.minutes - from.minutes) * MINUTE, DAY);
    return days(today, 2).map((day) => spanOf(day + from.minutes * MINUTE, length));
  }
  if (from.form === 'weekly' && to.form === 'weekly') {
    const apart = (to.weekday - from.weekday) * DAY + (to.minutes - from.minutes) * MINUTE;
    const length = positive(apart, 7 * DAY);
    return days(today, 8)
      .filter((day) => weekdayOf(day) === from.weekday)
      .map((day) => spanOf(day + from.minutes * MINUTE, length));
  }
  return [];
}

function spanOf(begin: number, length: number): [number, number] {
  return [begin, begin + length];
}

function positive(length: number, cycle: number): number {
  return length > 0 ? length : length + cycle;
}

function days(today: number, around: number): number[] {
  return Array.from({ length: 2 * around + 1 }, (_, index) => today + (index - around) * DAY);
}

/** 1 (Monday) to 7. */
function weekdayOf(day: number): number {
  return new Date(day).getUTCDay() || 7;
}

function wall(date: Extract<Point, { form: 'date' }>, otherwise: number): number {
  return Date.UTC(date.year, date.month - 1, date.day) + (date.minutes ?? otherwise) * MINUTE;
}

/** The beginning of the local day of a moment, as it reads on the wall. */
function localDay(zone: IANAZone, at: number): number {
  return Math.floor((at + offset(zone, at)) / DAY) * DAY;
}

/** The first moment at which the clock on the wall shows this time or a later one. */
function firstMoment(zone: IANAZone, time: number): number {
  return moments(zone, time)[0];
}

/** The moment from which on the clock on the wall never again shows an earlier time. */
function lastMoment(zone: IANAZone, time: number): number {
  return moments(zone, time)[1];
}

function moments(zone: IANAZone, time: number): [first: number, last: number] {
  const before = time - offset(zone, time - FAR);
  const after = time - offset(zone, time + FAR);
  if (before === after) return [before, after];
  const moved = transition(zone, time - FAR, time + FAR);
  // The clock goes forward over this time, and no moment shows it: the next one that exists.
  if (before >= moved && after < moved) return [moved, moved];
  return [before < moved ? before : after, after >= moved ? after : before];
}

/**
 * When the local time is moved between two whole minutes; the one time between them must be the only one. Clocks are
 * moved on whole minutes.
 */
function transition(zone: IANAZone, from: number, until: number): number {
  const old = offset(zone, from);
  let [same, moved] = [from / MINUTE, until / MINUTE];
  while (moved - same > 1) {
    const middle = Math.floor((same + moved) / 2);
    if (offset(zone, middle * MINUTE) === old) same = middle;
    else moved = middle;
  }
  return moved * MINUTE;
}

/** Local time minus UTC, in milliseconds. */
function offset(zone: IANAZone, at: number): number {
  return Math.round(zone.offset(at) * MINUTE);
}
