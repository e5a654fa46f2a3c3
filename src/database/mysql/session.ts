/** One connection to a MySQL or MariaDB server. */
import type mysql from 'mysql2/promise';
import { databaseError, type Explained, runStatements } from '../execute.ts';
import type { Executed, Mutex, Parameter, Row, Session } from '../types.ts';
import { killStatement, login, type Way } from './login.ts';
import { takeMutex } from './mutex.ts';

export class MysqlSession implements Session {
  readonly connection: mysql.Connection;
  readonly way: Way;
  /** Set where the server or the network ended the connection. */
  lost = false;
  #running = 0;
  #closing: Promise<void> | null = null;
  #refuse: (error: Error) => void = () => {};
  readonly #closed = new Promise<never>((_resolve, reject) => (this.#refuse = reject));
  readonly #abort = () => void this.close();

  constructor(connection: mysql.Connection, way: Way) {
    this.connection = connection;
    this.way = way;
    connection.on('error', () => (this.lost = true));
    connection.on('end', () => (this.lost = true));
    this.#closed.catch(() => {});
    way.signal.addEventListener('abort', this.#abort, { once: true });
  }

  async query(sql: string, parameters: Parameter[] = []): Promise<Row[]> {
    try {
      // Parameters are bound by the server: quoting them here would depend on its sql_mode.
      const [rows] = parameters.length
        ? await this.#unlessClosed(() => this.connection.execute(sql, parameters))
        : await this.#unlessClosed(() => this.connection.query(sql));
      return Array.isArray(rows) ? (rows as Row[]) : [];
    } catch (error) {
      throw databaseError({ where: this.way.address.where, explain, signal: this.way.signal }, error, {});
    }
  }

  execute(statements: string[], options: { transaction?: boolean } = {}): Promise<Executed> {
    const runner = {
      where: this.way.address.where,
      one: (sql: string) => this.#unlessClosed(() => this.connection.query(sql)),
      explain,
      signal: this.way.signal,
    };
    return runStatements(runner, statements, options.transaction ?? false);
  }

  /** A destroyed connection never answers what it was asked, and some statements that were killed answer as if nothing was. */
  async #unlessClosed<T>(ask: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      const answer = await Promise.race([ask(), this.#closed]);
      return this.#closing === null ? answer : await this.#closed;
    } finally {
      this.#running -= 1;
    }
  }

  async lockTimeout(ms: number): Promise<void> {
    const seconds = Math.max(1, Math.ceil(ms / 1000));
    await this.query(`SET SESSION lock_wait_timeout = ${seconds}`);
    await this.query(`SET SESSION innodb_lock_wait_timeout = ${seconds}`);
  }

  mutex(name: string): Promise<Mutex> {
    return takeMutex(this, name);
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** Without the killing, the server would go on with a statement and hold its locks after we are gone. */
  async #end(): Promise<void> {
    this.way.signal.removeEventListener('abort', this.#abort);
    const running = this.#running > 0;
    if (running && !this.lost) await killStatement(this.way, this.connection);
    if (running || this.lost) this.connection.destroy();
    else await this.connection.end().catch(() => this.connection.destroy());
    this.#refuse(new Error('the connection was closed'));
  }
}

/** Throws `database-unreachable`, `database-denied`. */
export async function connect(way: Way): Promise<MysqlSession> {
  return new MysqlSession(await login(way), way);
}

function explain(error: unknown): Explained {
  const { message, code = '', errno } = error as { message: string; code?: string; errno?: number };
  return { message, native: code, lockTimeout: errno === 1205 };
}
