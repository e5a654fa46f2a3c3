/**
 * Applying many SQL migrations to a real PostgreSQL and a real MariaDB, against dbmate applying the same files. Ours is
 * timed from reading the folder to the last record, in this process; dbmate from its start to its end, which takes it
 * some milliseconds.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measured } from '../scripts/bench.ts';
import { toolsFolder } from '../scripts/tools.ts';
import { type Database, openDatabase } from '../src/database/database.ts';
import { RecordingLog } from '../src/log/log.ts';
import { applyMigrations, readMigrations } from '../src/migration/migration.ts';
import { missing, startMariadb, startPostgres, type TestServer } from '../test/support/databases.ts';

const MIGRATIONS = 300;
const ROUNDS = 5;
const { signal } = new AbortController();

/** Where both apply to: the same server, a database of its own for each round. */
interface Place {
  name: string;
  server: TestServer;
  /** The administrator's own database. */
  first: string;
  dbmate(database: string): string;
  aim: string;
}

/** One row an engine; only those that are installed. */
export async function run(): Promise<Measured[]> {
  const folder = await mkdtemp(join(tmpdir(), 'changeline-bench-'));
  const rows: Measured[] = [];
  try {
    for (let number = 1; number <= MIGRATIONS; number++)
      await writeFile(join(folder, `${number}_m.sql`), migration(number));
    if (missing('postgres') === null) rows.push(await compared(await postgres(), folder));
    if (missing('mariadb') === null) rows.push(await compared(await mariadb(), folder));
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What people write: a table with an index and a row, and columns added to an earlier one. */
function migration(number: number): string {
  const table = `t${Math.ceil(number / 3)}`;
  const up = [
    `CREATE TABLE ${table} (id integer PRIMARY KEY, name varchar(100) NOT NULL);\nCREATE INDEX ${table}_name ON ${table} (name);`,
    `ALTER TABLE ${table} ADD COLUMN price integer;`,
    `INSERT INTO ${table} (id, name, price) VALUES (1, 'a', 1), (2, 'b', 2);`,
  ][(number - 1) % 3];
  return `-- migrate:up\n${up}\n\n-- migrate:down\nDROP TABLE ${table};\n`;
}

async function postgres(): Promise<Place> {
  const server = await startPostgres();
  const rest = `host=${encodeURIComponent(server.socket)}&port=${server.port}&sslmode=disable`;
  return {
    name: 'PostgreSQL',
    server,
    first: 'postgres',
    aim: '≤ 1×',
    dbmate: (database) => `postgres://admin@/${database}?${rest}`,
  };
}

async function mariadb(): Promise<Place> {
  const server = await startMariadb();
  const rest = `socket=${encodeURIComponent(server.socket)}`;
  return {
    name: 'MariaDB',
    server,
    first: 'mysql',
    aim: '≤ 1×',
    dbmate: (database) => `mysql://root@/${database}?${rest}`,
  };
}

async function compared({ name, server, first, dbmate, aim }: Place, folder: string): Promise<Measured> {
  const admin = await openDatabase(
    { name: 'admin', url: server.admin(first) },
    { workspace: '/', scratch: folder, signal },
  );
  try {
    const times = { ours: [] as number[], reference: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      await admin.execute([`CREATE DATABASE ours${round}`, `CREATE DATABASE theirs${round}`]);
      times.ours.push(await timed(() => apply(server.admin(`ours${round}`), folder)));
      times.reference.push(await timed(async () => migrate(dbmate(`theirs${round}`), folder)));
      await admin.execute([`DROP DATABASE ours${round}`, `DROP DATABASE theirs${round}`]);
    }
    const [ours, reference] = [median(times.ours), median(times.reference)];
    const what = `${MIGRATIONS} SQL migrations on ${name}, against dbmate`;
    return { name: what, ours, reference, ratio: ours / reference, unit: 'ms', aim };
  } finally {
    await admin.close();
    await server.stop();
  }
}

async function apply(url: string, folder: string): Promise<void> {
  const database: Database = await openDatabase({ name: 'main', url }, { workspace: '/', scratch: folder, signal });
  const session = await database.session();
  const { engine } = database;
  const log = new RecordingLog();
  const migrations = await readMigrations(folder, engine);
  const applied = await applyMigrations(session, migrations, {
    engine,
    lockTimeout: 5000,
    change: 'bench',
    log,
    signal,
  });
  await session.close();
  await database.close();
  if (applied.length !== MIGRATIONS) throw new Error(`${applied.length} were applied`);
}

function migrate(url: string, folder: string): void {
  execFileSync(join(toolsFolder, 'dbmate'), ['migrate', folder], { env: { DATABASE_URL: url }, stdio: 'ignore' });
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
