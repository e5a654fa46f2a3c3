/** MySQL, 8 and newer, and MariaDB, 10.5 and newer. */
import { createHash } from 'node:crypto';
import type { Writable } from 'node:stream';
import type mysql from 'mysql2/promise';
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
import { mysqlFingerprint, TABLES } from './catalogue.ts';
import { killStatement, login, type Way } from './login.ts';
import { clientProgram, withOptionFile } from './programs.ts';
import { RowsInDump } from './rows-in-dump.ts';

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

async function connect(way: Way): Promise<MysqlSession> {
  return new MysqlSession(await login(way), way);
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
  execute = async (statements: string[], options?: { transaction?: boolean }): Promise<Executed> =>
    (await this.#live()).execute(statements, options);
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
