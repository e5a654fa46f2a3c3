/** PostgreSQL, 12 and newer. */
import type { Writable } from 'node:stream';
import type { ServerAddress } from '../address.ts';
import { versionIn } from '../programs.ts';
import type {
  Contents,
  Database,
  DumpFacts,
  Executed,
  Fingerprint,
  Observer,
  OpenOptions,
  Parameter,
  Row,
  Session,
  Traits,
} from '../types.ts';
import { postgresFingerprint, TRAITS } from './catalogue.ts';
import { readContents, writeDump } from './dump.ts';
import { urlOf, type Way } from './login.ts';
import { PostgresObserver } from './observer.ts';
import { fittingClient } from './programs.ts';
import { standbyLag } from './replicas.ts';
import { connect, type PostgresSession } from './session.ts';

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

  observer = (session: Session): Observer => new PostgresObserver(session, () => connect(this.#way));
  lag = (): Promise<number | null> => standbyLag(this);
  url = (): string => urlOf(this.#way);
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
    const [row] = await this.query(TRAITS);
    return { ...(row as Omit<Traits, 'engine' | 'version'>), engine: 'postgres', version: await this.version() };
  }

  async fingerprint(): Promise<Fingerprint> {
    const session = await connect(this.#way);
    return postgresFingerprint((sql) => session.query(sql)).finally(() => session.close());
  }

  async size(): Promise<number> {
    return Number((await this.query('SELECT pg_database_size(current_database()) AS size'))[0]?.size);
  }

  async checkTools(): Promise<string> {
    const program = await fittingClient('pg_dump', await this.version());
    return `pg_dump ${program.version}`;
  }

  contents = (signal: AbortSignal): Promise<Contents> => readContents(this, this.#way, signal);
  dump = (to: Writable, signal: AbortSignal): Promise<DumpFacts> => writeDump(this, this.#way, to, signal);

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
