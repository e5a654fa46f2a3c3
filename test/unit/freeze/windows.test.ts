import { describe, expect, it } from 'vitest';
import type { FreezeWindow } from '../../../src/config/config.ts';
import { periodAfter, periodAt } from '../../../src/freeze/windows.ts';

function window(from: string, to: string, timezone = 'UTC'): FreezeWindow {
  return { from, to, timezone, why: 'no releases' };
}

function on(given: FreezeWindow, at: string): boolean {
  return periodAt(given, new Date(at)) !== null;
}

/** Beginning and end of the period that is on, to the minute. */
function period(given: FreezeWindow, at: string): [string, string] | null {
  const found = periodAt(given, new Date(at));
  return found && [minute(found.begins), minute(found.ends)];
}

function minute(at: number): string {
  return new Date(at).toISOString().replace(':00.000Z', 'Z');
}

describe('a weekly window', () => {
  const weekend = window('Fri 16:00', 'Mon 08:00', 'Europe/Lisbon');
  it.each([
    ['just before', '2026-11-20T15:59:59.999Z', false],
    ['at its first moment', '2026-11-20T16:00:00Z', true],
    ['on Sunday', '2026-11-22T12:00:00Z', true],
    ['just before its end', '2026-11-23T07:59:59.999Z', true],
    ['at its end', '2026-11-23T08:00:00Z', false],
    ['on Wednesday', '2026-11-18T12:00:00Z', false],
  ])('%s', (_, at, expected) => expect(on(weekend, at)).toBe(expected));

  it.each([
    [
      'within the week',
      window('Tue 10:00', 'Thu 12:00'),
      '2026-11-18T00:00:00Z',
      '2026-11-17T10:00Z',
      '2026-11-19T12:00Z',
    ],
    ['on one day', window('Tue 10:00', 'Tue 12:00'), '2026-11-17T11:00:00Z', '2026-11-17T10:00Z', '2026-11-17T12:00Z'],
    [
      'all but two hours',
      window('Tue 12:00', 'Tue 10:00'),
      '2026-11-17T09:59:00Z',
      '2026-11-10T12:00Z',
      '2026-11-17T10:00Z',
    ],
    [
      'over the end of a year',
      window('Thu 20:00', 'Sat 06:00'),
      '2027-01-01T00:00:00Z',
      '2026-12-31T20:00Z',
      '2027-01-02T06:00Z',
    ],
    [
      'over the spring switch',
      window('Fri 16:00', 'Mon 08:00', 'Europe/Lisbon'),
      '2026-03-29T12:00:00Z',
      '2026-03-27T16:00Z',
      '2026-03-30T07:00Z',
    ],
    [
      'over the autumn switch',
      window('Fri 16:00', 'Mon 08:00', 'Europe/Lisbon'),
      '2026-10-25T12:00:00Z',
      '2026-10-23T15:00Z',
      '2026-10-26T08:00Z',
    ],
  ])('%s', (_, given, at, begins, ends) => expect(period(given, at)).toEqual([begins, ends]));
});

describe('a daily window', () => {
  it.each([
    [
      'over midnight, before it',
      window('22:00', '06:00'),
      '2026-11-18T23:00:00Z',
      '2026-11-18T22:00Z',
      '2026-11-19T06:00Z',
    ],
    [
      'over midnight, after it',
      window('22:00', '06:00'),
      '2026-11-19T05:59:00Z',
      '2026-11-18T22:00Z',
      '2026-11-19T06:00Z',
    ],
    ['within a day', window('09:00', '17:30'), '2026-11-18T17:29:00Z', '2026-11-18T09:00Z', '2026-11-18T17:30Z'],
    [
      'over the end of a year',
      window('22:00', '06:00'),
      '2027-01-01T00:00:00Z',
      '2026-12-31T22:00Z',
      '2027-01-01T06:00Z',
    ],
    [
      'where the day is not that of UTC',
      window('22:00', '06:00', 'Asia/Kathmandu'),
      '2026-11-18T16:15:00Z',
      '2026-11-18T16:15Z',
      '2026-11-19T00:15Z',
    ],
    [
      'west of the date line',
      window('22:00', '06:00', 'Pacific/Niue'),
      '2026-11-18T09:30:00Z',
      '2026-11-18T09:00Z',
      '2026-11-18T17:00Z',
    ],
    [
      'east of the date line',
      window('22:00', '06:00', 'Pacific/Kiritimati'),
      '2026-11-18T09:30:00Z',
      '2026-11-18T08:00Z',
      '2026-11-18T16:00Z',
    ],
  ])('%s', (_, given, at, begins, ends) => expect(period(given, at)).toEqual([begins, ends]));

  it('is off in between', () => {
    expect(on(window('22:00', '06:00'), '2026-11-18T06:00:00Z')).toBe(false);
    expect(on(window('22:00', '06:00', 'Asia/Kathmandu'), '2026-11-18T16:14:59Z')).toBe(false);
  });
});

