import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BackupWork, keepNewest, takeBackup } from '../../src/backup/backup.ts';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { splitScript } from '../../src/migration/statements.ts';
import { stage } from '../../src/stages/backup.ts';
import type { StageContext } from '../../src/stages/stage.ts';
import { openDirectoryVault, type Vault } from '../../src/vault/vault.ts';
import { missing, startMariadb, startPostgres, type TestServer } from '../support/databases.ts';

const { signal } = new AbortController();
const base = mkdtempSync(join(tmpdir(), 'backup-'));
const scratch = join(base, 'scratch');
mkdirSync(scratch, { mode: 0o700 });
afterAll(() => rmSync(base, { recursive: true, force: true }));
let vaultPath: string;
beforeEach(() => (vaultPath = mkdtempSync(join(base, 'vault-'))));

const open = (url: string, name = 'main') => openDatabase({ name, url }, { workspace: base, scratch, signal });
const work = (databases: Database[], more: Partial<BackupWork> = {}): BackupWork => ({
  ...{
    environment: 'production',
    version: '1.0.0',
    databases,
    configFiles: [],
    vault: openDirectoryVault(vaultPath),
    recipients: [],
  },
  ...{ scratch, signal, progress: () => {} },
  ...more,
});
/** A vault that damages what it stores, as a disk may. */
const damaging = (damage: (file: string) => void): Vault => {
  const vault = openDirectoryVault(vaultPath);
  return {
    ...vault,
    put: async (name, from, stop) => {
      const stored = await vault.put(name, from, stop);
      if (!name.endsWith('.json')) damage(join(vaultPath, name));
      return stored;
    },
  };
};

/** The database, but for some of its methods. */
function changed(database: Database, methods: Partial<Database>): Database {
  const value = (key: keyof Database) =>
    methods[key] ?? (typeof database[key] === 'function' ? database[key].bind(database) : database[key]);
  return new Proxy(database, { get: (_database, key) => value(key as keyof Database) });
}

async function roundTrip(url: string, tables: Record<string, number>): Promise<void> {
  const database = await open(url);
  const [schema, counts] = [await database.fingerprint(), await database.counts()];
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
  expect(manifest.parts[0]).toMatchObject({ counts: tables, fingerprint: schema.digest });
  expect(await database.counts()).toEqual(counts);
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
}

