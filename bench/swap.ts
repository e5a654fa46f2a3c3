/**
 * How long an application with 20 writers cannot write while a database is swapped in, as the writers see it: the longest
 * time without an acknowledged write. The reference is the swap by hand, statement by statement. PostgreSQL only.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measured } from '../scripts/bench.ts';
import { type Database, openDatabase, replacement } from '../src/database/database.ts';
import { missing, startPostgres, type TestServer } from '../test/support/databases.ts';

const WRITERS = 20;
const ROUNDS = 5;
const { signal } = new AbortController();

/** One row: seconds, the median of five. Nothing where PostgreSQL is not installed. */
export async function run(): Promise<Measured[]> {
  if (missing('postgres') !== null) return [];
  const scratch = join(await mkdtemp(join(tmpdir(), 'changeline-bench-')), 'scratch');
  await mkdir(scratch, { mode: 0o700 });
  const server = await startPostgres();
  try {
    const bench = new Bench(server, scratch);
    const [ours, reference]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      reference.push(await bench.gap((name) => bench.byHand(name)));
      ours.push(await bench.gap((name) => bench.bySwap(name)));
    }
    const [a, b] = [median(ours), median(reference)];
    const name = `no write is acknowledged during the swap of a PostgreSQL database, ${WRITERS} writers, against the renames by hand`;
    return [{ name, ours: a, reference: b, ratio: a / b, unit: 's', aim: 'ours ≤ 0.2 s' }];
  } finally {
    await server.stop();
    await rm(join(scratch, '..'), { recursive: true, force: true });
  }
}

class Bench {
  readonly #server: TestServer;
  readonly #scratch: string;
  #round = 0;

  constructor(server: TestServer, scratch: string) {
    this.#server = server;
    this.#scratch = scratch;
  }

  #open(database: string): Promise<Database> {
    const options = { workspace: '/', scratch: this.#scratch, signal };
    return openDatabase({ name: database, url: this.#server.admin(database) }, options);
  }

  async #run(database: string, ...statements: string[]): Promise<void> {
    const open = await this.#open(database);
    await open.execute(statements).finally(() => open.close());
  }

  /** The longest gap in seconds around one swap of a database of its own. */
  async gap(swap: (name: string) => Promise<void>): Promise<number> {
    const name = `live${++this.#round}`;
    await this.#run('postgres', `CREATE DATABASE ${name}`);
    await this.#run(name, 'CREATE TABLE t (x int)');
    const seen = { last: performance.now(), longest: 0, writes: 0, going: true };
    const writers = Array.from({ length: WRITERS }, () => this.#write(name, seen));
    const more = async (writes: number) => {
      const from = seen.writes;
      while (seen.writes < from + writes) await new Promise((resolve) => setImmediate(resolve));
    };
    await more(500);
    seen.longest = 0;
    await swap(name);
    await more(500);
    seen.going = false;
    await Promise.all(writers);
    return seen.longest / 1000;
  }

  async #write(name: string, seen: { last: number; longest: number; writes: number; going: boolean }): Promise<void> {
    let client: Database | null = null;
    while (seen.going) {
      try {
        client ??= await this.#open(name);
        await client.execute(['INSERT INTO t VALUES (1)']);
        const now = performance.now();
        seen.longest = Math.max(seen.longest, now - seen.last);
        seen.last = now;
        seen.writes++;
      } catch {
        await client?.close();
        client = null;
      }
    }
    await client?.close();
  }

  async bySwap(name: string): Promise<void> {
    const section = { name, url: this.#server.admin(name) };
    const live = await replacement(section, { workspace: '/', scratch: this.#scratch, signal, admin: null });
    const beside = await live.beside('bench');
    await beside.database.execute(['CREATE TABLE t (x int)']);
    await beside.swap();
    await live.close();
  }

  async byHand(name: string): Promise<void> {
    await this.#run('postgres', `CREATE DATABASE ${name}_new`);
    await this.#run(`${name}_new`, 'CREATE TABLE t (x int)');
    const maintenance = await this.#open('postgres');
    await maintenance.execute([
      `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
    ]);
    const renames = [`ALTER DATABASE ${name} RENAME TO ${name}_old`, `ALTER DATABASE ${name}_new RENAME TO ${name}`];
    await maintenance.execute(renames, { transaction: true }).finally(() => maintenance.close());
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
