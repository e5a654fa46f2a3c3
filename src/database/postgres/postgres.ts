/** PostgreSQL, 12 and newer. */
import { createHash } from 'node:crypto';
import type { Writable } from 'node:stream';
import type pg from 'pg';
import { Failure } from '../../outcome/outcome.ts';
import type { ServerAddress } from '../address.ts';
import { databaseError, type Explained, runStatements } from '../execute.ts';
import { streamFrom, versionIn } from '../programs.ts';
import type {
  Database,
  DumpFacts,
  Executed,
  Fingerprint,
  Mutex,
  OpenOptions,
  Parameter,
  Row,
  Session,
  Traits,
} from '../types.ts';
import { postgresFingerprint, TABLES } from './catalogue.ts';
import { cancelStatement, login, type Way } from './login.ts';
import { fittingClient, libpqEnvironment } from './programs.ts';

/** Connects, through the tunnel where there is one. Throws `database-unreachable`, `database-denied`. */
export async function openPostgres(
  name: string,
  address: ServerAddress,
  options: Omit<OpenOptions, 'workspace' | 'scratch'>,
): Promise<Database> {
  const tunnel = options.tunnel && !address.socket ? await options.tunnel(address.hostname, address.port) : null;
  const way = { address, tunnel, signal: options.signal };
  try {
    return new PostgresDatabase(name, way, await connect(way));
  } catch (error) {
    await tunnel?.close();
    throw error;
  }
}

class PostgresSession implements Session {
  readonly client: pg.Client;
  readonly way: Way;
  /** Set where the server or the network ended the connection. */
  lost = false;
  #running = 0;
  #closing: Promise<void> | null = null;
  readonly #abort = () => void this.close();

