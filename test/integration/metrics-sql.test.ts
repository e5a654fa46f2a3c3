import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { openSource, type Source } from '../../src/metrics/metrics.ts';
import { missing, startMariadb, startPostgres, type TestServer } from '../support/databases.ts';
import { around, failureOf, metric, span } from '../support/metrics.ts';
import { eventually } from '../support/prometheus.ts';

const directory = mkdtempSync(join(tmpdir(), 'metrics-sql-'));
const options = { workspace: directory, scratch: directory, signal: new AbortController().signal };
const database = (url: string) => openDatabase({ name: 'shop', url }, options);
const COUNT = 'SELECT count(*) FROM orders WHERE at >= {from} AND at < {to}';

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('SQL on SQLite', () => {
  const file = join(directory, 'shop.db');
  const start = Date.UTC(2026, 0, 1);
  let databases: Database[];

  beforeAll(async () => {
    const db = new DatabaseSync(file);
    db.exec('CREATE TABLE orders (at TEXT, ms INTEGER, price REAL)');
    const insert = db.prepare('INSERT INTO orders VALUES (?, ?, ?)');
    for (let i = 0; i < 600; i++) insert.run(new Date(start + i * 100).toISOString(), start + i * 100, 2.5);
    db.close();
    databases = [await database(`sqlite:${file}`)];
  });

  afterAll(async () => void (await Promise.all(databases.map((one) => one.close()))));

  it.each([
    ['times', COUNT, undefined, 10],
    ['milliseconds', 'SELECT count(*) FROM orders WHERE ms >= {from:ms} AND ms < {to:ms};', undefined, 10],
    ['money', 'SELECT sum(price) FROM orders WHERE ms >= {from:ms} AND ms < {to:ms}', 'money', 25],
  ] as const)('counts spans by %s, in history and tick by tick', async (_, sql, kind, expected) => {
    const source = await openSource(metric({ sql, kind }), around({ databases }));
    expect(source.replays).toBe(true);
    const history = await source.history({ from: start, to: start + 60_000 }, 1000);
    expect(history).toEqual([{ host: null, values: new Array(60).fill(expected) }]);
    for (let i = 0; i < 3; i++) {
      const at = start + i * 1000;
      expect(await source.sample({ from: at, to: at + 1000 })).toMatchObject([{ value: expected }]);
    }
    await source.close();
  });

  it('a sum over no rows is 0', async () => {
    const sql = 'SELECT sum(price) FROM orders WHERE ms >= {from:ms} AND ms < {to:ms}';
    const source = await openSource(metric({ sql, kind: 'money' }), around({ databases }));
    expect(await source.sample({ from: start - 2000, to: start - 1000 })).toMatchObject([{ value: 0 }]);
    await source.close();
  });

  it('a row that is written late is counted in the next tick; rows that go are no fall', async () => {
    const sql = 'SELECT count(*) FROM orders WHERE ms >= {from:ms} AND ms < {to:ms}';
    const source = await openSource(metric({ sql }), around({ databases }));
    const later = start + 600_000;
    const tick = (i: number) => source.sample({ from: later + i * 1000, to: later + (i + 1) * 1000 });
    expect(await tick(0)).toMatchObject([{ value: 0 }]);
    await databases[0]!.query('INSERT INTO orders VALUES (NULL, ?, 1)', [later + 500]);
    expect(await tick(1)).toMatchObject([{ value: 1 }]);
    await databases[0]!.query('DELETE FROM orders WHERE ms = ?', [later + 500]);
    expect(await tick(2)).toMatchObject([{ value: null, why: expect.stringContaining('are gone') }]);
    expect(await tick(3)).toMatchObject([{ value: 0 }]);
    await source.close();
  });

  it.each([
    ['SELECT nothingness FROM orders', 'metric-missing', /no such column: nothingness/],
    ['SELECT count(*) FROM oders', 'metric-missing', /no such table: oders/],
    ['SELECT ms FROM orders', 'metric-error', /600 rows/],
    ['SELECT ms, price FROM orders LIMIT 1', 'metric-error', /2 columns/],
    ["SELECT 'many'", 'metric-error', /no number/],
    ['SELEC 1', 'metric-error', /syntax error/],
    ['DELETE FROM orders RETURNING 1', 'metric-error', /readonly database/],
  ])('%s is known before a watch', async (sql, code, why) => {
    const open = openSource(metric({ sql, kind: 'gauge' }), around({ databases }));
    expect(await failureOf(open)).toEqual({ code, why: expect.stringMatching(why) });
  });

  it.each([
    ['at', "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 minute')", null],
    ['at', "datetime('now', '-1 minute')", 'datetime({from})'],
    ['ms', "strftime('%s', 'now', '-1 minute') + 0", '{from:s}'],
    ['ms', "(strftime('%s', 'now', '-1 minute') + 0) * 1000", '{from:ms}'],
    ['at', "'nothing today'", null],
  ])('a table that holds times in another form than {from} is told: %s as %s', async (column, time, write) => {
    await databases[0]!.query('DROP TABLE IF EXISTS forms');
    await databases[0]!.query('CREATE TABLE forms (at TEXT, ms INTEGER)');
    await databases[0]!.query(`INSERT INTO forms (${column}) VALUES (${time})`);
    const sql = `SELECT count(*) FROM forms WHERE ${column} >= {from} AND ${column} < {to}`;
    const open = openSource(metric({ sql }), around({ databases }));
    if (write === null) await (await open).close();
    else
      expect(await open.catch((error) => error)).toMatchObject({
        code: 'config-invalid',
        next: expect.stringContaining(write),
      });
  });

  it('NULL is no level', async () => {
    const source = await openSource(metric({ sql: 'SELECT max(ms) FROM orders WHERE ms < 0' }), around({ databases }));
    expect(await source.sample(span())).toMatchObject([{ value: null, why: 'the query gives NULL' }]);
    await source.close();
  });

  it('a query that takes its time is not replayed', async () => {
    const slow =
      'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT count(*) FROM n';
    const source = await openSource(metric({ sql: `${slow} WHERE {from} < {to}` }), around({ databases }));
    expect(source).toMatchObject({ keepsHistory: true, replays: false });
    await source.close();
  });

  it('without a name among several databases nothing is guessed', async () => {
    const two = around({ databases: [databases[0]!, databases[0]!] });
    expect(await failureOf(openSource(metric({ sql: 'SELECT 1' }), two))).toMatchObject({ code: 'config-invalid' });
  });
});

