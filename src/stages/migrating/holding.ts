/** What is held back: steps that old code cannot live with wait until none of it runs. */
import type { MigrateSection } from '../../config/config.ts';
import type { Database } from '../../database/database.ts';
import { openReachable, survey } from '../../fleet/fleet.ts';
import type { EnvironmentState } from '../../ledger/ledger.ts';
import type { Migrator, Waiting } from '../../migration/migration.ts';
import { failureFrom } from '../../outcome/outcome.ts';
import { fleetOptions } from '../fleet-options.ts';
import type { MigrateContext } from './target.ts';

/** What goes now and what waits. */
export interface Holding {
  apply: Waiting[];
  held: Waiting[];
  /** Why even what the live version knows is held: which host runs something else. */
  why: string | null;
  /** Said where it cannot be known whether old code runs. */
  blind: string | null;
}

/** The environment's state in the ledger, as far as it matters here; null where none is kept. */
export type Known = Pick<EnvironmentState, 'live' | 'held' | 'migrations'> | null;

/**
 * Decides by the ledger alone, as a plan can: `holdNow` holds at least as much. Pure but for what the migrator decides.
 * Before the first delivery nothing is held: a database is built from its first migration on, contracting ones too.
 */
export function holdByLedger(
  { environment }: Pick<MigrateContext, 'environment'>,
  section: MigrateSection,
  known: Known,
  database: Pick<Database, 'name'>,
  migrator: Migrator,
  pending: Waiting[],
): Holding {
  const all = { apply: pending, held: [], why: null, blind: null };
  if (section.contract === 'apply' || known === null || known.live === null) return all;
  if (!environment?.deploy || environment.hosts.length === 0)
    return { ...all, blind: unheld(pending, 'without a deploy section it is not known which versions run') };
  if (section.commands)
    return {
      ...all,
      blind: pending.length > 0 ? 'commands do not tell what old code can live with: nothing is held back' : null,
    };
  const live = known.live.version;
  const knows = (version: string) =>
    known.held.some((each) => each.migration === version && each.database === database.name && each.version === live);
  return heldBy(migrator, pending, knows, null);
}

/** What the migrator holds, and what it cannot hold although old code may run. */
function heldBy(
  migrator: Migrator,
  pending: Waiting[],
  knows: (version: string) => boolean,
  why: string | null,
): Holding {
  const { apply, held } = migrator.hold(pending, knows);
  const through = apply.filter(({ version }) => !knows(version));
  return { apply, held, why, blind: unheld(through, 'a script of EF Core is applied as a whole') };
}

/**
 * As `holdByLedger`; and what would contract now goes only where every host runs the live version, which knows it.
 * Before the first delivery it goes only where no host runs anything yet: it may be code from before Changeline.
 */
export async function holdNow(
  context: MigrateContext,
  section: MigrateSection,
  known: Known,
  database: Database,
  migrator: Migrator,
  pending: Waiting[],
): Promise<Holding> {
  const holding = holdByLedger(context, section, known, database, migrator, pending);
  const contracts = holding.apply.some(({ kind }) => kind === 'contract');
  const asked = section.contract === 'hold' && known !== null && context.environment?.deploy;
  if (!contracts || !asked || context.environment!.hosts.length === 0) return holding;
  const why = await otherCode(context, known.live?.version ?? null);
  return why === null ? holding : heldBy(migrator, pending, () => false, why);
}

/** Which host runs something else than the live version, or may; null where none does. */
async function otherCode(context: MigrateContext, live: string | null): Promise<string | null> {
  const fleet = await openReachable(context.environment!, fleetOptions(context));
  try {
    const lost = fleet.lost.map(({ name }) => `${name} cannot be reached`);
    const states = await survey(fleet);
    const other = states
      .filter(({ current, link, currentIsLink }) =>
        live === null
          ? current !== context.inputs.version && (link !== '' || !currentIsLink) // what comes knows its own migrations
          : current !== live,
      )
      .map(({ host, current }) => `${host} runs ${current ?? 'something unknown'}`);
    return [...other, ...lost].join(', ') || null;
  } catch (error) {
    return failureFrom(error).what;
  } finally {
    await fleet.close();
  }
}

/** Says which of these contract and are not held; null where none does. */
function unheld(pending: Waiting[], because: string): string | null {
  const files = pending.filter(({ kind }) => kind === 'contract').map(({ file }) => file);
  return files.length > 0 ? `${because}, so nothing is held back; old code cannot live with ${files.join(', ')}` : null;
}

/** What is held, one sentence each. `version`: the one that this delivery brings. */
export function heldInWords({ held, why }: Pick<Holding, 'held' | 'why'>, version: string): string[] {
  return held.map(({ file, contracts }) => {
    const what = contracts.map((each) => `${each.what}, line ${each.line}`).join('; ');
    return `held until no version before ${version} runs: ${file}${what ? ` (${what})` : ''}${why ? `; ${why}` : ''}`;
  });
}
