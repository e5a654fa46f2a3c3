/** The database that is migrated, opened: through its host where it has one, with the replica that is watched. */
import type { DatabaseSection, MigrateSection } from '../../config/config.ts';
import { type Database, type OpenOptions, openDatabase } from '../../database/database.ts';
import { lagOf } from '../../migration/migration.ts';
import { Failure } from '../../outcome/outcome.ts';
import type { StageContext } from '../stage.ts';
import { through } from '../through.ts';

export type MigrateContext = StageContext<'migrate'>;

/** What is open for as long as the stage works. */
export interface Target {
  database: Database;
  /** Seconds that the replica of the section, or the slowest one that the server knows, is behind; null where it is not shown. */
  lag(): Promise<number | null>;
}

/** Opens the database of the section, and closes all of it afterwards. Throws `config-invalid` where it is not clear which. */
export async function withTarget<T>(
  context: MigrateContext,
  section: MigrateSection,
  use: (target: Target) => Promise<T>,
): Promise<T> {
  const chosen = databaseOf(context, section);
  // A signal of its own: a migration that no transaction protects is finished, not cut off, when the run is cancelled.
  const { signal } = new AbortController();
  return through(context, chosen, (options) => withOpen(options, chosen, section, use), signal);
}

async function withOpen<T>(
  options: OpenOptions,
  chosen: DatabaseSection,
  section: MigrateSection,
  use: (target: Target) => Promise<T>,
): Promise<T> {
  const opened: Database[] = [];
  const open = async (url: string) => {
    const database = await openDatabase({ ...chosen, url }, options);
    opened.push(database);
    return database;
  };
  try {
    const database = await open(chosen.url);
    const replica = section['max-lag'] && chosen.replica ? await open(chosen.replica) : null;
    return await use({ database, lag: () => lagOf(database, replica) });
  } finally {
    for (const database of opened) await database.close();
  }
}

function databaseOf({ environment }: MigrateContext, section: MigrateSection): DatabaseSection {
  const { databases, name } = environment!;
  const found =
    section.database === undefined && databases.length === 1
      ? databases[0]
      : databases.find((one) => one.name === section.database);
  if (found) return found;
  const names = databases.map((one) => one.name).join(', ');
  throw new Failure({
    code: 'config-invalid',
    what:
      section.database === undefined
        ? 'it does not say which database to migrate'
        : `there is no database called ${section.database}`,
    where: `environments.${name}.migrate.database`,
    why: names ? `there are ${names}` : 'the environment has no database',
    untouched: 'nothing was changed',
    next: names ? 'name one of them' : 'add a database to the environment',
  });
}
