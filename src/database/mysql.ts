/** MySQL, 8 and newer, and MariaDB, 10.5 and newer. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import mysql from 'mysql2/promise';
import { Failure } from '../outcome/outcome.ts';
import { redact } from '../secret/secret.ts';
import type { ServerAddress } from './address.ts';
import { mysqlFingerprint, TABLES } from './mysql-catalogue.ts';
import { clientProgram, withOptionFile } from './mysql-programs.ts';
import { streamFrom, versionIn } from './programs.ts';
import { RowsInDump } from './rows-in-dump.ts';
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

export type Way = { address: ServerAddress; tunnel: Tunnel | null; signal: AbortSignal; scratch: string };

/** Connects, through the tunnel where there is one. Throws `database-unreachable`, `database-denied`. */
export async function openMysql(
  name: string,
  address: ServerAddress,
  options: Omit<OpenOptions, 'workspace'>,
): Promise<Database> {
  const tunnel = options.tunnel && !address.socket ? await options.tunnel(address.hostname, address.port) : null;
  const way = { address, tunnel, signal: options.signal, scratch: options.scratch };
  try {
    const main = await connect(way);
    const said = String((await main.query('SELECT VERSION() AS version'))[0]?.version);
    return new MysqlDatabase(name, way, main, said);
  } catch (error) {
    await tunnel?.close();
    throw error;
  }
}

class MysqlSession implements Session {
  readonly connection: mysql.Connection;
  readonly way: Way;
  /** Set where the server or the network ended the connection. */
  lost = false;
  readonly #aborted: Promise<never>;
  #abort = () => {};

