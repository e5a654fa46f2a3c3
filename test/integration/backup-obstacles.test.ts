/** What stands in the way of a backup: programs older than the server, and a disk that is full. Both are real, in a child process with mounts of its own. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { missing, startMariadb, startPostgres, type TestServer } from '../support/databases.ts';

const base = mkdtempSync(join(tmpdir(), 'obstacles-'));
const scratch = join(base, 'scratch');
mkdirSync(scratch, { mode: 0o700 });
afterAll(() => rmSync(base, { recursive: true, force: true }));

const MOUNT = 'mount -t tmpfs -o "size=$2" tmpfs "$1" && shift 2 && exec "$@"';
const POSTGRES = '/usr/lib/postgresql';

/** Why no process here can have mounts of its own; null where one can. */
function mountsMissing(): string | null {
  const tried = spawnSync('unshare', ['-rm', 'sh', '-c', MOUNT, 'sh', scratch, '1m', 'true'], { encoding: 'utf8' });
  return tried.status === 0 ? null : `no mounts of its own: ${tried.stderr || tried.error?.message}`;
}

/** Runs a module in a child process that answers JSON, with an empty disk of that size at `mount`, if any. */
function inChild(
  script: string,
  args: string[],
  options: { path?: string; mount?: string; size?: string } = {},
): unknown {
  const node = [process.execPath, '--input-type=module', '-e', script, ...args];
  const { mount, size = '1m', path = process.env.PATH! } = options;
  // The PATH of the script is set inside: unshare, sh and mount need the usual one.
  const command = mount === undefined ? node : ['unshare', '-rm', 'sh', '-c', MOUNT, 'sh', mount, size, ...node];
  const [file, ...rest] = command;
  return JSON.parse(execFileSync(file!, rest, { encoding: 'utf8', env: { ...process.env, CHILD_PATH: path } }));
}

const source = (path: string) => JSON.stringify(join(import.meta.dirname, '../../src', path));

/** Answers the obstacles and the intentions of the plan, and the Failure of the run, of a backup from inputs alone. */
const STAGE = `
  import { existsSync, readdirSync } from 'node:fs';
  import { stage } from ${source('stages/backup.ts')};
  import { RecordingLog } from ${source('log/log.ts')};
  process.env.PATH = process.env.CHILD_PATH;
  const [url, to, workspace, scratch] = process.argv.slice(1);
  const inputs = { 'database-url': url, to, recipients: [], 'ssh-key': '', environment: '', config: '', token: '' };
  const context = { verb: 'backup', inputs, config: null, environment: null, change: null, ledger: null,
    log: new RecordingLog(), signal: new AbortController().signal,
    place: { workspace, scratch, handover: workspace, cache: workspace, reports: workspace } };
  const planned = await stage.plan(context);
  const failed = await stage.run(context).then(() => null, ({ code, what }) => ({ code, what }));
  const obstacles = planned.filter(({ kind }) => kind === 'obstacle').map(({ failure: { code, what } }) => ({ code, what }));
  const stored = existsSync(to) ? readdirSync(to) : [];
  console.log(JSON.stringify({ obstacles, failed, stored, will: planned.filter(({ kind }) => kind === 'will').map(({ text }) => text) }));`;

interface Staged {
  obstacles: { code: string; what: string }[];
  will: string[];
  failed: { code: string; what: string } | null;
  /** The names in the vault afterwards. */
  stored: string[];
}

/** A folder with a program that says of itself no more than this. */
function programs(name: string, says: string): string {
  const folder = mkdtempSync(join(base, 'bin-'));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, name), `#!/bin/sh\necho '${says}'\n`, { mode: 0o755 });
  return folder;
}

async function withAdmin<T>(server: TestServer, name: string, use: (database: Database) => Promise<T>): Promise<T> {
  const { signal } = new AbortController();
  const section = { name: 'admin', url: server.admin(name) };
  const database = await openDatabase(section, { workspace: base, scratch, signal });
  return use(database).finally(() => database.close());
}

