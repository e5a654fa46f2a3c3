/** A throwaway PostgreSQL server, and what a dump is restored into on it or on a server of the user's. */
import type { Readable } from 'node:stream';
import type { ServerAddress } from '../address.ts';
import type { ThrowawayOptions } from '../open.ts';
import { openPostgres } from '../postgres/postgres.ts';
import { fittingClient, libpqEnvironment } from '../postgres/programs.ts';
import { errorWords, streamInto } from '../programs.ts';
import type { Database, Throwaway, Tunnel } from '../types.ts';
import { unusable } from './machine.ts';
import { createLike, createRoles, requireExtensions } from './postgres-like.ts';
import { startLike } from './server.ts';

/** How one of its databases is reached. */
export interface PostgresAccess {
  address: ServerAddress;
  tunnel: ((hostname: string, port: number) => Promise<Tunnel>) | null;
  /** The server's version as digits and dots. */
  version: string;
}

/** Starts a server and makes an empty database like the original on it. Throws as `throwaway` of open.ts says. */
export async function throwawayPostgres(options: ThrowawayOptions): Promise<Throwaway> {
  const { like, signal } = options;
  const { machine, server, running } = await startLike(options);
  const access = (database: string): PostgresAccess => ({
    address: running.address(database),
    tunnel: machine.tunnel,
    version: server.version,
  });
  let database: Database | null = null;
  try {
    const admin = await openAt(access('template1'), signal);
    const lacks = await prepare(admin, like).finally(() => admin.close());
    database = await openAt(access(like.name), signal);
    const copy = database;
    return {
      database: copy,
      unlike: differentVersion(server.version, like.version),
      lacks,
      // In one transaction, COPY into tables that were made in it writes no log.
      restore: (from, stop) => restoreDump(from, access(like.name), ['--single-transaction'], stop),
      harden: async () => {
        await running.durable();
        await reconnected(copy);
        await copy.execute(['ANALYZE']);
      },
      close: () => copy.close().finally(() => running.stop()),
    };
  } catch (error) {
    await database?.close().catch(() => {});
    await running.stop();
    throw error;
  }
}

async function prepare(admin: Database, like: ThrowawayOptions['like']): Promise<string[]> {
  await requireExtensions(admin, like.extensions);
  // Manifests of an older version have no owners.
  await createRoles(admin, [...like.roles, ...(like.owners ?? [])]);
  if (like.name === 'postgres') await admin.execute(['DROP DATABASE postgres']);
  return createLike(admin, like.name, like);
}

/** In what a server of that version is unlike the original, for people. */
export function differentVersion(copy: string, original: string): string[] {
  return copy === original ? [] : [`the copy runs PostgreSQL ${copy}, the original ${original}`];
}

/** Opens a database of a throwaway, through the tunnel where there is one. */
export function openAt({ address, tunnel }: PostgresAccess, signal: AbortSignal): Promise<Database> {
  return openPostgres('throwaway', address, { signal, ...(tunnel ? { tunnel } : {}) });
}

/** Waits until the standing connection is a new one: the old server's end is heard of a moment later. */
export async function reconnected(database: Database): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await database.query('SELECT 1');
      return;
    } catch (error) {
      if (tries >= 5) throw error;
    }
  }
}

/**
 * `pg_restore` from a stream, of the same version as the server it feeds, stopping at the first error. Throws
 * `backup-failed` with its words, `disk-full`, `tool-missing`.
 */
export async function restoreDump(
  from: Readable,
  { address, tunnel, version }: PostgresAccess,
  more: string[],
  signal: AbortSignal,
): Promise<void> {
  const program = await fittingClient('pg_restore', version);
  const way = tunnel && !address.socket ? await tunnel(address.hostname, address.port) : null;
  const conninfo = `dbname='${address.database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  // A subscription names a slot of another server, which goes with it; and it keeps its database from being dropped.
  const leave = ['--no-owner', '--no-privileges', '--no-subscriptions'];
  const args = ['--exit-on-error', ...more, ...leave, '--no-password', `--dbname=${conninfo}`];
  const env = libpqEnvironment({ address, tunnel: way });
  await streamInto(from, { file: program.file, args, env }, signal, (how) =>
    unusable('pg_restore could not read the dump back', errorWords(how)),
  ).finally(() => way?.close());
}
