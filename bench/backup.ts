/**
 * Backups against what people do by hand: how long production's snapshot is held (from the start of the dump's program
 * to its end, in `dump | zstd | age > file`), how long it takes to a proven copy (the same, then read back into a fresh
 * server), and the memory that it takes. The proven one is `changeline backup` as users run it, from dist/, in a process
 * of its own, whose peak (VmHWM of Linux) is read.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import type { Measured } from '../scripts/bench.ts';
import { openDatabase } from '../src/database/database.ts';
import { missing, startMariadb, startPostgres, type TestServer } from '../test/support/databases.ts';

const LARGE_MB = 800;
/** Of the dump alone; the restores, which take minutes, are timed once. */
const ROUNDS = 3;
/** Names of databases too. */
const KINDS = ['compressible', 'incompressible'] as const;
/** Whatever the size of the database. */
const MOST_MB = 150;
const ROW = 1000;

interface Engine {
  name: string;
  /** The administrator's own database. */
  first: string;
  start(): Promise<TestServer>;
  /** One row of each kind, as an SQL expression of the number `v`, of about a kilobyte. */
  row: Record<(typeof KINDS)[number], string>;
  /** A query of the numbers 1 to `amount`, as `v`. */
  numbers(amount: number): string;
  textType: string;
  /** By hand: the dump to standard output, and reading one back from `$DUMP` into the empty database `bench`. */
  dump(server: TestServer, database: string): string;
  restore(server: TestServer, plain: string): string;
}

const POSTGRES: Engine = {
  name: 'PostgreSQL',
  first: 'postgres',
  start: startPostgres,
  row: {
    compressible: "repeat('order ' || v || ' of customer ' || v % 977 || ', ' || md5(v::text) || '; ', 14)",
    incompressible: Array.from(
      { length: 45 },
      (_, n) => `encode(decode(md5((v * 45 + ${n})::text), 'hex'), 'base64')`,
    ).join(' || '),
  },
  numbers: (amount) => `SELECT v FROM generate_series(1, ${amount}) v`,
  textType: 'text',
  dump: (server, database) => `pg_dump -Fc -Z0 -h ${server.socket} -p ${server.port} -U admin ${database}`,
  restore: (server, plain) => `pg_restore -j2 -h ${server.socket} -p ${server.port} -U admin -d bench ${plain}`,
};

const MARIADB: Engine = {
  name: 'MariaDB',
  first: 'mysql',
  start: startMariadb,
  row: {
    compressible: "REPEAT(CONCAT('order ', v, ' of customer ', v % 977, ', ', MD5(v), '; '), 14)",
    incompressible: "REPLACE(TO_BASE64(RANDOM_BYTES(750)), '\\n', '')",
  },
  numbers: (amount) => `SELECT seq AS v FROM seq_1_to_${amount}`,
  textType: 'text CHARACTER SET ascii',
  dump: (server, database) =>
    `mariadb-dump --no-defaults -u root -S ${server.socket} --single-transaction --quick --hex-blob ${database}`,
  restore: (server, plain) => `mariadb --no-defaults -u root -S ${server.socket} bench < ${plain}`,
};

/** The modules of measured processes. `HELD` stores a dump and prints for how many milliseconds the snapshot was held. */
const at = (path: string) => JSON.stringify(join(import.meta.dirname, '..', path));
const HELD = `
  import { store } from ${at('src/backup/stored.ts')};
  import { openDatabase } from ${at('src/database/database.ts')};
  import { openDirectoryVault } from ${at('src/vault/vault.ts')};
  const [url, folder, recipient] = process.argv.slice(1);
  const { signal } = new AbortController();
  const database = await openDatabase({ name: 'main', url }, { workspace: '/', scratch: folder, signal });
  const dump = (to) => database.dump(to, signal);
  const { from } = await store(openDirectoryVault(folder + '/vault'), 'dump', [recipient], dump, signal);
  await database.close();
  console.log(from.held);`;
/** Runs the command line that users have, and prints its peak in kB on a line of its own. */
const COMMAND = `
  import { readFileSync } from 'node:fs';
  import { cli } from ${at('dist/index.js')};
  process.exitCode = await cli(process.argv.slice(1), ${at('')});
  console.log('\\n' + /VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);`;

