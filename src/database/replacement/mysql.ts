/** Replacing a live MariaDB or MySQL database: no database can be renamed there, so all its tables are, in one atomic statement. */
import { randomUUID } from 'node:crypto';
import { Failure } from '../../outcome/outcome.ts';
import type { ServerAddress } from '../address.ts';
import { openMysql } from '../mysql/mysql.ts';
import { clientProgram } from '../mysql/programs.ts';
import type { Beside, Database, Fence, OpenOptions, Replacement } from '../types.ts';
import { notRestored } from './failures.ts';
import { MysqlBeside } from './mysql-beside.ts';
import { TableFence } from './mysql-fence.ts';
import { breaksOf, checkRights } from './mysql-obstacles.ts';
import { LONGEST_NAME, NEVER, openAt, tablesOf, type Way } from './mysql-way.ts';
import { nameBeside } from './names.ts';

/** Connects as `admin` where one is given. Throws as `openDatabase` does, `config-invalid` where that is another server. */
export async function replaceMysql(
  name: string,
  live: ServerAddress,
  admin: ServerAddress | null,
  options: OpenOptions,
): Promise<Replacement> {
  const way = { name, login: { ...(admin ?? live), database: live.database }, options };
  const database = await openAt(way, live.database);
  try {
    if (admin) await refuseOther(database, await openMysql(name, live, { ...options, signal: NEVER }), admin);
    return new MysqlReplacement(way, database);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Locks by name are the server's own: one that is held here is seen there, or it is another server. */
async function refuseOther(database: Database, ordinary: Database, admin: ServerAddress): Promise<void> {
  const session = await ordinary.session();
  try {
    const name = `changeline-${randomUUID()}`;
    await session.query('SELECT GET_LOCK(?, 0)', [name]);
    const [row] = await database.query('SELECT IS_USED_LOCK(?) AS holder', [name]);
    if (row!.holder !== null) return;
  } finally {
    await session.close();
    await ordinary.close();
  }
  throw new Failure({
    code: 'config-invalid',
    what: 'rollback.admin leads to another server than the database',
    where: admin.where,
    untouched: 'nothing was changed',
    next: 'name a login on the server of the database itself',
  });
}

class MysqlReplacement implements Replacement {
  readonly #way: Way;
  readonly #live: Database;
  #fence: TableFence | null = null;

  constructor(way: Way, live: Database) {
    this.#way = way;
    this.#live = live;
  }

  get #name(): string {
    return this.#way.login.database;
  }

  breaks(): Promise<string[]> {
    return breaksOf(this.#live, this.#name);
  }

  async check(): Promise<void> {
    await clientProgram('client', this.#live.engine as 'mysql' | 'mariadb', await this.#live.version());
    const names = [
      this.#name,
      ...(['changeline', 'replaced'] as const).map((kind) => nameBeside(this.#name, kind, '0', LONGEST_NAME)),
    ];
    await checkRights(this.#live, names, (await tablesOf(this.#live, this.#name)).length);
  }

  /** Writers wait, readers go on. It ends with our sessions, so a killed run leaves none. */
  async fence(): Promise<Fence> {
    const fence = await TableFence.raise(this.#live, await tablesOf(this.#live, this.#name));
    this.#fence = fence;
    return {
      release: async () => {
        this.#fence = null;
        await fence.release();
      },
    };
  }

  async beside(id: string): Promise<Beside> {
    const [name, kept] = (['changeline', 'replaced'] as const).map((kind) =>
      nameBeside(this.#name, kind, id, LONGEST_NAME),
    );
    const { encoding, collation } = await this.#live.traits();
    const { quote } = this.#live;
    await this.#live
      .execute([`CREATE DATABASE ${quote(name!)} CHARACTER SET ${encoding} COLLATE ${collation}`])
      .catch((error) => {
        throw notRestored(
          this.#live.where,
          `the database ${name} could not be created`,
          error.why,
          'where a run that was killed left it: look at it, remove it, then run it again',
        );
      });
    try {
      const names = { live: this.#name, beside: name!, kept: kept! };
      return new MysqlBeside(this.#way, this.#live, await openAt(this.#way, name!), names, () => this.#fence);
    } catch (error) {
      await this.#live.execute([`DROP DATABASE ${quote(name!)}`]);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#fence?.release();
    await this.#live.close();
  }
}
