/** The data half of a rollback on real directories and a real database: kept, undone, restored, or left to a person. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Row } from '../../src/database/database.ts';
import { runInShell, type ShellResult } from '../../src/doors/shell.ts';
import { openChange, openDirectoryLedger } from '../../src/ledger/ledger.ts';
import { RecordingLog } from '../../src/log/log.ts';
import type { Verb } from '../../src/stages/contract.ts';
import { missing, startMariadb, startPostgres, type TestServer } from '../support/databases.ts';
import { type SshdFleet, sshdMissing, startSshds } from '../support/sshd.ts';

let workspace: string;
let log: RecordingLog;

const MIGRATIONS: Record<string, [string, string, string]> = {
  1: ['001_orders.sql', 'CREATE TABLE orders (id integer PRIMARY KEY, note text, colour text);', 'DROP TABLE orders;'],
  2: ['002_customers.sql', 'CREATE TABLE customers (id integer PRIMARY KEY);', 'DROP TABLE customers;'],
  3: ['003_no_colour.sql', 'ALTER TABLE orders DROP COLUMN colour;', 'ALTER TABLE orders ADD COLUMN colour text;'],
};

/** Versions 1, 2 and 3 delivered once; every test begins with a copy of the folder as it was after one of them. */
const base = mkdtempSync(join(tmpdir(), 'rollback-data-'));

beforeAll(async () => {
  workspace = join(base, 'making');
  mkdirSync(join(workspace, '.github'), { recursive: true });
  configure();
  for (const host of ['web1', 'web2']) {
    mkdirSync(join(workspace, 'hosts', host, 'shared'), { recursive: true });
    writeFileSync(join(workspace, 'hosts', host, 'shared/app.env'), 'MODE=old\n', { mode: 0o640 });
  }
  for (const version of ['1', '2', '3', '4']) {
    const folder = join(workspace, 'artifacts', version, 'db');
    mkdirSync(folder, { recursive: true });
    for (const [file, up, down] of Object.values(MIGRATIONS).slice(0, Number(version)))
      writeFileSync(join(folder, file), `-- migrate:up\n${up}\n-- migrate:down\n${down}\n`);
    writeFileSync(join(workspace, 'artifacts', version, 'VERSION'), version);
  }
  new DatabaseSync(join(workspace, 'shop.db')).close();
  await deliver('1');
  sql("INSERT INTO orders VALUES (1, 'first', 'red')");
  await deliver('2');
  cpSync(workspace, join(base, 'at-2'), { recursive: true, verbatimSymlinks: true });
  await deliver('3');
  cpSync(workspace, join(base, 'at-3'), { recursive: true, verbatimSymlinks: true });
}, 120_000);
afterAll(() => rmSync(base, { recursive: true, force: true }));

function begin(at: 'at-2' | 'at-3'): void {
  workspace = mkdtempSync(join(base, 'test-'));
  cpSync(join(base, at), workspace, { recursive: true, verbatimSymlinks: true });
}

function configure(...more: string[]): void {
  const lines = [
    'name: shop',
    'artifact: ./artifacts/{version}',
    'ledger: ./ledger',
    'environments:',
    '  production:',
    '    hosts: [./hosts/web1, ./hosts/web2]',
    '    database: sqlite:shop.db',
    '    config-files: [app.env]',
    '    migrate: { from: db, contract: apply }',
    '    deploy: { waves: ["100%"] }',
    ...(more.length ? more : ['    backup: { to: ./backups }']),
  ];
  writeFileSync(join(workspace, '.github/changeline.yml'), lines.join('\n'));
}

