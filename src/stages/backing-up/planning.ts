/** The plan of a backup: everything that can fail is tried, and nothing is stored. */
import { statfs } from 'node:fs/promises';
import { reaches } from '../../backup/backup.ts';
import type { DatabaseSection } from '../../config/config.ts';
import { type Database, type ThrowawayPlace, throwaway, throwawayRoom } from '../../database/database.ts';
import { inWords } from '../../duration/duration.ts';
import { hostCount } from '../../fleet/fleet.ts';
import { Failure, failureFrom } from '../../outcome/outcome.ts';
import type { Vault } from '../../vault/vault.ts';
import type { Planned } from '../stage.ts';
import { planDrill } from './drilling.ts';
import { migratedName } from './pending.ts';
import { placeOf } from './place.ts';
import { readConfigFiles, type Source, withDatabase } from './sources.ts';
import { type BackupContext, liesHere, providerOf, vaultOf, type Wanted } from './wanted.ts';
import { inBytes } from './words.ts';

export const GONE_WITH_THE_RUNNER =
  'the backup lies on this runner, which is gone after the job: run the job on a runner of your own, or name a place that outlives it';

export const UNENCRYPTED =
  'the backup lies unencrypted for whoever can read its place: name backup.recipients to encrypt it';

/** What is dumped of a database, and how many bytes it takes, as its engine tells them. */
export interface Size {
  name: string;
  bytes: number;
  /** SQLite: it is copied on this machine first. */
  file: boolean;
}

/**
 * Bytes that copies take at most at one time: they are made one after the other, and `kept` is the name of the one that
 * stays for the migrations. Pure.
 */
export function roomFor(sizes: readonly Size[], kept: string | null): number {
  const largest = (some: readonly Size[]) => Math.max(0, ...some.map(({ bytes }) => bytes));
  const [stays, others] = [sizes.filter(({ name }) => name === kept), sizes.filter(({ name }) => name !== kept)];
  return largest(stays) + largest(others);
}

/** All of the plan. Throws nothing: what would fail is an obstacle. */
export async function planBackup(context: BackupContext, wanted: Wanted): Promise<Planned[]> {
  const planned: Planned[] = [];
  if (context.inputs.drill)
    return attempt(() => withVault(context, wanted, (vault) => planDrill(context, wanted, vault)));
  const sizes: Size[] = [];
  const room = await attempt(() =>
    withPlace(context, async (at) => {
      for (const section of wanted.databases)
        planned.push(...(await planDatabase(context, section, { wanted, sizes, at })));
      return planRoom(context, at, sizes);
    }),
  );
  planned.push(...room);
  planned.push(...(await attempt(() => planFiles(context, wanted))));
  planned.push(...(await attempt(() => withVault(context, wanted, (vault) => planVault(vault, wanted, sizes)))));
  if (wanted.maxAge !== null) planned.push({ kind: 'will', text: suffices(wanted.maxAge) });
  if (context.runner?.hosted && liesHere(wanted.to)) planned.push({ kind: 'blind', text: GONE_WITH_THE_RUNNER });
  if (wanted.recipients.length === 0) planned.push({ kind: 'blind', text: UNENCRYPTED });
  return planned;
}

function suffices(maxAge: number): string {
  return `take none where nothing is pending and a proven one is younger than ${inWords(maxAge)}`;
}

async function planDatabase(
  context: BackupContext,
  section: DatabaseSection,
  { wanted, sizes, at }: { wanted: Wanted; sizes: Size[]; at: ThrowawayPlace },
): Promise<Planned[]> {
  const provider = providerOf(wanted, section.name);
  return attempt(() =>
    withDatabase(context, section, async ({ database, replica }: Source) => {
      const source = replica ?? database;
      const [version, size] = [await source.version(), await source.size()];
      const what = `back up ${section.name} (${source.engine} ${version}, ${inBytes(size)})`;
      if (provider) {
        const highest = provider.prove === undefined ? 'stored' : 'restored';
        const text = `${what} by the command of its provider; a restore loses up to ${provider.rpo}`;
        return [{ kind: 'will', text }, ...lower(section.name, highest, 'another tool has taken it', wanted)];
      }
      const tool = await source.checkTools();
      sizes.push({ name: section.name, bytes: size, file: source.engine === 'sqlite' });
      const text = `${what} with ${tool}${replica ? `, from the replica ${replica.where}` : ''}`;
      return [{ kind: 'will', text }, ...(await planProof(context, source, at, wanted))];
    }),
  );
}

