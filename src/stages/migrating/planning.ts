/** What can be told before a migration: what is pending, what is held back, and everything that would be in the way. */
import { fetchArtifact, findArtifact, isFetched } from '../../artifact/artifact.ts';
import type { MigrateSection } from '../../config/config.ts';
import { checkThrowaway, type Database, isFenced } from '../../database/database.ts';
import { checkRoom, findLinter, NO_LINTER } from '../../migration/migration.ts';
import { Failure, failureFrom } from '../../outcome/outcome.ts';
import { artifactRequest } from '../artifact-of.ts';
import { placeOf } from '../backing-up/place.ts';
import { planPrecedence } from '../precedence.ts';
import type { Planned } from '../stage.ts';
import { heldInWords, holdByLedger } from './holding.ts';
import { openSource } from './source.ts';
import { type MigrateContext, type Target, withTarget } from './target.ts';
import { count } from './telling.ts';

/** The plan of the stage. */
export async function planMigrate(context: MigrateContext, section: MigrateSection): Promise<Planned[]> {
  const artifact = await tried(async () => {
    const { from } = await findArtifact(artifactRequest(context));
    return [{ kind: 'will', text: `take the migrations from ${from}` }];
  });
  const known = isLocal(context) && artifact.every(({ kind }) => kind === 'will');
  return [
    ...(await planPrecedence(context)),
    ...artifact,
    ...(await tried(() => withTarget(context, section, (target) => planTarget(context, section, target, known)))),
  ];
}

/** `known`: the artifact is on this machine, so that what is pending can be told already now. */
async function planTarget(
  context: MigrateContext,
  section: MigrateSection,
  { database, lag }: Target,
  known: boolean,
): Promise<Planned[]> {
  if (await isFenced(database)) throw heldOff(context, database);
  await planCopy(context, database);
  const planned: Planned[] = [
    { kind: 'will', text: `rehearse pending migrations on a copy of ${database.where}, then apply them there` },
  ];
  if (section['max-lag'] && (await lag()) === null)
    planned.push({ kind: 'blind', text: 'how far replicas are behind is not shown here: max-lag holds nothing up' });
  const lints = section.lint !== 'off' && database.engine === 'postgres' && !section.commands;
  if (lints && (await findLinter(context.place.workspace)) === null) planned.push({ kind: 'blind', text: NO_LINTER });
  return known ? [...planned, ...(await planPending(context, section, database))] : planned;
}

/** A restore that was killed has left production read-only, and whoever ended its change could not lift that. */
function heldOff({ environment }: MigrateContext, { where }: Database): Failure {
  return new Failure({
    code: 'database-busy',
    what: 'writes are held off by a restore that was killed',
    where,
    untouched: 'nothing was changed',
    next: `changeline rollback --environment ${environment!.name} --data keep lets them in again, and so does, by hand, ALTER DATABASE … RESET default_transaction_read_only`,
  });
}

/** Throws where no copy could be had: no server of a fitting version, no tool, no room. */
async function planCopy(context: MigrateContext, database: Database): Promise<void> {
  const place = await placeOf(context);
  try {
    await checkThrowaway(database.engine, await database.version(), place.at);
    await database.checkTools();
    await checkRoom(database, context.place.scratch, place.at);
  } finally {
    await place.close();
  }
}

async function planPending(context: MigrateContext, section: MigrateSection, database: Database): Promise<Planned[]> {
  const { tree } = await fetchArtifact(artifactRequest(context));
  const { migrator } = await openSource(context, section, database.engine, tree);
  const found = await migrator.pending(database);
  const state = (await context.ledger?.state(context.environment!.name)) ?? null;
  const holding = holdByLedger(context, section, state, database, migrator, found.pending);
  const none = holding.held.length > 0 ? 'no migration is applied now' : 'no migration is pending';
  const names = holding.apply.map(({ file }) => file).join(', ');
  return [
    { kind: 'will', text: names ? `apply ${count(holding.apply.length)}: ${names}` : none },
    ...heldInWords(holding, context.inputs.version).map((text): Planned => ({ kind: 'will', text })),
    ...(holding.blind ? [{ kind: 'blind', text: holding.blind } as Planned] : []),
  ];
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
function isLocal(context: MigrateContext): boolean {
  const request = artifactRequest(context);
  return !/^(release:|run:|https?:)/.test(request.source) || isFetched(request);
}
