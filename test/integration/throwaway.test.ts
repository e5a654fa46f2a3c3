/** Throwaway servers, really: here, on a host over SSH, and on a server of the user's. Nothing of them may be left. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readdirSync, readFileSync, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  checkThrowaway,
  type Database,
  openDatabase,
  type Throwaway,
  type ThrowawayPlace,
  type Traits,
  throwaway,
  throwawayRoom,
} from '../../src/database/database.ts';
import { verifyName } from '../../src/database/throwaway/on-url.ts';
import { connect, type Host } from '../../src/transport/transport.ts';
import { missing, startMariadb, startPostgres, type TestServer } from '../support/databases.ts';
import { running, runningUnder } from '../support/processes.ts';
import { type SshdFleet, sshdMissing, startSshds } from '../support/sshd.ts';
import type { OwnerRequest } from '../support/throwaway-owner.ts';

const { signal } = new AbortController();
const ENGINES = (['postgres', 'mariadb'] as const).filter((kind) => missing(kind) === null);
const SECRET = 'p%4 \'"$w';
const SCHEMA = {
  postgres: [
    'CREATE ROLE "re\'ader"',
    "CREATE TABLE item (id int PRIMARY KEY, name varchar(20) CHECK (name IN ('a', 'b')))",
    "INSERT INTO item SELECT n, 'a' FROM generate_series(1, 500) AS n",
    'ALTER TABLE item ENABLE ROW LEVEL SECURITY',
    'CREATE POLICY readers ON item TO "re\'ader" USING (true)',
  ],
  mariadb: [
    'CREATE TABLE item (id int PRIMARY KEY, name varchar(20))',
    "INSERT INTO item SELECT seq, 'a' FROM seq_1_to_500",
    "CREATE DEFINER = 'gone'@'%' TRIGGER item_name BEFORE INSERT ON item FOR EACH ROW SET NEW.name = 'b'",
  ],
};

interface Original {
  server: TestServer;
  database: Database;
  like: Traits;
  dump: Buffer;
}

const originals = new Map<string, Original>();
const hosts: Host[] = [];
let folder: string;
let sshds: SshdFleet | null = null;
let scratch: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'changeline-places-'));
  await chmod(folder, 0o711);
  for (const engine of ENGINES) {
    const server = engine === 'postgres' ? await startPostgres() : await startMariadb();
    const admin = await open(server.admin(engine === 'postgres' ? 'template1' : 'mysql'));
    await admin.execute([`CREATE DATABASE ${admin.quote('sh op')}`]);
    await admin.close();
    const database = await open(server.admin('sh op'));
    await database.execute(SCHEMA[engine]);
    const file = createWriteStream(join(folder, engine));
    await database.dump(file, signal);
    const like = { ...(await database.traits()), name: 'sh\'op "1"' };
    originals.set(engine, { server, database, like, dump: readFileSync(file.path) });
  }
  if (sshdMissing() === null) sshds = await startSshds(1);
}, 60_000);
afterAll(async () => {
  for (const host of hosts) await host.close();
  for (const { database, server } of originals.values()) {
    await database.close();
    await server.stop();
  }
  await sshds?.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  scratch = await mkdtemp(join(folder, 'scratch-'));
  await chmod(scratch, 0o777);
});
afterEach(() => {
  // Whatever a test did: no data, and no process that names them.
  expect({ data: readdirSync(scratch), processes: runningUnder(scratch) }).toEqual({ data: [], processes: [] });
});

const open = (url: string) => openDatabase({ name: 'db', url }, { workspace: folder, scratch: folder, signal });

async function onHost(): Promise<Host> {
  const { hosts: fleet, key, knownHosts } = sshds!;
  const options = { path: '/srv', key, knownHosts, scratch: folder, workspace: folder, signal };
  const host = await connect({ at: fleet[0]!.at, with: {} }, options);
  hosts.push(host);
  return host;
}

async function place(kind: 'runner' | 'host'): Promise<ThrowawayPlace> {
  return kind === 'runner' ? { kind, scratch } : { kind, host: await onHost(), scratch };
}

/** Starts one, filled by a restore. */
async function copyOf(engine: string, at: ThrowawayPlace, changes: Partial<Traits> = {}): Promise<Throwaway> {
  const { like, dump } = originals.get(engine)!;
  const copy = await throwaway({ scratch: folder, like: { ...like, ...changes }, at, signal });
  await copy.restore(Readable.from([dump]), signal);
  return copy;
}

