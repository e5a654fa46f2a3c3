import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Engine } from '../../../src/database/database.ts';
import { readEfScript, surrounded } from '../../../src/migration/ef-script.ts';

const script = (provider: string) =>
  readFileSync(new URL(`../../fixtures/ef-core/${provider}.sql`, import.meta.url), 'utf8');
const read = (text: string, engine: Engine = 'postgres') => readEfScript(text, 'up.sql', engine);
const IDS = ['20250301090000_InitialCreate', '20250302090000_Add rating', '20250303090000_DropUrl'];

describe.each([
  ['npgsql', 'postgres'],
  ['pomelo', 'mariadb'],
] as const)('a script of %s', (provider, engine) => {
  const migrations = read(script(provider), engine);

  test('holds its migrations in order, each as EF Core had it', () => {
    expect(migrations.map(({ version }) => version)).toEqual(IDS);
    expect(migrations.map(({ kind }) => kind)).toEqual(['expand', 'expand', 'contract']);
    expect(migrations[1]).toMatchObject({
      name: 'Add rating',
      tool: 'ef',
      file: 'up.sql 20250302090000_Add rating',
      transaction: true,
    });
    expect(migrations[0]!.ef!.history).toEqual({ schema: null, table: '__EFMigrationsHistory', column: 'MigrationId' });
    expect(migrations.flatMap(({ statements }) => statements).some(({ sql }) => /^(START|COMMIT)/.test(sql))).toBe(
      false,
    );
  });

  test('names what contracts by the line of the script', () => {
    const lines = script(provider).split('\n');
    const { contracts } = migrations[2]!;
    expect(contracts.map(({ line }) => lines[line - 1]!.trim())).toEqual([
      expect.stringMatching(/DROP INDEX/),
      expect.stringMatching(/DROP COLUMN/),
    ]);
  });

  test('what stands around its migrations runs whichever of them are pending', () => {
    const [last] = surrounded(migrations.slice(2));
    const { lead, trail } = last!.ef!;
    expect(lead.at(-1)!.sql).toMatch(/^CREATE TABLE IF NOT EXISTS/);
    expect(last!.statements).toEqual([...lead, ...migrations[2]!.statements, ...trail]);
    expect(trail).toHaveLength(provider === 'pomelo' ? 1 : 0);
  });

  test('another version of EF Core is no edit; another statement is', () => {
    const sums = (text: string) => read(text, engine).map(({ checksum }) => checksum);
    const before = sums(script(provider));
    expect(
      sums(
        script(provider)
          .replace(/'[89]\.0\.\d'/g, "'10.0.1'")
          .replaceAll('\n', '\r\n'),
      ),
    ).toEqual(before);
    const edited = sums(script(provider).replace('= 5', '= 4'));
    expect(edited.map((sum, index) => sum === before[index])).toEqual([true, false, true]);
  });
});

describe('forms of it', () => {
  const guard = (id: string, body: string, table = '"__EFMigrationsHistory"', column = '"MigrationId"') =>
    `DO $EF$\nBEGIN\n    IF NOT EXISTS(SELECT 1 FROM ${table} WHERE ${column} = '${id}') THEN\n    ${body}\n    END IF;\nEND $EF$;\n`;

  test('a history of another name, in a schema, with snake case', () => {
    const [one] = read(guard('1_a', 'SELECT 1;', 'core."my ""history"', 'migration_id'));
    expect(one!.ef!.history).toEqual({ schema: 'core', table: 'my "history', column: 'migration_id' });
  });

  test('one transaction around several migrations, and none around a statement that cannot have one', () => {
    const text = `START TRANSACTION;\n${guard('1_a', 'SELECT 1;')}${guard('2_b', 'SELECT 2;')}COMMIT;\n${guard('2_b', 'VACUUM;')}`;
    expect(read(text).map(({ transaction }) => transaction)).toEqual([true, false]);
  });

  test("a migration's own word counts", () => {
    const [one] = read(guard('1_a', '-- changeline: expand\n    DROP TABLE t;'));
    expect(one).toMatchObject({ kind: 'expand', contracts: [] });
  });

  test.each<[string, string, RegExp, Engine?]>([
    ['one that is not idempotent', 'CREATE TABLE "__EFMigrationsHistory" (a int);', /no idempotent script/],
    ['one that goes down', guard('1_a', 'SELECT 1;').replace('IF NOT EXISTS', 'IF EXISTS'), /takes migrations back/],
    ['one for SQLite', guard('1_a', 'SELECT 1;'), /no idempotent scripts for SQLite/, 'sqlite'],
    [
      'a loose statement',
      `${guard('1_a', 'SELECT 1;')}GRANT ALL ON t TO u;\n${guard('2_b', 'SELECT 1;')}`,
      /asks the history nothing/,
    ],
    [
      'a migration in two places',
      `${guard('1_a', 'SELECT 1;')}${guard('2_b', 'SELECT 1;')}${guard('1_a', 'SELECT 1;')}`,
      /comes twice/,
    ],
    ['an id that is too long', guard(`1_${'a'.repeat(130)}`, 'SELECT 1;'), /more than 128/],
    ['a quote that never ends', guard('1_a', "SELECT 'a;"), /never ends/],
  ])('refuses %s', (_name, text, what, engine) => {
    expect(() => read(text, engine)).toThrow(
      expect.objectContaining({ code: 'migration-invalid', what: expect.stringMatching(what) }),
    );
  });
});
