/** Backups against real databases: what comes back, what is claimed of what was damaged, and what a run leaves behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BackupWork, clearOld, listBackups, readPart, takeBackup } from '../../src/backup/backup.ts';
import { type Database, readDump } from '../../src/database/database.ts';
import { splitScript } from '../../src/migration/statements.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { BackupPlace, changed, flipByte } from '../support/backups.ts';
import { missing, startMariadb, startPostgres, type TestServer } from '../support/databases.ts';

const place = new BackupPlace();
const { base, scratch, signal } = place;
afterAll(() => place.remove());
let vaultPath: string;
let vault: Vault;
beforeEach(async () => {
  vaultPath = place.newVault();
  vault = await place.vault(vaultPath);
});

const open = (url: string, name?: string) => place.open(url, name);
const work = (databases: Database[], more?: Partial<BackupWork>) => place.work(vault, databases, more);

/** Every special character that a keyboard has, and some that it has not. */
const PASSWORD = ' !"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~äß€';

/** A vault that damages what it stores, as a disk may. */
function damaging(damage: (file: string) => void): Vault {
  const put: Vault['put'] = async (name, from, stop) => {
    const stored = await vault.put(name, from, stop);
    if (!name.endsWith('.json')) damage(join(vaultPath, name));
    return stored;
  };
  return { ...vault, where: vault.where, put };
}

/** A database whose dump breaks off after that share of its bytes, and says nothing of it. */
function cutShort(database: Database, share: number): Database {
  const dump: Database['dump'] = async (to, stop) => {
    const { bytes, facts } = await wholeDump(database, stop);
    to.end(bytes.subarray(0, Math.floor(bytes.length * share)));
    return { ...facts, bytes: Math.floor(bytes.length * share) };
  };
  return changed(database, { dump });
}

async function wholeDump(database: Database, stop = signal) {
  const through = new PassThrough();
  const [bytes, facts] = await Promise.all([buffer(through), database.dump(through, stop)]);
  return { bytes, facts };
}

/** A backup comes back equal, encrypted; the source holds after it what it held before. */
async function roundTrip(url: string, tables: Record<string, number>): Promise<void> {
  const database = await open(url);
  const [schema, contents] = [await database.fingerprint(), await database.contents(signal)];
  const identity = await generateX25519Identity();
  const recipients = [await identityToRecipient(identity)];
  const configFiles = [
    { host: 'deploy@web1', path: 'app.env', bytes: Buffer.from('SECRET=geheim') },
    { host: 'deploy@web1', path: 'empty', bytes: Buffer.alloc(0) },
  ];
  const { manifest } = await takeBackup(work([database], { recipients, configFiles }));
  expect(manifest.parts.map(({ level, why }) => ({ level, why }))).toEqual(
    Array(3).fill({ level: 'compared', why: null }),
  );
  const [part] = manifest.parts;
  expect(part).toMatchObject({ contents, fingerprint: schema.digest, from: 'primary', restored: expect.any(Number) });
  if (part?.kind !== 'database') throw new Error('it is a database');
  const rows = Object.entries(part.contents!.tables).map(([table, held]) => [table, held.rows]);
  expect(Object.fromEntries(rows)).toEqual(tables);
  expect(await database.contents(signal)).toEqual(contents);
  expect((await database.fingerprint()).form).toBe(schema.form);
  await database.close();
  const names = readdirSync(vaultPath);
  expect(names).toHaveLength(4);
  for (const name of names.filter((each) => each.includes('.config.0.'))) {
    const bytes = readFileSync(join(vaultPath, name));
    expect(bytes.includes('geheim')).toBe(false);
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    expect((await decrypter.decrypt(bytes)).length).toBeGreaterThan(0);
  }
  expect(readdirSync(scratch)).toEqual([]);
  await flippedAnywhere(part, identity);
}

/** One flipped byte of a stored part never reads as a whole one. */
async function flippedAnywhere(part: Parameters<typeof readPart>[1], identity: string): Promise<void> {
  const file = join(vaultPath, part.file);
  for (const at of [0, 0.2, 0.5, 0.8, 0.9999]) {
    flipByte(file, at);
    const reading = readPart(vault, part, identity).then(buffer);
    await expect(reading, `flipped at ${at}`).rejects.toMatchObject({ code: 'backup-failed' });
    flipByte(file, at);
  }
  await readPart(vault, part, identity).then(buffer);
}

