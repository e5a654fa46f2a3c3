/**
 * Backups against what people do by hand: how long production's snapshot is held (`dump | zstd | age > file`), how long
 * it takes to a proven copy (the same, then read back into a fresh server), and the memory that it takes. Each of ours
 * runs in a process of its own, whose peak (VmHWM of Linux) is read.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import type { Measured } from '../scripts/bench.ts';
import { openDatabase } from '../src/database/database.ts';
import { missing, startMariadb, startPostgres, type TestServer } from '../test/support/databases.ts';

const SMALL_MB = 8;
const LARGE_MB = 800;
const ROUNDS = 3;
/** Names of databases; the small one is for the memory alone. */
const KINDS = ['compressible', 'incompressible'] as const;
const ROW = 1000;

interface Engine {
  name: string;
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

/** The module of a measured process: `held` stores a dump, `proven` takes a backup; it prints milliseconds and its peak in kB. */
const source = (path: string) => JSON.stringify(join(import.meta.dirname, '../src', path));
const CHILD = `
  import { readFileSync } from 'node:fs';
  import { takeBackup } from ${source('backup/backup.ts')};
  import { store } from ${source('backup/stored.ts')};
  import { openDatabase } from ${source('database/database.ts')};
  import { openDirectoryVault } from ${source('vault/vault.ts')};
  const [what, url, folder, scratch, recipient] = process.argv.slice(1);
  const { signal } = new AbortController();
  const database = await openDatabase({ name: 'main', url }, { workspace: '/', scratch, signal });
  const vault = openDirectoryVault(folder);
  const began = performance.now();
  let took = 0;
  if (what === 'held')
    await store(vault, 'dump', [recipient], async (to) => {
      await database.dump(to, signal);
      took = performance.now() - began;
    }, signal);
  else {
    const { manifest } = await takeBackup({ environment: 'bench', version: null, databases: [database], configFiles: [],
      vault, recipients: [recipient], scratch, at: { kind: 'runner', scratch: null }, signal, progress: () => {} });
    if (manifest.level !== 'compared') throw new Error(manifest.why);
    took = performance.now() - began;
  }
  await database.close();
  console.log(JSON.stringify([took, Number(/VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1])]));`;

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
  await fill(engine, server, 'small', 'incompressible', SMALL_MB);
  const small = await ours('proven', server.admin('small'), folder, key.recipient);
  const rows: Measured[] = [];
  for (const kind of KINDS) {
    await fill(engine, server, kind, kind, LARGE_MB);
    const held = [[], []] as [number[], number[]];
    const proven = [[], []] as [number[], number[]];
    let peak = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const byHand = await hand(engine, server, kind, folder, key);
      const stored = await ours('held', server.admin(kind), folder, key.recipient);
      const taken = await ours('proven', server.admin(kind), folder, key.recipient);
      held[0].push(stored.seconds);
      held[1].push(byHand.dumped);
      proven[0].push(taken.seconds);
      proven[1].push(byHand.restored);
      peak = Math.max(peak, stored.peak, taken.peak);
    }
    const what = `${LARGE_MB} MB ${kind}, ${engine.name}`;
    rows.push(
      compared(`snapshot held, against dump | zstd | age (${what})`, median(held[0]), median(held[1]), 's', '≤ 1.1×'),
      compared(
        `time to compared, against the same and a restore (${what})`,
        median(proven[0]),
        median(proven[1]),
        's',
        '≤ 1.1×',
      ),
      compared(`peak memory, against ${SMALL_MB} MB (${what})`, peak, small.peak, 'MB', '≤ 150 MB'),
    );
    await statement(server, engine.name === 'MariaDB' ? 'mysql' : 'postgres', [`DROP DATABASE ${kind}`]);
  }
  return rows;
}

function compared(name: string, ours: number, reference: number, unit: string, aim: string): Measured {
  return { name, ours, reference, ratio: ours / reference, unit, aim };
}

interface Key {
  file: string;
  recipient: string;
}

/** What people do by hand: seconds until the dump lies encrypted in a file, and until it was also read back into a fresh server. */
async function hand(
  engine: Engine,
  server: TestServer,
  database: string,
  folder: string,
  key: Key,
): Promise<{ dumped: number; restored: number }> {
  const [file, plain] = [join(folder, 'dump.zst.age'), join(folder, 'plain')];
  const began = performance.now();
  shell(`${engine.dump(server, database)} | zstd -q | age -r ${key.recipient} > ${file} && sync ${file}`);
  const dumped = (performance.now() - began) / 1000;
  const fresh = await engine.start();
  try {
    await statement(fresh, engine.name === 'MariaDB' ? 'mysql' : 'postgres', ['CREATE DATABASE bench']);
    shell(`age -d -i ${key.file} ${file} | zstd -qd > ${plain} && ${engine.restore(fresh, plain)}`);
  } finally {
    await fresh.stop();
  }
  const restored = (performance.now() - began) / 1000;
  await Promise.all([rm(file), rm(plain)]);
  return { dumped, restored };
}

/** Seconds and megabytes. */
async function ours(
  what: 'held' | 'proven',
  url: string,
  folder: string,
  recipient: string,
): Promise<{ seconds: number; peak: number }> {
  const own = await mkdtemp(join(folder, 'run-'));
  await mkdir(join(own, 'scratch'), { mode: 0o700 });
  const args = ['--input-type=module', '-e', CHILD, what, url, join(own, 'vault'), join(own, 'scratch'), recipient];
  const said = execFileSync(process.execPath, args, { encoding: 'utf8', cwd: import.meta.dirname });
  await rm(own, { recursive: true, force: true });
  const [ms, kilobytes] = JSON.parse(said) as [number, number];
  return { seconds: ms / 1000, peak: (kilobytes * 1024) / 1e6 };
}

async function fill(
  engine: Engine,
  server: TestServer,
  database: string,
  kind: (typeof KINDS)[number],
  megabytes: number,
): Promise<void> {
  await statement(server, engine.name === 'MariaDB' ? 'mysql' : 'postgres', [`CREATE DATABASE ${database}`]);
  const amount = (megabytes * 1e6) / ROW;
  await statement(server, database, [
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
