import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type Finding, findings } from '../../../src/doors/doctor/findings.ts';
import { tableLines } from '../../../src/doors/doctor/table.ts';
import { MAIN, REFUSED, repository, requires, rule, ruled } from './doctor-facts.ts';

const row = (changed: Partial<Finding> = {}): Finding => ({
  row: 'r',
  about: 'A',
  asked: 'it holds',
  state: 'missing',
  found: 'it does not',
  next: 'Settings',
  ...changed,
});

it('aligns the states, says an ok row in one line, and counts', () => {
  expect(
    tableLines([row(), row({ state: 'ok', found: 'yes', next: '' }), row({ about: 'B', state: 'unknown' })], undefined),
  ).toEqual([
    'A',
    '  missing  it holds',
    '           found: it does not',
    '           change: Settings',
    '  ok       it holds: yes',
    '',
    'B',
    '  unknown  it holds',
    '           found: it does not',
    '           to know: Settings',
    '',
    '1 missing, 1 unknown, 0 advice, 1 ok',
  ]);
});

it.each([60, 80, 120])('is no wider than %d columns, further lines below the text', (columns) => {
  const lines = tableLines(findings(repository({ gated: ruled('main', []) })), columns).flatMap((line) =>
    line.split('\n'),
  );
  expect(lines.filter((line) => line.length > columns && line.trim().split(' ').length > 1)).toEqual([]);
  expect(lines.filter((line) => /^ {12}/.test(line) && !/^ {11}\S/.test(line))).toEqual([]);
});

it('without a terminal breaks no line', () => {
  expect(tableLines(findings(repository()), undefined).join('')).not.toContain('\n');
});

it.each([
  ['an escape sequence', '\u001b[2J\u001b]0;owned\u0007main', 'main'],
  ['a line break', 'a\nok       all is well', 'a ok all is well'],
  ['a return over the line', 'a\rok', 'a ok'],
  ['the direction turned round', 'a\u202eb\u2066c', 'abc'],
  ['a line separator', 'a\u2028b', 'a b'],
])('text from outside with %s is one harmless line', (_, found, shown) => {
  expect(tableLines([row({ found })], 80)[2]).toBe(`           found: ${shown}`);
});

it('cuts what is too long, never within a character', () => {
  const [, , line] = tableLines([row({ found: `x${'😀'.repeat(2000)}` })], undefined);
  expect(line!.length).toBeLessThan(700);
  expect(line!.endsWith('😀…')).toBe(true);
});

it('names of rules and workflows reach the table clean', () => {
  const evil = '\u001b[31m`$(id)`\n| x | <b>\u202e@everyone';
  const gated = {
    ...ruled('main', MAIN),
    rulesets: new Map([[1, { value: { id: 1, name: evil, bypass: [], own: null } }]]),
  };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these must not be there
  expect(tableLines(findings(repository({ gated })), 80).join('')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
});

it('the example of docs/doctor.md is what it says', () => {
  const facts = repository({
    config: null,
    asked: [],
    ledger: null,
    isPublic: true,
    gated: {
      ...ruled('main', [requires(null), rule('pull_request'), rule('non_fast_forward')]),
      rulesets: new Map([[1, { value: { id: 1, name: 'main', bypass: null, own: null } }]]),
    },
    defaults: REFUSED,
  });
  const page = readFileSync(new URL('../../../docs/doctor.md', import.meta.url), 'utf8');
  const shown = /```text\n([\s\S]*?)\n```/.exec(page)?.[1];
  expect(shown).toBe(tableLines(findings(facts), 100).join('\n'));
});