/** No part of a dump reads as a whole one; and a backup of half of it claims no more than stored. */
async function truncatedAnywhere(url: string): Promise<void> {
  const database = await open(url);
  const { bytes } = await wholeDump(database);
  const options = { like: await database.traits(), scratch, signal };
  const read = (share: number) =>
    readDump(Readable.from([bytes.subarray(0, Math.floor(bytes.length * share))], { objectMode: false }), options);
  await read(1);
  for (let tenth = 1; tenth < 10; tenth += 1)
    await expect(read(tenth / 10), `${tenth} tenths`).rejects.toMatchObject({ code: 'backup-failed' });
  const { manifest } = await takeBackup(work([cutShort(database, 0.5)]));
  await database.close();
  expect(manifest.parts[0]).toMatchObject({ level: 'stored', restored: null });
  expect(readdirSync(scratch)).toEqual([]);
}

/** A schema that changes during the dump is noticed, and nothing is stored. */
async function changedMeanwhile(url: string): Promise<void> {
  const database = await open(url);
  const dump: Database['dump'] = (to) =>
    database.dump(to, signal).finally(() => database.execute(['CREATE TABLE meanwhile (x int)']));
  await expect(takeBackup(work([changed(database, { dump })]))).rejects.toMatchObject({
    code: 'backup-changed-meanwhile',
  });
  await database.execute(['DROP TABLE meanwhile']);
  await database.close();
  expect(readdirSync(vaultPath)).toEqual([]);
}

