import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Engine } from '../../../src/database/database.ts';
import { checksum, flywayChecksum } from '../../../src/migration/checksum.ts';
import { arrange, readMigrations } from '../../../src/migration/folder.ts';
import { keptWayBack, type Migration, wayBack } from '../../../src/migration/script.ts';
import { compareVersions, versionKey } from '../../../src/migration/version.ts';
import { Failure } from '../../../src/outcome/outcome.ts';

const ONE = '-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n';
const file = (path: string, text = 'SELECT 1;') => ({ path, text });

describe('forms', () => {
  test.each<[string, ReturnType<typeof file>[], [string, string, string][]]>([
    ['one file', [file('20240228042848_init.sql', ONE)], [['20240228042848', 'init', 'dbmate']]],
    ['a pair', [file('1_init.up.sql'), file('1_init.down.sql')], [['1', 'init', 'dbmate']]],
    ['an up alone', [file('1_init.up.sql')], [['1', 'init', 'dbmate']]],
    [
      'a folder with migration.sql',
      [file('20240228195051_CreateWidgetsTable/migration.sql')],
      [['20240228195051', 'CreateWidgetsTable', 'dbmate']],
    ],
    ['a folder with up and down', [file('1_a/up.sql'), file('1_a/down.sql')], [['1', 'a', 'dbmate']]],
    ['a folder with migration and down', [file('1_a/migration.sql'), file('1_a/down.sql')], [['1', 'a', 'dbmate']]],
    [
      'Flyway with an undo',
      [file('V1__Create_people.sql'), file('U1__Create_people.sql')],
      [['1', 'Create people', 'flyway']],
    ],
    [
      'Flyway with dots',
      [file('V1.2__a.sql'), file('V1_10__b.sql'), file('V1.9__c.sql')],
      [
        ['1.2', 'a', 'flyway'],
        ['1.9', 'c', 'flyway'],
        ['1.10', 'b', 'flyway'],
      ],
    ],
    [
      'numbers, not texts',
      [file('10_b.up.sql'), file('9_a.up.sql'), file('0011_c.up.sql')],
      [
        ['9', 'a', 'dbmate'],
        ['10', 'b', 'dbmate'],
        ['0011', 'c', 'dbmate'],
      ],
    ],
    [
      'versions beyond what a double holds',
      [file('90071992547409931_b.up.sql'), file('90071992547409930_a.up.sql')],
      [
        ['90071992547409930', 'a', 'dbmate'],
        ['90071992547409931', 'b', 'dbmate'],
      ],
    ],
    ['a version without a name', [file('1.sql', ONE)], [['1', '', 'dbmate']]],
    ['an empty folder', [], []],
  ])('%s', (_name, files, expected) => {
    expect(arrange(files, 'postgres').map(({ version, name, tool }) => [version, name, tool])).toEqual(expected);
  });

  test.each<[string, ReturnType<typeof file>[], string, RegExp]>([
    ['no version', [file('init.sql')], 'init.sql', /no form/],
    ['too deep', [file('a/1_b/up.sql')], 'a/1_b/up.sql', /no form/],
    ['a folder with another name inside', [file('1_b/schema.sql')], '1_b/schema.sql', /no form/],
    ['Flyway with one underscore', [file('V1_a.sql')], 'V1_a.sql', /no form/],
    ['a repeatable one of Flyway', [file('R__views.sql')], 'R__views.sql', /repeatable/],
    ['down without up', [file('1_a.down.sql')], '1_a.down.sql', /goes up is missing/],
    ["Flyway's undo without a way up", [file('V1__a.sql'), file('U2__b.sql')], 'U2__b.sql', /goes up is missing/],
    ['a way down that never ends', [file('1_a.up.sql'), file('1_a.down.sql', "\n'a")], '1_a.down.sql:2', /never ends/],
    ['down in a folder without up', [file('1_a/down.sql')], '1_a/down.sql', /goes up is missing/],
    ['the same version twice', [file('1_a.up.sql'), file('1_b.up.sql')], '1_b.up.sql', /same version as 1_a/],
    ['the same version spelt twice', [file('01_a.up.sql'), file('1_b.up.sql')], '1_b.up.sql', /same version/],
    ["the same version in Flyway's way", [file('V1__a.sql'), file('V1.0__b.sql')], 'V1.0__b.sql', /same version/],
    ['two tools', [file('1_a.up.sql'), file('V2__b.sql')], 'V2__b.sql', /named in another way/],
    ['a placeholder of Flyway', [file('V1__a.sql', 'SELECT 1;\nSELECT ${schema};')], 'V1__a.sql:2', /placeholders/],
    [
      'a setting of Flyway',
      [file('V1__a.sql'), file('V1__a.sql.conf', 'encoding=UTF-16')],
      'V1__a.sql.conf:1',
      /setting/,
    ],
    ['no mark', [file('1_a.sql', 'SELECT 1;')], '1_a.sql:1', /no -- migrate:up/],
    ['down first', [file('1_a.sql', '-- migrate:down\n-- migrate:up\n')], '1_a.sql:1', /no -- migrate:up before/],
    ['two ups', [file('1_a.sql', '-- migrate:up\nSELECT 1;\n-- migrate:up\n')], '1_a.sql:3', /more than one/],
    ['a statement before the mark', [file('1_a.sql', '-- a\nSELECT 1;\n-- migrate:up\n')], '1_a.sql:2', /never run/],
    [
      'an option that is misspelt',
      [file('1_a.sql', '-- migrate:up transactions:false\nSELECT 1;')],
      '1_a.sql:1',
      /option/,
    ],
    [
      'a quote that never ends',
      [file('1_a.sql', "-- migrate:up\n\nSELECT 1;\nSELECT 'a;\n-- migrate:down\n")],
      '1_a.sql:4',
      /never ends/,
    ],
    [
      'a COMMIT inside',
      [file('1_a.sql', '-- migrate:up\nSELECT 1;\ncommit;\n')],
      '1_a.sql:3',
      /transaction of its own/,
    ],
  ])('refuses %s', (_name, files, where, what) => {
    try {
      arrange(files, 'postgres');
    } catch (error) {
      expect(error).toBeInstanceOf(Failure);
      expect(error).toMatchObject({ code: 'migration-invalid', where });
      expect((error as Failure).what).toMatch(what);
      return;
    }
    throw new Error('it was taken');
  });

  describe('variants for engines', () => {
    const files = [
      file('1_a.postgres.sql', ONE),
      file('1_a.mysql.up.sql', 'SELECT 3;'),
      file('1_a.mysql.down.sql', 'SELECT 4;'),
      file('sqlite/2_b/up.sql', 'SELECT 5;'),
      file('2_b.up.sql', 'SELECT 6;'),
      file('mariadb/2_b.up.sql', 'SELECT 7;'),
      file('2_b.down.sql', 'SELECT 8;'),
    ];
    test.each<[Engine, string[]]>([
      ['postgres', ['1_a.postgres.sql', '2_b.up.sql']],
      ['mysql', ['1_a.mysql.up.sql', '2_b.up.sql']],
      ['mariadb', ['1_a.mysql.up.sql', 'mariadb/2_b.up.sql']],
    ])('%s', (engine, expected) => {
      const found = arrange(files, engine);
      expect(found.map((one) => one.file)).toEqual(expected);
      expect(found.map(({ name }) => name)).toEqual(['a', 'b']);
      expect(found.every(({ down }) => down !== null)).toBe(true);
    });
    test('none for this engine is an error', () => {
      expect(() => arrange(files, 'sqlite')).toThrow(
        expect.objectContaining({ code: 'migration-invalid', what: expect.stringContaining('none for sqlite') }),
      );
    });
    test('two for one engine are an error on every engine', () => {
      const twice = [file('1_a.mysql.up.sql'), file('mysql/1_b.up.sql'), file('1_a.up.sql')];
      expect(() => arrange(twice, 'postgres')).toThrow(expect.objectContaining({ where: 'mysql/1_b.up.sql' }));
    });
    test('the checksum is that of the variant', () => {
      expect(arrange(files, 'mysql')[0]!.checksum).toBe(checksum('SELECT 3;'));
    });
  });

  test.each<[string, ReturnType<typeof file>[], Partial<Migration>]>([
    [
      'one file',
      [file('1_a.sql', `${ONE}SELECT 3;`)],
      {
        down: [
          { sql: 'SELECT 2', line: 4 },
          { sql: 'SELECT 3', line: 5 },
        ],
        downTransaction: true,
      },
    ],
    [
      'one file without a transaction',
      [file('1_a.sql', ONE.replace('down', 'down transaction:false'))],
      { downTransaction: false, downScript: 'SELECT 2;\n' },
    ],
    ['a pair', [file('1_a.up.sql'), file('1_a.down.sql', 'SELECT 2;')], { downScript: 'SELECT 2;' }],
    ['a folder', [file('1_a/up.sql'), file('1_a/down.sql', 'SELECT 2;')], { downScript: 'SELECT 2;' }],
    [
      "Flyway's undo, whatever its name",
      [file('V1__a.sql'), file('U1.0__b.sql', 'SELECT 2;')],
      { downScript: 'SELECT 2;' },
    ],
    [
      'an empty one is none',
      [file('1_a.sql', '-- migrate:up\nSELECT 1;\n-- migrate:down\n-- nothing\n')],
      { down: null, downScript: null },
    ],
    ['none', [file('1_a.up.sql')], { down: null, downScript: null }],
  ])('the way down of %s', (_name, files, expected) => {
    const [migration] = arrange(files, 'postgres');
    expect(migration).toMatchObject(expected);
    const kept = keptWayBack(migration!);
    if (kept !== null)
      expect(wayBack(kept, 'x', 'postgres')).toEqual({
        statements: migration!.down!.map(({ sql }, index) => ({ sql, line: index + 1 })),
        transaction: migration!.downTransaction,
      });
  });

  test('lines are those of the file, and only the part that goes up counts', () => {
    const [migration] = arrange(
      [file('1_a.sql', '-- about\n\n-- migrate:up transaction:false\r\n\nSELECT 1;\n-- migrate:down\nSELECT 2;')],
      'sqlite',
    );
    expect(migration).toMatchObject({ transaction: false, statements: [{ sql: 'SELECT 1', line: 5 }] });
  });

  test('transaction words are allowed where there is no transaction around them', () => {
    const script = 'BEGIN; SELECT 1; COMMIT;';
    expect(arrange([file('1_a.up.sql', script)], 'mariadb')[0]!.statements).toHaveLength(3);
    expect(
      arrange([file('1_a.sql', `-- migrate:up transaction:false\n${script}`)], 'postgres')[0]!.statements,
    ).toHaveLength(3);
    expect(
      arrange([file('1_a.up.sql', 'SAVEPOINT a; SELECT 1; ROLLBACK TO a;')], 'postgres')[0]!.statements,
    ).toHaveLength(3);
  });

  test("Flyway's setting for a script without a transaction", () => {
    const files = [file('V1__a.sql'), file('V1__a.sql.conf', '# so\nexecuteInTransaction = false\n')];
    expect(arrange(files, 'postgres')[0]!.transaction).toBe(false);
  });
});