describe('a local time that does not exist', () => {
  it.each([
    [
      'Lisbon: begins at the next that does',
      window('01:30', '05:00', 'Europe/Lisbon'),
      '2026-03-29T02:00:00Z',
      '2026-03-29T01:00Z',
      '2026-03-29T04:00Z',
    ],
    [
      'Lisbon: ends at the next that does',
      window('00:15', '01:30', 'Europe/Lisbon'),
      '2026-03-29T00:30:00Z',
      '2026-03-29T00:15Z',
      '2026-03-29T01:00Z',
    ],
    [
      'New York',
      window('02:30', '05:00', 'America/New_York'),
      '2026-03-08T08:00:00Z',
      '2026-03-08T07:00Z',
      '2026-03-08T09:00Z',
    ],
    [
      'Lord Howe moves by half an hour',
      window('02:15', '05:00', 'Australia/Lord_Howe'),
      '2026-10-03T16:00:00Z',
      '2026-10-03T15:30Z',
      '2026-10-03T18:00Z',
    ],
    [
      'Santiago has no midnight',
      window('2026-09-06', '2026-09-06', 'America/Santiago'),
      '2026-09-06T12:00:00Z',
      '2026-09-06T04:00Z',
      '2026-09-07T03:00Z',
    ],
    [
      'Apia had no 30 December 2011',
      window('2011-12-30', '2011-12-31', 'Pacific/Apia'),
      '2011-12-31T00:00:00Z',
      '2011-12-30T10:00Z',
      '2011-12-31T10:00Z',
    ],
  ])('%s', (_, given, at, begins, ends) => expect(period(given, at)).toEqual([begins, ends]));

  it('covers nothing where the whole window is skipped', () => {
    expect(on(window('01:15', '01:45', 'Europe/Lisbon'), '2026-03-29T01:00:00Z')).toBe(false);
  });
});

describe('a local time that comes twice', () => {
  it.each([
    [
      'Lisbon: begins at the first',
      window('01:30', '05:00', 'Europe/Lisbon'),
      '2026-10-25T00:45:00Z',
      '2026-10-25T00:30Z',
      '2026-10-25T05:00Z',
    ],
    [
      'Lisbon: ends at the second',
      window('00:15', '01:30', 'Europe/Lisbon'),
      '2026-10-25T01:15:00Z',
      '2026-10-24T23:15Z',
      '2026-10-25T01:30Z',
    ],
    [
      'Lisbon: both',
      window('01:15', '01:45', 'Europe/Lisbon'),
      '2026-10-25T01:30:00Z',
      '2026-10-25T00:15Z',
      '2026-10-25T01:45Z',
    ],
    [
      'New York',
      window('01:15', '01:45', 'America/New_York'),
      '2026-11-01T06:30:00Z',
      '2026-11-01T05:15Z',
      '2026-11-01T06:45Z',
    ],
    [
      'Lord Howe moves by half an hour',
      window('01:40', '01:50', 'Australia/Lord_Howe'),
      '2026-04-04T15:15:00Z',
      '2026-04-04T14:40Z',
      '2026-04-04T15:20Z',
    ],
  ])('%s', (_, given, at, begins, ends) => expect(period(given, at)).toEqual([begins, ends]));
});

