/**
 * The memory that a backup takes, for a small database and for a large one: everything is streamed, so the two must be
 * alike. Each backup is encrypted and proven by restoring, in a process of its own whose peak (VmHWM of Linux) is read.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Measured } from '../scripts/bench.ts';
import { openDatabase } from '../src/database/database.ts';
import { missing, startPostgres } from '../test/support/databases.ts';

const SMALL_MB = 2;
const LARGE_MB = 200;
const ROUNDS = 3;

/** The module of the measured process: it prints its peak in kB. */
const source = (path: string) => JSON.stringify(join(import.meta.dirname, '../src', path));
const CHILD = `
  import { readFileSync } from 'node:fs';
  import { generateX25519Identity, identityToRecipient } from 'age-encryption';
  import { takeBackup } from ${source('backup/backup.ts')};
  import { openDatabase } from ${source('database/database.ts')};
  import { openDirectoryVault } from ${source('vault/vault.ts')};
  const [url, vault, scratch] = process.argv.slice(1);
  const { signal } = new AbortController();
  const database = await openDatabase({ name: 'main', url }, { workspace: '/', scratch, signal });
  const { manifest } = await takeBackup({ environment: 'bench', version: null, databases: [database], configFiles: [],
    vault: openDirectoryVault(vault), recipients: [await identityToRecipient(await generateX25519Identity())],
    scratch, signal, progress: () => {} });
  await database.close();
  if (manifest.level !== 'compared') throw new Error(manifest.why);
  console.log(/VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);`;

/** One row an engine: the peak for 200 MB against the peak for 2 MB. PostgreSQL only where it is installed. */
export async function run(): Promise<Measured[]> {
  const folder = await mkdtemp(join(tmpdir(), 'changeline-bench-'));
  try {
    const rows = [await compared('SQLite', folder, await sqliteDatabases(folder))];
    if (missing('postgres') === null) {
      const server = await startPostgres();
      try {
        await fillPostgres(server.admin, folder);
        rows.push(await compared('PostgreSQL', folder, { small: server.admin('small'), large: server.admin('large') }));
      } finally {
        await server.stop();
      }
    }
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The URLs of the two databases. */
interface Sizes {
  small: string;
  large: string;
}

async function compared(engine: string, folder: string, { small, large }: Sizes): Promise<Measured> {
  const [ours, reference] = [await peak(folder, large), await peak(folder, small)];
  const name = `peak memory of a backup of ${LARGE_MB} MB (${engine}), against ${SMALL_MB} MB`;
  return { name, ours, reference, ratio: ours / reference, unit: 'MB', aim: '≤ 1.5×' };
}

/** Megabytes, the median of three. */
async function peak(folder: string, url: string): Promise<number> {
  const peaks: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const own = await mkdtemp(join(folder, 'run-'));
    await mkdir(join(own, 'scratch'), { mode: 0o700 });
    const args = ['--input-type=module', '-e', CHILD, url, join(own, 'vault'), join(own, 'scratch')];
    const said = execFileSync(process.execPath, args, { encoding: 'utf8', cwd: import.meta.dirname });
    peaks.push((Number(said) * 1024) / 1e6);
    await rm(own, { recursive: true, force: true });
  }
  return peaks.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
}

async function sqliteDatabases(folder: string): Promise<Sizes> {
  const made = (name: string, megabytes: number): string => {
    const path = join(folder, `${name}.db`);
    const db = new DatabaseSync(path);
    db.exec('CREATE TABLE t (x)');
    db.exec(`INSERT INTO t WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < ${megabytes * 1000})
      SELECT randomblob(1000) FROM n`);
    db.close();
    return `sqlite:${path}`;
  };
  return { small: made('small', SMALL_MB), large: made('large', LARGE_MB) };
}

/** Rows of 1 kB that do not compress well: 32 digests of the row's number, in hex. */
async function fillPostgres(admin: (database: string) => string, scratch: string): Promise<void> {
  const open = (name: string) =>
    openDatabase({ name, url: admin(name) }, { workspace: '/', scratch, signal: new AbortController().signal });
  const maintenance = await open('postgres');
  await maintenance.execute(['CREATE DATABASE small', 'CREATE DATABASE large']).finally(() => maintenance.close());
  for (const [name, megabytes] of [['small', SMALL_MB] as const, ['large', LARGE_MB] as const]) {
    const database = await open(name);
    const digests = Array.from({ length: 32 }, (_, index) => `md5((v * 32 + ${index})::text)`).join(' || ');
    const fill = `INSERT INTO t SELECT ${digests} FROM generate_series(1, ${megabytes * 1000}) v`;
    await database
      .execute(['CREATE TABLE t (x text)', 'ALTER TABLE t ALTER x SET STORAGE PLAIN', fill])
      .finally(() => database.close());
  }
}
