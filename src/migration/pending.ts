/** What is still to be applied: a pure function of the files and of what the database says was applied. */
import { Failure } from '../outcome/outcome.ts';
import type { Migration, Tool } from './script.ts';
import { compareVersions, isVersion, versionKey } from './version.ts';

/** What the tool's own table says of one version. */
export interface ToolRecord {
  version: string;
  /** Flyway's checksum; null where the table holds none. */
  checksum: number | null;
  /** false: Flyway says that it failed in the middle. */
  success: boolean;
}

/** Our own table: how far each migration came. */
export interface JournalRecord {
  version: string;
  name: string;
  checksum: string;
  statements: number;
  /** Statements that are known to have been applied. */
  done: number;
  /** The number of the statement that was begun last; greater than `done` where its end was not seen. */
  begun: number;
  applied: string | null;
}

export interface Recorded {
  tool: ToolRecord[];
  /** Flyway's baseline: this version and all before it count as applied. */
  baseline: string | null;
  journal: JournalRecord[];
}

export interface Pending {
  /** Oldest first. */
  pending: Migration[];
  /** How many migrations of the folder are applied. */
  applied: number;
  /** Versions that are applied and are no longer in the folder. */
  missing: string[];
  /** Pending files that are older than the newest applied one. */
  late: string[];
  /** Applied files of which no checksum is on record, so that an edit would not be seen. */
  unchecked: string[];
}

/**
 * Compares files and records. A late migration (older than one that is applied) is pending in dbmate's forms, as
 * dbmate itself has it, and is named; in Flyway's form it is refused, as Flyway does unless told otherwise.
 * Throws `migration-half-applied`, `migration-edited` and, for a late one of Flyway's, `migration-invalid`.
 */
export function pendingMigrations(migrations: Migration[], recorded: Recorded, tool: Tool): Pending {
  refuseHalfApplied(recorded, tool);
  const applied = new Map(recorded.tool.map((record) => [key(record.version), record]));
  const journal = new Map(recorded.journal.map((record) => [key(record.version), record]));
  const isApplied = ({ version }: Migration) =>
    applied.has(versionKey(version)) ||
    (recorded.baseline !== null && compareVersions(version, recorded.baseline) <= 0);
  for (const migration of migrations) {
    const record = applied.get(versionKey(migration.version));
    if (record) refuseEdited(migration, record, journal.get(versionKey(migration.version)));
  }
  const pending = migrations.filter((migration) => !isApplied(migration));
  const newest = recorded.tool
    .map(({ version }) => version)
    .filter(isVersion)
    .toSorted(compareVersions)
    .at(-1);
  const late =
    newest === undefined
      ? []
      : pending.filter(({ version }) => compareVersions(version, newest) < 0).map(({ file }) => file);
  if (tool === 'flyway' && late.length > 0) throw tooLate(late, newest!);
  const known = new Set(migrations.map(({ version }) => versionKey(version)));
  return {
    pending,
    applied: migrations.length - pending.length,
    missing: recorded.tool.map(({ version }) => version).filter((version) => !known.has(key(version))),
    late,
    unchecked: migrations.filter((migration) => isUnchecked(migration, applied, journal)).map(({ file }) => file),
  };
}

/** Other tools may have recorded what is no number; such a version equals only itself. */
function key(version: string): string {
  return isVersion(version) ? versionKey(version) : version;
}

function isUnchecked(
  { version }: Migration,
  applied: Map<string, ToolRecord>,
  journal: Map<string, JournalRecord>,
): boolean {
  const record = applied.get(versionKey(version));
  return record !== undefined && record.checksum === null && !journal.has(versionKey(version));
}

function refuseEdited(migration: Migration, record: ToolRecord, journal: JournalRecord | undefined): void {
  const same =
    (record.checksum === null || record.checksum === migration.flywayChecksum) &&
    (!journal || journal.checksum === migration.checksum);
  if (same) return;
  throw new Failure({
    code: 'migration-edited',
    what: 'it was edited after it was applied',
    where: migration.file,
    why: journal?.applied ? `applied ${journal.applied}` : undefined,
    untouched: 'the database is untouched',
    next: 'restore the file as it was, and write what has to change into a new migration',
    facts: { file: migration.file, version: migration.version },
  });
}

function refuseHalfApplied(recorded: Recorded, tool: Tool): void {
  const half = recorded.journal.find(({ applied }) => applied === null);
  if (half) throw halfApplied(half, tool, undefined);
  const failed = recorded.tool.find(({ success }) => !success);
  if (!failed) return;
  throw new Failure({
    code: 'migration-half-applied',
    what: `migration ${failed.version} failed before, in a run of Flyway`,
    where: 'flyway_schema_history',
    untouched: 'nothing was run over it',
    next: 'put right by hand what it left, then `flyway repair`, and run this again',
    facts: { version: failed.version },
  });
}

/** The failure for a migration that stopped in the middle; `why` is the engine's message where it has just happened. */
export function halfApplied(record: JournalRecord, tool: Tool, why: string | undefined, where?: string): Failure {
  const { version, name, statements, done, begun } = record;
  const unsure = begun > done;
  const table = tool === 'dbmate' ? 'schema_migrations' : 'flyway_schema_history';
  const state = `${done === 0 ? 'none' : done === 1 ? 'statement 1' : `statements 1 to ${done}`} of ${statements} ${done === 1 ? 'is' : 'are'} in the database`;
  return new Failure({
    code: 'migration-half-applied',
    what: `migration ${version} (${name}) stopped at statement ${done + 1} of ${statements}`,
    where: where ?? 'changeline_migrations',
    why,
    untouched: unsure
      ? `${state}; whether statement ${begun} is, was not seen`
      : `${state}; from statement ${done + 1} on nothing is`,
    next:
      `look at statement ${done + 1}; undo by hand what is there, or run the rest by hand and record version ${version} in ${table}; ` +
      `then delete its row in changeline_migrations${tool === 'flyway' ? ' and any failed row of it in flyway_schema_history' : ''} and run this again`,
    facts: { version, name, statement: done + 1, statements, done, unsure },
  });
}

function tooLate(late: string[], newest: string): Failure {
  return new Failure({
    code: 'migration-invalid',
    what: `it is older than version ${newest}, which is applied`,
    where: late.join(', '),
    untouched: 'the database is untouched',
    next: 'give it a version after the newest that is applied',
    facts: { files: late, newest },
  });
}