describe('a window of dates', () => {
  it.each([
    [
      'to the last moment of its last day',
      window('2026-12-20', '2027-01-03', 'Europe/Lisbon'),
      '2027-01-03T23:59:59Z',
      '2026-12-20T00:00Z',
      '2027-01-04T00:00Z',
    ],
    [
      'one day',
      window('2026-12-25', '2026-12-25', 'America/New_York'),
      '2026-12-26T04:59:00Z',
      '2026-12-25T05:00Z',
      '2026-12-26T05:00Z',
    ],
    [
      'with times',
      window('2026-12-20 18:00', '2027-01-04 09:00', 'Asia/Kathmandu'),
      '2026-12-31T00:00:00Z',
      '2026-12-20T12:15Z',
      '2027-01-04T03:15Z',
    ],
    [
      'a leap day',
      window('2028-02-29', '2028-02-29'),
      '2028-02-29T12:00:00Z',
      '2028-02-29T00:00Z',
      '2028-03-01T00:00Z',
    ],
    [
      'over both switches',
      window('2026-03-29', '2026-10-25', 'Europe/Lisbon'),
      '2026-07-01T00:00:00Z',
      '2026-03-29T00:00Z',
      '2026-10-26T00:00Z',
    ],
  ])('%s', (_, given, at, begins, ends) => expect(period(given, at)).toEqual([begins, ends]));

  it.each(['2026-12-19T23:59:59Z', '2027-01-04T00:00:00Z'])('is off at %s', (at) =>
    expect(on(window('2026-12-20', '2027-01-03'), at)).toBe(false),
  );
});

describe('the next time', () => {
  it.each([
    ['of a week', window('Fri 16:00', 'Mon 08:00', 'Europe/Lisbon'), '2026-11-18T12:00:00Z', '2026-11-20T16:00Z'],
    ['while it is on', window('Fri 16:00', 'Mon 08:00', 'Europe/Lisbon'), '2026-11-21T12:00:00Z', '2026-11-27T16:00Z'],
    ['just before it', window('Fri 16:00', 'Fri 15:00'), '2026-11-20T15:30:00Z', '2026-11-20T16:00Z'],
    ['of a day', window('22:00', '06:00'), '2026-11-18T22:00:00Z', '2026-11-19T22:00Z'],
    ['of dates', window('2026-12-20', '2027-01-03'), '2026-11-18T00:00:00Z', '2026-12-20T00:00Z'],
  ])('%s', (_, given, at, begins) => expect(minute(periodAfter(given, new Date(at))!.begins)).toBe(begins));

  it('never comes for dates that are over', () => {
    expect(periodAfter(window('2026-01-01', '2026-01-02'), new Date('2026-01-01T12:00:00Z'))).toBeNull();
  });
});

it.each([
  ['Europe/Lisbon', '2026-03-29', '2026-10-25'],
  ['America/New_York', '2026-03-08', '2026-11-01'],
  ['Australia/Lord_Howe', '2026-04-04', '2026-10-03'],
  ['Asia/Kathmandu', '2026-03-29', '2026-12-31'],
])('in %s it is on whenever the clock on the wall says so, around both switches', (timezone, ...switches) => {
  const given = window('22:10', '01:40', timezone);
  const wall = new Intl.DateTimeFormat('en-GB', { timeZone: timezone, hour: '2-digit', minute: '2-digit' });
  const moments = switches.flatMap((day) =>
    Array.from({ length: 120 }, (_, index) => Date.parse(`${day}T00:00:00Z`) + (index - 60) * 1_200_000),
  );
  const reads = moments.filter((at) => wall.format(at) >= '22:10' || wall.format(at) < '01:40');
  expect(reads.length).toBeGreaterThan(15);
  expect(reads.filter((at) => !on(given, minute(at)))).toEqual([]);
  // What is on beyond that is at most the hour that came twice.
  const more = moments.filter((at) => !reads.includes(at) && on(given, minute(at)));
  expect(more.length).toBeLessThanOrEqual(3);
});