const rows = async (database: Database) => Number((await database.query('SELECT count(*) AS n FROM item'))[0]?.n);

/** Fails unless it holds what the original holds, says so, and lets nobody in without its password. */
async function isLikeOriginal(copy: Throwaway, engine: string): Promise<void> {
  expect(await rows(copy.database)).toBe(500);
  expect(await copy.database.fingerprint()).toEqual(await originals.get(engine)!.database.fingerprint());
  expect({ unlike: copy.unlike, lacks: copy.lacks }).toEqual({ unlike: [], lacks: [] });
  for (const directory of readdirSync(scratch)) expect(statSync(join(scratch, directory)).mode & 0o777).toBe(0o700);
  const url = new URL(copy.database.url());
  expect(running().filter(({ command }) => command.includes(url.password))).toEqual([]);
  url.password = '';
  await expect(open(url.href)).rejects.toMatchObject({ code: 'database-denied' });
  url.username = 'root';
  await expect(open(url.href)).rejects.toMatchObject({ code: 'database-denied' });
}

/** Fails unless it becomes durable, with its data and at its own address. */
async function hardens({ database, harden }: Throwaway): Promise<void> {
  const postgres = database.engine === 'postgres';
  const durable = () =>
    database.query(
      postgres
        ? "SELECT setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'wal_level', 'autovacuum') ORDER BY name"
        : 'SELECT @@innodb_flush_log_at_trx_commit AS commit, @@innodb_doublewrite AS doublewrite',
    );
  const url = database.url();
  expect(await durable()).toEqual(
    postgres ? settings('off', 'off', 'off', 'minimal') : [{ commit: 0, doublewrite: 0 }],
  );
  await harden();
  expect(await durable()).toEqual(postgres ? settings('off', 'on', 'on', 'replica') : [{ commit: 1, doublewrite: 1 }]);
  expect(database.url()).toBe(url);
  expect(await rows(database)).toBe(500);
  // A trigger of a definer whom this server did not know runs all the same.
  await database.execute(["INSERT INTO item VALUES (501, 'a')"]);
}

/** The scripts are the same everywhere: each engine here or there, and both places, are all there is to try. */
const PLACES = (
  [
    ['postgres', 'runner'],
    ['mariadb', 'host'],
  ] as const
).filter(([engine, kind]) => ENGINES.includes(engine) && (kind === 'runner' || sshdMissing() === null));

it.each(PLACES)(
  'a copy of %s on a %s is like the original, and becomes durable for a rehearsal',
  async (engine, kind) => {
    const copy = await copyOf(engine, await place(kind));
    await isLikeOriginal(copy, engine);
    await hardens(copy);
    await copy.close();
  },
);

describe.each(ENGINES)('a copy of %s', (engine) => {
  it('on a server of the user’s is a database that goes again, with those of dead runs', async () => {
    const { server, database } = originals.get(engine)!;
    const admin = await open(server.admin(engine === 'postgres' ? 'postgres' : 'mysql'));
    const [old, young] = [Date.now() - 90_000_000, Date.now() - 80_000_000].map((at) => verifyName(at, '0123456789ab'));
    await admin.execute([old, young].map((name) => `CREATE DATABASE ${name}`));
    const at: ThrowawayPlace = { kind: 'url', url: await verifier(engine, admin) };
    await checkThrowaway(engine, '9.0', at);
    const copy = await copyOf(engine, at);
    expect(await rows(copy.database)).toBe(500);
    expect(copy.unlike).toEqual([expect.stringContaining('one of yours')]);
    await copy.harden();
    expect((await verifying(admin)).filter((name) => name !== young)).toHaveLength(1);
    await copy.close();
    expect(await verifying(admin)).toEqual([young]);
    await admin.execute([`DROP DATABASE ${young}`]);
    expect(await rows(database)).toBe(500);
    await admin.close();
  });

  it('is refused on a server of the user’s that cannot take it', async () => {
    const { server } = originals.get(engine)!;
    const admin = await open(server.admin(engine === 'postgres' ? 'postgres' : 'mysql'));
    const create = engine === 'postgres' ? 'CREATE ROLE small LOGIN PASSWORD' : 'CREATE USER small IDENTIFIED BY';
    await admin.execute([`${create} '${SECRET.replace("'", "''")}'`]);
    const name = engine === 'postgres' ? 'postgres' : 'information_schema';
    const small = `${engine}://small:${encodeURIComponent(SECRET)}@127.0.0.1:${server.port}/${name}`;
    await expect(checkThrowaway(engine, '9.0', { kind: 'url', url: small })).rejects.toMatchObject({
      code: 'database-denied',
    });
    const url = server.admin(name);
    await expect(checkThrowaway(engine, '99.0', { kind: 'url', url })).rejects.toMatchObject({
      why: expect.stringMatching(/older/),
    });
    await expect(checkThrowaway('mysql', '5.0', { kind: 'url', url })).rejects.toMatchObject({
      code: 'config-invalid',
    });
    if (engine === 'mariadb') await refusesWhatIsNear(admin, url);
    expect(await verifying(admin)).toEqual([]);
    await admin.close();
  });
});

