/** The PostgreSQL server of a live database, with the login that replaces it. */
import { Failure, failureFrom } from '../../outcome/outcome.ts';
import type { ServerAddress } from '../address.ts';
import { openPostgres } from '../postgres/postgres.ts';
import type { Database, OpenOptions } from '../types.ts';
import { AS_IT_WAS } from './failures.ts';

// What was begun must be put back although the run was cancelled.
const NEVER = new AbortController().signal;

/** The server with the login that replaces. */
export class Server {
  readonly name: string;
  readonly live: ServerAddress;
  readonly login: ServerAddress;
  readonly options: OpenOptions;

  constructor(name: string, live: ServerAddress, login: ServerAddress, options: OpenOptions) {
    this.name = name;
    this.live = live;
    this.login = login;
    this.options = options;
  }

  address(database: string, { where, ...login }: ServerAddress = this.login): ServerAddress {
    return { ...login, database, where: `${where.slice(0, -login.database.length)}${database}` };
  }

  open(address: ServerAddress): Promise<Database> {
    return openPostgres(this.name, address, { tunnel: this.options.tunnel, signal: NEVER });
  }

  /** A database cannot be renamed from within. `template1` is there where `postgres` was removed. */
  async maintenance(): Promise<Database> {
    const [first, second] = ['postgres', 'template1'].filter((name) => name !== this.live.database);
    return this.open(this.address(first!)).catch((error) => {
      if (second === undefined || !/does not exist/.test(failureFrom(error).why ?? '')) throw error;
      return this.open(this.address(second));
    });
  }

  /** Two servers never started at the same microsecond. */
  async refuseOther(maintenance: Database): Promise<void> {
    const started = 'SELECT extract(epoch FROM pg_postmaster_start_time())::text AS started';
    const live = await this.open(this.live);
    const [here] = await live.query(started).finally(() => live.close());
    const [there] = await maintenance.query(started);
    if (here!.started === there!.started) return;
    throw new Failure({
      code: 'config-invalid',
      what: 'rollback.admin leads to another server than the database',
      where: this.login.where,
      untouched: AS_IT_WAS,
      next: 'name a login on the server of the database itself',
    });
  }
}
