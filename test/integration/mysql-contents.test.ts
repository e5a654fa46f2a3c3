/** What MariaDB's data look like to us: contents of dumps, positions, replicas, and what statements do. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { clientProgram, withOptionFile } from '../../src/database/mysql/programs.ts';
import { streamInto } from '../../src/database/programs.ts';
import { missing, startMariadb, type TestServer } from '../support/databases.ts';

const { signal } = new AbortController();
const scratch = mkdtempSync(join(tmpdir(), 'mysql-contents-'));
const open = (url: string) => openDatabase({ name: 'main', url }, { workspace: '/', scratch, signal });

const NAMES = ['plain', 'a`b (', '-- dash', "q'uote", 'ünï 人', 'UPPER', 'with space'];
const FILL = [
  'CREATE TABLE types (id int PRIMARY KEY AUTO_INCREMENT, s text, b mediumblob, r double, d decimal(20,9), j json, t timestamp(6) NULL, e bit(9), g point) CHARSET utf8mb4',
  `INSERT INTO types (s, b, r, d, j, t, e, g) VALUES ('it\\'s; \\\\ "x" (1),(2)\\n\\0', x'00ff275c', 1.5e300, 1.000000001, '{"a": "\\\\"b\\\\")"}', '2024-02-29 12:00:00.123456', b'101', point(1, 2)),
    (NULL, '', -0.1, NULL, NULL, NULL, NULL, NULL), ('', repeat(x'27', 70000), 0, 0, '[]', NULL, 0, NULL)`,
  ...NAMES.map((name) => `CREATE TABLE \`${name.replaceAll('`', '``')}\` (\`x)\` int, y varchar(200)) CHARSET utf8mb4`),
  ...NAMES.map(
    (name, amount) =>
      `INSERT INTO \`${name.replaceAll('`', '``')}\` SELECT seq, repeat('ü\\'', seq % 90) FROM seq_1_to_${amount * 1000 + 1}`,
  ),
  'CREATE TABLE nothing (x int)',
  'CREATE TABLE generated (x int, y int AS (x + 1) STORED, z int AS (x + 2))',
  'INSERT INTO generated (x) VALUES (1), (2)',
  'CREATE TABLE history (x int) WITH SYSTEM VERSIONING',
  'INSERT INTO history VALUES (1)',
  'UPDATE history SET x = 2',
  'CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b), KEY (b))',
  'INSERT INTO pairs SELECT seq, 5000 - seq FROM seq_1_to_3000',
  'CREATE SEQUENCE numbers',
  'SELECT NEXTVAL(numbers)',
  'CREATE VIEW seen AS SELECT x FROM generated',
  'CREATE TRIGGER noted BEFORE INSERT ON nothing FOR EACH ROW SET NEW.x = 1',
  "CREATE PROCEDURE filled() BEGIN\nINSERT INTO `plain` VALUES (1, 'no'), (2, 'no');\nEND",
  // Counters: given away and rolled back, raised, moved by an update, of a table that is empty again.
  ...['rolled', 'raised', 'updated', 'emptied'].map(
    (name) => `CREATE TABLE ${name} (id int PRIMARY KEY AUTO_INCREMENT)`,
  ),
  ...['BEGIN', 'INSERT INTO rolled VALUES (), ()', 'ROLLBACK', 'INSERT INTO rolled VALUES ()'],
  'ALTER TABLE raised AUTO_INCREMENT = 500',
  ...['INSERT INTO updated VALUES (), ()', 'UPDATE updated SET id = 100 WHERE id = 2'],
  ...['INSERT INTO emptied VALUES (), ()', 'DELETE FROM emptied'],
];

describe.skipIf(missing('mariadb'))('MariaDB', () => {
  let server: TestServer;
  let database: Database;
  beforeAll(async () => {
    mkdirSync(scratch, { recursive: true });
    server = await startMariadb(['--log-bin=binlog', '--server-id=1']);
    const admin = await open(server.admin('mysql'));
    await admin.execute([
      'CREATE DATABASE shop',
      'CREATE DATABASE copy',
      "CREATE USER app@'127.0.0.1' IDENTIFIED BY 'secret'",
      "GRANT ALL ON shop.* TO app@'127.0.0.1'",
      "GRANT SELECT ON mysql.proc TO app@'127.0.0.1'", // what the dump of somebody else's routines needs
    ]);
    await admin.close();
    database = await open(server.admin('shop'));
    await database.execute(FILL);
  });
  afterAll(async () => {
    await database?.close();
    await server?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  const dumped = async (from: Database) => {
    const to = new PassThrough();
    const [bytes, facts] = await Promise.all([buffer(to), from.dump(to, signal)]);
    return { bytes, facts };
  };

  /** Into the database `copy`, as it is there after it was made anew. */
  const restored = async (bytes: Buffer) => {
    const admin = await open(server.admin('mysql'));
    await admin.execute(['DROP DATABASE copy', 'CREATE DATABASE copy']).finally(() => admin.close());
    const copy = await open(server.admin('copy'));
    const program = await clientProgram('client', 'mariadb', await copy.version());
    const from = new PassThrough();
    from.end(bytes);
    const address = { ...ADDRESS, socket: server.socket };
    await withOptionFile({ address, tunnel: null, scratch }, program, (options) =>
      streamInto(
        from,
        { file: program.file, args: [...options, '--database=copy'] },
        signal,
        (how) => new Error(how.stderr) as never,
      ),
    );
    return copy;
  };

  it('holds in a perfect copy what its dump held, whatever its names, types and counters', async () => {
    const { bytes, facts } = await dumped(database);
    const rows = Object.fromEntries(Object.entries(facts.contents.tables).map(([name, { rows }]) => [name, rows]));
    expect(rows).toEqual({
      ...Object.fromEntries(NAMES.map((name, amount) => [name, amount * 1000 + 1])),
      ...{ types: 3, nothing: 0, generated: 2, history: 2, pairs: 3000, rolled: 1, raised: 0, updated: 2, emptied: 0 },
    });
    expect(facts.contents.sequences).toEqual({
      types: '4',
      rolled: '4',
      raised: '500',
      updated: '101',
      emptied: '3',
      numbers: '1001, 0',
    });
    expect(facts.bytes).toBe(bytes.length);
    const copy = await restored(bytes);
    expect(await copy.contents(signal)).toEqual(facts.contents);
    expect((await copy.fingerprint()).form).toBe((await database.fingerprint()).form);
    // And anything else is told.
    for (const change of [
      "UPDATE types SET b = x'00ff275d' WHERE id = 1",
      'ALTER TABLE raised AUTO_INCREMENT = 501',
      'INSERT INTO nothing VALUES (1)',
    ]) {
      const before = await copy.contents(signal);
      await copy.execute([change]);
      expect(await copy.contents(signal), change).not.toEqual(before);
    }
    await copy.close();
  });

  it('tells its place in the log to who may see it, and nothing to others', async () => {
    const [row] = await database.query('SHOW MASTER STATUS');
    expect((await dumped(database)).facts.position).toBe(`${row!.File}:${row!.Position}`);
    const app = await open(`mariadb://app:secret@127.0.0.1:${server.port}/shop`);
    expect((await dumped(app)).facts.position).toBeNull();
    expect(await app.lag()).toBeNull();
    expect(app.url()).toBe(`mariadb://app:secret@127.0.0.1:${server.port}/shop`);
    await app.close();
  });

  it('tells how far a replica is behind, and that one has stopped', async () => {
    expect(await database.lag()).toBeNull();
    const admin = await open(server.admin('mysql'));
    await admin.execute([
      "CREATE USER copier@'127.0.0.1' IDENTIFIED BY 'secret'",
      "GRANT REPLICATION SLAVE ON *.* TO copier@'127.0.0.1'",
    ]);
    const [at] = await admin.query('SHOW MASTER STATUS');
    const replica = await startMariadb(['--server-id=2']);
    try {
      const there = await open(replica.admin('mysql'));
      await there.execute([
        `CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${server.port}, MASTER_USER = 'copier', MASTER_PASSWORD = 'secret', MASTER_LOG_FILE = '${at!.File}', MASTER_LOG_POS = ${at!.Position}`,
      ]);
      expect(await there.lag()).toBe(Number.POSITIVE_INFINITY);
      await there.execute(['START SLAVE']);
      while ((await there.lag()) !== 0) await pause(20);
      await there.close();
    } finally {
      await replica.stop();
      await admin.close();
    }
  });

  it('names the holder of a mutex, and has a silent one dropped', async () => {
    const [first, second] = [await database.session(), await database.session()];
    const [own] = await first.query('SELECT CONNECTION_ID() AS id');
    const held = await first.mutex('migrate');
    await expect(second.mutex('migrate')).rejects.toMatchObject({
      code: 'database-busy',
      why: expect.stringContaining(`connection ${own!.id} of the server, of root from localhost`),
    });
    expect((await first.query('SELECT @@wait_timeout AS s'))[0]!.s).toBe(300);
    await held.release();
    expect((await first.query('SELECT @@wait_timeout AS s'))[0]!.s).toBe(28_800);
    await Promise.all([first.close(), second.close()]);
  });

  it('sees what a statement does', async () => {
    const session = await database.session();
    await session.execute([
      'CREATE TABLE `b-ig` (x int, y varchar(200))',
      "INSERT INTO `b-ig` SELECT seq, repeat('y', 150) FROM seq_1_to_60000",
    ]);
    const observer = database.observer(session);
    const seen = async (sql: string) => {
      await observer.before();
      await session.execute([sql]);
      return observer.after();
    };
    const copied = await seen('ALTER TABLE `b-ig` MODIFY x bigint, ALGORITHM = COPY');
    expect(copied).toMatchObject({
      locks: [{ table: 'b-ig', mode: 'SHARED_NO_WRITE', blocks: 'writes' }],
      rewritten: [{ table: 'b-ig', rows: 60_000 }],
    });
    expect(copied.logged).toBeGreaterThan(60_000 * 150);
    const indexed = await seen('CREATE INDEX i ON `b-ig` (y) ALGORITHM = INPLACE');
    expect(indexed).toMatchObject({ locks: [{ table: 'b-ig', blocks: 'schema' }], rewritten: [] });
    expect(indexed.grew).toBeGreaterThan(1_000_000);
    expect(await seen('ALTER TABLE `b-ig` ADD z int, ALGORITHM = INSTANT')).toMatchObject({ rewritten: [], grew: 0 });
    expect(await seen('CREATE TABLE new_one (x int)')).toMatchObject({ locks: [], rewritten: [] });
    await session.execute(['DROP TABLE `b-ig`', 'DROP TABLE new_one']);
    await session.close();
  });
});

const ADDRESS = {
  ...{ engine: 'mysql' as const, user: 'root', password: '', hostname: '', port: 3306, database: 'copy' },
  ...{ tls: 'prefer' as const, authority: null, where: 'copy' },
};