function edit(from: string, to: string): void {
  const file = join(workspace, '.github/changeline.yml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));
}

async function run(
  verb: Verb,
  given: Record<string, string>,
  { signal } = new AbortController(),
): Promise<ShellResult> {
  log = new RecordingLog();
  return runInShell(verb, given, { log, signal, workspace });
}

async function deliver(...versions: string[]): Promise<void> {
  for (const version of versions) {
    const { last } = await run('deliver', { version });
    expect(last, `${last.summary} ${log.lines.join('\n')}`).toMatchObject({ outcome: 'passed' });
  }
}

function live(): string[] {
  return ['web1', 'web2'].map((host) =>
    readlinkSync(join(workspace, 'hosts', host, 'current')).replace('versions/', ''),
  );
}

function sql(...statements: string[]): void {
  const db = new DatabaseSync(join(workspace, 'shop.db'));
  for (const statement of statements) db.exec(statement);
  db.close();
}

function rows(query: string, file = 'shop.db'): unknown[] {
  const db = new DatabaseSync(join(workspace, file));
  const found = db.prepare(query).all();
  db.close();
  return found.map((row) => ({ ...row }));
}

const columns = (table: string) =>
  rows(`SELECT name FROM pragma_table_info('${table}')`).map((row) => (row as { name: string }).name);
const state = () => openDirectoryLedger(join(workspace, 'ledger')).state('production');

describe('rollback with data', () => {
  it('keeps the data where the migrations only added, and says so', async () => {
    begin('at-2');
    const { last } = await run('rollback', {});
    expect(last).toMatchObject({
      outcome: 'passed',
      code: 'rolled-back',
      outputs: { 'live-version': '1', data: 'kept' },
    });
    expect(last.summary).toContain('old code can live with that');
    expect(columns('customers')).toEqual(['id']);
  });

  it('stops with the choice where old code cannot live with the schema, and touches nothing', async () => {
    begin('at-3');
    sql("INSERT INTO orders VALUES (2, 'second'), (3, 'third')");
    const { last } = await run('rollback', { version: '2' });
    expect(last).toMatchObject({ outcome: 'waiting', code: 'data-undecided' });
    expect(live()).toEqual(['3', '3']);
    const [kept, down, restored] = last.facts.ways as { means: string; takes: string; command: string }[];
    expect(kept!.means).toContain('003 no_colour (main)');
    expect(down!.command).toBe('changeline rollback --environment production --version 2 --data down');
    expect(down!.takes).toMatch(/^[\d.]+ s, by the rehearsal$/);
    expect(restored!.means).toContain('orders: 3 rows now, 1 in the backup');
    expect(restored!.takes).toContain('as it was proven');
    expect(restored!.command).toMatch(/--data restore --backup \S*production\./);
    expect(last.markdown).toContain('| restore |');
    expect((await state()).live?.version).toBe('3');
  });

  it('a job that stops with the choice is red, and shows it', async () => {
    begin('at-3');
    sql('CREATE TABLE later AS SELECT 1 AS id');
    const summary = join(workspace, 'summary.md');
    writeFileSync(summary, '');
    const door = join(import.meta.dirname, '../../src/doors/action.ts');
    const env = {
      ...{ PATH: process.env.PATH, HOME: workspace, RUNNER_TEMP: workspace, GITHUB_STEP_SUMMARY: summary },
      ...{ GITHUB_WORKSPACE: workspace, INPUT_VERSION: '2' },
    };
    const program = `await (await import(${JSON.stringify(door)})).action('rollback')`;
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { env });
    expect(status).toBe(1);
    expect(stdout.toString()).toMatch(/^::error::going back to 2 needs a choice.*later: 1 rows now, 0 in the backup/m);
    expect(readFileSync(summary, 'utf8')).toMatch(/\| restore \|.*\| changeline rollback .*--data restore --backup /);
  });

  it('undoes the migrations, and the schema is what it was', async () => {
    begin('at-3');
    const { last } = await run('rollback', { version: '1', data: 'down' });
    expect(last, last.summary).toMatchObject({
      outcome: 'passed',
      outputs: { 'live-version': '1', data: 'down' },
      facts: { undone: ['003', '002'] },
    });
    expect(columns('orders')).toEqual(['id', 'note', 'colour']);
    expect(columns('customers')).toEqual([]);
    expect(rows('SELECT note FROM orders')).toEqual([{ note: 'first' }]);
    expect((await state()).migrations.map(({ undone }) => undone !== null)).toEqual([true, true, false]);
  });

  it('restores the backup from before the change and its config files, says what was lost, and keeps what it replaced', async () => {
    begin('at-3');
    sql("INSERT INTO orders VALUES (2, 'second')", "UPDATE orders SET note = 'changed' WHERE id = 1");
    writeFileSync(join(workspace, 'hosts/web1/shared/app.env'), 'MODE=new\n');
    // The one of web2 is a link, as a tool that manages secrets leaves it.
    writeFileSync(join(workspace, 'secret.env'), 'MODE=new\n');
    rmSync(join(workspace, 'hosts/web2/shared/app.env'));
    symlinkSync('../../../secret.env', join(workspace, 'hosts/web2/shared/app.env'));
    const { last } = await run('rollback', { version: '2', data: 'restore' });
    expect(last, last.summary).toMatchObject({ outcome: 'passed', outputs: { 'live-version': '2', data: 'restored' } });
    expect(live()).toEqual(['2', '2']);
    expect(last.facts.lost).toEqual([{ database: 'main', table: 'orders', now: 2, backup: 1 }]);
    expect(rows('SELECT * FROM orders')).toEqual([{ id: 1, note: 'first', colour: 'red' }]);
    const kept = readdirSync(workspace).find((name) => name.startsWith('shop.db.replaced-'))!;
    expect(rows('SELECT note FROM orders ORDER BY id', kept)).toEqual([{ note: 'changed' }, { note: 'second' }]);
    expect(readdirSync(workspace).filter((name) => name.startsWith('shop.db.changeline-'))).toEqual([]);
    expect(readFileSync(join(workspace, 'hosts/web1/shared/app.env'), 'utf8')).toBe('MODE=old\n');
    const shared = readdirSync(join(workspace, 'hosts/web1/shared'));
    const replaced = shared.find((name) => name.startsWith('app.env.replaced-'))!;
    expect(readFileSync(join(workspace, 'hosts/web1/shared', replaced), 'utf8')).toBe('MODE=new\n');
    expect(statSync(join(workspace, 'hosts/web1/shared/app.env')).mode & 0o777).toBe(0o640);
    expect(readdirSync(join(workspace, 'hosts/web2/shared'))).toEqual(['app.env']);
    expect(readlinkSync(join(workspace, 'hosts/web2/shared/app.env'))).toBe('../../../secret.env');
    expect(readFileSync(join(workspace, 'secret.env'), 'utf8')).toBe('MODE=old\n');
    sql("INSERT INTO orders VALUES (9, 'since', 'blue')");
    const again = await run('rollback', { version: '2', data: 'restore' });
    expect(again.last).toMatchObject({
      code: 'nothing-to-do',
      summary: expect.stringContaining('were taken back before'),
    });
    expect(rows('SELECT id FROM orders')).toEqual([{ id: 1 }, { id: 9 }]);
  });

  it('says that the data are back where no host is, knows it in the ledger, and goes on from there', async () => {
    begin('at-3');
    edit('waves: ["100%"]', 'waves: ["100%"], restart: "false"');
    const { last } = await run('rollback', { version: '2', data: 'restore' });
    expect(last).toMatchObject({
      ...{ outcome: 'failed', code: 'rollback-failed', facts: { data: 'restored' } },
      next: expect.stringContaining('with data: keep'),
    });
    expect(last.summary).toContain('The data were restored from ');
    expect((await state()).migrations.map(({ undone }) => undone !== null)).toEqual([true, false, false]);
    sql("INSERT INTO orders VALUES (9, 'since', 'blue')");
    configure();
    const again = await run('rollback', { version: '2', data: 'restore' });
    expect(again.last, again.last.summary).toMatchObject({ code: 'rolled-back', outputs: { data: '' } });
    expect(again.last.summary).toContain('the data stay as they are');
    expect([live(), rows('SELECT id FROM orders')]).toEqual([
      ['2', '2'],
      [{ id: 1 }, { id: 9 }],
    ]);
  });

  it('cancelled before the swap leaves everything as it was', async () => {
    begin('at-3');
    const cancel = new AbortController();
    const running = run('rollback', { version: '2', data: 'restore' }, cancel);
    const progress = (line: string | null) => line?.endsWith('beside the live one') && cancel.abort();
    Object.assign(log, { progress });
    expect((await running).last).toMatchObject({ outcome: 'failed', code: 'cancelled' });
    expect([live(), columns('orders')]).toEqual([
      ['3', '3'],
      ['id', 'note'],
    ]);
    expect(readdirSync(workspace).filter((name) => name.startsWith('shop.db.'))).toEqual([]);
    expect((await state()).migrations.map(({ undone }) => undone)).toEqual([null, null, null]);
    sql("INSERT INTO orders VALUES (9, 'free')");
  });

  it('restores data alone where the version is live; what holds the backup already is not built again', async () => {
    begin('at-3');
    const { backups } = await state();
    sql("INSERT INTO orders VALUES (2, 'second')");
    const other = await run('rollback', { version: '3', data: 'restore' });
    expect(other.last).toMatchObject({ code: 'data-irreversible', summary: expect.stringContaining('which backup') });
    const first = await run('rollback', { version: '3', data: 'restore', backup: backups[0]!.id });
    expect(first.last, first.last.summary).toMatchObject({
      outcome: 'passed',
      outputs: { 'live-version': '3', data: 'restored' },
    });
    const since = (await state()).live?.since;
    const again = await run('rollback', { version: '3', data: 'restore', backup: backups[0]!.id });
    expect(again.last).toMatchObject({ outcome: 'passed', facts: { lost: [], swapped: [] } });
    expect(readdirSync(workspace).filter((name) => name.includes('.replaced-'))).toHaveLength(1);
    expect((await state()).live?.since).toBe(since);
    expect(live()).toEqual(['3', '3']);
  });

  it('refuses what is not the backup that the ledger remembers, before anything is fenced', async () => {
    begin('at-3');
    const { id } = (await state()).backups[0]!;
    const restore = async (backup: string) => (await run('rollback', { version: '2', data: 'restore', backup })).last;
    expect(await restore('production.20200101T000000000Z-00000000')).toMatchObject({
      outcome: 'failed',
      code: 'backup-missing',
    });
    const file = join(workspace, 'backups', `${id}.manifest.json`);
    const { manifest } = JSON.parse(readFileSync(file, 'utf8')) as { manifest: object };
    const forged = { ...manifest, version: '9' };
    rmSync(file);
    writeFileSync(
      file,
      JSON.stringify({ sha256: createHash('sha256').update(JSON.stringify(forged)).digest('hex'), manifest: forged }),
    );
    expect(await restore(id)).toMatchObject({ outcome: 'failed', code: 'backup-failed' });
    expect(await restore(id)).toMatchObject({
      summary: expect.stringContaining('not the one that the ledger remembers'),
    });
    expect(live()).toEqual(['3', '3']);
    expect((await run('rollback', { version: '2', data: 'sideways' })).last).toMatchObject({ code: 'input-invalid' });
  });

  it('an automatic turn-back keeps the data, and says what old code meets', async () => {
    begin('at-2');
    writeFileSync(join(workspace, 'artifacts/3/VERSION'), 'broken');
    configure();
    edit('waves: ["100%"]', 'waves: ["100%"], restart: "! grep -q broken current/VERSION"');
    const { last } = await run('deliver', { version: '3' });
    expect(last.outcome).toBe('failed');
    expect(live()).toEqual(['2', '2']);
    expect(last.summary).toContain('2 meets a schema that was contracted by 003 no_colour');
    expect(columns('orders')).toEqual(['id', 'note']);
    configure();
    expect((await run('rollback', { version: '2', data: 'down' })).last).toMatchObject({
      outputs: { data: 'down' },
      outcome: 'passed',
    });
    expect(columns('orders')).toEqual(['id', 'note', 'colour']);
  });
});