describe('SQLite', () => {
  const name = "o'dd name é.db";
  const url = `sqlite:${name}`;
  beforeAll(() => {
    place.sqlite(
      name,
      `PRAGMA journal_mode = wal; CREATE TABLE "a ""b" (id INTEGER PRIMARY KEY, x); CREATE TABLE "--drop" (y); CREATE INDEX i ON "--drop" (y);
      INSERT INTO "a ""b" (x) WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < 1000) SELECT hex(randomblob(200)) FROM n;`,
    );
  });

  it('comes back equal', () => roundTrip(url, { 'a "b': 1000, '--drop': 0 }));
  it('is nowhere whole where it was cut', () => truncatedAnywhere(url));
  it('that changes its schema meanwhile is not stored', () => {
    cpSync(join(base, name), join(base, 'changing.db'));
    return changedMeanwhile('sqlite:changing.db');
  });

  it('comes back equal without any table', async () => {
    writeFileSync(join(base, 'empty.db'), '');
    const database = await open('sqlite:empty.db');
    const { manifest } = await takeBackup(work([database]));
    await database.close();
    expect(manifest).toMatchObject({ level: 'compared', parts: [{ contents: { tables: {} } }] });
  });

  it.each<[string, (file: string) => void]>([
    ['one flipped byte', flipByte],
    ['a truncated file', (file) => truncateSync(file, readFileSync(file).length >> 1)],
    ['an empty file', (file) => truncateSync(file, 0)],
    ['no file', (file) => rmSync(file)],
  ])('claims no level for %s', async (_case, damage) => {
    for (const recipients of [[], [await identityToRecipient(await generateX25519Identity())]]) {
      const database = await open(url);
      const configFiles = [{ host: 'h', path: 'p', bytes: Buffer.from('some text') }];
      const { manifest } = await takeBackup(work([database], { vault: damaging(damage), recipients, configFiles }));
      await database.close();
      expect(manifest.level).toBe('stored');
      expect(manifest.parts.map(({ level, why }) => [level, why !== null])).toEqual([
        ['stored', true],
        ['stored', true],
      ]);
    }
  });

  it('in a vault that is gone in the middle ends with vault-unreachable', async () => {
    const database = await open(url);
    const dump: Database['dump'] = async (to) => {
      const { bytes, facts } = await wholeDump(database);
      to.write(bytes);
      while (!readdirSync(vaultPath).some((each) => each.startsWith('.unfinished-')))
        await new Promise((resolve) => setImmediate(resolve));
      rmSync(vaultPath, { recursive: true });
      to.end();
      return facts;
    };
    const failed = takeBackup(work([changed(database, { dump })]));
    await expect(failed).rejects.toMatchObject({ code: 'vault-unreachable' });
    await database.close();
  });

  it('killed between the parts leaves no backup, and the next run is none the worse', async () => {
    const script = `import { takeBackup } from ${JSON.stringify(join(import.meta.dirname, '../../src/backup/backup.ts'))};
      import { openDatabase } from ${JSON.stringify(join(import.meta.dirname, '../../src/database/database.ts'))};
      import { openVault } from ${JSON.stringify(join(import.meta.dirname, '../../src/vault/vault.ts'))};
      const [url, path, scratch, workspace] = process.argv.slice(1); const { signal } = new AbortController();
      const database = await openDatabase({ name: 'main', url }, { workspace, scratch, signal });
      const second = Object.assign(Object.create(database), { name: 'second', fingerprint: () => database.fingerprint(),
        traits: () => database.traits(), dump: () => new Promise(() => setInterval(() => {}, 1000)) });
      const vault = await openVault(path, { workspace, s3: null, connect: () => {}, signal });
      await takeBackup({ environment: 'production', version: null, databases: [database, second], configFiles: [], vault,
        recipients: [], scratch, at: { kind: 'runner', scratch: null }, signal, progress: () => console.log('.') });`;
    const args = ['--input-type=module', '-e', script, url, vaultPath, scratch, base];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    while ((await vault.list()).length === 0) await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await listBackups(vault, 'production')).toEqual([]);
    const left = (await vault.list()).map((file) => file.name);
    expect(left).toEqual([expect.stringMatching(/database\.main\.zst$/)]);
    const database = await open(url);
    const { manifest } = await takeBackup(work([database]));
    await database.close();
    expect(manifest.level).toBe('compared');
    const kept = await clearOld(vault, 'production', { last: 1 }, []);
    expect(kept).toMatchObject({ deleted: [], abandoned: [], perhapsRunning: left });
    const later = new Date(Date.now() + 25 * 3_600_000);
    expect(await clearOld(vault, 'production', { last: 1 }, [], later)).toMatchObject({ abandoned: left });
    expect(await listBackups(vault, 'production')).toEqual([manifest]);
    for (const each of readdirSync(scratch)) rmSync(join(scratch, each), { recursive: true });
  });

  it('stops when the run is cancelled, and leaves nothing', async () => {
    const stop = new AbortController();
    const database = await open(url);
    stop.abort();
    await expect(takeBackup(work([database], { signal: stop.signal }))).rejects.toMatchObject({ code: 'cancelled' });
    await database.close();
    expect(readdirSync(vaultPath)).toEqual([]);
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('hands a compared copy over, and no other', async () => {
    const database = await open(url);
    const kept: string[] = [];
    const keepCopy: BackupWork['keepCopy'] = async (of, copy) => {
      kept.push(`${of}: ${Object.keys((await copy.database.contents(signal)).tables).length}`);
      await copy.close();
    };
    await takeBackup(work([database], { keepCopy }));
    await takeBackup(work([database], { keepCopy, vault: damaging(flipByte) }));
    await database.close();
    expect(kept).toEqual(['main: 2']);
    expect(readdirSync(scratch)).toEqual([]);
  });
});

describe.skipIf(missing('postgres'))('PostgreSQL', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres();
    const admin = await open(server.admin('postgres'));
    await admin.execute([
      ...['CREATE DATABASE "o\'dd ""name é"', 'CREATE DATABASE empty', 'CREATE ROLE guard'],
      `CREATE ROLE special SUPERUSER LOGIN PASSWORD '${PASSWORD.replaceAll("'", "''")}'`,
    ]);
    await admin.close();
    const database = await open(server.admin('o\'dd "name é'));
    const script = `CREATE TABLE "a ""b" (id serial PRIMARY KEY, gone int, state varchar(9) CHECK (state IN ('new', 'paid')), amount numeric(10, 2) DEFAULT 0);
      ALTER TABLE "a ""b" DROP COLUMN gone; ALTER TABLE "a ""b" ADD COLUMN later text COLLATE "C" DEFAULT 'x;y';
      CREATE VIEW paid AS SELECT * FROM "a ""b" WHERE state IN ('paid', 'new'); CREATE INDEX part ON "a ""b" (later) WHERE state IN ('new', 'paid');
      CREATE SCHEMA "--s"; CREATE TABLE "--s"."é" (x int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END; $$;
      CREATE TRIGGER t BEFORE INSERT ON "a ""b" FOR EACH ROW WHEN (new.state IN ('new', 'x')) EXECUTE FUNCTION f();
      CREATE POLICY p ON "a ""b" TO guard USING (state IN ('new', 'paid'));
      INSERT INTO "a ""b" (state) SELECT 'paid' FROM generate_series(1, 500);`;
    await database.execute(splitScript(script, 'postgres').map(({ sql }) => sql));
    await database.close();
  });
  afterAll(() => server?.stop());

  it('comes back equal, with a password of every special character', () => {
    const login = `special:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}`;
    const tables = { '"a ""b"': 500, '"--s"."é"': 0 };
    return roundTrip(`postgres://${login}/${encodeURIComponent('o\'dd "name é')}`, tables);
  });
  it('comes back equal without any table', () => roundTrip(server.admin('empty'), {}));
  it('is nowhere whole where it was cut', () => truncatedAnywhere(server.admin('o\'dd "name é')));
  it('that changes its schema meanwhile is not stored', () => changedMeanwhile(server.admin('empty')));

  it('is only readable where no server can be started to restore it', async () => {
    const database = await open(server.admin('empty'));
    const traits = await database.traits();
    const foreign = changed(database, { traits: async () => ({ ...traits, extensions: ['no_such_extension'] }) });
    const { manifest } = await takeBackup(work([foreign]));
    await database.close();
    expect(manifest).toMatchObject({ level: 'readable', why: expect.stringContaining('no_such_extension') });
  });
});

