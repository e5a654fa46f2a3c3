/** A throwaway MariaDB or MySQL server, and what a dump is restored into on it or on a server of the user's. */
import type { Readable } from 'node:stream';
import type { ServerAddress } from '../address.ts';
import { openMysql } from '../mysql/mysql.ts';
import { clientProgram, withOptionFile } from '../mysql/programs.ts';
import type { ThrowawayOptions } from '../open.ts';
import { errorWords, streamInto } from '../programs.ts';
import type { Database, Throwaway, Traits, Tunnel } from '../types.ts';
import { unusable } from './machine.ts';
import { reconnected } from './postgres.ts';
import { startLike } from './server.ts';

/** How one of its databases is reached. */
export interface MysqlAccess {
  address: ServerAddress;
  tunnel: ((hostname: string, port: number) => Promise<Tunnel>) | null;
  /** The server's. */
  engine: 'mysql' | 'mariadb';
  version: string;
  scratch: string;
}

/** Starts a server and makes an empty database like the original on it. Throws as `throwaway` of open.ts says. */
export async function throwawayMysql(options: ThrowawayOptions): Promise<Throwaway> {
  const { like, scratch, signal } = options;
  const { machine, server, running } = await startLike(options);
  const engine = like.engine as 'mysql' | 'mariadb';
  const access = (name: string): MysqlAccess => ({
    address: running.address(name),
    tunnel: machine.tunnel,
    engine,
    version: server.version,
    scratch,
  });
  let database: Database | null = null;
  try {
    const admin = await openAt(access('mysql'), signal);
    const lacks = await createLike(admin, like.name, like).finally(() => admin.close());
    database = await openAt(access(like.name), signal);
    const copy = database;
    return {
      database: copy,
      unlike: differentVersion(server.version, like.version),
      lacks,
      restore: async (from, stop) => {
        await restoreDump(from, access(like.name), stop);
        await createDefiners(copy, like.name);
      },
      harden: async () => {
        await running.durable();
        await reconnected(copy);
        await analyze(copy);
      },
      close: () => copy.close().finally(() => running.stop()),
    };
  } catch (error) {
    await database?.close().catch(() => {});
    await running.stop();
    throw error;
  }
}

/** In what a server of that version is unlike the original, for people. */
export function differentVersion(copy: string, original: string): string[] {
  return copy === original ? [] : [`the copy runs version ${copy}, the original ${original}`];
}

/** Opens a database of a throwaway, through the tunnel where there is one. */
export function openAt({ address, tunnel, scratch }: MysqlAccess, signal: AbortSignal): Promise<Database> {
  return openMysql('throwaway', address, { scratch, signal, ...(tunnel ? { tunnel } : {}) });
}

/**
 * Creates an empty database of that name, like the original. Where the server does not know the original's collation it
 * is created with the server's own, and what is not proven then is answered, for people.
 */
export async function createLike(admin: Database, name: string, like: Traits): Promise<string[]> {
  const create = `CREATE DATABASE ${admin.quote(name)}`;
  if (!like.encoding || !like.collation) {
    await admin.execute([create]);
    return [];
  }
  try {
    const words = [like.encoding, like.collation].map((word) => admin.quote(word));
    await admin.execute([`${create} CHARACTER SET ${words[0]} COLLATE ${words[1]}`]);
    return [];
  } catch (error) {
    await admin.execute([create]).catch(() => {
      throw error;
    });
    return [`the collation ${like.collation} is unknown there: order and uniqueness by it are not proven`];
  }
}

/** Refreshes the statistics of every table. */
export async function analyze(database: Database): Promise<void> {
  const tables = await database.query(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
  );
  if (tables.length === 0) return;
  await database.query(`ANALYZE TABLE ${tables.map(({ name }) => database.quote(String(name))).join(', ')}`);
}

/** Views, triggers and routines run as their definers: those who are not there are created, unable to log in. */
async function createDefiners(database: Database, name: string): Promise<void> {
  const definers = await database.query(
    `SELECT definer FROM information_schema.views WHERE table_schema = DATABASE()
     UNION SELECT definer FROM information_schema.triggers WHERE trigger_schema = DATABASE()
     UNION SELECT definer FROM information_schema.routines WHERE routine_schema = DATABASE()`,
  );
  for (const row of definers) {
    const definer = String(row.definer ?? row.DEFINER);
    const at = definer.lastIndexOf('@');
    if (at < 0) continue;
    const account = [definer.slice(0, at), definer.slice(at + 1)].map((part) => literal(part)).join('@');
    await database.execute([
      `CREATE USER IF NOT EXISTS ${account} ACCOUNT LOCK`,
      `GRANT ALL PRIVILEGES ON ${database.quote(name.replace(/[_%\\]/g, '\\$&'))}.* TO ${account}`,
    ]);
  }
}

/** The client program from a stream, stopping at the first error. Throws `backup-failed` with its words, `disk-full`, `tool-missing`. */
export async function restoreDump(from: Readable, access: MysqlAccess, signal: AbortSignal): Promise<void> {
  const { address, tunnel, engine, version, scratch } = access;
  const program = await clientProgram('client', engine, version);
  const way = tunnel && !address.socket ? await tunnel(address.hostname, address.port) : null;
  const more = ['--default-character-set=utf8mb4', '--max-allowed-packet=1G', `--database=${address.database}`];
  await withOptionFile({ address, tunnel: way, scratch }, program, (options) =>
    streamInto(from, { file: program.file, args: [...options, ...more] }, signal, (how) =>
      unusable('the dump could not be read back', errorWords(how)),
    ),
  ).finally(() => way?.close());
}

function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
