/** What is read for a backup: databases, directly, through a host or from a replica, and the config files of the hosts. */
import type { ConfigFile } from '../../backup/backup.ts';
import type { DatabaseSection } from '../../config/config.ts';
import { type Database, openDatabase } from '../../database/database.ts';
import { openFleet } from '../../fleet/fleet.ts';
import type { Host } from '../../transport/transport.ts';
import { fleetOptions } from '../fleet-options.ts';
import { through } from '../through.ts';
import type { BackupContext } from './wanted.ts';

/** One of the environment's databases, open, with the replica that is read in its place. */
export interface Source {
  database: Database;
  replica: Database | null;
}

/** Runs `use` with one of the databases open; everything is closed afterwards. */
export function withDatabase<T>(
  context: BackupContext,
  section: DatabaseSection,
  use: (source: Source) => Promise<T>,
): Promise<T> {
  return through(context, section, async (options) => {
    const open: Database[] = [];
    const opened = async (url: string) => {
      const database = await openDatabase({ name: section.name, url }, options);
      open.push(database);
      return database;
    };
    try {
      const database = await opened(section.url);
      return await use({ database, replica: section.replica === undefined ? null : await opened(section.replica) });
    } finally {
      for (const database of open) await database.close();
    }
  });
}

/** As `withDatabase`, with all of them open at once, in their order. */
export function withDatabases<T>(
  context: BackupContext,
  sections: DatabaseSection[],
  use: (sources: Source[]) => Promise<T>,
  open: Source[] = [],
): Promise<T> {
  const [first, ...rest] = sections;
  if (!first) return use(open);
  return withDatabase(context, first, (source) => withDatabases(context, rest, use, [...open, source]));
}

/** The config files of every host, as they are now. Throws the Failures of the hosts. */
export async function readConfigFiles(context: BackupContext, files: string[]): Promise<ConfigFile[]> {
  if (files.length === 0) return [];
  const fleet = await openFleet(context.environment!, fleetOptions(context));
  const read = (host: Host) =>
    Promise.all(files.map(async (path) => ({ host: host.name, path, bytes: await host.read(`shared/${path}`) })));
  try {
    return (await Promise.all(fleet.hosts.map(read))).flat();
  } finally {
    await fleet.close();
  }
}
