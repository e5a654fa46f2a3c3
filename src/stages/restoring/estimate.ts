/** What a person needs to choose: the backup that would be restored, what it would lose by now, and whether the downs are there. */
import { type Manifest, needsIdentity } from '../../backup/backup.ts';
import type { Contents, Database, Engine } from '../../database/database.ts';
import type { EnvironmentState, SchemaStep } from '../../ledger/ledger.ts';
import { findDowns } from '../../migration/migration.ts';
import { failureFrom } from '../../outcome/outcome.ts';
import { backupFor, downsOf, noWayDown } from './choice.ts';
import { type Loss, lossOf } from './loss.ts';
import { manifestOf, type RollbackContext, sectionOf, withDatabase, withVault } from './reach.ts';
import { databaseParts } from './restore.ts';
import type { Known } from './ways.ts';

/** Gathers it. Reads only; what cannot be told is told as such. */
export async function knownOf(
  context: RollbackContext,
  { state, steps, version }: { state: EnvironmentState; steps: readonly SchemaStep[]; version: string },
): Promise<Known> {
  const { name: environment } = context.environment!;
  const chosen = backupFor(state, steps, context.inputs.backup);
  const backup = chosen && { ...chosen, ...(await estimated(context, chosen)) };
  const lacksDown = await lackingDowns(context, steps).catch((error) => failureFrom(error).what);
  return { environment, version, steps, backup, lacksDown, now: new Date() };
}

/** Why a way down that was rehearsed is not there: the database itself must hold the scripts. Null where it does. */
export async function lackingDowns(context: RollbackContext, steps: readonly SchemaStep[]): Promise<string | null> {
  if (noWayDown(steps) !== null) return null;
  for (const { database: name, before, after } of downsOf(steps)) {
    const found = await withDatabase(context, sectionOf(context, name), (database) =>
      findDowns(database, database.engine, [...before, ...after]),
    );
    const lacking = found.filter(({ has, applied }) => !has && applied).map((each) => each.version);
    if (lacking.length > 0) return `${name} holds no script that undoes ${lacking.join(', ')}`;
  }
  return null;
}

type Estimated = Pick<NonNullable<Known['backup']>, 'losses' | 'why' | 'encrypted'>;

async function estimated(
  context: RollbackContext,
  { id, known }: NonNullable<ReturnType<typeof backupFor>>,
): Promise<Estimated> {
  try {
    return await withVault(context, async (vault) => {
      const manifest = await manifestOf(context, vault, id, known?.digest ?? null);
      return { losses: await lossesNow(context, manifest), why: null, encrypted: needsIdentity(manifest) };
    });
  } catch (error) {
    return { losses: null, why: `what is lost cannot be estimated: ${failureFrom(error).what}`, encrypted: false };
  }
}

/** By the numbers of rows alone: quick, and without a fence. */
async function lossesNow(context: RollbackContext, manifest: Manifest): Promise<Loss[]> {
  const losses: Loss[] = [];
  for (const part of databaseParts(manifest)) {
    const now = await withDatabase(context, sectionOf(context, part.name), (database) =>
      rowsNow(database, part.contents!),
    );
    losses.push(...lossOf(part.name, now, part.contents!));
  }
  return losses;
}

/** Tables that a backup would hold, by the name that the server gives them. */
const TABLES: Record<Engine, string> = {
  postgres: `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')`,
  mysql:
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
  mariadb:
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')",
  sqlite: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
};

/** The rows of the backup's tables as they are now, and of those that are new; content counts as equal where the numbers are. */
async function rowsNow(database: Database, then: Contents): Promise<Contents> {
  const tables: Contents['tables'] = Object.create(null);
  const isPostgres = database.engine === 'postgres';
  const known = new Set<string | null>();
  for (const [name, { rows, sha256 }] of Object.entries(then.tables)) {
    const sql = isPostgres ? await resolved(database, name) : database.quote(name);
    known.add(isPostgres ? sql : name);
    // What cannot be counted (large objects, a table that is gone) is left out of an estimate.
    tables[name] = { rows: (sql === null ? null : await counted(database, sql)) ?? rows, sha256 };
  }
  for (const { name } of await database.query(TABLES[database.engine])) {
    const table = String(name);
    if (known.has(table)) continue;
    const rows = await counted(database, isPostgres ? table : database.quote(table));
    if (rows !== null) tables[table] = { rows, sha256: '' };
  }
  return { tables, sequences: {} };
}

async function counted(database: Database, table: string): Promise<number | null> {
  const [row] = await database.query(`SELECT count(*) AS amount FROM ${table}`).catch(() => []);
  return row ? Number(row.amount) : null;
}

/** A table by the name that a backup gives it, as the server itself quotes it: the backup's word is not put into SQL. */
async function resolved(database: Database, name: string): Promise<string | null> {
  const [row] = await database.query('SELECT to_regclass($1)::text AS name', [name]).catch(() => []);
  return typeof row?.name === 'string' ? row.name : null;
}
