/** The drill: the newest backup of the environment is proven with the real identity. */
import {
  type Drilled,
  type Manifest,
  needsIdentity,
  newestId,
  proveBackup,
  reaches,
  readBackup,
} from '../../backup/backup.ts';
import { inWords } from '../../duration/duration.ts';
import { Failure, type Json, type Result } from '../../outcome/outcome.ts';
import type { Vault } from '../../vault/vault.ts';
import type { Planned } from '../stage.ts';
import { placeOf } from './place.ts';
import { withDatabases } from './sources.ts';
import { type BackupContext, providerOf, type Wanted } from './wanted.ts';
import { label, plural, tableOf } from './words.ts';

/** Proves the newest backup. Throws `backup-missing`, `backup-identity`, and what vault, ledger and place throw. */
export async function drill(context: BackupContext, wanted: Wanted, vault: Vault): Promise<Result> {
  const manifest = await newestBackup(context, wanted, vault);
  const { inputs, place, signal, log } = context;
  const provided = wanted.databases.filter(({ name }) => providerOf(wanted, name));
  const where = await placeOf(context);
  try {
    const drilled = await withDatabases(context, provided, (sources) =>
      proveBackup(manifest, {
        ...{ vault, identity: inputs.identity || null, scratch: place.scratch, at: where.at, signal },
        providers: {
          workspace: place.workspace,
          commands: wanted.providers,
          databases: sources.map(({ database }) => database),
        },
        progress: (line) => log.progress(line),
      }),
    );
    return resultOfDrill(manifest, drilled, wanted);
  } finally {
    log.progress(null);
    await where.close();
  }
}

/** What a drill would do; what would fail is thrown. */
export async function planDrill(context: BackupContext, wanted: Wanted, vault: Vault): Promise<Planned[]> {
  const manifest = await newestBackup(context, wanted, vault);
  if (needsIdentity(manifest) && !context.inputs.identity) throw noIdentity(manifest);
  await (await placeOf(context)).close();
  return [
    { kind: 'will', text: `prove ${manifest.id} from ${vault.where}, with ${plural(manifest.parts.length, 'part')}` },
  ];
}

/**
 * The newest one, as the ledger remembers it where there is one. Throws `backup-failed` where its manifest is damaged:
 * an older one in its place would prove nothing of it.
 */
async function newestBackup({ ledger, environment }: BackupContext, wanted: Wanted, vault: Vault): Promise<Manifest> {
  const id = await newestId(vault, wanted.scope);
  if (id !== null) {
    const known = ledger && environment ? (await ledger.state(environment.name)).backups : [];
    return readBackup(vault, id, known.find((each) => each.id === id)?.digest ?? null);
  }
  throw new Failure({
    code: 'backup-missing',
    what: `there is no backup of ${wanted.environment}`,
    where: vault.where,
    next: 'take one first, or name the place where they lie (backup.to)',
  });
}

function noIdentity(manifest: Manifest): Failure {
  return new Failure({
    code: 'backup-identity',
    what: 'the backup is encrypted, and no identity was given',
    where: manifest.id,
    untouched: 'nothing was changed',
    next: 'give the input identity: AGE-SECRET-KEY-… of one of its recipients',
  });
}

function resultOfDrill(manifest: Manifest, { level, why, parts, took }: Drilled, wanted: Wanted): Result {
  const proven = reaches(level, wanted.level);
  const lower = why === null ? '' : `, not higher because ${why}`;
  const required = proven ? '' : `, ${wanted.level} is required`;
  const ways = parts.map((part): Json => {
    const restored = part.kind === 'config' ? null : part.restored;
    return { kind: part.kind, name: label(part), level: part.level, why: part.why, restored };
  });
  return {
    outcome: proven ? 'passed' : 'failed',
    code: proven ? 'ok' : 'backup-unproven',
    summary: `drill of ${manifest.id}: ${level} in ${inWords(took)}${lower}${required}`,
    facts: { schema: 2, drill: true, id: manifest.id, began: manifest.began, level, why, took, parts: ways },
    outputs: { backup: manifest.id, level },
    markdown: tableOf(parts),
    ...(proven ? {} : { next: 'take another backup now, and find out what became of this one' }),
  };
}
