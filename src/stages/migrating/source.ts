/** The migrations of an artifact: in SQL, or behind the user's commands. */
import { cp, mkdtemp, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { MigrateSection } from '../../config/config.ts';
import type { Engine } from '../../database/database.ts';
import {
  commandMigrator,
  type Migrator,
  readEfScript,
  readMigrations,
  sqlMigrator,
  type Waiting,
} from '../../migration/migration.ts';
import { Failure } from '../../outcome/outcome.ts';
import type { StageContext } from '../stage.ts';

type SourceContext = Pick<StageContext<'migrate' | 'backup'>, 'place' | 'log' | 'signal'>;

/** Where the migrations come from. */
export interface Source {
  migrator: Migrator;
  /** The files of these, for the linter; none where they are not SQL that can be read. */
  scripts(waiting: Waiting[]): { file: string; path: string; atomic: boolean }[];
}

/** Reads what the artifact's tree brings. Throws `migration-invalid` where it cannot be used. */
export async function openSource(
  context: SourceContext,
  section: MigrateSection,
  engine: Engine,
  tree: string,
): Promise<Source> {
  if (section.commands) return commandSource(context, section, tree);
  const { path, folder } = await placeIn(tree, section.from);
  const migrations = folder
    ? await readMigrations(path, engine)
    : readEfScript(await readFile(path, 'utf8'), basename(path), engine);
  // All of a script of EF Core is one file, most of it applied already: the linter would tell of what is long done.
  const scripts = (waiting: Waiting[]) =>
    folder ? waiting.map(({ file, atomic }) => ({ file, path: join(path, file), atomic: atomic === true })) : [];
  return { migrator: sqlMigrator(migrations), scripts };
}

/** Commands may write where they run, and the tree is what is deployed: they get a copy of it. */
async function commandSource(context: SourceContext, section: MigrateSection, tree: string): Promise<Source> {
  const { log, signal, place } = context;
  await placeIn(tree, section.from);
  const copy = await mkdtemp(join(place.scratch, 'commands-'));
  await cp(tree, copy, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  const { path, folder } = await placeIn(copy, section.from);
  const cwd = folder ? path : dirname(path);
  const { commands, env = {} } = section;
  return { migrator: commandMigrator({ ...commands!, env, cwd, log, signal }), scripts: () => [] };
}

/** The folder or file inside the artifact. Throws `migration-invalid` where it is not there or outside. */
async function placeIn(tree: string, from: string): Promise<{ path: string; folder: boolean }> {
  const path = resolve(tree, from);
  const inside = path === tree || path.startsWith(tree + sep);
  const entry = inside ? await stat(path).catch(() => null) : null;
  if (entry?.isDirectory() || entry?.isFile()) return { path, folder: entry.isDirectory() };
  throw new Failure({
    code: 'migration-invalid',
    what: inside ? 'the artifact has no such folder or file' : 'it lies outside the artifact',
    where: `migrate.from: ${from}`,
    untouched: 'the database is untouched',
    next: 'say in migrate.from where the migrations lie inside the artifact',
  });
}