describe.skipIf(missing('mariadb'))('MariaDB', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startMariadb();
    const admin = await open(server.admin('mysql'));
    await admin.execute([
      ...['CREATE DATABASE `--odd $(name) é;` CHARACTER SET utf8mb4', 'CREATE DATABASE empty'],
      `CREATE USER special@localhost IDENTIFIED BY '${PASSWORD.replaceAll(/['\\]/g, '\\$&')}'`,
      'GRANT ALL ON *.* TO special@localhost',
    ]);
    await admin.close();
    const database = await open(server.admin('--odd $(name) é;'));
    const script = `CREATE TABLE \`a\`\`b\` (id int AUTO_INCREMENT PRIMARY KEY, state varchar(9) CHECK (state IN ('new', 'paid')), t text DEFAULT 'x;y', b blob);
      CREATE TABLE child (id int, CONSTRAINT fk FOREIGN KEY (id) REFERENCES \`a\`\`b\` (id) ON DELETE CASCADE);
      CREATE VIEW paid AS SELECT * FROM \`a\`\`b\` WHERE state IN ('paid', 'new');
      DELIMITER //
      CREATE PROCEDURE p() BEGIN
INSERT INTO \`child\` VALUES (1),(2);
      END//
      CREATE TRIGGER trg BEFORE INSERT ON child FOR EACH ROW BEGIN SET new.id = new.id; END//
      DELIMITER ;
      CREATE EVENT ev ON SCHEDULE EVERY 1 DAY STARTS '2024-01-01 00:00:00' DO DELETE FROM child;
      INSERT INTO \`a\`\`b\` (state, t, b) VALUES ('new', 'a\\'),(b;\\n''', x'00ff275c'), ('paid', '\\\\', null), ('paid', null, '');`;
    await database.execute(splitScript(script, 'mysql').map(({ sql }) => sql));
    await database.close();
  });
  afterAll(() => server?.stop());

  it('comes back equal, with a password of every special character', () => {
    const login = `special:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}`;
    return roundTrip(`mariadb://${login}/${encodeURIComponent('--odd $(name) é;')}`, { 'a`b': 3, child: 0 });
  });
  it('comes back equal without any table', () => roundTrip(server.admin('empty'), {}));
  it('is nowhere whole where it was cut', () => truncatedAnywhere(server.admin('--odd $(name) é;')));
  it('that changes its schema meanwhile is not stored', () => changedMeanwhile(server.admin('empty')));

  it('says which program is missing, and stores nothing', async () => {
    const database = await open(server.admin('empty'));
    const path = process.env.PATH;
    const bare = mkdtempSync(join(base, 'path-'));
    chmodSync(bare, 0o755);
    process.env.PATH = bare;
    try {
      await expect(takeBackup(work([database]))).rejects.toMatchObject({ code: 'tool-missing' });
    } finally {
      process.env.PATH = path;
      await database.close();
    }
    expect(readdirSync(vaultPath)).toEqual([]);
  });
});
