/** Applies rehearsed migrations to the live database, and holds the result to the rehearsal. */
import type { Database, Fingerprint } from '../database/database.ts';
import { type Applied, type ApplyOptions, applyMigrations } from './apply.ts';
import { refuseDrift } from './drift.ts';
import type { Rehearsal } from './rehearse.ts';
import type { Migration } from './script.ts';

/** What was done to the live database. */
export interface Migrated {
  applied: Applied[];
  fingerprint: Fingerprint;
}

/**
 * Migrates the live database only where its schema is the one that the copy had before the rehearsal, which is looked
 * at under the same mutex; afterwards it must be the one that the rehearsal ended with. Throws `schema-drifted` for
 * both, and as `applyMigrations` does.
 */
export async function migrateLive(
  database: Database,
  migrations: Migration[],
  rehearsal: Rehearsal,
  options: Omit<ApplyOptions, 'engine' | 'before'>,
): Promise<Migrated> {
  const session = await database.session();
  try {
    let meanwhile = false;
    const applied = await applyMigrations(session, migrations, {
      ...options,
      engine: database.engine,
      before: async ({ pending }) => {
        meanwhile = pending.length === 0; // another delivery has applied them since
        if (!meanwhile) refuseDrift(rehearsal.before, await database.fingerprint(), database.where, false);
      },
    });
    const fingerprint = await database.fingerprint();
    if (!meanwhile) refuseDrift(rehearsal.after, fingerprint, database.where, true);
    return { applied, fingerprint };
  } finally {
    await session.close();
  }
}