/** A server whose clock can be moved for one login: how, and what slows it. */
const SERVERS = [
  {
    engine: 'postgres' as const,
    start: () => startPostgres(),
    table: 'CREATE TABLE orders (at timestamptz)',
    insert: "INSERT INTO orders SELECT now() - interval '1 second' * i FROM generate_series(1, 60) i",
    writes: 'DELETE FROM orders RETURNING 1',
    slow: 'SELECT count(*) FROM pg_sleep(60)',
    slowly:
      "SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()",
    // An unqualified name is looked up along the search path, so the server itself gives the other time.
    fake: [
      'CREATE SCHEMA fake',
      "CREATE FUNCTION fake.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT pg_catalog.now() - interval '10 minutes' $$",
      'ALTER DATABASE postgres SET search_path = fake, pg_catalog, public',
    ],
    database: 'postgres',
  },
  {
    engine: 'mariadb' as const,
    start: () => startMariadb(),
    table: 'CREATE TABLE orders (at DATETIME(6))',
    insert: 'INSERT INTO orders SELECT UTC_TIMESTAMP(6) - INTERVAL seq SECOND FROM seq_1_to_60',
    writes: 'DELETE FROM orders LIMIT 1 RETURNING 1',
    slow: 'SELECT SLEEP(60) FROM orders LIMIT 1',
    slowly:
      "SELECT count(*) AS n FROM information_schema.processlist WHERE info LIKE '%SLEEP(60)%' AND id <> CONNECTION_ID()",
    fake: ["SET GLOBAL init_connect = 'SET @@timestamp = UNIX_TIMESTAMP() - 600'"],
    database: 'test',
  },
];