describe('versions', () => {
  test.each([
    ['2', '10', -1],
    ['010', '10', 0],
    ['1.0', '1', 0],
    ['1_1', '1.1', 0],
    ['1.2', '1.10', -1],
    ['1.0.1', '1', 1],
    ['20240228195051', '20240228042848', 1],
  ])('%s against %s', (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
    expect(Math.sign(compareVersions(b, a)) + sign).toBe(0);
    expect(versionKey(a) === versionKey(b)).toBe(sign === 0);
  });
});

describe('checksums', () => {
  const text = 'SELECT 1;\nSELECT 2;';
  test.each([
    ['Windows line ends', 'SELECT 1;\r\nSELECT 2;\r\n', true],
    ['a byte order mark', `\uFEFF${text}`, true],
    ['blanks at line ends', 'SELECT 1;  \nSELECT 2;\t', true],
    ['empty lines around', `\n\n${text}\n\n`, true],
    ['another letter', 'SELECT 1;\nselect 2;', false],
    ['an empty line inside', 'SELECT 1;\n\nSELECT 2;', false],
    ['a comment', `-- a\n${text}`, false],
  ])('%s', (_name, other, same) => {
    expect(checksum(other) === checksum(text)).toBe(same);
  });

  test('is the sha256 of the normal form', () => {
    expect(checksum(text)).toBe(createHash('sha256').update(text).digest('hex'));
  });

  test("Flyway's is the signed CRC-32 of the lines without their ends", () => {
    expect(flywayChecksum('123456789')).toBe(0xcbf43926 | 0); // the check value of CRC-32/ISO-HDLC
    expect(flywayChecksum('\uFEFF1234\r\n5678\n9\n')).toBe(0xcbf43926 | 0);
  });
});

test('a folder is read as it lies on the disk; other files do not matter', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'changeline-migrations-'));
  try {
    await mkdir(join(folder, '2_b'));
    await Promise.all([
      writeFile(join(folder, '2_b', 'migration.sql'), 'SELECT 2;'),
      writeFile(join(folder, '1_a.up.sql'), 'SELECT 1;'),
      writeFile(join(folder, 'README.md'), 'about'),
    ]);
    expect((await readMigrations(folder, 'mysql')).map(({ file: path }) => path)).toEqual([
      '1_a.up.sql',
      '2_b/migration.sql',
    ]);
    await writeFile(join(folder, '3_c.up.sql'), Buffer.from([0x53, 0xff, 0xfe]));
    await expect(readMigrations(folder, 'mysql')).rejects.toMatchObject({
      code: 'migration-invalid',
      what: 'it is not UTF-8',
    });
    await expect(readMigrations(join(folder, 'absent'), 'mysql')).rejects.toMatchObject({
      code: 'migration-invalid',
      why: 'ENOENT',
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