  constructor(connection: mysql.Connection, way: Way) {
    this.connection = connection;
    this.way = way;
    connection.on('error', () => (this.lost = true));
    connection.on('end', () => (this.lost = true));
    this.#aborted = new Promise((_resolve, reject) => {
      this.#abort = () => {
        reject(new Error('the run was cancelled'));
        connection.destroy();
      };
    });
    this.#aborted.catch(() => {});
    way.signal.addEventListener('abort', this.#abort, { once: true });
  }

  async query(sql: string, parameters: Parameter[] = []): Promise<Row[]> {
    try {
      // Parameters are bound by the server: quoting them here would depend on its sql_mode.
      const [rows] = parameters.length
        ? await this.#unlessAborted(this.connection.execute(sql, parameters))
        : await this.#unlessAborted(this.connection.query(sql));
      return Array.isArray(rows) ? (rows as Row[]) : [];
    } catch (error) {
      throw databaseError({ where: this.way.address.where, explain, signal: this.way.signal }, error, {});
    }
  }

  execute(script: string | string[], options: { transaction?: boolean } = {}): Promise<Executed> {
    const runner = {
      engine: 'mysql' as const,
      where: this.way.address.where,
      one: (sql: string) => this.#unlessAborted(this.connection.query(sql)),
      explain,
      signal: this.way.signal,
    };
    return runScript(runner, script, options.transaction ?? false);
  }

  /** A destroyed connection never answers what it was asked. */
  #unlessAborted<T>(answer: Promise<T>): Promise<T> {
    answer.catch(() => {});
    return Promise.race([answer, this.#aborted]);
  }

  async lockTimeout(ms: number): Promise<void> {
    const seconds = Math.max(1, Math.ceil(ms / 1000));
    await this.query(`SET SESSION lock_wait_timeout = ${seconds}`);
    await this.query(`SET SESSION innodb_lock_wait_timeout = ${seconds}`);
  }

  /** GET_LOCK: the server releases it when this connection ends. Its names are the server's, so the database's name is part of ours. */
  async mutex(name: string): Promise<Mutex> {
    const key = `changeline-${createHash('sha256').update(`${this.way.address.database}\0${name}`).digest('hex').slice(0, 40)}`;
    const [row] = await this.query('SELECT GET_LOCK(?, 0) AS taken', [key]);
    if (Number(row?.taken) === 1)
      return { release: async () => void (await this.query('SELECT RELEASE_LOCK(?)', [key])) };
    const [holder] = await this.query('SELECT IS_USED_LOCK(?) AS id', [key]);
    throw new Failure({
      code: 'database-busy',
      what: `another connection holds ${name}`,
      where: this.way.address.where,
      why: holder?.id ? `connection ${holder.id} of the server` : 'it let go just now',
      untouched: 'nothing was changed',
      next: 'wait until it has ended; the lock ends with its connection',
    });
  }

  async close(): Promise<void> {
    this.way.signal.removeEventListener('abort', this.#abort);
    if (this.lost) this.connection.destroy();
    else await this.connection.end().catch(() => this.connection.destroy());
  }
}

class MysqlDatabase implements Database {
  readonly engine: 'mysql' | 'mariadb';
  readonly name: string;
  readonly where: string;
  readonly #way: Way;
  readonly #version: string;
  #main: MysqlSession;

  constructor(name: string, way: Way, main: MysqlSession, said: string) {
    this.name = name;
    this.where = way.address.where;
    this.engine = /mariadb/i.test(said) ? 'mariadb' : 'mysql';
    this.#version = versionIn(said) ?? '';
    this.#way = way;
    this.#main = main;
  }

  placeholder = (): string => '?';
  quote = (identifier: string): string => `\`${identifier.replaceAll('`', '``')}\``;
  query = async (sql: string, parameters?: Parameter[]): Promise<Row[]> => (await this.#live()).query(sql, parameters);
  execute = async (script: string | string[], options?: { transaction?: boolean }): Promise<Executed> =>
    (await this.#live()).execute(script, options);
  session = (): Promise<Session> => connect(this.#way);
  version = async (): Promise<string> => this.#version;

  async traits(): Promise<Traits> {
    const [row] = await this.query(
      'SELECT default_character_set_name AS encoding, default_collation_name AS collation FROM information_schema.schemata WHERE schema_name = DATABASE()',
    );
    const { encoding, collation } = row as Pick<Traits, 'encoding' | 'collation'>;
    return {
      engine: this.engine,
      version: this.#version,
      name: this.#way.address.database,
      encoding,
      collation,
      roles: [],
      extensions: [],
    };
  }

  async fingerprint(): Promise<Fingerprint> {
    const session = await connect(this.#way);
    return mysqlFingerprint((sql) => session.query(sql), this.engine === 'mariadb').finally(() => session.close());
  }

  async counts(): Promise<Record<string, number>> {
    const session = await connect(this.#way);
    try {
      await session.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      await session.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
      const counts: Record<string, number> = {};
      for (const { name } of await session.query(TABLES)) {
        const [row] = await session.query(`SELECT COUNT(*) AS amount FROM ${this.quote(String(name))}`);
        counts[String(name)] = Number(row!.amount);
      }
      return counts;
    } finally {
      await session.close();
    }
  }

  async size(): Promise<number> {
    const [row] = await this.query(
      'SELECT COALESCE(SUM(data_length + index_length), 0) AS size FROM information_schema.tables WHERE table_schema = DATABASE()',
    );
    return Number(row?.size);
  }

  async checkTools(): Promise<string> {
    const program = await clientProgram('dump', this.engine, this.#version);
    if (program.mariadb && /['"\\]/.test(this.#way.address.database)) throw unquotable(this.where);
    return `${program.file.split('/').at(-1)} ${program.version}`;
  }

  /** The engine's dump program in one consistent transaction; rows are counted in the bytes it writes. */
  async dump(to: Writable, signal: AbortSignal): Promise<DumpFacts> {
    const program = await clientProgram('dump', this.engine, this.#version).catch((error) => {
      to.destroy(error);
      throw error;
    });
    const rows = new RowsInDump();
    const bytes = await withOptionFile(this.#way, program, (options) => {
      const args = [
        ...[
          ...options,
          '--single-transaction',
          '--quick',
          '--routines',
          '--triggers',
          '--events',
          '--hex-blob',
          '--no-tablespaces',
        ],
        ...['--skip-dump-date', '--default-character-set=utf8mb4', '--max-allowed-packet=1G'],
        ...(program.mariadb
          ? []
          : ['--set-gtid-purged=OFF', ...(this.engine === 'mariadb' ? ['--column-statistics=0'] : [])]),
        ...['--', this.#way.address.database],
      ];
      return streamFrom({ file: program.file, args }, to, signal, (chunk) => rows.push(chunk));
    });
    return { counts: { ...rows.counts }, counted: 'stream', position: null, bytes, tool: await this.checkTools() };
  }

  async close(): Promise<void> {
    await this.#main.close();
    await this.#way.tunnel?.close();
  }

  /** The standing connection, made anew where it was lost meanwhile. */
  async #live(): Promise<MysqlSession> {
    if (this.#main.lost && !this.#way.signal.aborted) {
      await this.#main.close();
      this.#main = await connect(this.#way);
    }
    return this.#main;
  }
}

async function connect(way: Way): Promise<MysqlSession> {
  const { address, tunnel } = way;
  const attempt = (ssl: mysql.SslOptions | null) =>
    mysql.createConnection({
      ...(address.socket
        ? { socketPath: address.socket }
        : { host: tunnel?.hostname ?? address.hostname, port: tunnel?.port ?? address.port }),
      ...(ssl === null ? {} : { ssl }),
      user: address.user,
      password: address.password,
      database: address.database,
      connectTimeout: CONNECT_MS,
      charset: 'utf8mb4',
      supportBigNumbers: true,
    });
  try {
    return new MysqlSession(await dial(attempt, address), way);
  } catch (error) {
    throw way.signal.aborted ? error : loginFailure(address, error);
  }
}

async function dial(
  attempt: (ssl: mysql.SslOptions | null) => Promise<mysql.Connection>,
  address: ServerAddress,
): Promise<mysql.Connection> {
  if (address.tls === 'disable' || address.socket) return attempt(null);
  if (address.tls === 'prefer') {
    return attempt({ rejectUnauthorized: false }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'HANDSHAKE_NO_SSL_SUPPORT') return attempt(null);
      throw error;
    });
  }
  const ca = address.authority === null ? {} : { ca: await readFile(address.authority, 'utf8') };
  return attempt({
    rejectUnauthorized: address.tls !== 'require',
    verifyIdentity: address.tls === 'verify-full',
    ...ca,
  });
}

/** mariadb-dump escapes the name as if it stood in a string, and then finds no such database. */
function unquotable(where: string): Failure {
  return new Failure({
    code: 'backup-failed',
    what: 'mariadb-dump cannot dump a database whose name holds a quote or a backslash',
    where,
    untouched: 'the database was not touched',
    next: 'rename the database',
  });
}

function explain(error: unknown): Explained {
  const { message, code = '', errno } = error as { message: string; code?: string; errno?: number };
  return { message, native: code, lockTimeout: errno === 1205 };
}

function loginFailure(address: ServerAddress, error: unknown): Failure {
  const { message, code = '' } = error as { message: string; code?: string };
  const denied = [
    'ER_ACCESS_DENIED_ERROR',
    'ER_DBACCESS_DENIED_ERROR',
    'ER_HOST_NOT_PRIVILEGED',
    'ER_NOT_SUPPORTED_AUTH_MODE',
  ].includes(code);
  return new Failure({
    code: denied ? 'database-denied' : 'database-unreachable',
    what: denied ? 'the database refused the login' : 'the database did not answer',
    where: address.where,
    why: redact(message || code),
    untouched: 'nothing was changed',
    next: denied
      ? 'check user, password and database in the URL, and what the user is granted'
      : 'check that the server runs and that this machine reaches it',
    cause: error,
  });
}
