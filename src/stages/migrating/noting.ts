/** What the ledger remembers of migrations. */
import type { Database } from '../../database/database.ts';
import type { SchemaStep } from '../../ledger/ledger.ts';
import { type Migrator, type Run, ratioOf, type Waiting } from '../../migration/migration.ts';
import { failureFrom } from '../../outcome/outcome.ts';
import type { Holding } from './holding.ts';
import type { Rehearsed } from './rehearsing.ts';
import type { MigrateContext } from './target.ts';

/** Notes what was applied to the live database and how it could be undone. `after`: the digest of its schema now. */
export async function noteStep(
  context: MigrateContext,
  database: Database,
  rehearsed: Rehearsed,
  run: Run,
  after: string,
): Promise<void> {
  const time = (applied: Run['applied']) => applied.reduce((sum, { took }) => sum + took, 0);
  const all = run.migrations.length === rehearsed.migrations.length;
  const kinds = new Map(rehearsed.migrations.map(({ version, kind }) => [version, kind]));
  const step: SchemaStep = {
    change: context.change?.id ?? 'none',
    version: context.inputs.version,
    at: new Date().toISOString(),
    database: database.name,
    before: rehearsed.before.digest,
    after,
    applied: run.migrations.map(({ version, name }) => ({ version, name, kind: kinds.get(version) ?? 'contract' })),
    down: all ? rehearsed.down : null,
    noDown: all ? rehearsed.noDown : 'only a part of what was rehearsed was applied',
    backup: backupOf(context),
    ratio: all && run.applied.length > 0 ? ratioOf(time(rehearsed.applied), time(run.applied)) : null,
    undone: null,
  };
  await context.book?.note({ kind: 'migrated', step });
}

/** After a failure: notes those of the rehearsed ones that are in the live database all the same. */
export async function notePart(
  context: MigrateContext,
  database: Database,
  migrator: Migrator,
  rehearsed: Rehearsed,
  error: unknown,
): Promise<void> {
  try {
    const migrations = await appliedAnyway(database, migrator, rehearsed.migrations, error);
    if (migrations.length === 0) return;
    const { digest } = await database.fingerprint();
    await noteStep(context, database, rehearsed, { applied: [], migrations }, digest);
  } catch (unseen) {
    context.log.warn(`what was applied before it failed could not be seen: ${failureFrom(unseen).what}`);
  }
}

async function appliedAnyway(
  database: Database,
  migrator: Migrator,
  rehearsed: Waiting[],
  error: unknown,
): Promise<Waiting[]> {
  const { code, facts } = failureFrom(error);
  if (code === 'database-busy' || code === 'schema-drifted') return []; // nothing of ours, or noted already
  const stopped = rehearsed.findIndex(({ version }) => version === facts.version);
  if (stopped >= 0) return rehearsed.slice(0, stopped);
  const left = new Set((await migrator.pending(database)).pending.map(({ version }) => version));
  return rehearsed.filter(({ version }) => !left.has(version));
}

/** Notes what is held back: the version that comes can live without it and after it. */
export async function noteHeld({ book, inputs }: MigrateContext, database: Database, { held }: Holding): Promise<void> {
  const since = new Date().toISOString();
  for (const { version: migration } of held)
    await book?.note({ kind: 'held', held: { migration, database: database.name, version: inputs.version, since } });
}

/** The backup of this change; null where it has taken none. */
function backupOf({ change }: MigrateContext): string | null {
  const taken = change?.events.findLast(
    ({ kind, stage, facts }) => kind === 'stage' && stage === 'backup' && facts?.id,
  );
  return typeof taken?.facts?.id === 'string' ? taken.facts.id : null;
}
