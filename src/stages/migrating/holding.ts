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

/** Decides by the ledger alone, as a plan can: see `holdNow`. Pure but for what the migrator decides. */
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
  if (!environment?.deploy || environment.hosts.length === 0) {
    const contracting = pending.filter(({ kind }) => kind === 'contract');
    return { ...all, blind: contracting.length > 0 ? unseen(contracting) : null };
  }
  if (section.commands)
    return {
      ...all,
      blind: pending.length > 0 ? 'commands do not tell what old code can live with: nothing is held back' : null,
    };
  const live = known.live.version;
  const knows = (version: string) =>
    known.held.some((each) => each.migration === version && each.database === database.name && each.version === live);
  return { ...migrator.hold(pending, knows), why: null, blind: null };
}

/**
 * As `holdByLedger`; and what would contract now goes only where every host runs the live version, which knows it.
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
  const asked = section.contract === 'hold' && known?.live && context.environment?.deploy;
  if (!contracts || !asked || context.environment!.hosts.length === 0) return holding;
  const why = await otherCode(context, known!.live!.version);
  return why === null ? holding : { ...migrator.hold(pending, () => false), why, blind: null };
}

/** Which host runs something else than this version, or may; null where none does. */
async function otherCode(context: MigrateContext, live: string): Promise<string | null> {
  const fleet = await openReachable(context.environment!, fleetOptions(context));
  try {
    const lost = fleet.lost.map(({ name }) => `${name} cannot be reached`);
    const states = await survey(fleet);
    const other = states
      .filter(({ current }) => current !== live)
      .map(({ host, current }) => `${host} runs ${current ?? 'something unknown'}`);
    return [...other, ...lost].join(', ') || null;
  } catch (error) {
    return failureFrom(error).what;
  } finally {
    await fleet.close();
  }
}

function unseen(contracting: Waiting[]): string {
  const files = contracting.map(({ file }) => file).join(', ');
  return `without a deploy section it is not known which versions run, so nothing is held back; old code cannot live with ${files}`;
}

/** What is held, one sentence each. `version`: the one that this delivery brings. */
export function heldInWords({ held, why }: Pick<Holding, 'held' | 'why'>, version: string): string[] {
  return held.map(({ file, contracts }) => {
    const what = contracts.map((each) => `${each.what}, line ${each.line}`).join('; ');
    return `held until no version before ${version} runs: ${file}${what ? ` (${what})` : ''}${why ? `; ${why}` : ''}`;
  });
}