describe.skipIf(missing('postgres'))('pg_dump older than the server', () => {
  const old = programs('pg_dump', 'pg_dump (PostgreSQL) 9.6.24');
  let server: TestServer;
  let version: string;
  // Over TCP: the owner of the socket is nobody in a namespace of its own.
  const url = () => `postgres://app:geheim@127.0.0.1:${server.port}/postgres`;
  beforeAll(async () => {
    server = await startPostgres();
    version = await withAdmin(server, 'postgres', async (database) => {
      await database.execute(["CREATE ROLE app LOGIN SUPERUSER PASSWORD 'geheim'"]);
      return database.version();
    });
  });
  afterAll(() => server?.stop());

  it('is refused in the plan, and by the run, where there is no other', (context) => {
    const reason = existsSync(POSTGRES) ? mountsMissing() : null;
    if (reason !== null) return context.skip(reason);
    const vault = join(base, 'refused');
    const mount = existsSync(POSTGRES) ? { mount: POSTGRES } : {};
    const args = [url(), vault, base, scratch];
    const { obstacles, failed, stored } = inChild(STAGE, args, { path: old, ...mount }) as Staged;
    const refusal = { code: 'tool-missing', what: `pg_dump 9.6.24 is older than the server, ${version}` };
    expect(obstacles).toEqual([refusal]);
    expect(failed).toEqual(refusal);
    expect(stored).toEqual([]);
  });
});

describe.skipIf(missing('mariadb'))('mariadb-dump older than the server', () => {
  const old = programs('mariadb-dump', 'mariadb-dump  Ver 10.13 Distrib 5.5.68-MariaDB, for Linux (x86_64)');
  let server: TestServer;
  beforeAll(async () => {
    server = await startMariadb();
  });
  afterAll(() => server?.stop());

  it('is refused in the plan, and by the run', async () => {
    const version = await withAdmin(server, 'mysql', (database) => database.version());
    const vault = join(base, 'refused');
    const { obstacles, failed, stored } = inChild(STAGE, [server.admin('mysql'), vault, base, scratch], {
      path: old,
    }) as Staged;
    const refusal = { code: 'tool-missing', what: `mariadb-dump 5.5.68 is older than the server, ${version}` };
    expect(obstacles).toEqual([refusal]);
    expect(failed).toEqual(refusal);
    expect(stored).toEqual([]);
  });
});

describe('a disk that is full', () => {
  const reason = mountsMissing();

  it('ends a put with nothing left of it, and what lay there before stays', (context) => {
    if (reason !== null) return context.skip(reason);
    const vault = mkdtempSync(join(base, 'full-'));
    const script = `
      import { randomBytes } from 'node:crypto';
      import { readdirSync, readFileSync } from 'node:fs';
      import { Readable } from 'node:stream';
      import { openDirectoryVault } from ${source('vault/vault.ts')};
      const [path] = process.argv.slice(1), { signal } = new AbortController();
      const vault = openDirectoryVault(path), bytes = randomBytes(300_000);
      const pieces = (count) => Readable.from(Array.from({ length: count }, () => bytes), { objectMode: false });
      await vault.put('before', pieces(1), signal);
      const { code, why } = await vault.put('large', pieces(10), signal).catch((error) => error);
      const same = readFileSync(path + '/before').equals(bytes);
      console.log(JSON.stringify({ code, why, names: readdirSync(path), same, free: await vault.free() > 500_000 }));`;
    expect(inChild(script, [vault], { mount: vault })).toEqual({
      ...{ code: 'disk-full', why: 'ENOSPC in write', names: ['before'], same: true, free: true },
    });
  });

  it('is an obstacle in the plan, and a backup that meets it all the same leaves nothing', (context) => {
    if (reason !== null) return context.skip(reason);
    const vault = mkdtempSync(join(base, 'full-'));
    const db = new DatabaseSync(join(base, 'large.db'));
    db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (randomblob(4000000))');
    db.close();
    const { obstacles, failed, stored } = inChild(STAGE, ['sqlite:large.db', vault, base, scratch], {
      mount: vault,
    }) as Staged;
    expect(obstacles.map(({ code }) => code)).toEqual(['disk-full']);
    expect(failed).toEqual({ code: 'disk-full', what: 'the disk with the backups is full' });
    expect(stored).toEqual([]);
  });
});
