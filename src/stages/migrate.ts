/** Rehearses pending migrations on a copy of the database, then applies them to the live one. */
import { stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { fetchArtifact, findArtifact, isFetched } from '../artifact/artifact.ts';
import type { DatabaseSection, MigrateSection } from '../config/config.ts';
import { checkThrowaway, type Database, openDatabase } from '../database/database.ts';
import { milliseconds } from '../duration/duration.ts';
import {
  checkRoom,
  copyOf,
  findPending,
  type Migration,
  migrateLive,
  type Pending,
  type Rehearsal,
  readMigrations,
  rehearse,
} from '../migration/migration.ts';
import { Failure, failureFrom } from '../outcome/outcome.ts';
import { connect } from '../transport/transport.ts';
import { artifactOf, artifactRequest } from './artifact-of.ts';
import { fleetOptions } from './fleet-options.ts';
import { count, done, nothingToDo, seconds } from './migrated.ts';
import { planPrecedence } from './precedence.ts';
import type { Planned, Stage, StageContext } from './stage.ts';

type Context = StageContext<'migrate'>;

/** The stage of the verb `migrate`. */
export const stage: Stage<'migrate'> = {
  verb: 'migrate',

  async plan(context) {
    const section = context.environment?.migrate;
    if (!section)
      return [{ kind: 'blind', text: 'no migrate section: whether the database fits the new version is not known' }];
    const artifact = await planArtifact(context);
    const known = isLocal(context) && artifact.every(({ kind }) => kind === 'will');
    return [...(await planPrecedence(context)), ...artifact, ...(await planDatabase(context, section, known))];
  },

  async run(context) {
    const section = context.environment?.migrate;
    if (!section)
      return { outcome: 'skipped', code: 'not-configured', summary: 'no migrate section in changeline.yml', facts: {} };
    const { tree } = await artifactOf(context);
    return withDatabase(context, section, async (database) => {
      const migrations = await readMigrations(await folderIn(tree, section), database.engine);
      const found = await pendingIn(database, migrations);
      warn(context, found);
      if (found.pending.length === 0) return nothingToDo(database, found);
      const rehearsal = await rehearseOnCopy(context, database, migrations);
      context.log.info(`rehearsed ${count(rehearsal.applied.length)} on a copy in ${seconds(rehearsal.applied)}`);
      const migrated = await migrateLive(database, migrations, rehearsal, {
        lockTimeout: milliseconds(section['lock-timeout'])!,
        change: context.change?.id ?? 'none',
        log: context.log,
        signal: context.signal,
      });
      return done(database, found, rehearsal, migrated);
    });
  },
};

/** `known`: the artifact is on this machine, so that what is pending can be told already now. */
async function planDatabase(context: Context, section: MigrateSection, known: boolean): Promise<Planned[]> {
  return tried(() =>
    withDatabase(context, section, async (database) => {
      await checkThrowaway(database.engine, await database.version());
      await database.checkTools();
      await checkRoom(database, context.place.scratch);
      const planned: Planned[] = [
        {
          kind: 'will',
          text: `rehearse pending migrations on a copy of ${database.where}, then apply them there`,
        },
      ];
      if (!known) return planned;
      const { tree } = await fetchArtifact(artifactRequest(context));
      const found = await pendingIn(database, await readMigrations(await folderIn(tree, section), database.engine));
      const names = found.pending.map(({ file }) => file).join(', ');
      return [
        ...planned,
        { kind: 'will', text: names ? `apply ${count(found.pending.length)}: ${names}` : 'no migration is pending' },
      ];
    }),
  );
}

async function planArtifact(context: Context): Promise<Planned[]> {
  return tried(async () => {
    const { from } = await findArtifact(artifactRequest(context));
    return [{ kind: 'will', text: `take the migrations from ${from}` }];
  });
}

async function tried(plan: () => Promise<Planned[]>): Promise<Planned[]> {
  try {
    return await plan();
  } catch (error) {
    const failure = failureFrom(error);
    return [{ kind: 'obstacle', text: failure.message, failure }];
  }
}

/** True where the artifact lies on this machine, so that looking into it costs nothing. */
function isLocal(context: Context): boolean {
  const request = artifactRequest(context);
  return !/^(release:|run:|https?:)/.test(request.source) || isFetched(request);
}

/** The folder of migrations inside the artifact. Throws `migration-invalid` where it is not there or outside. */
async function folderIn(tree: string, { from }: MigrateSection): Promise<string> {
  const folder = resolve(tree, from);
  const inside = folder === tree || folder.startsWith(tree + sep);
  const there =
    inside &&
    (await stat(folder).then(
      (entry) => entry.isDirectory(),
      () => false,
    ));
  if (there) return folder;
  throw new Failure({
    code: 'migration-invalid',
    what: inside ? 'the artifact has no such folder' : 'the folder lies outside the artifact',
    where: `migrate.from: ${from}`,
    untouched: 'the database is untouched',
    next: 'say in migrate.from where the migrations lie inside the artifact',
  });
}

/** Opens the database of the section, through its host where it has one, and closes all of it. */
async function withDatabase<T>(
  context: Context,
  section: MigrateSection,
  use: (database: Database) => Promise<T>,
): Promise<T> {
  const chosen = databaseOf(context, section);
  const { workspace, scratch } = context.place;
  const through =
    chosen.via === undefined
      ? null
      : await connect({ at: chosen.via, with: {} }, { ...fleetOptions(context), path: '/' });
  try {
    // A signal of its own: a migration that no transaction protects is finished, not cut off, when the run is cancelled.
    const signal = new AbortController().signal;
    const tunnel = through ? (hostname: string, port: number) => through.tunnel(hostname, port) : undefined;
    const database = await openDatabase(chosen, { workspace, scratch, tunnel, signal });
    return await use(database).finally(() => database.close());
  } finally {
    await through?.close();
  }
}

function databaseOf({ environment }: Context, section: MigrateSection): DatabaseSection {
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

async function pendingIn(database: Database, migrations: Migration[]): Promise<Pending> {
  return findPending(database, database.engine, migrations);
}

async function rehearseOnCopy(context: Context, database: Database, migrations: Migration[]): Promise<Rehearsal> {
  const { log, signal, place } = context;
  log.progress('copying the database to rehearse on');
  try {
    const copy = await copyOf(database, place.scratch, signal);
    try {
      return await rehearse(copy, database, migrations, { change: context.change?.id ?? 'none', log, signal });
    } finally {
      await copy.close();
    }
  } finally {
    log.progress(null);
  }
}

function warn({ log }: Context, { late, missing, unchecked }: Pending): void {
  if (late.length > 0) log.warn(`older than what is applied already, and applied now: ${late.join(', ')}`);
  if (missing.length > 0) log.warn(`applied, and no longer in the folder: ${missing.join(', ')}`);
  if (unchecked.length > 0)
    log.detail(`applied before Changeline kept checksums, so an edit would not be seen: ${unchecked.join(', ')}`);
}
