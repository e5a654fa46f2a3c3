import { describe, expect, it } from 'vitest';
import { estimateInWords, lossesInWords, lossOf } from '../../../../src/stages/restoring/loss.ts';

const contents = (tables: Record<string, [number, string]>) => ({
  tables: Object.fromEntries(Object.entries(tables).map(([name, [rows, sha256]]) => [name, { rows, sha256 }])),
  sequences: {},
});

describe('what a restore loses', () => {
  it.each([
    ['the same', { a: [1, 'x'] }, { a: [1, 'x'] }, []],
    ['more rows', { a: [3, 'y'] }, { a: [1, 'x'] }, [['a', 3, 1]]],
    ['changed rows', { a: [1, 'y'] }, { a: [1, 'x'] }, [['a', 1, 1]]],
    ['a new table', { b: [2, 'y'] }, {}, [['b', 2, 0]]],
    ['a table that was dropped', {}, { b: [2, 'y'] }, [['b', 0, 2]]],
    ['empty on both sides', { b: [0, 'y'] }, {}, []],
    ['records of migrations', { schema_migrations: [2, 'y'], 'app.changeline_migrations': [2, 'y'] }, {}, []],
  ] as const)('%s', (_, now, then, expected) => {
    const losses = lossOf('main', contents(now as never), contents(then as never));
    expect(losses.map(({ table, now: rows, backup }) => [table, rows, backup])).toEqual(expected);
  });

  it('in words', () => {
    expect(lossesInWords([])).toContain('nothing is lost');
    expect(estimateInWords([])).toMatch(/^every table has as many rows .* changed do not show/);
    const losses = lossOf('main', contents({ a: [1204, 'y'], b: [2, 'y'] }), contents({ a: [1180, 'x'], b: [2, 'x'] }));
    expect(lossesInWords(losses)).toBe(
      'lost is what changed since the backup: a: 1,204 rows now, 1,180 in the backup, b: 2 rows on both sides, not all of them the same',
    );
  });
});
