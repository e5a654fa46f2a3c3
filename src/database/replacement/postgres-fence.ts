/** Holding off the writers of a PostgreSQL database: read-only for new sessions, and every old one is ended. */
import { setTimeout as pause } from 'node:timers/promises';
import { Failure } from '../../outcome/outcome.ts';
import type { Database, Fence, Runner } from '../types.ts';
import { AS_IT_WAS, impossible } from './failures.ts';
import type { Server } from './postgres-server.ts';

/**
 * How the fence writes `on`. The server reads any unambiguous beginning of `true` (parse_bool in its source), and nobody
 * writes this one by hand: so a fence that a killed run left is known for what it is, without any further right.
 */
export const FENCED = 'tru';

/** How long other connections may take to end, in milliseconds. */
const ENDING_MS = 10_000;

/** What a database itself says of default_transaction_read_only, as it is written; null where it says nothing. Anybody may read it. */
export async function readOnlySetting(runner: Pick<Runner, 'query'>, name: string): Promise<string | null> {
  const [row] = await runner.query(
    `SELECT substr(c, strpos(c, '=') + 1) AS value FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS c
     WHERE d.datname = $1 AND s.setrole = 0 AND c LIKE 'default\\_transaction\\_read\\_only=%'`,
    [name],
  );
  return row ? String(row.value) : null;
}

/** The fence of one live database. It outlives its run: see `lower`. */
export class PostgresFence {
  readonly #server: Server;
  readonly #maintenance: Database;

  constructor(server: Server, maintenance: Database) {
    this.#server = server;
    this.#maintenance = maintenance;
  }

  get #live(): string {
    return this.#server.live.database;
  }

  /**
   * New sessions of the database are read-only, and every old one is ended so that it comes back as a new one (that of
   * a pooler too). A session that sets itself back to writing on purpose is not held off.
   */
  async raise(): Promise<Fence> {
    const setting = await readOnlySetting(this.#maintenance, this.#live);
    if (setting !== null && setting !== FENCED && !/^(off|false|no|0)$/i.test(setting))
      throw impossible(
        this.#server.live.where,
        'the database is read-only already, by a setting that is not ours',
        'find out who set default_transaction_read_only on it',
      );
    const before = setting === FENCED ? null : setting;
    await this.#set(FENCED);
    try {
      const moment = await this.#now();
      await this.#endSessions(moment);
      await this.#verify();
      // Once more: a session may have read the old setting before it could be seen.
      await this.#endSessions(moment);
    } catch (error) {
      await this.lower(before);
      throw error;
    }
    return { release: () => this.lower(before) };
  }

  /** Lets writes in again; `before` is the setting that stood there, null for none. After a swap the new database bears no fence. */
  async lower(before: string | null): Promise<void> {
    if ((await readOnlySetting(this.#maintenance, this.#live)) !== FENCED) return;
    await this.#set(before);
    await this.#endSessions(await this.#now());
  }

  async #now(): Promise<string> {
    return String((await this.#maintenance.query('SELECT clock_timestamp()::text AS now'))[0]!.now);
  }

  async #set(value: string | null): Promise<void> {
    const to =
      value === null
        ? 'RESET default_transaction_read_only'
        : `SET default_transaction_read_only = '${value.replaceAll("'", "''")}'`;
    await this.#maintenance.execute([`ALTER DATABASE ${this.#maintenance.quote(this.#live)} ${to}`]);
  }

  /** Ends the sessions of clients that began before `moment`. Throws `database-busy` where one does not end. */
  async #endSessions(moment: string): Promise<void> {
    const deadline = Date.now() + ENDING_MS;
    for (;;) {
      const rows = await this.#maintenance.query(
        `SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()
         AND backend_type = 'client backend' AND backend_start < $2::timestamptz`,
        [this.#live, moment],
      );
      if (rows.length === 0) return;
      if (Date.now() > deadline)
        throw new Failure({
          code: 'database-busy',
          what: `${rows.length} connections do not end`,
          where: this.#server.live.where,
          why: `server processes ${rows
            .slice(0, 5)
            .map(({ pid }) => pid)
            .join(', ')}`,
          untouched: AS_IT_WAS,
          next: 'see what they do (pg_stat_activity), then run it again',
        });
      await pause(5);
    }
  }

  async #verify(): Promise<void> {
    const ordinary = await this.#server.open(this.#server.live);
    const [row] = await ordinary
      .query("SELECT current_setting('transaction_read_only') AS fenced")
      .finally(() => ordinary.close());
    if (row!.fenced === 'on') return;
    throw impossible(
      this.#server.live.where,
      'the login of the application writes in spite of the fence',
      'remove its own setting: ALTER ROLE … [IN DATABASE …] RESET default_transaction_read_only',
    );
  }
}