const absent = missing('postgres') ?? missing('mariadb') ?? sshdMissing();
describe.skipIf(absent)('rollback with several databases: PostgreSQL through a host, MariaDB, SQLite', () => {
  let server: TestServer;
  let mariadb: TestServer;
  let sshd: SshdFleet;
  let identity: string;
  beforeAll(async () => {
    [server, mariadb, sshd] = await Promise.all([startPostgres(), startMariadb(), startSshds(1)]);
    process.env.SHOP_PW = 'pw';
    const admin = `postgres://boss:boss@127.0.0.1:${server.port}/shop`;
    await ask(server.admin('postgres'), "CREATE ROLE app LOGIN PASSWORD 'pw'", 'CREATE DATABASE shop OWNER app');
    await ask(server.admin('shop'), "CREATE ROLE boss SUPERUSER LOGIN PASSWORD 'boss'", 'CREATE ROLE gone');
    await ask(
      server.admin('shop'),
      'SET ROLE app',
      'CREATE TABLE prices (id integer)',
      'INSERT INTO prices VALUES (1)',
    );
    await ask(server.admin('shop'), 'GRANT SELECT ON prices TO gone');
    await ask(mariadb.admin('mysql'), 'CREATE DATABASE stock');
    await ask(mariadb.admin('stock'), 'CREATE TABLE items (id integer)', 'INSERT INTO items VALUES (1)');
    begin('at-2');
    identity = await generateX25519Identity();
    configure(
      `    backup: { to: ./backups, level: stored, recipients: [${await identityToRecipient(identity)}], verify: { at: url, url: '${server.admin('postgres')}' } }`,
      `    rollback: { admin: { main: '${admin}' } }`,
    );
    const host = sshd.hosts[0]!;
    writeFileSync(join(workspace, '.github/known_hosts'), `[${host.hostname}]:${host.port} ${host.publicKey}\n`);
    const url = `postgres://app:\${SHOP_PW}@127.0.0.1:${server.port}/shop`;
    edit(
      'sqlite:shop.db',
      `[{ name: main, url: '${url}', via: '${host.at}' }, { name: stock, url: '${mariadb.admin('stock')}' }, { name: files, url: 'sqlite:shop.db' }]`,
    );
    edit('{ from: db,', '{ from: db, database: main,');
    const { last } = await runHere('backup', { version: '2' });
    expect(last, last.summary).toMatchObject({ outcome: 'passed' });
  });
  afterAll(async () => {
    delete process.env.SHOP_PW;
    await Promise.all([server?.stop(), mariadb?.stop(), sshd?.stop()]);
  });

  const runHere = (verb: Verb, given: Record<string, string>) => run(verb, { 'ssh-key': sshd.key, ...given });

  async function ask(url: string, ...statements: string[]): Promise<Row[]> {
    const options = { workspace: base, scratch: base, signal: new AbortController().signal };
    const open = await openDatabase({ name: 'asked', url }, options);
    const session = await open.session();
    const rows: Row[][] = [];
    for (const statement of statements) rows.push(await session.query(statement));
    await session.close();
    await open.close();
    return rows.at(-1)!;
  }

  const counts = async () => [
    ...(await ask(server.admin('shop'), 'SELECT count(*)::int AS n FROM prices')),
    ...(await ask(mariadb.admin('stock'), 'SELECT CAST(COUNT(*) AS CHAR) AS n FROM items')),
    ...rows('SELECT count(*) AS n FROM orders'),
  ];

  it('restores all of them at once, each by its own login, from a backup that was only stored', async () => {
    await ask(server.admin('shop'), 'INSERT INTO prices VALUES (2)', 'DROP OWNED BY gone', 'DROP ROLE gone');
    await ask(mariadb.admin('stock'), 'INSERT INTO items VALUES (2)');
    sql("INSERT INTO orders VALUES (2, 'second', 'red')");
    const backup = (await state()).backups[0]!.id;
    const restore = async (given: Record<string, string>) =>
      (await runHere('rollback', { version: '2', data: 'restore', backup, ...given })).last;
    expect(await restore({ identity })).toMatchObject({
      code: 'restore-failed',
      summary: expect.stringContaining('no role gone'),
    });
    await ask(server.admin('shop'), 'CREATE ROLE gone');
    expect(await restore({ identity: await generateX25519Identity() })).toMatchObject({ code: 'backup-identity' });
    expect(await counts()).toEqual([{ n: 2 }, { n: '2' }, { n: 2 }]);
    const last = await restore({ identity });
    expect(last, last.summary).toMatchObject({ code: 'rolled-back', outputs: { data: 'restored' } });
    expect(last.facts.lost).toEqual([
      { database: 'main', table: 'prices', now: 2, backup: 1 },
      { database: 'stock', table: 'items', now: 2, backup: 1 },
      { database: 'files', table: 'orders', now: 2, backup: 1 },
    ]);
    expect(await counts()).toEqual([{ n: 1 }, { n: '1' }, { n: 1 }]);
    const owned = "SELECT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relname = 'prices'";
    expect(await ask(server.admin('shop'), owned)).toEqual([{ owner: 'app' }]);
  });

  it('a fence that a killed run left is named by a migration, and lifted by whatever runs next', async () => {
    const fence = "ALTER DATABASE shop SET default_transaction_read_only = 'tru'";
    const isOpen = async () =>
      (await ask(server.admin('shop'), "SELECT current_setting('default_transaction_read_only') AS it"))[0]!.it ===
      'off';
    await ask(server.admin('postgres'), fence);
    const refused = (await runHere('migrate', { version: '2' })).last;
    expect(refused).toMatchObject({
      code: 'database-busy',
      summary: expect.stringContaining('a restore that was killed'),
    });
    expect((await runHere('rollback', { version: '2', data: 'keep' })).last.code).toBe('nothing-to-do');
    expect(await isOpen()).toBe(true);

    await ask(server.admin('postgres'), fence);
    const holder = { kind: 'shell' as const, machine: hostname(), pid: 2 ** 22 + 1, started: '1', actor: 'a' };
    const opening = { verb: 'rollback', version: '2', digest: null, commit: null, config: null, holder };
    await openDirectoryLedger(join(workspace, 'ledger')).write('production', (now) => openChange(now, opening, true));
    await runHere('deploy', { version: '2' });
    expect(log.lines.join('\n')).toContain('main: writes were still held off by a restore that was killed');
    expect([await isOpen(), (await state()).open]).toEqual([true, null]);
  });
});
