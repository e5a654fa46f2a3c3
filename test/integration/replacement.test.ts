/** Replacing live databases on real servers: fenced, built beside, swapped, and whole whatever happens in between. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase, replacement } from '../../src/database/database.ts';
import { missing, startMariadb, startPostgres, type TestServer } from '../support/databases.ts';

const { signal } = new AbortController();
const base = mkdtempSync(join(tmpdir(), 'replacement-'));
const scratch = join(base, 'scratch');
mkdirSync(scratch, { mode: 0o700 });
afterAll(() => rmSync(base, { recursive: true, force: true }));

const options = { workspace: base, scratch, signal };
const open = (url: string) => openDatabase({ name: 'main', url }, options);
const replace = (url: string, admin: string | null = null) => replacement({ name: 'main', url }, { ...options, admin });

async function using<T extends { close(): Promise<void> }, R>(
  opening: Promise<T>,
  use: (opened: T) => Promise<R>,
): Promise<R> {
  const opened = await opening;
  return use(opened).finally(() => opened.close());
}

const run = (url: string, ...statements: string[]) => using(open(url), (database) => database.execute(statements));
const rows = (url: string, sql: string) => using(open(url), (database) => database.query(sql));

async function dumpOf(url: string): Promise<Buffer> {
  const to = new PassThrough();
  const [bytes] = await using(open(url), (database) => Promise.all([buffer(to), database.dump(to, signal)]));
  return bytes;
}

/** A run of its own that kills itself at a step, as the machine would. */
const CHILD = `
  import { createReadStream } from 'node:fs';
  import { replacement } from ${JSON.stringify(join(import.meta.dirname, '../../src/database/database.ts'))};
  const [url, admin, dump, scratch, step, id] = process.argv.slice(1);
  const { signal } = new AbortController();
  const at = (here) => here === step && process.kill(process.pid, 'SIGKILL');
  const live = await replacement({ name: 'main', url }, { workspace: scratch, scratch, signal, admin: admin || null });
  await live.fence();
  at('fenced');
  const beside = await live.beside(id);
  await beside.restore(createReadStream(dump), signal);
  at('restored');
  await beside.swap();
  at('swapped');`;

async function killed(url: string, admin: string, dump: Buffer, step: string, id: string): Promise<void> {
  const file = join(base, `${step}.dump`);
  writeFileSync(file, dump);
  const args = ['--input-type=module', '-e', CHILD, '--', url, admin, file, scratch, step, id];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [, by] = await once(child, 'exit');
  expect(by).toBe('SIGKILL');
}

/** Clients that write without end, each a row at a time, and keep what was acknowledged to them. */
class Writers {
  readonly acknowledged: number[] = [];
  readonly #going: Promise<void>[];
  #stop = false;

  constructor(url: string, amount: number, insert: (id: number) => string) {
    let next = 1_000_000;
    this.#going = Array.from({ length: amount }, async () => {
      let client: Database | null = null;
      while (!this.#stop) {
        const id = next++;
        try {
          client ??= await open(url);
          await client.execute([insert(id)], { transaction: true });
          this.acknowledged.push(id);
        } catch {
          await client?.close();
          client = null;
        }
      }
      await client?.close();
    });
  }

  async until(amount: number): Promise<void> {
    const from = this.acknowledged.length;
    while (this.acknowledged.length < from + amount) await new Promise((resolve) => setImmediate(resolve));
  }

  async stop(): Promise<void> {
    this.#stop = true;
    await Promise.all(this.#going);
  }
}

/**
 * Hands a server on, and cuts the connection that says `word`: before the server hears of it, or once it has answered
 * that it is done.
 */
