/** Opens what a rollback of data works on: the databases, what replaces them, and the vault. */
import { type Manifest, readBackup } from '../../backup/backup.ts';
import type { DatabaseSection } from '../../config/config.ts';
import { type Database, openDatabase, type Replacement, replacement } from '../../database/database.ts';
import { Failure } from '../../outcome/outcome.ts';
import { connect } from '../../transport/transport.ts';
import { openVault, type Vault } from '../../vault/vault.ts';
import { fleetOptions } from '../fleet-options.ts';
import type { StageContext } from '../stage.ts';
import { through } from '../through.ts';

export type RollbackContext = StageContext<'rollback'>;

/** A database of the environment by its name. Throws `config-invalid`. */
export function sectionOf({ environment }: RollbackContext, name: string): DatabaseSection {
  const found = environment!.databases.find((each) => each.name === name);
  if (found) return found;
  throw new Failure({
    code: 'config-invalid',
    what: `the environment has no database ${name}, which the ledger or the backup names`,
    where: `environments.${environment!.name}.database`,
    untouched: 'nothing was changed',
    next: 'name it there again, with its URL',
  });
}

/** The URL of the login that may replace a database; null where it is the database's own. */
export function adminOf({ environment }: RollbackContext, { name }: DatabaseSection): string | null {
  const admin = environment!.rollback?.admin;
  return (typeof admin === 'object' ? admin[name] : admin) ?? null;
}

/** A live database, open, and the means to replace it where they were asked for. */
export interface Reached {
  section: DatabaseSection;
  database: Database;
  replacement: Replacement;
}

/** Runs `use` with a database open, and closes it. */
export function withDatabase<T>(
  context: RollbackContext,
  section: DatabaseSection,
  use: (database: Database) => Promise<T>,
): Promise<T> {
  return through(context, section, async (options) => {
    const database = await openDatabase(section, options);
    return use(database).finally(() => database.close());
  });
}

/** Runs `use` with all of them open at once, each with its replacement. */
export function withReplacements<T>(
  context: RollbackContext,
  sections: readonly DatabaseSection[],
  use: (reached: Reached[]) => Promise<T>,
  open: Reached[] = [],
): Promise<T> {
  const [section, ...rest] = sections;
  if (!section) return use(open);
  return through(context, section, async (options) => {
    const database = await openDatabase(section, options);
    try {
      const replacing = await replacement(section, { ...options, admin: adminOf(context, section) });
      const next = withReplacements(context, rest, use, [...open, { section, database, replacement: replacing }]);
      return await next.finally(() => replacing.close());
    } finally {
      await database.close();
    }
  });
}

/** Runs `use` with the vault of the section backup. Throws `backup-missing` where there is no such section. */
export async function withVault<T>(context: RollbackContext, use: (vault: Vault) => Promise<T>): Promise<T> {
  const section = context.environment!.backup;
  if (!section)
    throw new Failure({
      code: 'backup-missing',
      what: 'the environment has no backup section, so nobody knows where backups lie',
      where: context.environment!.name,
      untouched: 'nothing was changed',
      next: 'add backup.to to it',
    });
  const vault = await openVault(section.to, {
    workspace: context.place.workspace,
    s3: section.s3 ?? null,
    connect: (at) => connect({ at, with: {} }, { ...fleetOptions(context), path: '/' }),
    signal: context.signal,
  });
  return use(vault).finally(() => vault.close());
}

/** The manifest of a backup of this environment, the one that the ledger remembers. Throws `backup-missing`, `backup-failed`. */
export async function manifestOf(
  { environment }: RollbackContext,
  vault: Vault,
  id: string,
  digest: string | null,
): Promise<Manifest> {
  const manifest = await readBackup(vault, id, digest);
  if (manifest.environment === environment!.name) return manifest;
  throw new Failure({
    code: 'backup-missing',
    what: `the backup is one of ${manifest.environment}`,
    where: id,
    untouched: 'nothing was changed',
    next: 'name a backup of this environment',
  });
}
