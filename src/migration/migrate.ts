/** Applies rehearsed migrations to the live database, and holds the result to the rehearsal. */
import type { Database, Fingerprint } from '../database/database.ts';
import { refuseDrift } from './drift.ts';
import type { Migrator, Run, RunOptions } from './migrator.ts';
import type { Rehearsal } from './rehearse.ts';

/** What was done to the live database. */
export interface Migrated extends Run {
  fingerprint: Fingerprint;
}

/**
 * Migrates the live database only where its schema is the one that the copy had before the rehearsal, which is looked
 * at under the same mutex; afterwards it must be the one that the rehearsal ended with. Throws `schema-drifted` for
 * both, and as `Migrator.apply` does. `done` is told what was applied before the schema is held to the rehearsal's.
 */
export async function migrateLive(
  database: Database,
  migrator: Migrator,
  rehearsal: Rehearsal,
  options: Omit<RunOptions, 'before' | 'observe'> & { done?: (migrated: Migrated) => Promise<void> },
): Promise<Migrated> {
  const { done, ...rest } = options;
  let meanwhile = false;
  const run = await migrator.apply(database, {
    ...rest,
    before: async (pending) => {
      meanwhile = pending.length === 0; // another delivery has applied them since
      if (!meanwhile) refuseDrift(rehearsal.before, await database.fingerprint(), database.where, false);
    },
  });
  const migrated = { ...run, fingerprint: await database.fingerprint() };
  if (run.migrations.length > 0) await done?.(migrated);
  if (!meanwhile) refuseDrift(rehearsal.after, migrated.fingerprint, database.where, true);
  return migrated;
}
