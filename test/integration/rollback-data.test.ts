/** The data half of a rollback on real directories and a real database: kept, undone, restored, or left to a person. */
import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Row } from '../../src/database/database.ts';
import { runInShell, type ShellResult } from '../../src/doors/shell.ts';
import { openDirectoryLedger } from '../../src/ledger/ledger.ts';
import { RecordingLog } from '../../src/log/log.ts';
import type { Verb } from '../../src/stages/contract.ts';
import { missing, startPostgres, type TestServer } from '../support/databases.ts';

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

async function run(verb: Verb, given: Record<string, string>): Promise<ShellResult> {
  log = new RecordingLog();
  return runInShell(verb, given, { log, signal: new AbortController().signal, workspace });
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
    expect(restored!.command).toContain('--data restore --backup production.');
    expect(last.markdown).toContain('| restore |');
    expect((await state()).live?.version).toBe('3');
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
    expect(readdirSync(join(workspace, 'hosts/web2/shared'))).toEqual(['app.env']);
    expect((await run('rollback', { version: '2' })).last.code).toBe('nothing-to-do');
  });

  it('restores data alone where the version is live; what holds the backup already is not built again', async () => {
    begin('at-3');
    const { backups } = await state();
    sql("INSERT INTO orders VALUES (2, 'second')");
    const other = await run('rollback', { version: '3', data: 'restore' });
    expect(other.last).toMatchObject({
      code: 'data-irreversible',
      summary: expect.stringContaining('while 2 was live'),
    });
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
    configure('    backup: { to: ./backups }', "    smoke-test: ['http://127.0.0.1:9/']");
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

describe.skipIf(missing('postgres'))('rollback with data on PostgreSQL', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres();
    process.env.SHOP_PW = 'pw';
    await ask('postgres', "CREATE ROLE app LOGIN PASSWORD 'pw'", 'CREATE DATABASE shop OWNER app');
  });
  afterAll(() => {
    delete process.env.SHOP_PW;
    return server?.stop();
  });

  async function ask(database: string, ...statements: string[]): Promise<Row[]> {
    const options = { workspace, scratch: base, signal: new AbortController().signal };
    const open = await openDatabase({ name: database, url: server.admin(database) }, options);
    const rows: Row[][] = [];
    for (const statement of statements) rows.push(await open.query(statement));
    await open.close();
    return rows.at(-1)!;
  }

  it('restores through the administrator what the login of the application may not, with an identity', async () => {
    begin('at-2');
    rmSync(join(workspace, 'ledger'), { recursive: true });
    for (const host of ['web1', 'web2'])
      for (const name of readdirSync(join(workspace, 'hosts', host)).filter((each) => each !== 'shared'))
        rmSync(join(workspace, 'hosts', host, name), { recursive: true });
    const identity = await generateX25519Identity();
    configure(
      `    backup: { to: ./backups, recipients: [${await identityToRecipient(identity)}] }`,
      `    rollback: { admin: '${server.admin('shop')}' }`,
    );
    const file = join(workspace, '.github/changeline.yml');
    const url = `postgres://app:\${SHOP_PW}@127.0.0.1:${server.port}/shop`;
    writeFileSync(file, readFileSync(file, 'utf8').replace('sqlite:shop.db', url));
    await deliver('2');
    await ask('shop', "INSERT INTO orders VALUES (1, 'first', 'red')");
    await deliver('3');
    await ask('shop', "INSERT INTO orders VALUES (2, 'second')");
    const restore = async (given: Record<string, string>) =>
      (await run('rollback', { version: '2', data: 'restore', ...given })).last;
    expect(await restore({ identity: await generateX25519Identity() })).toMatchObject({ code: 'backup-identity' });
    expect(await ask('shop', 'SELECT count(*)::int AS n FROM orders')).toEqual([{ n: 2 }]);
    const last = await restore({ identity });
    expect(last, last.summary).toMatchObject({ code: 'rolled-back', outputs: { data: 'restored' } });
    expect(last.facts.lost).toEqual([{ database: 'main', table: 'orders', now: 2, backup: 1 }]);
    expect(
      await ask(
        'shop',
        "SELECT o.*, pg_get_userbyid(c.relowner) AS owner FROM orders o, pg_class c WHERE c.relname = 'orders'",
      ),
    ).toEqual([{ id: 1, note: 'first', colour: 'red', owner: 'app' }]);
    await ask('shop', "INSERT INTO orders VALUES (3, 'free')");
    expect(live()).toEqual(['2', '2']);
  });
});
