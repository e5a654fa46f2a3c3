import { describe, expect, test } from 'vitest';
import { refuseDrift, schemaDifferences } from '../../../src/migration/drift.ts';
import { arrange } from '../../../src/migration/folder.ts';
import { type JournalRecord, pendingMigrations, type Recorded } from '../../../src/migration/pending.ts';
import { lockTurns } from '../../../src/migration/turns.ts';
import { Failure } from '../../../src/outcome/outcome.ts';

const plain = arrange(
  ['1_a', '2_b', '10_c'].map((name) => ({ path: `${name}.up.sql`, text: `SELECT '${name}'; SELECT 2;` })),
  'postgres',
);
const flyway = arrange(
  ['V1__a', 'V1.1__b', 'V2__c'].map((name) => ({ path: `${name}.sql`, text: `SELECT '${name}';` })),
  'postgres',
);

const nothing: Recorded = { tool: [], baseline: null, journal: [] };
const row = (version: string, checksum: number | null = null, success = true) => ({ version, checksum, success });
const journal = (index: number, changes: Partial<JournalRecord> = {}): JournalRecord => {
  const { version, name, checksum, statements } = plain[index]!;
  return {
    version,
    name,
    checksum,
    statements: statements.length,
    done: 2,
    begun: 2,
    applied: '2026-11-21T10:00:00.000Z',
    back: null,
    ...changes,
  };
};
const versions = (recorded: Recorded, migrations = plain) =>
  pendingMigrations(migrations, recorded, migrations[0]!.tool).pending.map(({ version }) => version);

describe('what is pending', () => {
  test('everything in an empty database', () => expect(versions(nothing)).toEqual(['1', '2', '10']));
  test('what the tool has not recorded', () =>
    expect(versions({ ...nothing, tool: [row('1'), row('2')] })).toEqual(['10']));
  test('a version counts however it is spelt', () =>
    expect(versions({ ...nothing, tool: [row('001'), row('2'), row('10')] })).toEqual([]));
  test('what was applied and reverted by the tool is pending again', () =>
    expect(versions({ ...nothing, tool: [row('1')], journal: [journal(0), journal(1)] })).toEqual(['2', '10']));
  test('versions before the baseline are not', () =>
    expect(versions({ ...nothing, baseline: '1.1' }, flyway)).toEqual(['2']));

  test('what is applied and gone from the folder is named', () => {
    const found = pendingMigrations(plain, { ...nothing, tool: [row('1'), row('7'), row('old-style')] }, 'dbmate');
    expect(found.missing).toEqual(['7', 'old-style']);
    expect(found.applied).toBe(1);
  });

  test('late ones are named in the forms of dbmate and refused in that of Flyway', () => {
    expect(pendingMigrations(plain, { ...nothing, tool: [row('10')] }, 'dbmate')).toMatchObject({
      late: ['1_a.up.sql', '2_b.up.sql'],
    });
    expect(() => versions({ ...nothing, tool: [row('2')] }, flyway)).toThrow(
      expect.objectContaining({ code: 'migration-invalid', where: 'V1__a.sql, V1.1__b.sql' }),
    );
  });

  test('what is applied without a checksum is named', () => {
    const found = pendingMigrations(plain, { ...nothing, tool: [row('1'), row('2')], journal: [journal(1)] }, 'dbmate');
    expect(found.unchecked).toEqual(['1_a.up.sql']);
  });
});

describe('edits', () => {
  test('by our own checksum', () => {
    const recorded = { ...nothing, tool: [row('2')], journal: [journal(1, { checksum: 'other' })] };
    expect(() => versions(recorded)).toThrow(
      expect.objectContaining({ code: 'migration-edited', where: '2_b.up.sql' }),
    );
  });
  test("by Flyway's checksum", () => {
    const right = flyway[0]!.flywayChecksum;
    expect(versions({ ...nothing, tool: [row('1', right)] }, flyway)).toEqual(['1.1', '2']);
    expect(() => versions({ ...nothing, tool: [row('1', right + 1)] }, flyway)).toThrow(
      expect.objectContaining({ code: 'migration-edited' }),
    );
  });
  test('of what is not applied are no edits', () =>
    expect(versions({ ...nothing, journal: [journal(1, { checksum: 'other' })] })).toEqual(['1', '2', '10']));
});

describe('halves', () => {
  const refused = (recorded: Recorded, migrations = plain): Failure => {
    try {
      versions(recorded, migrations);
    } catch (error) {
      return error as Failure;
    }
    throw new Error('it was run over');
  };

  test('are refused with the statement that failed', () => {
    const failure = refused({
      ...nothing,
      tool: [row('1')],
      journal: [journal(1, { done: 1, begun: 1, applied: null })],
    });
    expect(failure).toMatchObject({
      code: 'migration-half-applied',
      facts: { version: '2', statement: 2, done: 1, unsure: false },
    });
    expect(failure.untouched).toContain('statement 1 of 2 is in the database');
    expect(failure.next).toContain('schema_migrations');
  });
  test('whose last statement was not seen to end say so', () => {
    const failure = refused({ ...nothing, journal: [journal(1, { done: 0, begun: 1, applied: null })] });
    expect(failure.facts).toMatchObject({ unsure: true, statement: 1 });
    expect(failure.untouched).toContain('was not seen');
  });
  test('are refused even where the file is gone', () => {
    expect(
      refused({ ...nothing, journal: [journal(1, { version: '99', done: 1, begun: 1, applied: null })] }).code,
    ).toBe('migration-half-applied');
  });
  test('of Flyway are refused too', () => {
    expect(refused({ ...nothing, tool: [row('1', null, false)] }, flyway)).toMatchObject({
      code: 'migration-half-applied',
      where: 'flyway_schema_history',
    });
  });
});

describe('turns at a lock', () => {
  test.each([
    ['postgres', 5000, 500, 10],
    ['postgres', 100, 50, 2],
    ['postgres', 10, 50, 1],
    ['sqlite', 1000, 100, 10],
    ['mariadb', 5000, 1000, 5],
    ['mysql', 60_000, 6000, 10],
    ['mysql', 500, 1000, 1],
  ] as const)('%s, %i ms', (engine, longest, each, turns) => {
    const found = lockTurns(longest, engine);
    expect(found.each).toBe(each);
    expect(found.pauses).toHaveLength(turns - 1);
    expect(found.pauses).toEqual(found.pauses.toSorted((a, b) => a - b));
    expect(Math.max(0, ...found.pauses)).toBeLessThanOrEqual(5000);
  });
});

describe('drift', () => {
  const print = (digest: string, ...lines: string[]) => ({ digest, form: lines.join('\n') });
  test('names the lines that only one schema has', () => {
    expect(schemaDifferences(print('a', 'table a', 'table b'), print('b', 'table b', 'table c'))).toEqual([
      '- table a',
      '+ table c',
    ]);
  });
  test('is refused, and equal schemas are not', () => {
    expect(() => refuseDrift(print('a', 'x'), print('a', 'x'), 'db', false)).not.toThrow();
    expect(() => refuseDrift(print('a', 'x'), print('b', 'y'), 'db', false)).toThrow(Failure);
    expect(() => refuseDrift(print('a', 'x'), print('b', 'y'), 'db', true)).toThrow(/the migrations are applied/);
  });
});
