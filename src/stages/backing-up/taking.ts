/** Taking a backup in a run: what is read, where it is proven, what becomes of the copy, and what is remembered of it. */
import { reaches, type Taken, takeBackup } from '../../backup/backup.ts';
import type { Database, Throwaway, ThrowawayPlace } from '../../database/database.ts';
import type { Result } from '../../outcome/outcome.ts';
import type { Vault } from '../../vault/vault.ts';
import { migratedName } from './pending.ts';
import { type OpenPlace, placeOf } from './place.ts';
import { clear } from './retention.ts';
import { readConfigFiles, type Source, withDatabases } from './sources.ts';
import type { BackupContext, Wanted } from './wanted.ts';
import { knownOf, resultOf } from './words.ts';

/** Takes a backup, proves it, remembers it, and clears old ones where it has proven as much as is required. */
export async function take(context: BackupContext, wanted: Wanted, vault: Vault): Promise<Result> {
  const configFiles = await readConfigFiles(context, wanted.configFiles);
  const { ledger, environment } = context;
  const version = ledger && environment ? ((await ledger.state(environment.name)).live?.version ?? null) : null;
  const { keepCopy, close, at } = handingOn(context, await placeOf(context));
  try {
    return await withDatabases(context, wanted.databases, async (sources) => {
      const taken = await takeBackup({
        ...{
          environment: wanted.environment,
          scope: wanted.scope,
          recipients: wanted.recipients,
          version,
          configFiles,
          vault,
          at,
          keepCopy,
        },
        databases: sources.map(({ database }) => database),
        replicas: replicasOf(sources),
        providers: { workspace: context.place.workspace, commands: wanted.providers },
        scratch: context.place.scratch,
        signal: context.signal,
        progress: (line) => context.log.progress(line),
      });
      await remember(context, taken);
      const { id, level } = taken.manifest;
      // Old backups go only after a new one has proven as much as is required.
      const cleared = reaches(level, wanted.level) ? await clear(context, wanted, vault, { id, sources, at }) : null;
      return resultOf(taken, wanted, cleared);
    });
  } finally {
    context.log.progress(null);
    await close();
  }
}

function replicasOf(sources: Source[]): Map<string, Database> {
  return new Map(sources.flatMap(({ database, replica }) => (replica ? [[database.name, replica] as const] : [])));
}

async function remember({ book }: BackupContext, taken: Taken): Promise<void> {
  if (book) await book.note({ kind: 'backup', backup: knownOf(taken, book.change.id) });
}

/**
 * Within a line, the compared copy of the database that is migrated next goes to that stage: what was proven is
 * rehearsed on. The place stays open as long as the copy runs there.
 */
function handingOn(
  context: BackupContext,
  place: OpenPlace,
): { at: ThrowawayPlace; keepCopy: (name: string, copy: Throwaway) => Promise<void>; close: () => Promise<void> } {
  const migrated = context.inLine ? migratedName(context) : null;
  let handed = false;
  const keepCopy = async (name: string, copy: Throwaway) => {
    if (name !== migrated) return copy.close();
    handed = true;
    const close = () => copy.close().finally(() => place.close());
    await context.copies.keep(name, {
      ...{ database: copy.database, unlike: copy.unlike, lacks: copy.lacks, close },
      restore: (from, signal) => copy.restore(from, signal),
      harden: () => copy.harden(),
    });
  };
  return { at: place.at, keepCopy, close: async () => (handed ? undefined : place.close()) };
}
