/** MySQL, 8 and newer, and MariaDB, 10.5 and newer. */
import type { Writable } from 'node:stream';
import { Failure } from '../../outcome/outcome.ts';
import type { ServerAddress } from '../address.ts';
import { Nowhere } from '../output.ts';
import { compareVersions, streamFrom, versionIn } from '../programs.ts';
import type {
  Contents,
  Database,
  DumpFacts,
  Engine,
  Executed,
  Fingerprint,
  Observer,
  OpenOptions,
  Parameter,
  Row,
  Session,
  Traits,
} from '../types.ts';
import { mysqlFingerprint } from './catalogue.ts';
import { ContentsInDump } from './contents-in-dump.ts';
import type { Way } from './login.ts';
import { observeMysql } from './observer.ts';
import { type ClientProgram, clientProgram, urlOf, withOptionFile } from './programs.ts';
import { binlogPosition, replicaLag } from './replication.ts';
import { connect, type MysqlSession } from './session.ts';

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

const DUMP = [
  ...['--single-transaction', '--quick', '--hex-blob', '--no-tablespaces', '--skip-dump-date'],
  ...['--default-character-set=utf8mb4', '--max-allowed-packet=1G'],
];

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

  observer = (session: Session): Observer => observeMysql(this.engine, session, () => connect(this.#way));
  lag = (): Promise<number | null> => replicaLag((sql) => this.query(sql));
  url = (): string => urlOf(this.#way, this.engine);
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
      ctype: null,
      provider: null,
      icu: null,
      roles: [],
      owners: [],
      extensions: [],
    };
  }

  async fingerprint(): Promise<Fingerprint> {
    const session = await connect(this.#way);
    return mysqlFingerprint((sql) => session.query(sql), this.engine === 'mariadb').finally(() => session.close());
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
    if (!knowsHistory(program) && (await this.#hasHistory())) throw withoutHistory(this.where, program);
    return `${program.file.split('/').at(-1)} ${program.version}`;
  }

  /** The engine's dump program in one consistent transaction; what it holds is read in the bytes it writes. */
  async dump(to: Writable, signal: AbortSignal): Promise<DumpFacts> {
    try {
      const tool = await this.checkTools();
      const position = await binlogPosition((sql) => this.query(sql));
      return { ...(await this.#dumped(['--routines', '--triggers', '--events'], to, signal)), position, tool };
    } catch (error) {
      to.destroy(error as Error);
      throw error;
    }
  }

  /** What the dump program writes without routines, triggers and events, read and thrown away. */
  async contents(signal: AbortSignal): Promise<Contents> {
    return (await this.#dumped(['--skip-triggers'], new Nowhere(), signal)).contents;
  }

  async #dumped(
    what: string[],
    to: Writable,
    signal: AbortSignal,
  ): Promise<Pick<DumpFacts, 'contents' | 'bytes' | 'held'>> {
    const program = await clientProgram('dump', this.engine, this.#version);
    const history = knowsHistory(program) && (await this.#hasHistory()) ? ['--dump-history'] : [];
    const reader = new ContentsInDump();
    const ran = await withOptionFile(this.#way, program, (options) => {
      const args = [...options, ...DUMP, ...what, ...history, ...kin(program, this.engine)];
      const command = { file: program.file, args: [...args, '--', this.#way.address.database] };
      return streamFrom(command, to, signal, (chunk) => reader.push(chunk));
    });
    return { contents: reader.contents(), ...ran };
  }

  /** Whether a table keeps the history of its rows, which only MariaDB knows. */
  async #hasHistory(): Promise<boolean> {
    const sql = `SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'SYSTEM VERSIONED' LIMIT 1`;
    return this.engine === 'mariadb' && (await this.query(sql)).length > 0;
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

/** Options that only MySQL's program knows. */
function kin(program: ClientProgram, engine: Engine): string[] {
  if (program.mariadb) return [];
  return ['--set-gtid-purged=OFF', ...(engine === 'mariadb' ? ['--column-statistics=0'] : [])];
}

function knowsHistory(program: ClientProgram): boolean {
  return program.mariadb && compareVersions(program.version, '10.11', 2) >= 0;
}

/** Without --dump-history, a dump silently holds only the rows of now. */
function withoutHistory(where: string, program: ClientProgram): Failure {
  return new Failure({
    code: 'tool-missing',
    what: `${program.file.split('/').at(-1)} ${program.version} cannot dump the history of tables WITH SYSTEM VERSIONING`,
    where,
    untouched: 'the database was not touched',
    next: 'install the MariaDB client programs of version 10.11 or newer',
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
