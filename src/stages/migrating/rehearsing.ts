/** The rehearsal: on the copy that the backup has left, or on one of our own. */
import type { MigrateSection } from '../../config/config.ts';
import type { Database, Throwaway } from '../../database/database.ts';
import { milliseconds } from '../../duration/duration.ts';
import {
  copyOf,
  type Finding,
  type Forecast,
  findingsOfRehearsal,
  forecastOf,
  lintScripts,
  type Migrator,
  type Rehearsal,
  rangeInWords,
  refuseLongLocks,
  rehearse,
  type Waiting,
} from '../../migration/migration.ts';
import { Failure } from '../../outcome/outcome.ts';
import { placeOf } from '../backing-up/place.ts';
import type { Holding, Known } from './holding.ts';
import type { Source } from './source.ts';
import type { MigrateContext } from './target.ts';

/** A rehearsal, and what it means for production. */
export interface Rehearsed extends Rehearsal {
  forecast: Forecast;
  /** For people: where it was rehearsed. */
  on: string;
}

const CONTRACTS =
  'the schema shows that old code may not be able to live with what the command did, of which nothing is held back:';

/** At most so many findings are told one by one. */
const TOLD = 20;

/** Rehearses what is to be applied. Throws `rehearsal-failed`, and `migration-unsafe` where a lock would last too long. */
export async function rehearseOnCopy(
  context: MigrateContext,
  section: MigrateSection,
  { database, migrator, holding, known }: { database: Database; migrator: Migrator; holding: Holding; known: Known },
): Promise<Rehearsed> {
  const { log, signal } = context;
  const versions = new Set(holding.apply.map(({ version }) => version));
  const only = (version: string) => versions.has(version);
  const { copy, on, close } = await copyFor(context, database);
  try {
    const change = context.change?.id ?? 'none';
    log.progress('rehearsing');
    const rehearsal = await rehearse(copy, database, migrator, { change, log, signal, only }).catch((error) => {
      throw withHeld(error, holding);
    });
    const rehearsed = { ...rehearsal, forecast: forecastFor(rehearsal, database, known), on };
    tell(context, rehearsed);
    const longest = section['max-lock'] === undefined ? null : milliseconds(section['max-lock']);
    if (longest !== null) refuseLongLocks(rehearsed.forecast, longest);
    return rehearsed;
  } finally {
    log.progress(null);
    await close();
  }
}

/** What failed in the rehearsal may need a migration that is held back. */
function withHeld(error: unknown, { held }: Holding): unknown {
  if (!(error instanceof Failure) || error.code !== 'rehearsal-failed' || held.length === 0) return error;
  const { code, what, where, why, untouched, next, facts } = error;
  const files = held.map(({ file }) => file).join(', ');
  return new Failure({
    ...{ code, what, where, why, untouched, facts, cause: error },
    next: `${next}; held back, and so not there for it: ${files} (deliver this one later, or set migrate.contract: apply)`,
  });
}

/** A restored copy; `on` is for people. */
interface Copy {
  copy: Throwaway;
  on: string;
  close(): Promise<void>;
}

async function copyFor(context: MigrateContext, database: Database): Promise<Copy> {
  const kept = context.copies.take(database.name);
  if (kept) return { copy: kept, on: 'the copy restored from the backup', close: () => kept.close() };
  context.log.progress('copying the database to rehearse on');
  const place = await placeOf(context);
  try {
    const copy = await copyOf(database, context.place.scratch, context.signal, place.at);
    return { copy, on: 'a copy', close: () => copy.close().finally(() => place.close()) };
  } catch (error) {
    await place.close();
    throw error;
  } finally {
    context.log.progress(null);
  }
}

function forecastFor({ applied, migrations }: Rehearsal, database: Database, known: Known): Forecast {
  const atomic = new Set(migrations.filter((each) => each.atomic).map(({ version }) => version));
  const ratios = (known?.migrations ?? []).flatMap((step) =>
    step.database === database.name && step.ratio !== null ? [step.ratio] : [],
  );
  return forecastOf(applied, (version) => atomic.has(version), ratios);
}

function tell({ log }: MigrateContext, { forecast, applied, migrations, grew, noDown, on }: Rehearsed): void {
  const took = applied.reduce((sum, one) => sum + one.took, 0);
  const grown = grew > 1e6 ? `, the database grew by ${Math.round(grew / 1e6)} MB` : '';
  log.info(
    `rehearsed on ${on} in ${(took / 1000).toFixed(2)} s${grown}; for production that means ${rangeInWords(forecast.total)}`,
  );
  for (const { file, line, table, mode, blocks, forecast: range } of forecast.locks) {
    const words = rangeInWords(range);
    if (words === 'moments' || line === null) continue;
    log.info(
      `${file}:${line} holds up ${blocks === 'reads' ? 'reads and writes of' : 'writes to'} ${table} for ${words} (${mode})`,
    );
  }
  const contracting = migrations.filter(({ kind, atomic }) => kind === 'contract' && atomic === null);
  if (contracting.length > 0) log.warn(`${CONTRACTS} ${contracting.map(({ file }) => file).join(', ')}`);
  if (noDown !== null) log.detail(`it could not be taken back by migrations: ${noDown}`);
}

/** What the linter finds in the scripts. Throws `migration-unsafe` where findings refuse the line. */
export async function lint(
  context: MigrateContext,
  section: MigrateSection,
  database: Database,
  source: Source,
  apply: Waiting[],
): Promise<Finding[]> {
  if (section.lint === 'off' || database.engine !== 'postgres') return [];
  const { workspace, scratch } = context.place;
  const version = await database.version();
  const { findings, blind } = await lintScripts(source.scripts(apply), {
    version,
    workspace,
    scratch,
    signal: context.signal,
  });
  if (blind) context.log.warn(blind);
  return judge(context, section, findings);
}

/** What the rehearsal itself found unsafe, as `lint`. */
export function lintRehearsal(context: MigrateContext, section: MigrateSection, rehearsed: Rehearsed): Finding[] {
  return section.lint === 'off'
    ? []
    : judge(context, section, findingsOfRehearsal(rehearsed.applied, rehearsed.forecast));
}

function judge({ log }: MigrateContext, section: MigrateSection, findings: Finding[]): Finding[] {
  for (const { rule, file, line, message } of findings.slice(0, TOLD)) log.warn(`${file}:${line}: ${rule}: ${message}`);
  if (findings.length > TOLD) log.warn(`and ${findings.length - TOLD} more findings`);
  const first = findings[0];
  if (section.lint !== 'refuse' || !first) return findings;
  throw new Failure({
    code: 'migration-unsafe',
    what: `${first.rule}${findings.length > 1 ? `, and ${findings.length - 1} more` : ''}`,
    where: `${first.file}:${first.line}`,
    why: first.message,
    untouched: 'the live database is untouched',
    next: 'change the migration, or say in it why it is safe (-- squawk-ignore <rule>, for findings of squawk); migrate.lint: warn lets it pass',
    facts: { findings: findings.slice(0, 50).map((finding) => ({ ...finding })) },
  });
}