  constructor(client: pg.Client, way: Way) {
    this.client = client;
    this.way = way;
    client.on('error', () => (this.lost = true));
    client.on('end', () => (this.lost = true));
    way.signal.addEventListener('abort', this.#abort, { once: true });
  }

  async query(sql: string, parameters: Parameter[] = []): Promise<Row[]> {
    try {
      return (await this.#one(sql, parameters.length ? parameters : undefined)).rows ?? [];
    } catch (error) {
      throw databaseError({ where: this.way.address.where, explain, signal: this.way.signal }, error, {});
    }
  }

  execute(statements: string[], options: { transaction?: boolean } = {}): Promise<Executed> {
    const runner = {
      where: this.way.address.where,
      one: (sql: string) => this.#one(sql),
      explain,
      signal: this.way.signal,
    };
    return runStatements(runner, statements, options.transaction ?? false);
  }

  async #one(sql: string, parameters?: Parameter[]): Promise<pg.QueryResult<Row>> {
    this.#running += 1;
    return this.client.query<Row>(sql, parameters).finally(() => (this.#running -= 1));
  }

  async lockTimeout(ms: number): Promise<void> {
    await this.query("SELECT set_config('lock_timeout', $1, false)", [`${Math.ceil(ms)}ms`]);
  }

  /** A session-level advisory lock: the server releases it when this connection ends, however it ends. */
  async mutex(name: string): Promise<Mutex> {
    const key = [0, 4].map((offset) => createHash('sha256').update(`changeline ${name}`).digest().readInt32BE(offset));
    const [row] = await this.query('SELECT pg_try_advisory_lock($1, $2) AS taken', key);
    if (row?.taken === true)
      return { release: async () => void (await this.query('SELECT pg_advisory_unlock($1, $2)', key)) };
    const [holder] = await this.query(
      `SELECT a.pid, a.usename, a.client_addr::text, to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS since FROM pg_locks l JOIN pg_stat_activity a USING (pid)
       WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1::int8::oid AND l.objid = $2::int8::oid AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      key.map((half) => half >>> 0),
    );
    throw new Failure({
      code: 'database-busy',
      what: `another connection holds ${name}`,
      where: this.way.address.where,
      why: holder
        ? `server process ${holder.pid} of ${holder.usename} from ${holder.client_addr ?? 'this machine'}, connected since ${holder.since} UTC`
        : 'it let go just now',
      untouched: 'nothing was changed',
      next: 'wait until it has ended; the lock ends with its connection',
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** Without the request to cancel, the server would go on with a statement and hold its locks after we are gone. */
  async #end(): Promise<void> {
    this.way.signal.removeEventListener('abort', this.#abort);
    if (this.#running > 0 && !this.lost) await cancelStatement(this.way, this.client);
    await this.client.end().catch(() => {});
  }
}

async function connect(way: Way): Promise<PostgresSession> {
  return new PostgresSession(await login(way), way);
}

class PostgresDatabase implements Database {
  readonly engine = 'postgres';
  readonly name: string;
  readonly where: string;
  readonly #way: Way;
  #main: PostgresSession;

  constructor(name: string, way: Way, main: PostgresSession) {
    this.name = name;
    this.where = way.address.where;
    this.#way = way;
    this.#main = main;
  }

  placeholder = (position: number): string => `$${position}`;
  quote = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`;
  query = async (sql: string, parameters?: Parameter[]): Promise<Row[]> => (await this.#live()).query(sql, parameters);
  execute = async (statements: string[], options?: { transaction?: boolean }): Promise<Executed> =>
    (await this.#live()).execute(statements, options);
  session = (): Promise<Session> => connect(this.#way);

  async version(): Promise<string> {
    return versionIn(String((await this.query('SHOW server_version'))[0]?.server_version)) ?? '';
  }

  async traits(): Promise<Traits> {
    const [row] = await this.query(
      `SELECT datname AS name, pg_encoding_to_char(encoding) AS encoding, datcollate AS collation,
       ARRAY(SELECT DISTINCT r.rolname::text FROM pg_policy p, unnest(p.polroles) AS role JOIN pg_roles r ON r.oid = role ORDER BY 1) AS roles,
       ARRAY(SELECT extname::text FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1) AS extensions FROM pg_database WHERE datname = current_database()`,
    );
    return { ...(row as Omit<Traits, 'engine' | 'version'>), engine: 'postgres', version: await this.version() };
  }

  async fingerprint(): Promise<Fingerprint> {
    const session = await connect(this.#way);
    return postgresFingerprint((sql) => session.query(sql)).finally(() => session.close());
  }

  async counts(): Promise<Record<string, number>> {
    const session = await connect(this.#way);
    try {
      await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      return await countRows(session);
    } finally {
      await session.close();
    }
  }

  async size(): Promise<number> {
    return Number((await this.query('SELECT pg_database_size(current_database()) AS size'))[0]?.size);
  }

  async checkTools(): Promise<string> {
    const program = await fittingClient('pg_dump', await this.version());
    return `pg_dump ${program.version}`;
  }

  /** `pg_dump` in its own format, uncompressed; rows are counted meanwhile in a session that shares its snapshot. */
  async dump(to: Writable, signal: AbortSignal): Promise<DumpFacts> {
    const failed = new AbortController();
    let session: PostgresSession | null = null;
    const stop = () => void session?.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const program = await fittingClient('pg_dump', await this.version());
      session = await connect(this.#way);
      await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const [row] = await session.query(
        'SELECT pg_export_snapshot() AS snapshot, (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END)::text AS position',
      );
      const args = ['-Fc', '-Z0', '--no-password', `--snapshot=${row!.snapshot}`];
      const command = { file: program.file, args, env: libpqEnvironment(this.#way) };
      const counting = countRows(session);
      counting.catch((error) => failed.abort(error));
      const streaming = streamFrom(command, to, AbortSignal.any([signal, failed.signal]));
      const [counts, streamed] = await Promise.allSettled([counting, streaming]);
      if (counts.status === 'rejected' && !signal.aborted) throw counts.reason;
      if (streamed.status === 'rejected') throw streamed.reason;
      if (counts.status === 'rejected') throw counts.reason;
      return {
        counts: counts.value,
        counted: 'snapshot',
        position: row!.position as string | null,
        bytes: streamed.value,
        tool: `pg_dump ${program.version}`,
      };
    } catch (error) {
      to.destroy(error as Error);
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      await session?.close();
    }
  }

  async close(): Promise<void> {
    await this.#main.close();
    await this.#way.tunnel?.close();
  }

  /** The standing connection, made anew where it was lost meanwhile. */
  async #live(): Promise<PostgresSession> {
    if (this.#main.lost && !this.#way.signal.aborted) {
      await this.#main.close();
      this.#main = await connect(this.#way);
    }
    return this.#main;
  }
}

async function countRows(session: Session): Promise<Record<string, number>> {
  // Where row security would hide rows, an error is better than a smaller number.
  await session.query('SET LOCAL row_security = off');
  const counts: Record<string, number> = {};
  for (const { name, sql } of await session.query(TABLES)) {
    const [row] = await session.query(`SELECT count(*) AS rows FROM ONLY ${sql}`);
    counts[String(name)] = Number(row!.rows);
  }
  return counts;
}

function explain(error: unknown): Explained {
  // The detail of an error quotes whole rows: it stays out.
  const { message, code = '' } = error as { message: string; code?: string };
  return { message, native: code, lockTimeout: code === '55P03' };
}
