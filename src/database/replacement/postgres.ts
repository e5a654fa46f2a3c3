/** Replacing a live PostgreSQL database by one that was built beside it on the same server. */
import type { ServerAddress } from '../address.ts';
import { fittingClient } from '../postgres/programs.ts';
import type { Beside, Database, Fence, OpenOptions, Replacement } from '../types.ts';
import { impossible } from './failures.ts';
import { nameBeside } from './names.ts';
import { drop, PostgresBeside } from './postgres-beside.ts';
import { FENCED, PostgresFence, readOnlySetting } from './postgres-fence.ts';
import { createLike } from './postgres-like.ts';
import { breaksOf, lackingRights } from './postgres-obstacles.ts';
import { Server } from './postgres-server.ts';

/** NAMEDATALEN - 1: the server cuts longer names. */
const LONGEST_NAME = 63;

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

/** See `liftFence`. `live` is that of the database itself: only where there is a fence the other login is needed. */
export async function liftPostgresFence(
  name: string,
  live: ServerAddress,
  admin: ServerAddress | null,
  options: OpenOptions,
): Promise<boolean> {
  const server = new Server(name, live, admin ?? live, options);
  const ordinary = await server.open(live);
  const setting = await readOnlySetting(ordinary, live.database).finally(() => ordinary.close());
  if (setting !== FENCED) return false;
  const maintenance = await server.maintenance();
  try {
    if (admin) await server.refuseOther(maintenance);
    await new PostgresFence(server, maintenance).lower(null);
    return true;
  } finally {
    await maintenance.close();
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

  fence(): Promise<Fence> {
    return new PostgresFence(this.#server, this.#maintenance).raise();
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
}
