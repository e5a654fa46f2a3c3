/** Clearing away old backups, in the vault and with the tools that took some of them. */
import { clearOld, type Manifest, type ProviderOptions, removeProvided } from '../../backup/backup.ts';
import type { EnvironmentState } from '../../ledger/ledger.ts';
import { failureFrom } from '../../outcome/outcome.ts';
import type { Vault } from '../../vault/vault.ts';
import type { Source } from './sources.ts';
import { type BackupContext, providerOf, type Wanted } from './wanted.ts';
import type { Cleared } from './words.ts';

/**
 * Ids of backups that somebody may still need: those of the open change and of changes whose incident is open, and the
 * newest proven one from before each incident, since that is the one to go back to where none was taken anew. Pure.
 */
export function protectedBackups(
  state: Pick<EnvironmentState, 'open' | 'incidents' | 'backups' | 'migrations'>,
): string[] {
  const changes = new Set([state.open?.change, ...state.incidents.map(({ change }) => change)]);
  const taken = state.backups.filter(({ change }) => changes.has(change)).map(({ id }) => id);
  const needed = state.migrations.flatMap(({ change, backup }) => (changes.has(change) && backup ? [backup] : []));
  const proven = state.backups.filter(({ level }) => level === 'restored' || level === 'compared');
  const before = state.incidents.flatMap(({ opened }) => proven.find(({ ended }) => ended <= opened)?.id ?? []);
  return [...new Set([...taken, ...needed, ...before])];
}

/** Clears what the section's `keep` does not name. `id` is the backup that was just taken. Throws what vault and ledger throw. */
export async function clear(
  context: BackupContext,
  wanted: Wanted,
  vault: Vault,
  { id, sources, at }: { id: string; sources: Source[] } & Pick<ProviderOptions, 'at'>,
): Promise<Cleared> {
  const { ledger, environment, place, signal } = context;
  const state = ledger && environment ? await ledger.state(environment.name) : null;
  const held = [id, ...(state ? protectedBackups(state) : [])];
  const kept = await clearOld(vault, wanted.scope, wanted.keep ?? {}, held);
  const options = { id, workspace: place.workspace, scratch: place.scratch, at, signal };
  return { kept, left: await removeAll(kept.gone, sources, wanted, options) };
}

/** Has the tools remove what belonged to these backups. What cannot be removed is told, and no reason to fail. */
async function removeAll(
  gone: Manifest[],
  sources: Source[],
  wanted: Wanted,
  options: ProviderOptions,
): Promise<string[]> {
  const left: string[] = [];
  for (const { parts } of gone)
    for (const part of parts) {
      if (part.kind !== 'provided') continue;
      const provider = providerOf(wanted, part.name);
      const database = sources.find((source) => source.database.name === part.name)?.database;
      const why =
        provider && database
          ? await removeProvided(provider, part.backup, database, options).then(
              () => null,
              (error) => failureFrom(error).why,
            )
          : 'it has no provider any more';
      if (why !== null) left.push(`the backup ${part.backup} of ${part.name} was not removed: ${why}`);
    }
  return left;
}