async function cuttingProxy(socket: string, port: number, word: string, when: 'before' | 'after') {
  const proxy = createServer((client) => {
    const upstream = connect(join(socket, `.s.PGSQL.${port}`));
    let heard = false;
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    client.on('data', (chunk) => {
      heard ||= chunk.includes(word);
      if (heard && when === 'before') cut();
      else upstream.write(chunk);
    });
    upstream.on('data', (chunk) => (heard ? cut() : client.write(chunk)));
    for (const each of [client, upstream]) each.on('error', cut).on('close', cut);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  return { port: (proxy.address() as AddressInfo).port, close: () => proxy.close() };
}

describe.skipIf(missing('postgres'))('PostgreSQL', () => {
  let server: TestServer;
  let dump: Buffer;
  const NAME = 'shop "Öl" x';
  const shop = () => `postgres://app:pw@127.0.0.1:${server.port}/${encodeURIComponent(NAME)}`;
  const admin = () => server.admin(NAME);
  const quoted = `"${NAME.replaceAll('"', '""')}"`;
  const named = (end: string) => `"${NAME.replaceAll('"', '""')}_${end}"`;
  const count = async () => (await rows(shop(), 'SELECT count(*) AS n FROM public.orders'))[0]!.n;
  const databases = async () =>
    (
      await rows(
        server.admin('postgres'),
        "SELECT datname AS name FROM pg_database WHERE datname LIKE 'shop%' ORDER BY 1",
      )
    ).map(({ name }) => name);

  beforeAll(async () => {
    server = await startPostgres(['wal_level=logical', 'max_prepared_transactions=2']);
    await run(
      server.admin('postgres'),
      "CREATE ROLE app LOGIN PASSWORD 'pw'",
      'CREATE ROLE reader',
      "CREATE ROLE boss SUPERUSER LOGIN PASSWORD 'pw'",
      `CREATE DATABASE ${quoted} OWNER app CONNECTION LIMIT 30`,
    );
    await run(
      admin(),
      `GRANT CONNECT ON DATABASE ${quoted} TO reader WITH GRANT OPTION`,
      `REVOKE TEMP ON DATABASE ${quoted} FROM PUBLIC`,
      `COMMENT ON DATABASE ${quoted} IS 'all that''s \\\\ sold'`,
      `ALTER DATABASE ${quoted} SET search_path = "$user", public, "Odd, one"`,
      `ALTER DATABASE ${quoted} SET work_mem = '7MB'`,
      `ALTER ROLE app IN DATABASE ${quoted} SET statement_timeout = '61s'`,
    );
    await run(
      shop(),
      'CREATE TABLE public.orders (id bigint PRIMARY KEY, note text)',
      "INSERT INTO public.orders SELECT n, 'order ' || n FROM generate_series(1, 1000) n",
    );
    await run(admin(), 'GRANT SELECT ON public.orders TO reader');
    dump = await dumpOf(admin());
  });
  afterAll(() => server?.stop());

  it('puts the restored database in the place of the live one under 20 writers; nothing is lost between fence and swap', async () => {
    const settings = `SELECT d.datconnlimit AS most, s.setrole::regrole::text AS role, s.setconfig::text AS config, ARRAY(SELECT a::text FROM unnest(d.datacl) a ORDER BY 1) AS acl, shobj_description(d.oid, 'pg_database') AS comment
      FROM pg_database d JOIN pg_db_role_setting s ON s.setdatabase = d.oid WHERE d.datname = '${NAME}' ORDER BY 2`;
    const before = await rows(server.admin('postgres'), settings);
    const writers = new Writers(shop(), 20, (id) => `INSERT INTO public.orders VALUES (${id}, 'new')`);
    await writers.until(60);
    const live = await replace(shop(), admin());
    await live.check();
    const fence = await live.fence();
    const acknowledged = writers.acknowledged.length;
    const [lost] = await rows(shop(), 'SELECT count(*) AS rows FROM public.orders');
    expect(Number(lost!.rows)).toBe(1000 + acknowledged);
    await expect(run(shop(), 'DELETE FROM public.orders')).rejects.toMatchObject({ facts: { native: '25006' } });
    const beside = await live.beside('20261121-1');
    await beside.restore(Readable.from([dump]), signal);
    expect((await beside.database.query('SELECT count(*) AS rows FROM orders'))[0]).toEqual({ rows: '1000' });
    expect(writers.acknowledged.length).toBe(acknowledged);
    const swapped = await beside.swap();
    await fence.release();
    await writers.until(40);
    await writers.stop();
    await live.close();
    expect(swapped).toMatchObject({
      kept: `database ${NAME}_replaced_202611211`,
      remove: `DROP DATABASE ${named('replaced_202611211')}`,
    });
    expect(swapped.away).toBeGreaterThan(0);
    expect(await databases()).toEqual([NAME, `${NAME}_replaced_202611211`]);
    expect(await rows(server.admin('postgres'), settings)).toEqual(before);
    const [now] = await rows(
      shop(),
      "SELECT count(*) FILTER (WHERE id <= 1000) AS old, count(*) FILTER (WHERE id > 1000) AS new, has_table_privilege('reader', 'orders', 'SELECT') AS read, (SELECT relowner::regrole::text FROM pg_class WHERE relname = 'orders') AS owner FROM public.orders",
    );
    expect(now).toEqual({
      old: '1000',
      new: String(writers.acknowledged.length - acknowledged),
      read: true,
      owner: 'app',
    });
    await expect(run(server.admin(`${NAME}_replaced_202611211`))).rejects.toMatchObject({
      why: expect.stringContaining('not currently accepting'),
    });
    await run(server.admin('postgres'), swapped.remove);
  });

  it('killed at any step leaves a whole database, and what it left is named by the next run, which goes through', async () => {
    await run(shop(), "INSERT INTO public.orders VALUES (-1, 'later')");
    const before = await count();
    for (const step of ['fenced', 'restored']) {
      await killed(shop(), admin(), dump, step, `killed${step}`);
      expect(await count()).toBe(before);
      await expect(run(shop(), "INSERT INTO public.orders VALUES (-2, 'fenced')")).rejects.toMatchObject({
        facts: { native: '25006' },
      });
      await using(replace(shop(), admin()), async (live) => {
        expect((await live.breaks()).join('\n')).toContain('still held off by a run that was killed');
        await (await live.fence()).release();
      });
      await run(shop(), "INSERT INTO public.orders VALUES (-2, 'free')", 'DELETE FROM public.orders WHERE id = -2');
    }
    expect(await databases()).toEqual([NAME, `${NAME}_changeline_killedrestored`]);
    await using(replace(shop(), admin()), async (live) => {
      expect((await live.breaks()).join('\n')).toContain(
        `${NAME}_changeline_killedrestored was left by a run that did not finish`,
      );
      await expect(live.beside('killedrestored')).rejects.toMatchObject({ code: 'restore-failed' });
    });
    await run(server.admin('postgres'), `DROP DATABASE ${named('changeline_killedrestored')}`);
    await killed(shop(), admin(), dump, 'swapped', 'killedswapped');
    expect(await count()).toBe('1000');
    await run(shop(), "INSERT INTO public.orders VALUES (-2, 'free')");
    await using(replace(shop(), admin()), async (live) => {
      expect((await live.breaks()).join('\n')).toContain(
        `${NAME}_replaced_killedswapped is kept from an earlier restore`,
      );
      await live.fence().then((fence) => fence.release());
    });
    await run(server.admin('postgres'), `DROP DATABASE ${named('replaced_killedswapped')}`);
  });

  it('puts everything back where the swap or the restore fails', async () => {
    await run(
      server.admin('postgres'),
      `CREATE DATABASE ${named('replaced_taken')}`,
      'ALTER ROLE reader RENAME TO somebody',
    );
    await using(replace(shop(), admin()), async (live) => {
      const fence = await live.fence();
      const beside = await live.beside('taken');
      await expect(beside.restore(Readable.from([dump]), signal)).rejects.toMatchObject({
        code: 'restore-failed',
        what: expect.stringContaining('no role reader'),
      });
      await beside.discard();
      const second = await live.beside('taken');
      await expect(second.swap()).rejects.toMatchObject({
        code: 'restore-failed',
        why: expect.stringContaining('already exists'),
      });
      await second.discard();
      const third = await live.beside('taken');
      await expect(third.restore(Readable.from([dump.subarray(0, dump.length / 2)]), signal)).rejects.toMatchObject({
        code: 'restore-failed',
      });
      await third.discard();
      await fence.release();
    });
    await run(shop(), "INSERT INTO public.orders VALUES (-3, 'free')");
    await run(
      server.admin('postgres'),
      `DROP DATABASE ${named('replaced_taken')}`,
      'ALTER ROLE somebody RENAME TO reader',
    );
    expect(await databases()).toEqual([NAME]);
  });

  it('a swap whose answer is lost is known for what it was', async () => {
    const before = await count();
    for (const [id, lost] of [
      ['answered', 'after'],
      ['unasked', 'before'],
    ] as const) {
      const cutting = await cuttingProxy(server.socket, server.port, '$swap$', lost);
      const tunnel = async () => ({ hostname: '127.0.0.1', port: cutting.port, close: async () => {} });
      const boss = `postgres://boss:pw@127.0.0.1:${server.port}/${encodeURIComponent(NAME)}`;
      await using(replacement({ name: 'main', url: boss }, { ...options, tunnel, admin: null }), async (live) => {
        const fence = await live.fence();
        const beside = await live.beside(id);
        await beside.restore(Readable.from([dump]), signal);
        if (lost === 'after')
          expect(await beside.swap()).toMatchObject({ kept: `database ${NAME}_replaced_answered`, missing: [] });
        else await expect(beside.swap()).rejects.toMatchObject({ code: 'restore-failed' });
        await beside.discard();
        await fence.release();
      });
      cutting.close();
      await run(shop(), "INSERT INTO public.orders VALUES (-8, 'free')", 'DELETE FROM public.orders WHERE id = -8');
    }
    expect(await databases()).toEqual([NAME, `${NAME}_replaced_answered`]);
    expect([before === '1000', await count()]).toEqual([false, '1000']);
    await run(server.admin('postgres'), `DROP DATABASE ${named('replaced_answered')}`);
  });

  it('names what the login lacks, and what a swap leaves behind', async () => {
    await run(admin(), 'CREATE PUBLICATION told FOR TABLE public.orders', 'CREATE TABLE public.of_admin ()');
    await using(replace(shop()), async (live) => {
      const denied = await live.check().catch((error) => error);
      expect(denied).toMatchObject({
        code: 'database-denied',
        what: expect.stringContaining('may not create databases'),
      });
      expect(denied.what).toContain('roles that own tables: admin');
    });
    await using(replace(shop(), admin()), async (live) =>
      expect((await live.breaks()).join('\n')).toContain('the publication told'),
    );
    await run(
      admin(),
      "CREATE SUBSCRIPTION taken CONNECTION 'dbname=nowhere' PUBLICATION told WITH (connect = false, slot_name = NONE)",
      "SELECT pg_create_logical_replication_slot('sent', 'pgoutput')",
    );
    await using(replace(shop(), admin()), async (live) =>
      expect((await live.breaks()).join('\n')).toMatch(/slot sent stays[\s\S]*subscription taken comes back disabled/),
    );
    await run(admin(), "SELECT pg_drop_replication_slot('sent')", 'DROP SUBSCRIPTION taken');
    await using((await open(admin())).session(), (session) =>
      session.execute(['BEGIN', 'INSERT INTO public.orders VALUES (-7)', "PREPARE TRANSACTION 'half'"]),
    );
    await using(replace(shop(), admin()), (live) =>
      expect(live.breaks()).rejects.toMatchObject({
        code: 'data-irreversible',
        next: expect.stringContaining('(half)'),
      }),
    );
    await run(admin(), "ROLLBACK PREPARED 'half'");
    await expect(replace(shop(), 'mysql://root@localhost/shop')).rejects.toMatchObject({ code: 'config-invalid' });
  });
});

describe.skipIf(missing('mariadb'))('MariaDB', () => {
  let server: TestServer;
  let dump: Buffer;
  const admin = (database = 'shop') => server.admin(database);
  const databases = async () =>
    (
      await rows(
        admin(),
        "SELECT schema_name AS name FROM information_schema.schemata WHERE schema_name LIKE 'shop%' ORDER BY 1",
      )
    ).map(({ name }) => name);

  beforeAll(async () => {
    server = await startMariadb();
    await run(admin('mysql'), 'CREATE DATABASE shop', 'SET GLOBAL max_connections = 300');
    await run(
      admin(),
      'CREATE TABLE audits (id bigint AUTO_INCREMENT PRIMARY KEY, of_order bigint)',
      'CREATE TABLE customers (id bigint PRIMARY KEY)',
      'CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint, FOREIGN KEY (customer) REFERENCES customers (id))',
      'CREATE TABLE `zé "quoted"` (id bigint PRIMARY KEY)',
      'CREATE SEQUENCE numbers START WITH 7',
      'CREATE TRIGGER audited AFTER INSERT ON orders FOR EACH ROW INSERT INTO audits (of_order) VALUES (NEW.id)',
      'CREATE VIEW open_orders AS SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer',
      'CREATE VIEW all_open AS SELECT * FROM open_orders',
      'CREATE FUNCTION answer() RETURNS int DETERMINISTIC RETURN 42',
      'INSERT INTO customers SELECT seq FROM seq_1_to_50',
      'INSERT INTO orders SELECT seq, 1 + seq % 50 FROM seq_1_to_1000',
    );
    dump = await dumpOf(admin());
    await run(
      admin(),
      'CREATE TABLE later (id int)',
      'DROP FUNCTION answer',
      'CREATE FUNCTION answer() RETURNS int DETERMINISTIC RETURN 43',
    );
  });
  afterAll(() => server?.stop());

  it('swaps all tables at once under 20 writers: no acknowledged write is lost, no trigger is missed', async () => {
    const writers = new Writers(admin(), 20, (id) => `INSERT INTO orders VALUES (${id}, 1)`);
    await writers.until(60);
    const live = await replace(admin());
    await live.check();
    const fence = await live.fence();
    const fenced = writers.acknowledged.length;
    const [old] = await rows(admin(), 'SELECT COUNT(*) AS amount FROM orders');
    const beside = await live.beside('20261121-1');
    await beside.restore(Readable.from([dump]), signal);
    const swapped = await beside.swap();
    await fence.release();
    await writers.until(40);
    await writers.stop();
    await live.close();
    const kept = 'shop_replaced_202611211';
    expect(swapped).toMatchObject({ kept: `database ${kept}`, remove: `DROP DATABASE \`${kept}\`` });
    expect(await databases()).toEqual(['shop', kept]);
    const amount = async (sql: string) => Number((await rows(admin(), sql))[0]!.amount);
    expect(await amount(`SELECT COUNT(*) AS amount FROM ${kept}.orders`)).toBe(Number(old!.amount));
    expect(await amount('SELECT COUNT(*) AS amount FROM orders WHERE id > 1000')).toBe(
      writers.acknowledged.length - fenced,
    );
    expect(await amount('SELECT COUNT(*) AS amount FROM orders')).toBe(
      await amount('SELECT COUNT(*) AS amount FROM audits'),
    );
    expect(await amount('SELECT answer() AS amount')).toBe(42);
    expect(await amount(`SELECT ${kept}.answer() AS amount`)).toBe(43);
    expect(await amount('SELECT COUNT(*) AS amount FROM all_open')).toBe(
      await amount('SELECT COUNT(*) AS amount FROM orders'),
    );
    await expect(run(admin(), 'INSERT INTO orders VALUES (-1, 999)')).rejects.toMatchObject({
      why: expect.stringContaining('foreign key'),
    });
    const tables = `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? ORDER BY 1`;
    const names = async (database: string) =>
      (await using(open(admin()), (each) => each.query(tables, [database]))).map(({ name }) => name);
    expect(await names('shop')).toEqual([
      'all_open',
      'audits',
      'customers',
      'numbers',
      'open_orders',
      'orders',
      'zé "quoted"',
    ]);
    expect(await names(kept)).toEqual([
      'all_open',
      'audits',
      'customers',
      'later',
      'numbers',
      'open_orders',
      'orders',
      'zé "quoted"',
    ]);
    await run(admin(), `INSERT INTO ${kept}.orders VALUES (-2, 1)`);
    expect(await amount(`SELECT COUNT(*) AS amount FROM ${kept}.audits WHERE of_order = -2`)).toBe(1);
    await run(admin(), swapped.remove);
  });

  it('killed at any step leaves a whole database and no fence', async () => {
    const count = async () => Number((await rows(admin(), 'SELECT COUNT(*) AS n FROM orders'))[0]!.n);
    const before = await count();
    for (const step of ['fenced', 'restored']) {
      await killed(admin(), '', dump, step, `killed${step}`);
      expect(await count()).toBe(before);
      await run(admin(), 'INSERT INTO orders VALUES (-9, 1)', 'DELETE FROM orders WHERE id = -9');
    }
    await using(replace(admin()), async (live) => {
      expect((await live.breaks()).join('\n')).toContain(
        'shop_changeline_killedrestored was left by a run that did not finish',
      );
      await expect(live.beside('killedrestored')).rejects.toMatchObject({ code: 'restore-failed' });
    });
    await run(admin(), 'DROP DATABASE shop_changeline_killedrestored');
    await killed(admin(), '', dump, 'swapped', 'killedswapped');
    expect(await count()).toBe(1000);
    expect(await databases()).toEqual(['shop', 'shop_replaced_killedswapped']);
    await run(admin(), 'INSERT INTO orders VALUES (-9, 1)', 'DROP DATABASE shop_replaced_killedswapped');
  });

  it('puts everything back where the swap fails', async () => {
    await run(admin(), 'CREATE DATABASE shop_replaced_taken');
    const count = async () => Number((await rows(admin(), 'SELECT COUNT(*) AS n FROM orders'))[0]!.n);
    const before = await count();
    await using(replace(admin()), async (live) => {
      await live.fence();
      const beside = await live.beside('taken');
      await beside.restore(Readable.from([dump]), signal);
      await expect(beside.swap()).rejects.toMatchObject({ code: 'restore-failed' });
      await beside.discard();
    });
    expect(await count()).toBe(before);
    await run(admin(), 'INSERT INTO orders VALUES (-10, 1)');
    expect(await databases()).toEqual(['shop', 'shop_replaced_taken']);
  });

  it('tells what could not be made again after the swap: the data are back all the same', async () => {
    await run(
      admin(),
      'CREATE DATABASE elsewhere',
      'CREATE TABLE elsewhere.rates (id int)',
      'CREATE VIEW looking AS SELECT id FROM elsewhere.rates',
    );
    const looking = await dumpOf(admin());
    await run(admin(), 'DELETE FROM orders WHERE id = 1');
    await using(replace(admin()), async (live) => {
      await live.fence();
      const beside = await live.beside('looking');
      await beside.restore(Readable.from([looking]), signal);
      await run(admin(), 'DROP DATABASE elsewhere');
      const { missing: lost } = await beside.swap();
      expect(lost.join()).toMatch(/^view looking \(.*,in shop_replaced_looking: view looking/);
      await beside.discard();
    });
    expect(await rows(admin(), 'SELECT id FROM orders WHERE id = 1')).toEqual([{ id: 1 }]);
    await run(admin(), 'INSERT INTO orders VALUES (-11, 1)');
  });

  it('names what the login lacks', async () => {
    await run(admin(), "CREATE USER app@'127.0.0.1' IDENTIFIED BY 'pw'", "GRANT ALL ON shop.* TO app@'127.0.0.1'");
    await using(replace(`mariadb://app:pw@127.0.0.1:${server.port}/shop`), async (live) => {
      await expect(live.check()).rejects.toMatchObject({
        code: 'database-denied',
        what: expect.stringContaining('shop_changeline_0'),
      });
    });
  });
});

describe('SQLite', () => {
  it('copies the restored file into the live one under an open connection, and keeps what was there', async () => {
    const file = join(base, 'shop.db');
    const db = new DatabaseSync(file);
    db.exec(
      "PRAGMA journal_mode = WAL; CREATE TABLE orders (id integer PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'first')",
    );
    const dump = await dumpOf(`sqlite:${file}`);
    db.exec("INSERT INTO orders VALUES (2, 'second')");
    await using(replace(`sqlite:${file}`), async (live) => {
      await live.check();
      const fence = await live.fence();
      db.exec('PRAGMA busy_timeout = 0');
      expect(() => db.exec("INSERT INTO orders VALUES (3, 'fenced')")).toThrow('locked');
      const beside = await live.beside('1');
      await beside.restore(Readable.from([dump]), signal);
      const swapped = await beside.swap();
      await fence.release();
      expect(swapped).toMatchObject({ kept: `file ${file}.replaced-1`, remove: 'rm shop.db.replaced-1' });
    });
    db.exec("INSERT INTO orders VALUES (3, 'free')");
    expect(
      db
        .prepare('SELECT id FROM orders')
        .all()
        .map(({ id }) => id),
    ).toEqual([1, 3]);
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    db.close();
    expect(await rows(`sqlite:${file}.replaced-1`, 'SELECT id FROM orders ORDER BY id')).toEqual([
      { id: 1 },
      { id: 2 },
    ]);
    expect(readdirSync(base).filter((name) => name.startsWith('shop.db.changeline'))).toEqual([]);
  });

  it('refuses what exists and what is no database; the live file is as it was', async () => {
    const file = join(base, 'other.db');
    new DatabaseSync(file).exec('CREATE TABLE t (x); INSERT INTO t VALUES (1)');
    writeFileSync(`${file}.changeline-left`, '');
    await using(replace(`sqlite:${file}`), async (live) => {
      expect((await live.breaks()).join('\n')).toContain('other.db.changeline-left was left by a run');
      await expect(live.beside('left')).rejects.toMatchObject({ code: 'restore-failed' });
      const beside = await live.beside('2');
      await expect(beside.restore(Readable.from([Buffer.alloc(5000, 'no database')]), signal)).rejects.toMatchObject({
        code: 'restore-failed',
      });
      await beside.discard();
    });
    expect(await rows(`sqlite:${file}`, 'SELECT x FROM t')).toEqual([{ x: 1 }]);
  });
});