describe('SQLite', () => {
  const path = join(base, "o'dd name é.db");
  beforeAll(() => {
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA journal_mode = wal; CREATE TABLE "a ""b" (id INTEGER PRIMARY KEY, x); CREATE TABLE "--drop" (y); CREATE INDEX i ON "--drop" (y);
      INSERT INTO "a ""b" (x) WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < 1000) SELECT hex(randomblob(200)) FROM n;`);
    db.close();
  });

  it('comes back equal', () => roundTrip(`sqlite:${path}`, { 'a "b': 1000, '--drop': 0 }));

  it('says so where there is no table at all', async () => {
    writeFileSync(join(base, 'empty.db'), '');
    await roundTrip(`sqlite:${join(base, 'empty.db')}`, {});
  });

  it.each<[string, (file: string) => void]>([
    [
      'one flipped byte',
      (file) => {
        const bytes = readFileSync(file);
        bytes[bytes.length >> 1]! ^= 1;
        writeFileSync(file, bytes);
      },
    ],
    ['a truncated file', (file) => truncateSync(file, readFileSync(file).length >> 1)],
    ['an empty file', (file) => truncateSync(file, 0)],
    ['no file', (file) => rmSync(file)],
  ])('claims no level for %s', async (_case, damage) => {
    for (const recipients of [[], [await identityToRecipient(await generateX25519Identity())]]) {
      const database = await open(`sqlite:${path}`);
      const { manifest } = await takeBackup(
        work([database], {
          vault: damaging(damage),
          recipients,
          configFiles: [{ host: 'h', path: 'p', bytes: Buffer.from('some text') }],
        }),
      );
      await database.close();
      expect(manifest.level).toBe('stored');
      expect(manifest.parts.map(({ level }) => level)).toEqual(['stored', 'stored']);
    }
  });

  it('notices a schema that changes meanwhile, and stores nothing', async () => {
    const copy = join(base, 'changing.db');
    cpSync(path, copy);
    const database = await open(`sqlite:${copy}`);
    const changing = changed(database, {
      dump: async (to) => database.dump(to, signal).finally(() => database.execute(['CREATE TABLE meanwhile (x)'])),
    });
    await expect(takeBackup(work([changing]))).rejects.toMatchObject({ code: 'backup-changed-meanwhile' });
    await database.close();
    expect(readdirSync(vaultPath)).toEqual([]);
  });

  it('keeps the newest, and clears what a killed run left', async () => {
    const vault = openDirectoryVault(vaultPath);
    const ids: string[] = [];
    const database = await open(`sqlite:${path}`);
    for (let n = 0; n < 3; n += 1) ids.push((await takeBackup(work([database]))).manifest.id);
    await database.close();
    const old = 'production.20200101T000000000Z-dead.database.main.zst';
    writeFileSync(join(vaultPath, old), 'half');
    const young = `${ids[2]!.replace(/-.*/, '-beef')}.database.main.zst`;
    writeFileSync(join(vaultPath, young), 'half');
    expect(await keepNewest(vault, 'production', 1)).toEqual({
      deleted: [ids[1], ids[0]],
      abandoned: [old],
      perhapsRunning: [young],
      damaged: [],
    });
    expect((await vault.list()).filter((name) => !name.startsWith(ids[2]!))).toEqual([young]);
  });

  it('leaves no manifest where the run is killed', async () => {
    const big = join(base, 'big.db');
    const db = new DatabaseSync(big);
    db.exec(
      'CREATE TABLE t (x); INSERT INTO t WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < 200) SELECT randomblob(1000000) FROM n;',
    );
    db.close();
    const script = `import { takeBackup } from ${JSON.stringify(join(import.meta.dirname, '../../src/backup/backup.ts'))};
      import { openDatabase } from ${JSON.stringify(join(import.meta.dirname, '../../src/database/database.ts'))};
      import { openDirectoryVault } from ${JSON.stringify(join(import.meta.dirname, '../../src/vault/vault.ts'))};
      const [url, vault, scratch] = process.argv.slice(1); const { signal } = new AbortController();
      const database = await openDatabase({ name: 'main', url }, { workspace: '/', scratch, signal });
      console.log('begun');
      await takeBackup({ environment: 'production', version: null, databases: [database], configFiles: [], vault: openDirectoryVault(vault), recipients: [], scratch, signal, progress: () => {} });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, `sqlite:${big}`, vaultPath, scratch], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    while (!readdirSync(vaultPath).some((name) => name.startsWith('.unfinished-')))
      await new Promise((resolve) => setTimeout(resolve, 2));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await openDirectoryVault(vaultPath).list()).toEqual([]);
    for (const name of readdirSync(scratch)) rmSync(join(scratch, name), { recursive: true });
  });

  it('stops when the run is cancelled, and leaves nothing', async () => {
    const stop = new AbortController();
    const database = await open(`sqlite:${path}`);
    stop.abort();
    await expect(takeBackup(work([database], { signal: stop.signal }))).rejects.toMatchObject({ code: 'cancelled' });
    await database.close();
    expect(readdirSync(vaultPath)).toEqual([]);
    expect(readdirSync(scratch)).toEqual([]);
  });
});

