import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { missing, startMariadb, startPostgres, type TestServer } from '../support/databases.ts';
import { freePort } from '../support/ports.ts';

const { signal } = new AbortController();
const base = mkdtempSync(join(tmpdir(), 'database-'));
const scratch = join(base, 'scratch');
mkdirSync(scratch, { mode: 0o700 });
afterAll(() => rmSync(base, { recursive: true, force: true }));

const PASSWORD = 'pä ss!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';
const open = (url: string, stop = signal) =>
  openDatabase({ name: 'main', url }, { workspace: base, scratch, signal: stop });

/** Dumps while every command line of the machine is read again and again; answers the dump and the lines that hold the secret. */
async function dumpWatched(database: Database, secret: string): Promise<{ bytes: Buffer; seen: string[] }> {
  const seen: string[] = [];
  let going = true;
  const look = async () => {
    while (going) {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        try {
          const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
          if (line.includes(secret)) seen.push(line);
        } catch {}
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const looking = look();
  const to = new PassThrough();
  const [bytes] = await Promise.all([buffer(to), database.dump(to, signal)]).finally(() => (going = false));
  await looking;
  return { bytes, seen };
}

/** What holds for every server, whatever its engine. */
function anyServer(server: () => TestServer, scheme: string) {
  const url = (password = PASSWORD, port = server().port) =>
    `${scheme}://app:${encodeURIComponent(password)}@127.0.0.1:${port}/shop`;

  it('logs in with every special character in the password, dumps, and shows it nowhere', async () => {
    const database = await open(url());
    expect(database.where).not.toContain(PASSWORD);
    expect(database.where).not.toContain(encodeURIComponent(PASSWORD));
    const { bytes, seen } = await dumpWatched(database, PASSWORD);
    await database.close();
    expect(bytes.length).toBeGreaterThan(500);
    expect(seen).toEqual([]);
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('tells a refused login from a server that is away', async () => {
    const denied = await open(url('wrong-password')).catch((error) => error);
    expect(denied).toMatchObject({ code: 'database-denied' });
    expect(denied.message).not.toContain('wrong-password');
    await expect(open(url(PASSWORD, await freePort()))).rejects.toMatchObject({ code: 'database-unreachable' });
  });

  it('names the statement of a list that fails', async () => {
    const database = await open(url());
    await database.execute(['CREATE TABLE steps (x int)']);
    const statements = ['steps VALUES (1)', 'steps VALUES (2)', "nowhere VALUES (';')", 'steps VALUES (4)'].map(
      (rest) => `INSERT INTO ${rest}`,
    );
    await expect(database.execute(statements, { transaction: true })).rejects.toMatchObject({
      code: 'database-error',
      facts: { statement: 3, of: 4, 'lock-timeout': false },
    });
    const rows = async () => Number((await database.query('SELECT count(*) AS n FROM steps'))[0]!.n);
    expect(await rows()).toBe(0);
    await expect(database.execute(statements)).rejects.toMatchObject({ facts: { statement: 3 } });
    expect(await rows()).toBe(2);
    expect(
      await database
        .query(`SELECT x FROM steps WHERE x = ${database.placeholder(1)}`, ["1' OR '1'='1"])
        .catch(() => []),
    ).not.toHaveLength(2);
    await database.execute(['DROP TABLE steps']);
    await database.close();
  });

  it('has one holder of a mutex, until its connection ends', async () => {
    const database = await open(url());
    const [first, second] = [await database.session(), await database.session()];
    const held = await first.mutex('migrate');
    await expect(second.mutex('migrate')).rejects.toMatchObject({ code: 'database-busy' });
    await (await second.mutex('other')).release();
    await held.release();
    await (await second.mutex('migrate')).release();
    await first.mutex('migrate');
    await first.close();
    let taken = await second.mutex('migrate').catch(() => null);
    for (let tries = 0; !taken && tries < 100; tries += 1) taken = await second.mutex('migrate').catch(() => null);
    expect(taken).not.toBeNull();
    await second.close();
    await database.close();
  });

  it('waits for a lock no longer than it is told', async () => {
    const database = await open(url());
    await database.execute(['CREATE TABLE locked (x int)']);
    const [holder, waiter] = [await database.session(), await database.session()];
    await holder.execute(['BEGIN', 'INSERT INTO locked VALUES (1)']);
    await waiter.lockTimeout(200);
    await expect(waiter.execute(['DROP TABLE locked'])).rejects.toMatchObject({ facts: { 'lock-timeout': true } });
    await holder.execute(['ROLLBACK']);
    await waiter.execute(['DROP TABLE locked']);
    await Promise.all([holder.close(), waiter.close(), database.close()]);
  });

  /** Waits until so many sleeping statements run on the server, as its administrator sees it. */
  const untilAsleep = async (amount: number) => {
    const admin = await open(server().admin('shop'));
    const seen = () =>
      admin.query(
        scheme === 'postgres'
          ? "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'"
          : "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'",
      );
    while ((await seen()).length !== amount) await new Promise((resolve) => setTimeout(resolve, 20));
    await admin.close();
  };

  it.each(['query', 'execute'] as const)('ends what %s runs on the server, and nothing else', async (way) => {
    const sleep = scheme === 'postgres' ? 'SELECT pg_sleep(600)' : 'SELECT SLEEP(600)';
    const stop = new AbortController();
    const [database, other] = [await open(url(), stop.signal), await open(url())];
    const elsewhere = other.query(sleep).catch((error) => error);
    const asleep = way === 'query' ? database.query(sleep) : database.execute([sleep], { transaction: true });
    asleep.catch(() => {});
    await untilAsleep(2);
    stop.abort();
    await expect(asleep).rejects.toMatchObject({ code: 'cancelled' });
    await untilAsleep(1);
    await other.close();
    expect(await elsewhere).toMatchObject({ code: 'database-error' });
    await untilAsleep(0);
    await database.close();
  });
}

describe.skipIf(missing('postgres'))('PostgreSQL', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres();
    const admin = await open(server.admin('postgres'));
    await admin.execute([
      `CREATE ROLE app LOGIN PASSWORD '${PASSWORD.replaceAll("'", "''")}'`,
      'CREATE DATABASE shop OWNER app',
    ]);
    await admin.close();
  });
  afterAll(() => server?.stop());
  anyServer(() => server, 'postgres');

  it('leaves nothing at work on the server when a dump is cancelled', async () => {
    const [database, holder] = [await open(server.admin('shop')), await open(server.admin('shop'))];
    await database.execute(['CREATE TABLE held (x int)']);
    const session = await holder.session();
    await session.execute(['BEGIN', 'LOCK TABLE held']);
    const stop = new AbortController();
    const dumping = database.dump(new PassThrough().resume(), stop.signal).catch((error) => error);
    const waiting = () => holder.query("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
    while ((await waiting()).length < 1) await new Promise((resolve) => setTimeout(resolve, 20));
    stop.abort();
    expect(await dumping).toMatchObject({ code: 'cancelled' });
    while ((await waiting()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await session.close();
    await database.execute(['DROP TABLE held']);
    await Promise.all([database.close(), holder.close()]);
  });

  it('fingerprints what a change changes', async () => {
    const database = await open(server.admin('shop'));
    const digests = new Set([(await database.fingerprint()).digest]);
    const changes = [
      "CREATE TABLE t (id int PRIMARY KEY, s varchar(9) CHECK (s IN ('a', 'b')))",
      "ALTER TABLE t DROP CONSTRAINT t_s_check, ADD CONSTRAINT t_s_check CHECK (s IN ('a', 'c'))",
      'ALTER TABLE t ALTER s TYPE varchar(10)',
      "ALTER TABLE t ALTER s SET DEFAULT 'a'",
      'ALTER TABLE t ALTER s SET NOT NULL',
      'CREATE INDEX i ON t (s) WHERE id > 1',
      'CREATE VIEW v AS SELECT id FROM t',
      'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
      'CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 2 $$',
      'CREATE SEQUENCE q',
      'ALTER TABLE t ALTER s SET STORAGE EXTERNAL',
      'ALTER TABLE t ALTER s SET STATISTICS 7',
      'ALTER TABLE t REPLICA IDENTITY FULL',
      'CREATE COLLATION c (locale = "C")',
      'CREATE PUBLICATION p FOR TABLE t',
      "ALTER PUBLICATION p SET (publish = 'insert')",
      'CREATE OPERATOR # (RIGHTARG = int, FUNCTION = int4abs)',
      'CREATE CAST (int AS point) WITH INOUT',
      'CREATE TEXT SEARCH CONFIGURATION x (COPY = simple)',
      'ALTER TEXT SEARCH CONFIGURATION x DROP MAPPING FOR email',
    ];
    for (const change of changes) {
      await database.execute([change]);
      digests.add((await database.fingerprint()).digest);
    }
    expect(digests.size).toBe(changes.length + 1);
    await database.execute(["INSERT INTO t VALUES (1, 'a')", "SELECT nextval('q')", 'ANALYZE']);
    expect(digests.has((await database.fingerprint()).digest)).toBe(true);
    await database.close();
  });
});

describe.skipIf(missing('mariadb'))('MariaDB', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startMariadb();
    const admin = await open(server.admin('mysql'));
    const password = PASSWORD.replaceAll('\\', '\\\\').replaceAll("'", "''");
    await admin.execute([
      'CREATE DATABASE shop',
      `CREATE USER app@'127.0.0.1' IDENTIFIED BY '${password}'`,
      "GRANT ALL ON shop.* TO app@'127.0.0.1'",
    ]);
    await admin.close();
  });
  afterAll(() => server?.stop());
  anyServer(() => server, 'mariadb');
});

describe('SQLite', () => {
  it('creates nothing where there is no file, and refuses what is no database', async () => {
    await expect(open('sqlite:absent.db')).rejects.toMatchObject({ code: 'database-unreachable' });
    expect(readdirSync(base)).toEqual(['scratch']);
    writeFileSync(join(base, 'text.db'), 'this is not a database, only a text that is long enough'.repeat(100));
    await expect(open('sqlite:text.db')).rejects.toMatchObject({ code: 'database-unreachable' });
  });

  it('has one holder of a mutex', async () => {
    new DatabaseSync(join(base, 'm.db')).close();
    const database = await open('sqlite:m.db');
    const [first, second] = [await database.session(), await database.session()];
    const held = await first.mutex('migrate');
    await expect(second.mutex('migrate')).rejects.toMatchObject({ code: 'database-busy' });
    await held.release();
    await (await second.mutex('migrate')).release();
    await Promise.all([first.close(), second.close(), database.close()]);
  });
});