/** The URL of a login that may make copies; in MariaDB it can reach no other database. */
async function verifier(engine: string, admin: Database): Promise<string> {
  const { server } = originals.get(engine)!;
  if (engine === 'postgres') return server.admin('postgres');
  await admin.execute([
    "CREATE USER verify@localhost IDENTIFIED BY 'geheim'",
    'GRANT ALL ON `changeline\\_verify\\_%`.* TO verify@localhost',
    'GRANT SET USER ON *.* TO verify@localhost',
  ]);
  return server.admin('information_schema').replace('root@', 'verify:geheim@');
}

/** In MariaDB what runs in a copy may name any database: neither root's login nor a server that runs events will do. */
async function refusesWhatIsNear(admin: Database, url: string): Promise<void> {
  const refused = (at: string, why: string) =>
    expect(checkThrowaway('mariadb', '9.0', { kind: 'url', url: at })).rejects.toMatchObject({
      ...{ code: 'config-invalid', why: expect.stringContaining(why) },
    });
  await refused(url, 'sh op');
  await admin.execute(['SET GLOBAL event_scheduler = ON']);
  await refused(url.replace('root@', 'verify:geheim@'), 'event scheduler');
  await admin.execute(['SET GLOBAL event_scheduler = OFF']);
}

const settings = (...values: string[]) => values.map((setting) => ({ setting }));

const verifying = async (admin: Database): Promise<string[]> => {
  const sql =
    admin.engine === 'postgres'
      ? 'SELECT datname AS name FROM pg_database'
      : 'SELECT schema_name AS name FROM information_schema.schemata';
  return (await admin.query(sql))
    .map(({ name }) => String(name))
    .filter((name) => name.startsWith('changeline_verify_'));
};

async function startOwner(engine: string, kind: 'runner' | 'host') {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../support/throwaway-owner.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { key, knownHosts, hosts: fleet } = sshds ?? { key: null, knownHosts: null, hosts: [] };
  const options = { path: '/srv', key, knownHosts, scratch: folder, workspace: folder };
  const host = kind === 'host' ? { address: { at: fleet[0]!.at, with: {} }, options } : null;
  const request: OwnerRequest = { like: originals.get(engine)!.like, scratch, host };
  child.stdin.end(JSON.stringify(request));
  await once(child.stdout, 'data');
  return child;
}

const gone = () =>
  vi.waitFor(() => expect([readdirSync(scratch), runningUnder(scratch)]).toEqual([[], []]), {
    timeout: 20_000,
    interval: 20,
  });

it.each(PLACES)('a copy of %s on a %s goes with its owner’s death by SIGKILL', async (engine, kind) => {
  const owner = await startOwner(engine, kind);
  expect(readdirSync(scratch)).toHaveLength(1);
  owner.kill('SIGKILL');
  await gone();
});

