/** What an SQLite database looks like to us: its contents, and what statements do. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase, throwaway } from '../../src/database/database.ts';

const { signal } = new AbortController();
const base = mkdtempSync(join(tmpdir(), 'sqlite-contents-'));
const scratch = join(base, 'scratch');
mkdirSync(scratch, { mode: 0o700 });
afterAll(() => rmSync(base, { recursive: true, force: true }));

let made = 0;
const make = (...statements: string[]): Promise<Database> => {
  const path = join(base, `${++made}.db`);
  const db = new DatabaseSync(path);
  for (const sql of statements) db.exec(sql);
  db.close();
  return openDatabase({ name: 'main', url: `sqlite:${path}` }, { workspace: base, scratch, signal });
};

const FILL = [
  'CREATE TABLE "a ""t" (id INTEGER PRIMARY KEY AUTOINCREMENT, v)',
  `INSERT INTO "a ""t" (v) VALUES (1), (1.0), ('1'), (x'31'), (NULL), (9223372036854775807), (-0.5), ('ü人'), (''), (x''), (cast(x'610062' AS text))`,
  'CREATE TABLE long (x); CREATE INDEX covering ON long (x)',
  `INSERT INTO long VALUES (randomblob(100000)), ('${'ü'.repeat(50_000)}'), (zeroblob(4096)), (zeroblob(4097)), ('${'x'.repeat(4097)}')`,
  'CREATE TABLE keyed (k text PRIMARY KEY, v) WITHOUT ROWID',
  "INSERT INTO keyed VALUES ('z', 1), ('a', 2)",
  'CREATE TABLE empty (x)',
  'CREATE TABLE computed (x, y AS (x + 1), z AS (x + 2) STORED)',
  'INSERT INTO computed (x) VALUES (1)',
  'CREATE VIRTUAL TABLE texts USING fts5(body)',
  "INSERT INTO texts VALUES ('hello world')",
  'CREATE VIEW seen AS SELECT * FROM keyed',
  'ANALYZE',
];

describe('SQLite', () => {
  it('holds in a copy what the dump held, and is only read for it', async () => {
    const database = await make(...FILL);
    const to = new PassThrough();
    const [bytes, facts] = await Promise.all([buffer(to), database.dump(to, signal)]);
    const rows = Object.fromEntries(Object.entries(facts.contents.tables).map(([name, { rows }]) => [name, rows]));
    expect(rows).toMatchObject({ 'a "t': 11, long: 5, keyed: 2, empty: 0, computed: 1, texts_content: 1 });
    for (const name of ['texts', 'seen', 'sqlite_stat1']) expect(rows).not.toHaveProperty(name);
    expect(facts.contents.sequences).toEqual({ 'a "t': '11' });
    const at = { kind: 'runner', scratch: null } as const;
    const copy = await throwaway({ scratch, like: await database.traits(), at, signal });
    const from = new PassThrough();
    from.end(bytes);
    await copy.restore(from, signal);
    expect(await copy.database.contents(signal)).toEqual(facts.contents);
    await copy.harden();
    expect(await copy.database.contents(signal)).toEqual(facts.contents);
    await copy.close();
    expect(await database.contents(signal)).toEqual(facts.contents);
    expect(readdirSync(scratch)).toEqual([]);
    await database.close();
  });

  it.each([
    ['an integer from a real', '1', '1.0'],
    ['a number from a text', '1', "'1'"],
    ['a text from a blob', "'1'", "x'31'"],
    ['nothing from an empty text', 'NULL', "''"],
    ['large integers', '9223372036854775807', '9223372036854775806'],
    ['what comes after a NUL', "cast(x'610062' AS text)", "cast(x'610063' AS text)"],
    ['where one value ends', "'ab'), ('c'", "'a'), ('bc'"],
    ['the order of rows', '1), (2', '2), (1'],
  ])('tells %s', async (_what, one, other) => {
    const [a, b] = await Promise.all(
      [one, other].map((v) => make('CREATE TABLE t (x)', `INSERT INTO t VALUES (${v})`)),
    );
    expect((await a!.contents(signal)).tables.t!.sha256).not.toBe((await b!.contents(signal)).tables.t!.sha256);
    await Promise.all([a!.close(), b!.close()]);
  });

  it('does not depend on the order of writing where a key orders the rows', async () => {
    const rows = ["('b', 1)", "('a', 2)"];
    const databases = await Promise.all(
      [rows, rows.toReversed()].map((each) =>
        make('CREATE TABLE t (k text PRIMARY KEY, v) WITHOUT ROWID', `INSERT INTO t VALUES ${each.join(', ')}`),
      ),
    );
    const [a, b] = await Promise.all(databases.map((each) => each.contents(signal)));
    expect(a).toEqual(b);
    await Promise.all(databases.map((each) => each.close()));
  });

  it('stops reading when the run is cancelled', async () => {
    const fill =
      'INSERT INTO t WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < 100000) SELECT v FROM n';
    const database = await make('CREATE TABLE t (x)', fill);
    const stop = new AbortController();
    const reading = database.contents(stop.signal);
    stop.abort();
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
    await database.close();
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('sees what a statement does', async () => {
    const database = await make('CREATE TABLE t (x, y)', 'INSERT INTO t VALUES (1, 2), (3, 4)');
    const session = await database.session();
    const observer = database.observer(session);
    const seen = async (...statements: string[]) => {
      await observer.before();
      await session.execute(statements);
      return observer.after();
    };
    const locks = [{ table: 'the whole file', mode: 'RESERVED', blocks: 'writes' }];
    expect(await seen('SELECT * FROM t')).toEqual({ locks: [], rewritten: [], grew: 0, logged: null });
    expect(await seen('UPDATE t SET x = 0')).toEqual({ locks, rewritten: [], grew: 0, logged: null });
    expect(await seen('ALTER TABLE t ADD z')).toMatchObject({ locks, rewritten: [] });
    const anew = [
      'CREATE TABLE n (x, y, z)',
      'INSERT INTO n SELECT * FROM t',
      'DROP TABLE t',
      'ALTER TABLE n RENAME TO t',
    ];
    expect(await seen(...anew)).toMatchObject({ locks, rewritten: [{ table: 't', rows: 2 }] });
    expect((await seen('INSERT INTO t (x) VALUES (zeroblob(100000))')).grew).toBeGreaterThan(90_000);
    await session.close();
    await database.close();
  });
});