/** Whether the level required can be reached where the copy is restored: an empty copy is made there, and goes again. */
async function planProof(
  context: BackupContext,
  database: Database,
  at: ThrowawayPlace,
  wanted: Wanted,
): Promise<Planned[]> {
  const { place, signal } = context;
  try {
    const copy = await throwaway({ scratch: place.scratch, like: await database.traits(), at, signal });
    await copy.close();
    return copy.lacks.length ? lower(database.name, 'restored', copy.lacks.join('; '), wanted) : [];
  } catch (error) {
    const { code, what, next } = failureFrom(error);
    return lower(database.name, 'readable', what, wanted, { code, next });
  }
}

/** What is said of a database that can reach no higher level than this: an obstacle where a higher one is required. */
function lower(
  name: string,
  level: Wanted['level'],
  why: string,
  wanted: Wanted,
  failure: Pick<Failure, 'code' | 'next'> = {
    code: 'backup-unproven',
    next: `require no more than ${level} (backup.level), or put right what is named`,
  },
): Planned[] {
  const text = `${name} can only be proven ${level}: ${why}`;
  if (reaches(level, wanted.level)) return [{ kind: 'blind', text }];
  const { code, next } = failure;
  return [
    { kind: 'obstacle', text, failure: new Failure({ code, what: text, untouched: 'nothing was stored', next }) },
  ];
}

async function planFiles(context: BackupContext, wanted: Wanted): Promise<Planned[]> {
  const files = await readConfigFiles(context, wanted.configFiles);
  if (files.length === 0) return [];
  const hosts = hostCount(new Set(files.map(({ host }) => host)).size);
  return [
    { kind: 'will', text: `back up ${files.length} config ${files.length === 1 ? 'file' : 'files'} of ${hosts}` },
  ];
}

async function planVault(vault: Vault, wanted: Wanted, sizes: readonly Size[]): Promise<Planned[]> {
  await vault.check();
  const dumped = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  const free = await vault.free();
  if (free !== null && free < dumped) throw tooLittle(dumped, free, vault.where);
  return [{ kind: 'will', text: `store it in ${vault.where} and prove it: ${wanted.level}` }];
}

/** Room for the copies that prove it, and for those that SQLite makes on this machine. */
async function planRoom(context: BackupContext, at: ThrowawayPlace, sizes: readonly Size[]): Promise<Planned[]> {
  if (sizes.length === 0) return [];
  const needed = roomFor(sizes, context.inLine ? migratedName(context) : null);
  const free = await throwawayRoom(at);
  const where = at.kind === 'url' ? 'the server of backup.verify' : (at.scratch ?? 'the folder for temporary files');
  if (free !== null && free < needed) throw tooLittle(needed, free, where);
  const { scratch } = context.place;
  const { bavail, bsize } = await statfs(scratch);
  const files = Math.max(0, ...sizes.filter(({ file }) => file).map(({ bytes }) => bytes));
  if (bavail * bsize < files) throw tooLittle(files, bavail * bsize, scratch);
  return [];
}

function tooLittle(needed: number, free: number, where: string): Failure {
  return new Failure({
    code: 'disk-full',
    what: `the copies take up to ${inBytes(needed)}, and ${inBytes(free)} are free`,
    where,
    untouched: 'nothing was stored',
    next: 'make room there; a backup needs as much as the databases take where it lies, and as much as the largest takes for the copy that proves it',
  });
}

async function withVault<T>(context: BackupContext, wanted: Wanted, use: (vault: Vault) => Promise<T>): Promise<T> {
  const vault = await vaultOf(context, wanted);
  return use(vault).finally(() => vault.close());
}

async function withPlace<T>(context: BackupContext, use: (at: ThrowawayPlace) => Promise<T>): Promise<T> {
  const place = await placeOf(context);
  return use(place.at).finally(() => place.close());
}

async function attempt(plan: () => Promise<Planned[]>): Promise<Planned[]> {
  return plan().catch((thrown) => {
    const failure = failureFrom(thrown);
    return [{ kind: 'obstacle', text: failure.message, failure }];
  });
}