describe('the stage', () => {
  const context = (inputs: Record<string, unknown>, environment: unknown = null): StageContext<'backup'> =>
    ({
      verb: 'backup',
      inputs: {
        'database-url': '',
        to: '',
        recipients: [],
        'ssh-key': '',
        environment: '',
        config: '',
        token: '',
        ...inputs,
      },
      ...{ config: null, environment, change: null, ledger: null, log: new RecordingLog(), signal },
      place: { workspace: base, scratch, handover: base, cache: base, reports: base },
    }) as unknown as StageContext<'backup'>;
  const url = 'sqlite:stage.db';
  beforeAll(() => {
    const db = new DatabaseSync(join(base, 'stage.db'));
    db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)');
    db.close();
  });

  it('plans and takes a backup from inputs alone', async () => {
    const given = context({ 'database-url': url, to: vaultPath });
    expect((await stage.plan(given)).map(({ kind }) => kind)).toEqual(['will', 'will', 'will']);
    expect(readdirSync(vaultPath)).toEqual([]);
    const result = await stage.run(given);
    expect(result).toMatchObject({ outcome: 'passed', code: 'ok', outputs: { level: 'compared' } });
    expect(result.summary).toMatch(/^1 part, \d+ B, compared: 1 table, 2 rows equal, unencrypted$/);
  });

  it('is skipped where an environment asks for none', async () => {
    const environment = { name: 'uat', hosts: [], databases: [], 'config-files': [] };
    expect(await stage.run(context({}, environment))).toMatchObject({ outcome: 'skipped', code: 'not-configured' });
  });

  it.each([
    [{}, 'input-missing'],
    [{ 'database-url': url }, 'input-missing'],
    [{ 'database-url': url, to: 's3://bucket/x' }, 'input-invalid'],
    [{ 'database-url': url, to: 'vault', recipients: ['age1notarecipient'] }, 'input-invalid'],
  ])('%j is refused: %s', async (inputs, code) => {
    await expect(stage.plan(context(inputs))).rejects.toMatchObject({ code });
    await expect(stage.run(context(inputs))).rejects.toMatchObject({ code });
  });

  it('names what would fail in the plan', async () => {
    writeFileSync(join(base, 'no-directory'), '');
    const planned = await stage.plan(context({ 'database-url': 'sqlite:absent.db', to: join(base, 'no-directory') }));
    expect(planned.filter(({ kind }) => kind === 'obstacle').map(({ failure }) => failure?.code)).toEqual([
      'database-unreachable',
      'vault-unreachable',
    ]);
  });

  it('backs up config files, whose hosts are no fact', async () => {
    const host = mkdtempSync(join(base, 'host-'));
    mkdirSync(join(host, 'shared'));
    writeFileSync(join(host, 'shared', 'app.env'), 'A=1');
    const environment = {
      name: 'uat',
      hosts: [{ at: host, with: {} }],
      databases: [],
      'config-files': ['app.env'],
      backup: { to: vaultPath, level: 'compared', keep: { last: 1 } },
    };
    const result = await stage.run(context({}, environment));
    expect(result).toMatchObject({ outcome: 'passed', outputs: { level: 'compared' } });
    expect(JSON.stringify(result)).not.toContain(host);
  });
});

describe.skipIf(missing('postgres'))('PostgreSQL', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres();
    const admin = await open(server.admin('postgres'));
    await admin.execute(['CREATE DATABASE "o\'dd ""name é"', 'CREATE DATABASE empty', 'CREATE ROLE guard']);
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

  it('comes back equal', () => roundTrip(server.admin('o\'dd "name é'), { '"a ""b"': 500, '"--s"."é"': 0 }));
  it('comes back equal without any table', () => roundTrip(server.admin('empty'), {}));

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
    await admin.execute(['CREATE DATABASE `--odd $(name) é;` CHARACTER SET utf8mb4', 'CREATE DATABASE empty']);
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

  it('comes back equal', () => roundTrip(server.admin('--odd $(name) é;'), { 'a`b': 3, child: 0 }));
  it('comes back equal without any table', () => roundTrip(server.admin('empty'), {}));

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