describe.runIf(ENGINES.includes('postgres'))('a throwaway of PostgreSQL', () => {
  const at = (): ThrowawayPlace => ({ kind: 'runner', scratch });
  const like = (changes: Partial<Traits>): Traits => ({ ...originals.get('postgres')!.like, ...changes });

  it('that is cancelled while it is made leaves nothing', async () => {
    const making = new AbortController();
    const made = throwaway({ scratch: folder, like: like({}), at: at(), signal: making.signal });
    const refused = expect(made).rejects.toMatchObject({ code: 'cancelled' });
    await vi.waitFor(() => expect(readdirSync(scratch)).toHaveLength(1), { interval: 5 });
    making.abort();
    await refused;
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('is not filled by a dump that breaks off, and can be cancelled meanwhile', async () => {
    const { dump } = originals.get('postgres')!;
    const filling = new AbortController();
    const copy = await throwaway({ scratch: folder, like: like({}), at: at(), signal: filling.signal });
    const half = copy.restore(Readable.from([dump.subarray(0, dump.length / 2)]), signal);
    await expect(half).rejects.toMatchObject({ code: 'backup-failed' });
    const broken = Readable.from(
      (async function* () {
        yield dump.subarray(0, 1000);
        throw new Error('the vault is gone');
      })(),
    );
    await expect(copy.restore(broken, signal)).rejects.toThrow('the vault is gone');
    expect(await copy.database.query("SELECT FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
    const endless = new Readable({ read() {} });
    endless.push(dump.subarray(0, 2000));
    const restored = expect(copy.restore(endless, filling.signal)).rejects.toThrow();
    filling.abort();
    await restored;
    await copy.close();
  });

  it('clears what a crash left of another one, and says which locale it could not have', async () => {
    const owner = await startOwner('postgres', 'runner');
    const script = Number(execFileSync('pgrep', ['-P', String(owner.pid)], { encoding: 'utf8' }));
    process.kill(script, 'SIGKILL');
    owner.kill('SIGKILL');
    await once(owner, 'close');
    const [left] = readdirSync(scratch);
    const copy = await copyOf('postgres', at(), { collation: 'xx_YY.UTF-8', ctype: 'xx_YY.UTF-8', version: '12.1' });
    expect(readdirSync(scratch)).toHaveLength(1);
    expect(readdirSync(scratch)).not.toContain(left);
    expect(copy.lacks).toEqual([expect.stringContaining('xx_YY.UTF-8')]);
    expect(copy.unlike).toEqual([expect.stringMatching(/, the original 12\.1$/)]);
    const [role] = await copy.database.query('SELECT rolcanlogin FROM pg_roles WHERE rolname = $1', ["re'ader"]);
    expect(role).toEqual({ rolcanlogin: false });
    await copy.close();
    await gone();
  });

  it('is refused where no server is new enough, or no folder can be used', async () => {
    await expect(checkThrowaway('postgres', '99.1', at())).rejects.toMatchObject({
      code: 'tool-missing',
      what: expect.stringContaining('here'),
    });
    const closed = await mkdtemp(join(folder, 'closed-'));
    const nowhere = [join(closed, 'absent'), ...(process.getuid?.() === 0 ? [closed] : [])];
    for (const path of nowhere) {
      const refused = throwaway({ scratch: folder, like: like({}), at: { kind: 'runner', scratch: path }, signal });
      await expect(refused).rejects.toMatchObject({
        code: 'backup-failed',
        what: expect.stringContaining('no folder here'),
        why: expect.stringContaining(path),
      });
    }
    expect(readdirSync(closed)).toEqual([]);
  });

  it.runIf(process.getuid?.() === 0)('tells the room of its folder beforehand, and a full disk as such', async () => {
    const small = join(scratch, 'small');
    await mkdir(small);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=777', 'tmpfs', small]);
      const { bavail, bsize } = await statfs(small);
      expect(await throwawayRoom({ kind: 'runner', scratch: small })).toBe(bavail * bsize);
      const refused = throwaway({ scratch: folder, like: like({}), at: { kind: 'runner', scratch: small }, signal });
      await expect(refused).rejects.toMatchObject({
        code: 'disk-full',
        next: expect.stringContaining('backup.verify.scratch'),
      });
      expect(readdirSync(small)).toEqual([]);
    } finally {
      execFileSync('umount', [small]);
      await rm(small, { recursive: true });
    }
    if (sshds) expect(await throwawayRoom(await place('host'))).toBeGreaterThan(0);
    expect(await throwawayRoom({ kind: 'url', url: 'postgres://x@localhost/x' })).toBeNull();
  });
});
