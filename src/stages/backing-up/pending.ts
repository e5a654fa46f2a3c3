/** Whether a migration waits: before one, a backup is taken however young the last one is. */
import { fetchArtifact } from '../../artifact/artifact.ts';
import { Failure } from '../../outcome/outcome.ts';
import { artifactRequest } from '../artifact-of.ts';
import { holdByLedger } from '../migrating/holding.ts';
import { openSource } from '../migrating/source.ts';
import type { Source } from './sources.ts';
import type { BackupContext } from './wanted.ts';

/** The database that the environment's migrations are for; null where it has no such section, or does not say. */
export function migratedName({ environment }: Pick<BackupContext, 'environment'>): string | null {
  const databases = environment?.databases ?? [];
  if (!environment?.migrate) return null;
  return environment.migrate.database ?? (databases.length === 1 ? databases[0]!.name : null);
}

/**
 * Why it cannot be said that nothing is pending, in words; null where nothing is. One that the stage `migrate` is sure
 * to hold back is not applied now, and so is not pending: sure by the ledger, since what hosts run may have changed by
 * then. Throws `cancelled`.
 */
export async function pendingIn(context: BackupContext, sources: Source[]): Promise<string | null> {
  const { environment, ledger } = context;
  const section = environment?.migrate;
  if (!section) return null;
  if (!context.inputs.version) return 'no version is given, so nobody knows what is pending';
  const found = sources.find(({ database }) => database.name === migratedName(context));
  if (!found) return 'it is not said which database is migrated';
  try {
    const artifact = await fetchArtifact(artifactRequest(context));
    const { migrator } = await openSource(context, section, found.database.engine, artifact.tree);
    const { pending } = await migrator.pending(found.database);
    const known = (await ledger?.state(environment.name)) ?? null;
    const { apply } = holdByLedger(context, section, known, found.database, migrator, pending);
    return apply.length ? `${apply.length === 1 ? 'a migration is' : `${apply.length} migrations are`} pending` : null;
  } catch (error) {
    if (!(error instanceof Failure) || context.signal.aborted) throw error;
    return `what is pending cannot be told: ${error.what}`;
  }
}
