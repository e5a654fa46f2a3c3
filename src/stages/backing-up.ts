/** What a backup needs, from inputs and environment: which databases, which files, where to, how sure. */
import { statfs } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type ConfigFile, checkRecipients, type Level } from '../backup/backup.ts';
import type { DatabaseSection } from '../config/config.ts';
import { type Database, openDatabase } from '../database/database.ts';
import { openFleet } from '../fleet/fleet.ts';
import { Failure } from '../outcome/outcome.ts';
import { connect, type Host } from '../transport/transport.ts';
import { openDirectoryVault, type Vault } from '../vault/vault.ts';
import { fleetOptions } from './fleet-options.ts';
import type { StageContext } from './stage.ts';

export type BackupContext = StageContext<'backup'>;

/** What is to be backed up, and how. */
export interface Wanted {
  environment: string;
  databases: DatabaseSection[];
  configFiles: string[];
  vault: Vault;
  recipients: string[];
  /** The level that the backup must reach. */
  level: Level;
  /** How many backups are kept; null for all. */
  keep: number | null;
}

/** Inputs before the environment's section; null where neither asks for a backup. Throws `input-missing`, `input-invalid`, `config-invalid`. */
export function wantedOf({ inputs, environment, place }: BackupContext): Wanted | null {
  const section = environment?.backup;
  const url = inputs['database-url'];
  const to = inputs.to || section?.to || '';
  if (environment && !section && !to && !url) return null;
  if (!to)
    throw missing(
      'where the backup should lie is not said',
      'give the input to, or a backup section in changeline.yml',
    );
  if (/^[a-z][a-z0-9+.-]+:/i.test(to)) throw invalidPlace(to);
  const databases = url ? [{ name: 'main', url }] : (environment?.databases ?? []);
  const configFiles = environment?.['config-files'] ?? [];
  if (databases.length + configFiles.length === 0)
    throw missing(
      'there is nothing to back up',
      'give the input database-url, or database or config-files in changeline.yml',
    );
  for (const file of configFiles) if (file.startsWith('/') || file.split('/').includes('..')) throw invalidFile(file);
  const recipients = inputs.recipients.length ? inputs.recipients : (section?.recipients ?? []);
  checkRecipients(recipients);
  return {
    environment: environment?.name ?? 'standalone',
    databases,
    configFiles,
    vault: openDirectoryVault(resolve(place.workspace, to)),
    recipients,
    level: section?.level ?? 'compared',
    keep: section?.keep?.last ?? null,
  };
}

/** Runs `use` with one of the databases open, through its host where it has a `via`; everything is closed afterwards. */
export async function withDatabase<T>(
  context: BackupContext,
  section: DatabaseSection,
  use: (database: Database) => Promise<T>,
): Promise<T> {
  const { workspace, scratch } = context.place;
  const host =
    section.via === undefined
      ? null
      : await connect({ at: section.via, with: {} }, { ...fleetOptions(context), path: '/' });
  try {
    const tunnel = host ? (hostname: string, port: number) => host.tunnel(hostname, port) : undefined;
    const database = await openDatabase(section, { workspace, scratch, tunnel, signal: context.signal });
    return await use(database).finally(() => database.close());
  } finally {
    await host?.close();
  }
}

/** As `withDatabase`, with all of them open at once, in their order. */
export function withDatabases<T>(
  context: BackupContext,
  sections: DatabaseSection[],
  use: (databases: Database[]) => Promise<T>,
  open: Database[] = [],
): Promise<T> {
  const [first, ...rest] = sections;
  if (!first) return use(open);
  return withDatabase(context, first, (database) => withDatabases(context, rest, use, [...open, database]));
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

/** The Failure for too little room; null where there is enough, or the vault does not say. */
export async function lackOfRoom(wanted: Wanted, scratch: string, bytes: number): Promise<Failure | null> {
  const { bavail, bsize } = await statfs(scratch);
  const [stored, copied] = [await wanted.vault.free(), bavail * bsize];
  const where = stored !== null && stored < bytes ? wanted.vault.where : copied < bytes ? scratch : null;
  if (where === null) return null;
  return new Failure({
    code: 'disk-full',
    what: `the databases take ${inBytes(bytes)}, and ${inBytes(where === scratch ? copied : stored!)} are free`,
    where,
    untouched: 'nothing was stored',
    next: 'make room there; a backup needs as much as the databases take, once where it lies and once for the copy that proves it',
  });
}

/** Bytes for people: 812 B, 3.4 kB, 12.3 MB, 1.2 GB. */
export function inBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const unit = bytes < 999_950 ? 1 : bytes < 999_950_000 ? 2 : 3;
  return `${(bytes / 1000 ** unit).toFixed(1)} ${['B', 'kB', 'MB', 'GB'][unit]}`;
}

function missing(what: string, next: string): Failure {
  return new Failure({ code: 'input-missing', what, untouched: 'nothing was touched', next });
}

function invalidPlace(to: string): Failure {
  return new Failure({
    code: 'input-invalid',
    what: 'backups can lie in a directory only, and this is a URL',
    where: `to: ${to.split(':')[0]}:…`,
    untouched: 'nothing was touched',
    next: 'name a directory',
  });
}

function invalidFile(file: string): Failure {
  return new Failure({
    code: 'config-invalid',
    what: 'a config file must lie below shared/',
    where: `config-files: ${file}`,
    untouched: 'nothing was touched',
    next: 'write its path as it is seen from shared/, without ..',
  });
}
