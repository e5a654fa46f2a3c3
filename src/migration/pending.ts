/** What is still to be applied: a pure function of the files and of what the database says was applied. */
import { Failure } from '../outcome/outcome.ts';
import { surrounded } from './ef-script.ts';
import type { Migration, Tool } from './script.ts';
import { TABLES } from './tables.ts';
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
  /** When all of it was applied, ISO 8601 in UTC; null until then. */
  applied: string | null;
  /** The same of its way back, while it is being undone; null else. */
  back: { done: number; begun: number } | null;
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
  refuseHalves(recorded, tool);
  const applied = new Map(recorded.tool.map((record) => [key(record.version), record]));
  const journal = new Map(recorded.journal.map((record) => [key(record.version), record]));
  const isApplied = ({ version }: Migration) =>
    applied.has(key(version)) || (recorded.baseline !== null && compareVersions(version, recorded.baseline) <= 0);
  for (const migration of migrations) {
    const record = applied.get(key(migration.version));
    if (record) refuseEdited(migration, record, journal.get(key(migration.version)));
  }
  const pending = migrations.filter((migration) => !isApplied(migration));
  const compare = tool === 'ef' ? asText : compareVersions; // EF Core orders its ids as text
  const newest = recorded.tool
    .map(({ version }) => version)
    .filter((version) => tool === 'ef' || isVersion(version))
    .toSorted(compare)
    .at(-1);
  const late =
    newest === undefined ? [] : pending.filter(({ version }) => compare(version, newest) < 0).map(({ file }) => file);
  if (tool === 'flyway' && late.length > 0) throw tooLate(late, newest!);
  const known = new Set(migrations.map(({ version }) => key(version)));
  return {
    pending: surrounded(pending),
    applied: migrations.length - pending.length,
    missing: recorded.tool.map(({ version }) => version).filter((version) => !known.has(key(version))),
    late,
    unchecked: migrations.filter((migration) => isUnchecked(migration, applied, journal)).map(({ file }) => file),
  };
}

function asText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What two spellings of one version have in common. Other tools may have recorded what is no number; such a version equals only itself. */
export function key(version: string): string {
  return isVersion(version) ? versionKey(version) : version;
}

function isUnchecked(
  { version }: Migration,
  applied: Map<string, ToolRecord>,
  journal: Map<string, JournalRecord>,
): boolean {
  const record = applied.get(key(version));
  return record !== undefined && record.checksum === null && !journal.has(key(version));
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
    next:
      migration.tool === 'ef'
        ? 'restore the migration as it was; where another version of EF Core writes it differently and means the same, delete its row in changeline_migrations'
        : 'restore the file as it was, and write what has to change into a new migration',
    facts: { file: migration.file, version: migration.version },
  });
}

/** Throws `migration-half-applied` where a migration, or a way back, stopped in the middle before: nothing is run over it. */
export function refuseHalves(recorded: Recorded, tool: Tool): void {
  const half = recorded.journal.find(({ applied }) => applied === null);
  if (half) throw halfApplied(half, tool, undefined);
  const halfBack = recorded.journal.find(({ back }) => back !== null);
  if (halfBack) throw halfReverted(halfBack, tool, undefined);
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
  return new Failure({
    code: 'migration-half-applied',
    what: `migration ${version} (${name}) stopped at statement ${done + 1} of ${statements}`,
    where: where ?? 'changeline_migrations',
    why,
    untouched: reached(done, begun, statements),
    next:
      `look at statement ${done + 1}; undo by hand what is there, or run the rest by hand and record version ${version} in ${TABLES[tool]}; ` +
      `then delete its row in changeline_migrations${tool === 'flyway' ? ' and any failed row of it in flyway_schema_history' : ''} and run this again`,
    facts: { version, name, statement: done + 1, statements, done, unsure: begun > done },
  });
}

/** The failure for a way back that stopped in the middle. `statements`: how many it has, where that is known. */
export function halfReverted(
  { version, name, back }: Pick<JournalRecord, 'version' | 'name' | 'back'>,
  tool: Tool,
  why: string | undefined,
  statements?: number,
): Failure {
  const { done, begun } = back ?? { done: 0, begun: 0 };
  return new Failure({
    code: 'migration-half-applied',
    what: `undoing migration ${version} (${name}) stopped at statement ${done + 1}${statements ? ` of ${statements}` : ''} of its way back`,
    where: 'changeline_migrations',
    why,
    untouched: reached(done, begun, statements),
    next:
      `read its way back in the column down_script; run the rest of it by hand and delete version ${version} from ${TABLES[tool]} and from changeline_migrations; ` +
      'or put back by hand what it undid and set down_done and down_begun of its row to NULL; then run this again',
    facts: { version, name, statement: done + 1, done, unsure: begun > done, back: true },
  });
}

function reached(done: number, begun: number, statements: number | undefined): string {
  const which = done === 0 ? 'none' : done === 1 ? 'statement 1' : `statements 1 to ${done}`;
  const state = `${which}${statements ? ` of ${statements}` : ''} ${done === 1 ? 'is' : 'are'} in the database`;
  return begun > done
    ? `${state}; whether statement ${begun} is, was not seen`
    : `${state}; from statement ${done + 1} on nothing is`;
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
