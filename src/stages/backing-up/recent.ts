/** Whether a backup that is there already suffices: young, proven, whole, and of the same things. */
import { filesLie, type Level, type Manifest, newestFirst, reaches, readBackup } from '../../backup/backup.ts';
import { inWords } from '../../duration/duration.ts';
import type { KnownBackup } from '../../ledger/ledger.ts';
import { Failure, type Result } from '../../outcome/outcome.ts';
import type { Vault } from '../../vault/vault.ts';
import { pendingIn } from './pending.ts';
import { withDatabases } from './sources.ts';
import type { BackupContext, Wanted } from './wanted.ts';
import { label } from './words.ts';

/** What a backup must be to suffice. */
export interface Needed {
  now: Date;
  /** Milliseconds. */
  maxAge: number;
  level: Level;
  /** Fingerprints of the live databases, by name. */
  databases: Record<string, string>;
  /** Config files with their hosts. */
  files: { host: string; path: string }[];
  /** age recipients that it must be encrypted to. */
  recipients: string[];
}

/** Why a backup does not suffice, in words; null where it does. Its age counts from the moment it was begun. Pure. */
export function insufficient(manifest: Manifest, needed: Needed): string | null {
  const age = needed.now.getTime() - Date.parse(manifest.began);
  if (!(age >= 0 && age < needed.maxAge)) return `it is ${inWords(Math.max(0, age))} old`;
  if (!reaches(manifest.level, needed.level)) return `it is ${manifest.level} and ${needed.level} is required`;
  const saved = manifest.parts.flatMap((part) => (part.kind === 'config' ? [] : [part]));
  const names = Object.keys(needed.databases);
  if (names.length !== saved.length || saved.some(({ name }) => !names.includes(name)))
    return 'it is of other databases';
  if (needed.recipients.toSorted().join() !== manifest.recipients.toSorted().join())
    return 'it is not encrypted to the recipients of now';
  const changed = saved.find(({ name, fingerprint }) => needed.databases[name] !== fingerprint);
  if (changed) return `the schema of ${changed.name} has changed since`;
  const files = (some: { host: string; path: string }[]) =>
    JSON.stringify(some.map(({ host, path }) => [host, path]).sort());
  const kept = manifest.parts.flatMap((part) => (part.kind === 'config' ? [part] : []));
  return files(kept) === files(needed.files) ? null : 'it is of other config files';
}

/**
 * The result for a backup that suffices, where max-age is set, nothing is pending, and there is one; else null, with
 * the reason in the log. Throws `cancelled` and what databases throw.
 */
export async function recentOne(context: BackupContext, wanted: Wanted, vault: Vault): Promise<Result | null> {
  if (wanted.maxAge === null) return null;
  const found = await withDatabases(context, wanted.databases, async (sources) => {
    const pending = await pendingIn(context, sources);
    if (pending !== null) return pending;
    const prints = await Promise.all(
      sources.map(async ({ database }) => [database.name, (await database.fingerprint()).digest] as const),
    );
    const hosts = context.environment?.hosts ?? [];
    return newest(context, vault, wanted.scope, {
      ...{ now: new Date(), maxAge: wanted.maxAge!, level: wanted.level, databases: Object.fromEntries(prints) },
      files: hosts.flatMap(({ at: host }) => wanted.configFiles.map((path) => ({ host, path }))),
      recipients: wanted.recipients,
    });
  });
  if (typeof found !== 'string') return found;
  context.log.info(`a new backup is taken: ${found}`);
  return null;
}

/** The newest backup, where it suffices; else why it does not. */
async function newest(context: BackupContext, vault: Vault, scope: string, needed: Needed): Promise<Result | string> {
  const { ledger, environment, log } = context;
  const state = ledger && environment ? await ledger.state(environment.name) : null;
  const manifest = await first(newestFirst(vault, scope));
  if (!manifest) return 'there is none yet';
  const known = state?.backups.find(({ id }) => id === manifest.id) ?? null;
  if (state && !known) return `the ledger does not know ${manifest.id}`;
  const why = insufficient(manifest, needed) ?? (await forged(vault, manifest, known));
  if (why !== null) return `${manifest.id} does not suffice: ${why}`;
  const lies = await filesLie(vault, manifest);
  if (lies !== true) return `${manifest.id} does not suffice: ${lies}`;
  if (!known) log.info('there is no ledger: that the backup is unchanged is told by its own manifest alone');
  return recentResult(manifest, needed, known);
}

async function forged(vault: Vault, manifest: Manifest, known: KnownBackup | null): Promise<string | null> {
  if (known === null) return null;
  try {
    await readBackup(vault, manifest.id, known.digest);
    return null;
  } catch (error) {
    if (error instanceof Failure && error.code === 'backup-failed') return error.what;
    throw error;
  }
}

function recentResult(manifest: Manifest, needed: Needed, known: KnownBackup | null): Result {
  const age = needed.now.getTime() - Date.parse(manifest.began);
  const { id, level, parts } = manifest;
  return {
    outcome: 'passed',
    code: 'backup-recent',
    summary: `${id} suffices: ${inWords(age)} old, ${level}, and no migration is to be applied`,
    facts: {
      ...{ schema: 2, id, digest: known?.digest ?? null, level, began: manifest.began, ended: manifest.ended, age },
      parts: parts.map((part) => ({ kind: part.kind, name: label(part), level: part.level })),
    },
    outputs: { backup: id, level },
  };
}

async function first<T>(some: AsyncIterable<T>): Promise<T | null> {
  for await (const one of some) return one;
  return null;
}
