import { tmpdir } from 'node:os';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  compareContents,
  type Database,
  type Observed,
  openDatabase,
  type Session,
} from '../../src/database/database.ts';
import { missing, startPostgres, type TestServer } from '../support/databases.ts';
import { startStandby } from '../support/standby.ts';

const { signal } = new AbortController();
const open = (url: string) => openDatabase({ name: 'main', url }, { workspace: tmpdir(), scratch: tmpdir(), signal });

/** Tries until it holds; the servers do in their own time what is waited for. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe.skipIf(missing('postgres'))('a PostgreSQL server that is watched', () => {
  let server: TestServer;
  let database: Database;
  beforeAll(async () => {
    server = await startPostgres();
    database = await open(server.admin('postgres'));
    await database.execute([
      'CREATE TABLE orders (id int PRIMARY KEY, note text)',
      "INSERT INTO orders SELECT g, 'note ' || g FROM generate_series(1, 5000) g",
      'CREATE TABLE lines (id int, of int)',
      'CREATE SCHEMA "Other"',
      'CREATE TABLE "Other"."t t" (id int)',
    ]);
  });
  afterAll(async () => {
    await database?.close();
    await server?.stop();
  });

  describe('statements', () => {
    let session: Session;
    beforeAll(async () => {
      session = await database.session();
    });
    afterAll(() => session?.close());
    const orders = (mode: string, blocks: Observed['locks'][number]['blocks']) => ({ table: 'orders', mode, blocks });
    const all = (observed: Observed) => [observed.locks, observed.rewritten];

    it('shows locks and tables written anew within a transaction, each with its statement', async () => {
      const observer = database.observer(session);
      const seen = async (sql: string) => {
        await observer.before();
        await session.execute([sql]);
        return observer.after();
      };
      await session.execute(['BEGIN']);
      expect(all(await seen('SELECT count(*) FROM orders'))).toEqual([[], []]);
      expect(all(await seen('UPDATE orders SET note = id::text WHERE id = 1'))).toEqual([[], []]);
      expect(all(await seen('CREATE INDEX notes ON orders (note)'))).toEqual([[orders('ShareLock', 'writes')], []]);
      expect(all(await seen('CREATE TABLE fresh (id int PRIMARY KEY)'))).toEqual([[], []]);
      expect(all(await seen('ALTER TABLE orders ADD COLUMN more int DEFAULT 1'))).toEqual([
        [orders('AccessExclusiveLock', 'reads')],
        [],
      ]);
      const widened = await seen('ALTER TABLE orders ALTER id TYPE bigint');
      expect(all(widened)).toEqual([[], [{ table: 'orders', rows: 5000 }]]);
      expect(widened.grew).toBeGreaterThan(200_000);
      expect(widened.logged).toBeGreaterThan(200_000);
      expect(all(await seen('ALTER TABLE lines ADD FOREIGN KEY (of) REFERENCES orders (id)'))[0]).toContainEqual({
        table: 'lines',
        mode: 'ShareRowExclusiveLock',
        blocks: 'writes',
      });
      expect(all(await seen('ALTER TABLE "Other"."t t" RENAME TO u'))[0]).toEqual([
        { table: '"Other"."t t"', mode: 'AccessExclusiveLock', blocks: 'reads' },
      ]);
      await session.execute(['ROLLBACK', 'BEGIN']);
      expect(all(await seen('REINDEX TABLE orders'))).toEqual([[orders('AccessExclusiveLock', 'reads')], []]);
      await session.execute(['ROLLBACK']);
    });

    it.each([
      ['CREATE INDEX CONCURRENTLY later ON orders (note)', 'ShareUpdateExclusiveLock', 'schema'],
      ['VACUUM orders', 'ShareUpdateExclusiveLock', 'schema'],
      ['ALTER TABLE orders ADD COLUMN quick int', 'AccessExclusiveLock', 'reads'],
      ['CREATE INDEX ON orders (id, note)', 'ShareLock', 'writes'],
      ['INSERT INTO orders (id) VALUES (0)', null, null],
    ] as const)('shows the lock of %s outside of one, however short', async (sql, mode, blocks) => {
      const observer = database.observer(session);
      await observer.before();
      await session.execute([sql]);
      expect((await observer.after()).locks).toEqual(mode === null ? [] : [orders(mode, blocks)]);
    });

    it('goes on after a statement that failed, and tells an emptied table from one written anew', async () => {
      const observer = database.observer(session);
      await observer.before();
      await expect(session.execute(['ALTER TABLE orders ALTER note TYPE int USING note::int'])).rejects.toThrow();
      await observer.before();
      await session.execute(['TRUNCATE orders CASCADE']);
      expect(all(await observer.after())).toEqual([[orders('AccessExclusiveLock', 'reads')], []]);
    });
  });

  it('says who holds a mutex, and has the server look whether that one is still there', async () => {
    await database.execute(["CREATE ROLE app LOGIN PASSWORD 'p'"]);
    const remote = await open(`postgres://app:p@127.0.0.1:${server.port}/postgres`);
    const [first, second] = [await remote.session(), await database.session()];
    await first.mutex('migrate');
    const settings = await first.query(
      "SELECT setting FROM pg_settings WHERE name LIKE 'tcp_keepalives%' OR name = 'tcp_user_timeout' ORDER BY name",
    );
    expect(settings.map(({ setting }) => setting)).toEqual(['3', '20', '10', '50000']);
    await expect(second.mutex('migrate')).rejects.toMatchObject({
      code: 'database-busy',
      message: expect.stringMatching(
        /process \d+ of app from 127\.0\.0\.1\/32, connected since .* idle.*within 50 seconds/,
      ),
    });
    await Promise.all([first.close(), second.close()]);
    await remote.close();
  });

  it('knows how far its standby is behind, and the standby can be dumped', async () => {
    expect(await database.lag()).toBeNull();
    const standby = await startStandby(server);
    const replica = await open(standby.admin('postgres'));
    try {
      await until(async () => (await database.lag()) === 0);
      await replica.query('SELECT pg_wal_replay_pause()');
      await database.execute(['CREATE TABLE late AS SELECT 1 AS x']);
      await until(async () => ((await database.lag()) ?? 0) > 0.3);
      const unseen = await open(`postgres://app:p@127.0.0.1:${server.port}/postgres`);
      expect(await unseen.lag()).toBeNull();
      await unseen.close();
      await replica.query('SELECT pg_wal_replay_resume()');
      await until(async () => (await database.lag()) === 0);

      const facts = await replica.dump(new PassThrough().resume(), signal);
      const [row] = await replica.query('SELECT pg_last_wal_replay_lsn()::text AS position');
      expect(facts.position).toBe(row!.position);
      expect(compareContents(facts.contents, await database.contents(signal))).toBeNull();
    } finally {
      await replica.close();
      await standby.stop();
    }
  });
});
