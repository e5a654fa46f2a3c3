/** A drill: a backup is proven again from what lies in the vault, with the identity that would be needed in earnest. */
import type { Database } from '../database/database.ts';
import { isEncrypted } from './find.ts';
import { type Level, type Manifest, type Part, weakest } from './manifest.ts';
import { type Provider, proveProvided } from './provider.ts';
import { type ProofOptions, proveDatabase, proveFile } from './verify.ts';

/** What a drill needs beside the manifest. */
export interface DrillWork extends Omit<ProofOptions, 'keepCopy'> {
  /** age identities, one a line; null where none was given. */
  identity: string | null;
  /** The commands for parts of other tools, with the live database of each and the folder in which they run. */
  providers?: { workspace: string; commands: readonly Provider[]; databases: readonly Database[] };
  progress(line: string): void;
}

/** What a drill has shown. The parts are those of the manifest, with what they show now. */
export interface Drilled {
  level: Level;
  why: string | null;
  parts: Part[];
  /** Milliseconds that all of it took. */
  took: number;
}

/**
 * Reads every part of a backup back, restores the databases and compares them with what the manifest says of them.
 * Throws `backup-identity` where the identity opens it not, and `cancelled`; whatever else fails lowers the level.
 */
export async function proveBackup(manifest: Manifest, work: DrillWork): Promise<Drilled> {
  const began = performance.now();
  const parts: Part[] = [];
  for (const part of manifest.parts) {
    work.progress(`drill: ${part.kind === 'config' ? part.path : part.name}`);
    parts.push(await shown(part, manifest, work));
  }
  return { ...weakest(parts), parts, took: Math.round(performance.now() - began) };
}

/** True for a backup that only an identity opens. */
export function needsIdentity(manifest: Manifest): boolean {
  return manifest.parts.some((part) => part.kind !== 'provided' && isEncrypted(part.file));
}

async function shown(part: Part, manifest: Manifest, work: DrillWork): Promise<Part> {
  if (part.kind === 'database') {
    const proof = await proveDatabase(part, { digest: part.fingerprint }, work);
    return { ...part, ...proof };
  }
  if (part.kind === 'config') return { ...part, ...(await proveFile(part, null, work)) };
  const { workspace, commands, databases } = work.providers ?? { workspace: '', commands: [], databases: [] };
  const provider = commands.find(({ database }) => database === part.name);
  const database = databases.find(({ name }) => name === part.name);
  if (!provider || !database) return { ...part, level: 'stored', why: 'changeline.yml names no provider for it' };
  const options = { ...work, workspace, id: manifest.id };
  return { ...part, ...(await proveProvided(part, provider, database, options)) };
}
