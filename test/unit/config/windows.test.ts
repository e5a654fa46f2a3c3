import { describe, expect, it } from 'vitest';
import { type FreezeWindow, parseConfig, parsePoint } from '../../../src/config/config.ts';

describe('a point of local time', () => {
  it.each([
    ['Fri 16:00', { form: 'weekly', weekday: 5, minutes: 960 }],
    ['sun 0:05', { form: 'weekly', weekday: 7, minutes: 5 }],
    ['Mon  23:59', { form: 'weekly', weekday: 1, minutes: 1439 }],
    ['22:00', { form: 'daily', minutes: 1320 }],
    ['2026-12-20', { form: 'date', year: 2026, month: 12, day: 20, minutes: null }],
    ['2026-12-20 18:00', { form: 'date', year: 2026, month: 12, day: 20, minutes: 1080 }],
    ['2028-02-29', { form: 'date', year: 2028, month: 2, day: 29, minutes: null }],
  ])('%s', (text, expected) => expect(parsePoint(text)).toEqual(expected));

  it.each([
    '',
    'Fri',
    'Fry 16:00',
    'Friday 16:00',
    'Fri16:00',
    '24:00',
    '22:60',
    '22',
    '22:00:00',
    '10pm',
    '2026-02-30',
    '2026-13-01',
    '2026-12-20T18:00Z',
    '2026-12-20 24:00',
    '2026-12-2018:00',
    '20-12-2026',
    'Fri 16:00 UTC',
    '16:00\n17:00',
  ])('%j is none', (text) => expect(parsePoint(text)).toBeNull());
});

const BEGINNING = `name: shop
artifact: ./{version}
environments:
  production:
    hosts: [./host]
    freeze:
      windows:
`;

function parse(window: string, more = '') {
  const text = `${BEGINNING}        - { ${window}, why: no releases }\n${more}`;
  return parseConfig(text, { name: 'changeline.yml', environment: 'production', choose: true, env: {} });
}

describe('windows in changeline.yml', () => {
  it.each([
    ['from: Fri 16:00, to: Mon 08:00', 'Fri 16:00', 'Mon 08:00'],
    ['from: 22:00, to: 06:00', '22:00', '06:00'],
    ['from: 2026-12-20, to: 2027-01-03', '2026-12-20', '2027-01-03'],
    ['from: 2026-12-20, to: 2026-12-20', '2026-12-20', '2026-12-20'],
    ['from: 2026-12-20 18:00, to: 2026-12-20', '2026-12-20 18:00', '2026-12-20'],
    ['from: 08:00, to: 06:00, timezone: Australia/Lord_Howe', '08:00', '06:00'],
    ['from: 08:00, to: 06:00, timezone: Asia/Kathmandu', '08:00', '06:00'],
  ])('stay the texts that they are without quotes: %s', (window, from, to) => {
    const [read] = parse(window).environment!.freeze!.windows as [FreezeWindow];
    expect(read).toMatchObject({ from, to });
  });

  it.each([
    ['from: Fri 16:00, to: 08:00', /both must be of one form/],
    ['from: 2026-12-20, to: Mon 08:00', /both must be of one form/],
    ['from: Fryday 16:00, to: Mon 08:00', /from is "Fryday 16:00"; allowed: Fri 16:00/],
    ['from: Fri 16:00, to: Mon 8', /to is "Mon 8"; allowed/],
    ['from: 2026-12-20, to: 2026-12-19', /must come after from/],
    ['from: 2026-12-20 18:00, to: 2026-12-20 18:00', /must come after from/],
    ['from: 22:00, to: 22:00', /always on/],
    ['from: Fri 16:00, to: fri 16:00', /always on/],
    ['from: 22:00, to: 06:00, timezone: Europe/Lissabon', /timezone is "Europe\/Lissabon"; it must be a name/],
    ['from: 22:00, to: 06:00, timezone: "+01:00"', /it must be a name/],
    ['from: 2200, to: 06:00', /from is 2200; it must be/],
  ])('are refused with their line: %s', (window, says) => {
    expect(() => parse(window)).toThrow(says);
    expect(() => parse(window)).toThrow(/changeline\.yml:8/);
  });

  it('gate.freezes names environments of the file', () => {
    const window = 'from: 22:00, to: 06:00';
    expect(parse(window, 'gate: { freezes: [production] }\n').config.gate!.freezes).toEqual(['production']);
    expect(() => parse(window, 'gate: { freezes: [production, prod] }\n')).toThrow(
      /changeline\.yml:9: gate\.freezes names "prod"; it must be an environment of this file \(production\)/,
    );
  });
});
