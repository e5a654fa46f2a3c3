/** Backups against real databases: what comes back, what is claimed of what was damaged, and what a run leaves behind. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BackupWork, readPart, takeBackup } from '../../src/backup/backup.ts';
import { type Database, readDump } from '../../src/database/database.ts';
import { splitScript } from '../../src/migration/statements.ts';
import { stage } from '../../src/stages/backup.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { BackupPlace, changed, flipByte, wholeDump } from '../support/backups.ts';
import { missing, startMariadb, startPostgres, type TestServer } from '../support/databases.ts';
import { sshdMissing, startSshds } from '../support/sshd.ts';

const place = new BackupPlace();
const { base, scratch, signal } = place;
chmodSync(base, 0o711); // the users of servers enter it
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

/** A database whose dump breaks off after that share of its bytes, and says nothing of it. */
function cutShort(database: Database, share: number): Database {
  const dump: Database['dump'] = async (to, stop) => {
    const { bytes, facts } = await wholeDump(database, stop);
    to.end(bytes.subarray(0, Math.floor(bytes.length * share)));
    return { ...facts, bytes: Math.floor(bytes.length * share) };
  };
  return changed(database, { dump });
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

/** No part of a dump reads as a whole one. */
async function neverReadWhole(database: Database): Promise<void> {
  const { bytes } = await wholeDump(database, signal);
  const options = { like: await database.traits(), scratch, signal };
  const read = (share: number) =>
    readDump(Readable.from([bytes.subarray(0, Math.floor(bytes.length * share))], { objectMode: false }), options);
  await read(1);
  for (let tenth = 1; tenth < 10; tenth += 1)
    await expect(read(tenth / 10), `${tenth} tenths`).rejects.toMatchObject({ code: 'backup-failed' });
}

/** Nor does a backup of half of it claim more than stored. */
async function truncatedAnywhere(url: string): Promise<void> {
  const database = await open(url);
  await neverReadWhole(database);
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
});

describe.skipIf(missing('postgres'))('PostgreSQL', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres();
    const admin = await open(server.admin('postgres'));
    await admin.execute([
      ...['CREATE DATABASE "o\'dd ""name é"', 'CREATE DATABASE empty', 'CREATE DATABASE lacking', 'CREATE ROLE guard'],
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
  it('is nowhere whole where it was cut', async () => {
    const database = await open(server.admin('o\'dd "name é'));
    await neverReadWhole(database);
    await database.close();
  });
  it('that changes its schema meanwhile is not stored', () => changedMeanwhile(server.admin('empty')));

  it.runIf(process.getuid?.() === 0)(
    'is only readable where its copy fills the disk, and nothing is left there',
    async () => {
      const small = mkdtempSync(join(base, 'small-'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=777', 'tmpfs', small]);
      try {
        const admin = await open(server.admin('empty'));
        const filler = "repeat('x', 1900) AS x FROM generate_series(1, 20000)";
        await admin.execute([`CREATE TABLE filler AS SELECT ${filler}`]);
        const { manifest } = await takeBackup(work([admin], { at: { kind: 'runner', scratch: small } }));
        await admin.execute(['DROP TABLE filler']);
        await admin.close();
        expect(manifest).toMatchObject({ level: 'readable', why: expect.stringContaining('No space left on device') });
        expect([readdirSync(small), readdirSync(scratch)]).toEqual([[], []]);
      } finally {
        execFileSync('umount', [small]);
      }
    },
  );

  it.skipIf(sshdMissing() !== null)('without any table is proven on a host, by the stage', async () => {
    const sshds = await startSshds(1);
    try {
      const [host] = sshds.hosts;
      const verify = { at: 'host', host: host!.at, scratch: '/tmp' };
      const sections = { database: server.admin('empty'), backup: { to: vaultPath, verify } };
      mkdirSync(join(base, '.github'), { recursive: true });
      cpSync(sshds.knownHosts, join(base, '.github/known_hosts'));
      const context = place.context({ 'ssh-key': sshds.key }, sections);
      expect(await stage.run(context)).toMatchObject({ code: 'ok', outputs: { level: 'compared' } });
    } finally {
      await sshds.stop();
    }
  });

  it('is only readable where its copy cannot have an extension, which the plan says', async () => {
    const admin = await open(server.admin('lacking'));
    const rename = "UPDATE pg_extension SET extname = 'no_such_extension' WHERE extname = 'plpgsql'";
    await admin.execute(['SET allow_system_table_mods = on', rename], { transaction: true });
    const planned = await stage.plan(
      place.context({}, { database: server.admin('lacking'), backup: { to: vaultPath } }),
    );
    const said = { kind: 'obstacle', text: expect.stringMatching(/can only be proven readable: .*no_such_extension/) };
    expect(planned).toContainEqual(expect.objectContaining(said));
    const { manifest } = await takeBackup(work([admin]));
    await admin.close();
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
