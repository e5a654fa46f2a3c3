import { describe, expect, test } from 'vitest';
import type { Applied } from '../../../src/migration/apply.ts';
import { forecastOf } from '../../../src/migration/forecast.ts';
import { findingsIn, findingsOfRehearsal, wayUp } from '../../../src/migration/lint.ts';

const names = new Map([['/scratch/a0.sql', '7_x.sql']]);
const found = (parts: object) => ({
  ...{ file: '/scratch/a0.sql', line: 3, column: 0, level: 'Warning', message: 'Bad.', help: null },
  ...{ rule_name: 'changing-column-type', column_end: 9, line_end: 3 },
  ...parts,
});
const read = (...all: unknown[]) => findingsIn(JSON.stringify(all), names);

describe('what squawk prints', () => {
  test('its lines begin at 0, ours at 1; its help is advice', () =>
    expect(read(found({ help: 'Do better.' }))).toEqual([
      { rule: 'changing-column-type', file: '7_x.sql', line: 4, message: 'Bad. Do better.' },
    ]));
  test.each([
    'prefer-bigint-over-int',
    'require-lock-timeout',
    'require-statement-timeout',
    'ban-drop-column',
    'renaming-column',
    'syntax-error',
  ])('%s says nothing about traffic', (rule) => expect(read(found({ rule_name: rule }))).toEqual([]));
  test.each(['require-concurrent-index-creation', 'ban-truncate-cascade', 'adding-foreign-key-constraint'])(
    '%s does',
    (rule) => expect(read(found({ rule_name: rule }))).toHaveLength(1),
  );
  test.each(['', 'error: no such option', '{}', 'null'])('%o is no answer', (text) =>
    expect(findingsIn(text, names)).toBeNull(),
  );
  test('entries of another form are passed over', () =>
    expect(read(null, 7, {}, found({ line: 'x' }), found({}))).toHaveLength(1));
});

test.each([
  ['-- migrate:up\nA;\n-- migrate:down\nB;\n', '-- migrate:up\nA;\n'],
  ['A;\n', 'A;\n'],
  ["SELECT '-- migrate:down';\n", "SELECT '-- migrate:down';\n"],
])('of %o the way up is %o', (text, up) => expect(wayUp(text)).toBe(up));

describe('what the rehearsal saw', () => {
  const step = (took: number, blocks: 'reads' | 'writes' | null, rows = 200): Applied[] => {
    const locks = blocks ? [{ table: 'orders', mode: 'X', blocks }] : [];
    const seen = { locks, rewritten: [{ table: 'orders', rows }], grew: null, logged: null };
    return [{ version: '1', name: 'x', file: '1_x.sql', took, statements: [{ line: 2, took, seen }], retries: 0 }];
  };
  const findings = (steps: Applied[]) =>
    findingsOfRehearsal(
      steps,
      forecastOf(steps, () => true, []),
    );

  test.each([
    ['reads', 'orders is written anew, 200 rows, while reads and writes wait'],
    ['writes', 'orders is written anew, 200 rows, while writes wait'],
    [null, 'orders is written anew, 200 rows, meanwhile'],
  ] as const)('a table written anew under a lock against %s', (blocks, message) =>
    expect(findings(step(500, blocks))).toEqual([{ rule: 'table-rewritten', file: '1_x.sql', line: 2, message }]),
  );
  test('moments are no finding', () => expect(findings(step(10, 'reads'))).toEqual([]));
  test('an empty table is none', () => expect(findings(step(500, 'reads', 0))).toEqual([]));
});