describe.each(SERVERS)('SQL on $engine', (given) => {
  const { engine, start, table, insert, writes, slow, slowly, fake, database: name } = given;
  const skipped = missing(engine) !== null;
  let server: TestServer;
  let databases: Database[] = [];
  let watching: Source;

  beforeAll(async () => {
    if (skipped) return;
    server = await start();
    if (engine === 'mariadb') {
      const root = await database(server.admin('mysql'));
      await root.query(`CREATE DATABASE ${name}`);
      await root.query("CREATE USER shop@localhost IDENTIFIED BY ''");
      await root.query('GRANT ALL ON *.* TO shop@localhost');
      await root.query('REVOKE SUPER, CONNECTION ADMIN ON *.* FROM shop@localhost');
      await root.close();
    }
    databases = [await database(login())];
    await databases[0]!.query(table);
    await databases[0]!.query(insert);
    watching = await openSource(metric({ sql: 'SELECT count(*) FROM orders' }), around({ databases }));
  });

  afterAll(async () => {
    await Promise.all(databases.map((one) => one.close()));
    await server?.stop();
  });

  const login = () => server.admin(name).replace('//root@', '//shop@');

  it.skipIf(skipped)('reads an hour in batches', async () => {
    const source = await openSource(metric({ sql: COUNT }), around({ databases }));
    expect(source.kind).toBe('count');
    const [past] = await source.history(span(3600), 5000);
    const values = past!.values.map(Number);
    expect(values).toHaveLength(720);
    expect(values.reduce((sum, value) => sum + value, 0)).toBe(60);
    await source.close();
  });

  it.skipIf(skipped)('writes nothing, whatever the query says, and sees what others have written since', async () => {
    const [main] = databases;
    const left = async () => Number((await main!.query('SELECT count(*) AS n FROM orders'))[0]!.n);
    const before = await left();
    const open = openSource(metric({ sql: writes }), around({ databases }));
    expect(await failureOf(open)).toEqual({ code: 'metric-error', why: expect.stringMatching(/read.only/i) });
    expect(await watching.sample(span())).toMatchObject([{ value: before }]);
    await main!.query(insert);
    expect(await watching.sample(span())).toMatchObject([{ value: before + 60 }]);
    expect(await left()).toBe(before + 60);
  });

  it.skipIf(skipped)('what the database does not know is missing', async () => {
    for (const sql of ['SELECT count(*) FROM oders', 'SELECT nothing FROM orders'])
      expect(await failureOf(openSource(metric({ sql }), around({ databases })))).toMatchObject({
        code: 'metric-missing',
      });
  });

  it.skipIf(skipped)('a slow query is given up, on the server too, and harms no other', async () => {
    const open = openSource(metric({ sql: slow }), around({ databases, patience: 300 }));
    expect(await failureOf(open)).toEqual({ code: 'metric-unreachable', why: expect.stringContaining('was ended') });
    await eventually(async () => Number((await databases[0]!.query(slowly))[0]!.n) === 0);
  });

  it.skipIf(skipped)('a clock that is ten minutes off is refused, with both times', async () => {
    const admin = await database(server.admin(name));
    for (const statement of fake) await admin.query(statement);
    await admin.close();
    const late = await database(login());
    const failed = await failureOf(openSource(metric({ sql: COUNT }), around({ databases: [late] })));
    expect(failed).toEqual({
      code: 'metric-clock',
      why: expect.stringMatching(/10 min( \d s)? behind this machine's/),
    });
    await late.close();
  });

  it.skipIf(skipped)('a server that goes away is unreachable', async () => {
    await server.stop();
    expect(await failureOf(watching.sample(span()))).toMatchObject({ code: 'metric-unreachable' });
    await watching.close();
  });
});
