/** Replacing a live PostgreSQL database by one that was built beside it on the same server. */
import { setTimeout as pause } from 'node:timers/promises';
import { Failure } from '../../outcome/outcome.ts';
import type { ServerAddress } from '../address.ts';
import { fittingClient } from '../postgres/programs.ts';
import type { Beside, Database, Fence, OpenOptions, Replacement } from '../types.ts';
import { AS_IT_WAS, impossible } from './failures.ts';
import { nameBeside } from './names.ts';
import { drop, PostgresBeside } from './postgres-beside.ts';
import { createLike } from './postgres-like.ts';
import { breaksOf, FENCED, lackingRights } from './postgres-obstacles.ts';
import { Server } from './postgres-server.ts';

/** NAMEDATALEN - 1: the server cuts longer names. */
const LONGEST_NAME = 63;
/** How long other connections may take to end, in milliseconds. */
const ENDING_MS = 10_000;

/** Connects to the server beside the live database, as `admin` where one is given. Throws as `openDatabase` does. */
export async function replacePostgres(
  name: string,
  live: ServerAddress,
  admin: ServerAddress | null,
  options: OpenOptions,
): Promise<Replacement> {
  const server = new Server(name, live, admin ?? live, options);
  const maintenance = await server.maintenance();
  try {
    if (admin) await server.refuseOther(maintenance);
    await refuseClosed(maintenance, live);
    return new PostgresReplacement(server, maintenance);
  } catch (error) {
    await maintenance.close();
    throw error;
  }
}

/** Only a server that stopped in the very moment of a swap leaves this behind. */
async function refuseClosed(maintenance: Database, { database, where }: ServerAddress): Promise<void> {
  const [row] = await maintenance.query('SELECT datallowconn AS open FROM pg_database WHERE datname = $1', [database]);
  if (row?.open === true) return;
  throw row
    ? impossible(
        where,
        'the database accepts no connections',
        `open it again: ALTER DATABASE ${maintenance.quote(database)} ALLOW_CONNECTIONS true`,
      )
    : impossible(where, 'the server has no such database', 'check the URL');
}

class PostgresReplacement implements Replacement {
  readonly #server: Server;
  readonly #maintenance: Database;

  constructor(server: Server, maintenance: Database) {
    this.#server = server;
    this.#maintenance = maintenance;
  }

  get #live(): string {
    return this.#server.live.database;
  }

  async breaks(): Promise<string[]> {
    const live = await this.#server.open(this.#server.address(this.#live));
    return breaksOf(live, this.#maintenance, this.#live).finally(() => live.close());
  }

  async check(): Promise<void> {
    await fittingClient('pg_restore', await this.#maintenance.version());
    const live = await this.#server.open(this.#server.address(this.#live));
    const lacking = await lackingRights(live).finally(() => live.close());
    if (lacking) throw lacking;
  }

  /**
   * New sessions of the database are read-only, and every old one is ended so that it comes back as a new one (that of
   * a pooler too). A session that sets itself back to writing on purpose is not held off.
   */
  async fence(): Promise<Fence> {
    const setting = await this.#readOnly();
    if (setting !== null && setting !== FENCED && !/^(off|false|no|0)$/i.test(setting))
      throw impossible(
        this.#server.live.where,
        'the database is read-only already, by a setting that is not ours',
        'find out who set default_transaction_read_only on it',
      );
    const before = setting === FENCED ? null : setting;
    await this.#setReadOnly(FENCED);
    try {
      const moment = await this.#now();
      await this.#endSessions(moment);
      await this.#verifyFence();
      // Once more: a session may have read the old setting before it could be seen.
      await this.#endSessions(moment);
    } catch (error) {
      await this.#unfence(before);
      throw error;
    }
    return { release: () => this.#unfence(before) };
  }

  async beside(id: string): Promise<Beside> {
    const [name, kept] = (['changeline', 'replaced'] as const).map((kind) =>
      nameBeside(this.#live, kind, id, LONGEST_NAME),
    );
    await createLike(this.#maintenance, this.#live, name!);
    const discard = () => drop(this.#maintenance, name!);
    try {
      const database = await this.#server.open(this.#server.address(name!));
      return new PostgresBeside(this.#server, this.#maintenance, { database, name: name!, kept: kept! });
    } catch (error) {
      await discard();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#maintenance.close();
  }

  async #now(): Promise<string> {
    return String((await this.#maintenance.query('SELECT clock_timestamp()::text AS now'))[0]!.now);
  }

  /** The setting of the database itself as it is written; null where it has none. */
  async #readOnly(): Promise<string | null> {
    const [row] = await this.#maintenance.query(
      `SELECT substr(c, strpos(c, '=') + 1) AS value FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS c
       WHERE d.datname = $1 AND s.setrole = 0 AND c LIKE 'default\\_transaction\\_read\\_only=%'`,
      [this.#live],
    );
    return row ? String(row.value) : null;
  }

  async #setReadOnly(value: string | null): Promise<void> {
    const to =
      value === null
        ? 'RESET default_transaction_read_only'
        : `SET default_transaction_read_only = '${value.replaceAll("'", "''")}'`;
    await this.#maintenance.execute([`ALTER DATABASE ${this.#maintenance.quote(this.#live)} ${to}`]);
  }

  /** After a swap the new database bears no fence, and its sessions began without one. */
  async #unfence(before: string | null): Promise<void> {
    if ((await this.#readOnly()) !== FENCED) return;
    await this.#setReadOnly(before);
    await this.#endSessions(await this.#now());
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

  async #verifyFence(): Promise<void> {
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
