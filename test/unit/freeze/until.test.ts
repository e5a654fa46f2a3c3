import { expect, it } from 'vitest';
import { untilOf } from '../../../src/freeze/freeze.ts';

const now = new Date('2026-11-21T12:00:00Z');

it.each([
  ['4h', '2026-11-21T16:00:00.000Z'],
  ['1h30m', '2026-11-21T13:30:00.000Z'],
  ['60d', '2027-01-20T12:00:00.000Z'],
  ['2026-12-24T18:00Z', '2026-12-24T18:00:00.000Z'],
  ['2026-12-24t18:00z', '2026-12-24T18:00:00.000Z'],
  ['2026-12-24T18:00:30+01:00', '2026-12-24T17:00:30.000Z'],
  ['2026-12-24T18:00-0500', '2026-12-24T23:00:00.000Z'],
  ['', null],
])('%j', (text, expected) => expect(untilOf(text, now)).toBe(expected));

it.each([
  ['0s', /over already/],
  ['2026-11-21T12:00Z', /over already/],
  ['2026-11-21T13:00+02:00', /over already/],
  ['61d', /more than 60 days/],
  ['60d1s', /more than 60 days/],
  [`${'9'.repeat(400)}d`, /more than 60 days/],
  ['2027-12-24T18:00Z', /more than 60 days/],
  ['2026-12-24', /with a time zone/],
  ['2026-12-24T18:00', /with a time zone/],
  ['2026-12-32T18:00Z', /with a time zone/],
  ['2026-11-31T18:00Z', /with a time zone/],
  ['2026-12-24T25:00Z', /with a time zone/],
  ['-4h', /with a time zone/],
  ['4 h', /with a time zone/],
  ['tomorrow', /with a time zone/],
  ['$(id)', /with a time zone/],
])('refuses %j and says what is allowed', (text, says) => {
  expect(() => untilOf(text, now)).toThrow(says);
  expect(() => untilOf(text, now)).toThrow(/such as 4h or 2d/);
  expect(() => untilOf(text, now)).toThrow(expect.objectContaining({ code: 'input-invalid' }));
});
