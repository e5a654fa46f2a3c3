/** Rehearses pending migrations on a copy of the database, then applies them to the live one. */
import type { MigrateSection } from '../config/config.ts';
import { milliseconds } from '../duration/duration.ts';
import { type Found, lagGate, type Migrator, migrateLive } from '../migration/migration.ts';
import type { Result } from '../outcome/outcome.ts';
import { artifactOf } from './artifact-of.ts';
import { type Holding, heldInWords, holdNow, type Known } from './migrating/holding.ts';
import { noteHeld, StepRecord } from './migrating/noting.ts';
import { planMigrate } from './migrating/planning.ts';
import { lint, lintRehearsal, type Rehearsed, rehearseOnCopy } from './migrating/rehearsing.ts';
import { openSource, type Source } from './migrating/source.ts';
import { type MigrateContext, type Target, withTarget } from './migrating/target.ts';
import { done, nothingToDo } from './migrating/telling.ts';
import type { Stage } from './stage.ts';

/** The stage of the verb `migrate`. */
export const stage: Stage<'migrate'> = {
  verb: 'migrate',

  async plan(context) {
    const section = context.environment?.migrate;
    if (!section)
      return [{ kind: 'blind', text: 'no migrate section: whether the database fits the new version is not known' }];
    return planMigrate(context, section);
  },

  async run(context) {
    const section = context.environment?.migrate;
    if (!section)
      return { outcome: 'skipped', code: 'not-configured', summary: 'no migrate section in changeline.yml', facts: {} };
    const { tree } = await artifactOf(context);
    return withTarget(context, section, async (target) => {
      const source = await openSource(context, section, target.database.engine, tree);
      return migrate(context, section, target, source);
    }).finally(() => context.copies.close(context.log.warn)); // nobody after this stage has use for a copy
  },
};

async function migrate(
  context: MigrateContext,
  section: MigrateSection,
  target: Target,
  source: Source,
): Promise<Result> {
  const { database } = target;
  const { migrator } = source;
  const { version } = context.inputs;
  const known = (await context.ledger?.state(context.environment!.name)) ?? null;
  const found = await migrator.pending(database);
  const holding = await holdNow(context, section, known, database, migrator, found.pending);
  warn(context, found, holding, known);
  if (holding.apply.length === 0) {
    await noteHeld(context, database, holding);
    return nothingToDo(database, found, holding, version);
  }
  await migrator.check(database, found);
  const linted = await lint(context, section, database, source, holding.apply);
  const rehearsed = await rehearseOnCopy(context, section, { database, migrator, holding, known });
  const findings = [...linted, ...lintRehearsal(context, section, rehearsed)];
  const migrated = await goLive(context, section, target, migrator, rehearsed);
  await noteHeld(context, database, holding);
  return done(database, found, holding, rehearsed, findings, migrated, version);
}

/** Applies to the live database what was rehearsed, and keeps what was done for the ledger however it ends. */
async function goLive(
  context: MigrateContext,
  section: MigrateSection,
  { database, lag }: Target,
  migrator: Migrator,
  rehearsed: Rehearsed,
) {
  const { log, signal } = context;
  const versions = new Set(rehearsed.migrations.map(({ version }) => version));
  const record = new StepRecord(context, database, rehearsed);
  const longest = section['max-lag'] === undefined ? null : milliseconds(section['max-lag']);
  await record.begins();
  try {
    const migrated = await migrateLive(database, migrator, rehearsed, {
      lockTimeout: milliseconds(section['lock-timeout'])!,
      change: context.change?.id ?? 'none',
      log,
      signal,
      only: (version) => versions.has(version),
      ...(longest === null ? {} : { pause: lagGate({ lag, longest: longest / 1000, log, signal }) }),
      done: (applied) => record.done(applied, applied.fingerprint.digest),
    });
    if (migrated.migrations.length === 0) await record.nothing();
    return migrated;
  } catch (error) {
    await record.failed(migrator, error);
    throw error;
  }
}

function warn(
  { log, inputs }: MigrateContext,
  { late, missing, unchecked }: Found,
  holding: Holding,
  known: Known,
): void {
  const wasHeld = (version: string) => known?.held.some(({ migration }) => migration === version) ?? false;
  const now = late.filter((file) => holding.apply.some((each) => each.file === file && !wasHeld(each.version)));
  if (now.length > 0) log.warn(`older than what is applied already, and applied now: ${now.join(', ')}`);
  if (missing.length > 0) log.warn(`applied, and no longer in the folder: ${missing.join(', ')}`);
  if (unchecked.length > 0)
    log.detail(`applied before Changeline kept checksums, so an edit would not be seen: ${unchecked.join(', ')}`);
  for (const sentence of heldInWords(holding, inputs.version)) log.info(sentence);
  if (holding.blind) log.warn(holding.blind);
}
