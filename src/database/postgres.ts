/** PostgreSQL, 12 and newer. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import pg from 'pg';
import { Failure } from '../outcome/outcome.ts';
import { redact } from '../secret/secret.ts';
import type { ServerAddress } from './address.ts';
import { postgresFingerprint, TABLES } from './postgres-catalogue.ts';
import { compareVersions, findPrograms, type Program, postgresFolders, streamFrom, versionIn } from './programs.ts';
import { databaseError, type Explained, runScript } from './script.ts';
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
  Tunnel,
} from './types.ts';

const CONNECT_MS = 10_000;

/** Where to connect: the address itself, or the near end of a tunnel to it. */
type Way = { address: ServerAddress; tunnel: Tunnel | null; signal: AbortSignal };

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
  readonly #abort = () => void this.client.end().catch(() => {});

  constructor(client: pg.Client, way: Way) {
    this.client = client;
    this.way = way;
    client.on('error', () => (this.lost = true));
    client.on('end', () => (this.lost = true));
    way.signal.addEventListener('abort', this.#abort, { once: true });
  }

  async query(sql: string, parameters: Parameter[] = []): Promise<Row[]> {
    try {
      return (await this.client.query<Row>(sql, parameters.length ? parameters : undefined)).rows ?? [];
    } catch (error) {
      throw databaseError({ where: this.way.address.where, explain, signal: this.way.signal }, error, {});
    }
  }

  execute(script: string | string[], options: { transaction?: boolean } = {}): Promise<Executed> {
    const runner = {
      engine: 'postgres' as const,
      where: this.way.address.where,
      one: (sql: string) => this.client.query(sql),
      explain,
      signal: this.way.signal,
    };
    return runScript(runner, script, options.transaction ?? false);
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

  async close(): Promise<void> {
    this.way.signal.removeEventListener('abort', this.#abort);
    await this.client.end().catch(() => {});
  }
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
  execute = async (script: string | string[], options?: { transaction?: boolean }): Promise<Executed> =>
    (await this.#live()).execute(script, options);
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
    const program = await fittingClient('pg_dump', await this.version());
    const session = await connect(this.#way);
    const failed = new AbortController();
    try {
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
      await session.close();
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

async function connect(way: Way): Promise<PostgresSession> {
  const { address, tunnel } = way;
  const config: pg.ClientConfig = {
    host: address.socket ?? tunnel?.hostname ?? address.hostname,
    port: tunnel?.port ?? address.port,
    user: address.user,
    password: address.password,
    database: address.database,
    connectionTimeoutMillis: CONNECT_MS,
    application_name: 'changeline',
    keepAlive: true,
  };
  try {
    const client = await dial(config, address);
    return new PostgresSession(client, way);
  } catch (error) {
    throw way.signal.aborted ? error : loginFailure(address, error);
  }
}

/** `prefer`, the default of libpq, encrypts where the server can; the pg package itself knows only yes and no. */
async function dial(config: pg.ClientConfig, address: ServerAddress): Promise<pg.Client> {
  const attempt = async (ssl: pg.ClientConfig['ssl']) => {
    const client = new pg.Client({ ...config, ssl });
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  if (address.tls === 'disable' || address.socket) return attempt(false);
  if (address.tls === 'prefer') {
    return attempt({ rejectUnauthorized: false }).catch((error: Error) => {
      if (/does not support SSL/i.test(error.message)) return attempt(false);
      throw error;
    });
  }
  const ca = address.authority === null ? {} : { ca: await readFile(address.authority, 'utf8') };
  const unnamed = address.tls === 'verify-ca' ? { checkServerIdentity: () => undefined } : {};
  return attempt({ rejectUnauthorized: address.tls !== 'require', servername: address.hostname, ...ca, ...unnamed });
}

/** How libpq's programs reach the server: by their environment alone, so that nothing of it stands in a list of processes. */
export function libpqEnvironment({ address, tunnel }: Pick<Way, 'address' | 'tunnel'>): Record<string, string> {
  return {
    PGHOST: address.socket ?? address.hostname,
    ...(tunnel ? { PGHOSTADDR: tunnel.hostname } : {}),
    PGPORT: String(tunnel?.port ?? address.port),
    PGUSER: address.user,
    ...(address.password ? { PGPASSWORD: address.password } : {}),
    PGDATABASE: address.database,
    PGSSLMODE: address.tls,
    ...(address.authority === null ? {} : { PGSSLROOTCERT: address.authority }),
    PGCONNECT_TIMEOUT: String(CONNECT_MS / 1000),
    PGAPPNAME: 'changeline',
  };
}

/** The client program of the server's major version, or the oldest newer one: an older one refuses the server. */
export async function fittingClient(name: string, server: string): Promise<Program> {
  const found = await findPrograms([name], await postgresFolders());
  const fitting = found
    .filter((program) => compareVersions(program.version, server, 1) >= 0)
    .sort((a, b) => compareVersions(a.version, b.version));
  if (fitting[0]) return fitting[0];
  const older = found.map((program) => program.version).join(', ');
  throw new Failure({
    code: 'tool-missing',
    what: older ? `${name} ${older} is older than the server, ${server}` : `${name} is not installed`,
    untouched: 'the database was not touched',
    next: `install the PostgreSQL client programs of version ${server.split('.')[0]} or newer`,
  });
}

function explain(error: unknown): Explained {
  // The detail of an error quotes whole rows: it stays out.
  const { message, code = '' } = error as { message: string; code?: string };
  return { message, native: code, lockTimeout: code === '55P03' };
}

function loginFailure(address: ServerAddress, error: unknown): Failure {
  const { message, code = '' } = error as { message: string; code?: string };
  const denied = code.startsWith('28') || code === '42501' || /SCRAM|password must be a string/i.test(message);
  return new Failure({
    code: denied ? 'database-denied' : 'database-unreachable',
    what: denied ? 'the database refused the login' : 'the database did not answer',
    where: address.where,
    why: redact(message || code),
    untouched: 'nothing was changed',
    next: denied
      ? 'check user and password in the URL, and pg_hba.conf on the server'
      : 'check that the server runs and that this machine reaches it',
    cause: error,
  });
}
