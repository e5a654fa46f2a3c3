/** One connection to a PostgreSQL server. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { Failure } from '../../outcome/outcome.ts';
import { databaseError, type Explained, runStatements } from '../execute.ts';
import type { Executed, Mutex, Parameter, Row, Session } from '../types.ts';
import { cancelStatement, login, type Way } from './login.ts';

/**
 * How the server looks whether we are still there: it asks after 20 seconds of silence, three times, 10 seconds apart,
 * and takes what it sent as lost after 50 ("Connections and Authentication", TCP Settings, in PostgreSQL's
 * documentation). It ignores them on a unix socket, whose other end cannot go unnoticed.
 */
const KEEPALIVE = {
  tcp_keepalives_idle: '20',
  tcp_keepalives_interval: '10',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '50000',
};
/** Seconds until the server knows by them that a holder is gone. */
const GONE_S = 50;

const HOLDER = `SELECT a.pid, a.usename, a.client_addr::text AS address, a.state, to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS since
  FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1::int8::oid AND l.objid = $2::int8::oid
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** Who holds a mutex, from a row of `HOLDER`. A login without rights sees little of the connections of others. */
function holderInWords(holder: Row | undefined): string {
  if (!holder) return 'it let go just now';
  const who = `server process ${holder.pid} of ${holder.usename}`;
  if (!holder.since) return `${who}; this login is not shown more`;
  return `${who} from ${holder.address ?? 'the server itself'}, connected since ${holder.since} UTC, ${holder.state}`;
}

export class PostgresSession implements Session {
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

  /**
   * A session-level advisory lock: the server releases it when this connection ends, however it ends. Where this machine
   * dies without a word, the server finds out by the settings that are made here, in `GONE_S`.
   */
  async mutex(name: string): Promise<Mutex> {
    const key = [0, 4].map((offset) => createHash('sha256').update(`changeline ${name}`).digest().readInt32BE(offset));
    for (const [setting, value] of Object.entries(KEEPALIVE))
      await this.query('SELECT set_config($1, $2, false)', [setting, value]);
    const [row] = await this.query('SELECT pg_try_advisory_lock($1, $2) AS taken', key);
    if (row?.taken === true)
      return { release: async () => void (await this.query('SELECT pg_advisory_unlock($1, $2)', key)) };
    throw new Failure({
      code: 'database-busy',
      what: `another connection holds ${name}`,
      where: this.way.address.where,
      why: holderInWords(
        (
          await this.query(
            HOLDER,
            key.map((half) => half >>> 0),
          )
        )[0],
      ),
      untouched: 'nothing was changed',
      next: `wait until it has ended; the lock ends with its connection, and a holder whose machine is gone is noticed by the server within ${GONE_S} seconds`,
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

/** Logs in. Throws `database-unreachable`, `database-denied`. */
export async function connect(way: Way): Promise<PostgresSession> {
  return new PostgresSession(await login(way), way);
}

function explain(error: unknown): Explained {
  // The detail of an error quotes whole rows: it stays out.
  const { message, code = '' } = error as { message: string; code?: string };
  return { message, native: code, lockTimeout: code === '55P03' };
}
