/** A restore as the rollback plans it, asks for it and tells it: which backup, whether it may be, what came of it. */
import type { Manifest } from '../../backup/backup.ts';
import { inWords } from '../../duration/duration.ts';
import { Failure } from '../../outcome/outcome.ts';
import type { Vault } from '../../vault/vault.ts';
import type { Planned } from '../stage.ts';
import { backupFor, irreversible } from './choice.ts';
import type { DataDone, DataPlan } from './data.ts';
import type { Hosts } from './files.ts';
import { lossesInWords } from './loss.ts';
import { manifestOf, type RollbackContext, sectionOf, withReplacements, withVault } from './reach.ts';
import { databaseParts, lackingRoles, type Restored, restoreData } from './restore.ts';

/** What would be restored, what a swap would break, and what stands in the way. Throws as `restore` does. */
export async function planRestore(context: RollbackContext, plan: DataPlan): Promise<Planned[]> {
  return withManifest(context, plan, async ({ manifest, took, doubts }) => {
    const parts = databaseParts(manifest);
    const sections = parts.map(({ name }) => sectionOf(context, name));
    return withReplacements(context, sections, async (reached) => {
      const planned = doubts.map((text): Planned => ({ kind: 'blind', text }));
      for (const [index, { section, database, replacement }] of reached.entries()) {
        const breaks = await replacement.breaks();
        planned.push(...breaks.map((text): Planned => ({ kind: 'blind', text: `${section.name}: ${text}` })));
        await replacement.check();
        const failure = await lackingRoles(database, parts[index]!);
        if (failure) planned.push({ kind: 'obstacle', text: failure.message, failure });
      }
      const names = parts.map(({ name }) => name).join(', ');
      const time = took === null ? 'its time was not measured' : `${inWords(took)} as it was proven`;
      const text = `restore ${names} from the backup ${manifest.id} (${manifest.level}), ${time}; writes are held off meanwhile`;
      return [...planned, { kind: 'will', text }];
    });
  });
}

/** Restores the backup that the plan leads to. Throws what `restoreData` does, `backup-missing`, `data-irreversible`. */
export async function restore(context: RollbackContext, plan: DataPlan, hosts: Hosts): Promise<Restored> {
  return withManifest(context, plan, ({ manifest, vault, doubts }) => {
    for (const doubt of doubts) context.log.warn(doubt);
    return restoreData(context, { manifest, vault, hosts, state: plan.state });
  });
}

/** The backup that is restored. */
interface Chosen {
  manifest: Manifest;
  vault: Vault;
  /** Milliseconds that restoring it took in proof; null where it was not. */
  took: number | null;
  /** What a person should know of it, who named it. */
  doubts: string[];
}

async function withManifest<T>(
  context: RollbackContext,
  plan: DataPlan,
  use: (chosen: Chosen) => Promise<T>,
): Promise<T> {
  const { id, known } = backupOf(context, plan);
  return withVault(context, async (vault) => {
    const manifest = await manifestOf(context, vault, id, known?.digest ?? null);
    checkHeld(manifest, plan);
    const doubts = [
      ...(known ? [] : [`the ledger does not know the backup ${id}: that nobody changed it is not proven`]),
      ...otherVersion(context, manifest, plan.version),
    ];
    return use({ manifest, vault, took: known?.restored ?? null, doubts });
  });
}

function backupOf(context: RollbackContext, { state, steps }: DataPlan): NonNullable<ReturnType<typeof backupFor>> {
  const chosen = backupFor(state, steps, context.inputs.backup);
  if (chosen) return chosen;
  throw new Failure({
    code: 'backup-missing',
    what: 'the ledger knows no backup from before',
    where: state.environment,
    untouched: 'nothing was changed',
    next: 'name one in the input backup, or choose data: keep or data: down',
  });
}

/** A backup holds the schema of the version that was live when it was taken. Another one must be asked for by its id. */
function otherVersion({ inputs }: RollbackContext, manifest: Manifest, version: string): string[] {
  if (manifest.version === null || manifest.version === version) return [];
  const what = `the backup was taken while ${manifest.version} was live, and ${version} would run on its schema`;
  if (!inputs.backup)
    throw irreversible(
      what,
      manifest.id,
      `go back to ${manifest.version}, or name the backup in the input backup if ${version} can live with it`,
    );
  return [`${manifest.id}: ${what}`];
}

/** What is to be taken back must be in the backup: another database would keep its schema, and nobody would know. */
function checkHeld({ id, parts }: Manifest, { steps }: DataPlan): void {
  const held = parts.filter(({ kind }) => kind !== 'config').map(({ name }) => name);
  const absent = [...new Set(steps.map(({ database }) => database))].filter((name) => !held.includes(name));
  if (absent.length > 0)
    throw irreversible(
      `the backup does not hold ${absent.join(', ')}, whose schema was changed since`,
      id,
      'name a backup that does, or choose data: keep or data: down',
    );
}

/** What was restored, as what was done about the data. */
export function restoredAs({ backup, losses, swapped, files, problems }: Restored): DataDone {
  const kept = swapped.map((each) => `${each.kept}, until ${each.remove}`);
  const words = [
    swapped.length
      ? `the data were restored from ${backup}, ${lossesInWords(losses)}`
      : `the databases hold what the backup ${backup} holds already, and were left alone`,
    ...(kept.length ? [`the replaced data are kept: ${kept.join('; ')}`] : []),
    ...(files.written.length ? [`config files written back: ${files.written.join('; ')}`] : []),
    ...(files.left.length ? [`config files left as they are: ${files.left.join('; ')}`] : []),
  ].join('; ');
  return {
    output: 'restored',
    words,
    facts: {
      data: 'restored',
      backup,
      lost: losses.map((loss) => ({ ...loss })),
      swapped: swapped.map((each) => ({ ...each, away: Math.round(each.away) })),
      files: files.written,
    },
    problems: [...problems, ...files.missed.map((file) => `the config file was not written back: ${file}`)],
    touched: true,
  };
}
