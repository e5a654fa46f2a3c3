import { describe, expect, test } from 'vitest';
import { arrange } from '../../../src/migration/folder.ts';
import { holdBack } from '../../../src/migration/hold.ts';
import type { Migration } from '../../../src/migration/script.ts';

const DROP = 'ALTER TABLE t DROP COLUMN a;';
const ADD = 'ALTER TABLE t ADD COLUMN b int;';
const read = (...files: [string, string][]) =>
  arrange(
    files.map(([path, text]) => ({ path, text })),
    'postgres',
  );
const versions = (migrations: Migration[]) => migrations.map(({ version }) => version);

describe('holding back', () => {
  const pending = read(['1_a.up.sql', ADD], ['2_b.up.sql', DROP], ['3_c.up.sql', ADD], ['4_d.up.sql', DROP]);

  test.each<[string, string[], string[], string[]]>([
    ['what contracts waits, what expands goes', [], ['1', '3'], ['2', '4']],
    ['what the live version knows goes', ['2'], ['1', '2', '3'], ['4']],
    ['nothing waits where all is known', ['2', '4'], ['1', '2', '3', '4'], []],
  ])('%s', (_name, known, apply, held) => {
    const found = holdBack(pending, (version) => known.includes(version));
    expect([versions(found.apply), versions(found.held)]).toEqual([apply, held]);
  });

  test.each<[string, string, 'expand' | 'contract']>([
    ['expand', `-- changeline: expand\n${DROP}`, 'expand'],
    ['contract', `${ADD}\n  --  changeline: contract `, 'contract'],
    ['no word', DROP, 'contract'],
  ])("the author's word counts: %s", (_name, text, kind) => {
    expect(read(['1_a.up.sql', text])[0]!.kind).toBe(kind);
    const marked = read(['1_a.sql', `${text}\n-- migrate:up\n`.replace(DROP, '').replace(ADD, '')])[0];
    if (text !== DROP) expect(marked!.kind).toBe(kind); // before the mark too
  });

  test.each([
    ['two words', '-- changeline: expand\n-- changeline: contract', '1_a.up.sql:2'],
    ['a word that is not known', 'SELECT 1;\n-- changeline: hold', '1_a.up.sql:2'],
  ])('refuses %s', (_name, text, where) => {
    expect(() => read(['1_a.up.sql', text])).toThrow(expect.objectContaining({ code: 'migration-invalid', where }));
  });

  test('what its author calls contracting says so, on its line', () => {
    expect(read(['1_a.up.sql', `${ADD}\n-- changeline: contract`])[0]!.contracts).toEqual([
      { line: 2, what: 'its author says so' },
    ]);
  });

  test("in Flyway's form nothing can overtake", () => {
    const inOrder = read(['V1__a.sql', ADD], ['V2__b.sql', DROP]);
    expect(versions(holdBack(inOrder, () => false).held)).toEqual(['2']);
    const overtaking = read(['V1__a.sql', DROP], ['V2__b.sql', ADD]);
    expect(() => holdBack(overtaking, () => false)).toThrow(
      expect.objectContaining({
        code: 'migration-invalid',
        where: 'V2__b.sql',
        why: 'V1__a.sql:1: drops column a (t)',
      }),
    );
    expect(holdBack(overtaking, () => true).held).toEqual([]);
  });

  test('of a script of EF Core nothing is held', () => {
    const [, contracting] = pending;
    expect(holdBack([{ ...contracting!, tool: 'ef' }], () => false).held).toEqual([]);
  });
});