/** Four rows an engine and kind of data. Engines only where they are installed. */
export async function run(): Promise<Measured[]> {
  const folder = await mkdtemp(join(tmpdir(), 'changeline-bench-'));
  const rows: Measured[] = [];
  try {
    const engines = [...(missing('postgres') ? [] : [POSTGRES]), ...(missing('mariadb') ? [] : [MARIADB])];
    for (const engine of engines) {
      const server = await engine.start();
      try {
        rows.push(...(await measured(engine, server, folder)));
      } finally {
        await server.stop();
      }
    }
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measured(engine: Engine, server: TestServer, folder: string): Promise<Measured[]> {
  const identity = await generateX25519Identity();
  const key = { file: join(folder, 'key'), recipient: await identityToRecipient(identity) };
  await writeFile(key.file, identity, { mode: 0o600 });
  const rows: Measured[] = [];
  for (const kind of KINDS) {
    await fill(engine, server, kind);
    const url = server.admin(kind);
    const held: Pair = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      held[1].push((await dumpByHand(engine, server, kind, folder, key)).held);
      held[0].push(await heldByUs(url, folder, key.recipient));
    }
    const byHand = await provenByHand(engine, server, kind, folder, key);
    const taken = await provenByUs(url, folder, key.recipient);
    const what = `${LARGE_MB} MB ${kind}, ${engine.name}`;
    rows.push(
      compared(`snapshot held, against dump | zstd | age (${what})`, median(held[0]), median(held[1]), 's', '≤ 1.1×'),
      compared(`to compared, against the same and a restore (${what})`, taken.seconds, byHand.seconds, 's', '≤ 1.1×'),
      compared(`stored, against zstd -3 (${what})`, taken.megabytes, byHand.megabytes, 'MB', '—'),
      compared(`peak memory, against ${MOST_MB} MB (${what})`, taken.peak, MOST_MB, 'MB', '≤ 1×'),
    );
    await statement(server, engine.first, [`DROP DATABASE ${kind}`]);
  }
  return rows;
}

/** Ours and by hand. */
type Pair = [number[], number[]];

function compared(name: string, ours: number, reference: number, unit: string, aim: string): Measured {
  return { name, ours, reference, ratio: ours / reference, unit, aim };
}

interface Key {
  file: string;
  recipient: string;
}

const [FILE, PLAIN] = ['dump.zst.age', 'plain'];

/** What people do by hand: for how many seconds the snapshot was held, and the megabytes of the file. It stays there. */
async function dumpByHand(
  engine: Engine,
  server: TestServer,
  database: string,
  folder: string,
  key: Key,
): Promise<{ held: number; megabytes: number }> {
  const [file, times] = [join(folder, FILE), join(folder, 'times')];
  const dump = `{ date +%s%N; ${engine.dump(server, database)} >&3; date +%s%N; } 3>&1 > ${times}`;
  shell(`${dump} | zstd -q | age -r ${key.recipient} > ${file} && sync ${file}`);
  const [began, ended] = (await readFile(times, 'utf8')).split('\n').map(Number) as [number, number];
  return { held: (ended - began) / 1e9, megabytes: (await stat(file)).size / 1e6 };
}

/** The same, and the seconds until it was also read back into a fresh server. */
async function provenByHand(
  ...[engine, server, database, folder, key]: Parameters<typeof dumpByHand>
): Promise<{ seconds: number; megabytes: number }> {
  const [file, plain] = [join(folder, FILE), join(folder, PLAIN)];
  const began = performance.now();
  const { megabytes } = await dumpByHand(engine, server, database, folder, key);
  const fresh = await engine.start();
  try {
    await statement(fresh, engine.first, ['CREATE DATABASE bench']);
    shell(`age -d -i ${key.file} ${file} | zstd -qd > ${plain} && ${engine.restore(fresh, plain)}`);
  } finally {
    await fresh.stop();
  }
  const seconds = (performance.now() - began) / 1000;
  await Promise.all([rm(file), rm(plain)]);
  return { seconds, megabytes };
}

/** Seconds. */
async function heldByUs(url: string, folder: string, recipient: string): Promise<number> {
  const own = await mkdtemp(join(folder, 'run-'));
  const said = node(HELD, [url, own, recipient], own);
  await rm(own, { recursive: true, force: true });
  return Number(said) / 1000;
}

/** `changeline backup` up to the level compared: seconds, and megabytes in the vault and of memory. */
async function provenByUs(
  url: string,
  folder: string,
  recipient: string,
): Promise<{ seconds: number; megabytes: number; peak: number }> {
  const own = await mkdtemp(join(folder, 'run-'));
  await mkdir(join(own, 'app'));
  await writeFile(join(own, 'changeline.yml'), config(join(own, 'vault'), recipient));
  const began = performance.now();
  const args = ['--', 'backup', '--environment', 'production', '--config', 'changeline.yml'];
  const said = node(COMMAND, args, own, { DATABASE: url });
  const seconds = (performance.now() - began) / 1000;
  const [file] = (await readdir(join(own, 'vault'))).filter((name) => name.endsWith('.age'));
  const { size } = await stat(join(own, 'vault', file!));
  await rm(own, { recursive: true, force: true });
  return { seconds, megabytes: size / 1e6, peak: (Number(said.trim().split('\n').at(-1)) * 1024) / 1e6 };
}

function config(vault: string, recipient: string): string {
  const backup = `{ to: ${vault}, recipients: [${recipient}], level: compared }`;
  const production = `{ hosts: [./app], path: ${vault}, database: "\${DATABASE}", backup: ${backup} }`;
  return `name: bench\nartifact: "bench-{version}.tar.gz"\nenvironments:\n  production: ${production}\n`;
}

/** What a process of its own says. Throws where it fails. */
function node(code: string, args: string[], cwd: string, env: Record<string, string> = {}): string {
  const { PATH, HOME, TMPDIR } = process.env;
  const options = { encoding: 'utf8', cwd, env: { PATH, HOME, TMPDIR, ...env } } as const;
  return execFileSync(process.execPath, ['--input-type=module', '-e', code, ...args], options);
}

async function fill(engine: Engine, server: TestServer, kind: (typeof KINDS)[number]): Promise<void> {
  await statement(server, engine.first, [`CREATE DATABASE ${kind}`]);
  const amount = (LARGE_MB * 1e6) / ROW;
  await statement(server, kind, [
    `CREATE TABLE t (id int PRIMARY KEY, x ${engine.textType})`,
    ...(engine.name === 'PostgreSQL' ? ['ALTER TABLE t ALTER x SET STORAGE EXTERNAL'] : []),
    `INSERT INTO t SELECT v, ${engine.row[kind]} FROM (${engine.numbers(amount)}) n`,
  ]);
}

async function statement(server: TestServer, database: string, statements: string[]): Promise<void> {
  const options = { workspace: '/', scratch: tmpdir(), signal: new AbortController().signal };
  const opened = await openDatabase({ name: database, url: server.admin(database) }, options);
  await opened.execute(statements).finally(() => opened.close());
}

function shell(script: string): void {
  execFileSync('bash', ['-o', 'pipefail', '-c', script], { stdio: ['ignore', 'ignore', 'inherit'] });
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
