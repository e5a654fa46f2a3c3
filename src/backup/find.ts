/** Finding backups in a vault, and reading their parts back. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Failure } from '../outcome/outcome.ts';
import type { Entry, Vault } from '../vault/vault.ts';
import { type DatabasePart, type Manifest, manifestName, parseName, unsealed } from './manifest.ts';
import { type Seen, unpacked } from './stored.ts';

/** The id of the newest backup, whose manifest may be damaged; null where there is none. */
export async function newestId(vault: Vault, scope: string): Promise<string | null> {
  return idsIn(await vault.list(), scope)[0] ?? null;
}

/**
 * The backups of a scope, newest first, read one by one; those whose manifest is damaged are left out. Throws what the
 * vault throws.
 */
export async function* newestFirst(vault: Vault, scope: string): AsyncGenerator<Manifest> {
  for await (const { manifest } of manifestsIn(vault, await vault.list(), scope)) if (manifest) yield manifest;
}

/**
 * Reads the manifests of a scope in a listing of the vault, newest first: `manifest` is null where it is damaged.
 * One that another run has removed meanwhile is passed over. Throws what the vault throws.
 */
export async function* manifestsIn(
  vault: Vault,
  listed: readonly Entry[],
  scope: string,
): AsyncGenerator<{ name: string; manifest: Manifest | null }> {
  for (const id of idsIn(listed, scope)) {
    const name = manifestName(id);
    try {
      yield { name, manifest: (await readManifest(vault, id)).manifest };
    } catch (error) {
      // A vault that does not answer is no damaged manifest.
      if (!(error instanceof Failure)) throw error;
      if (error.code === 'backup-failed') yield { name, manifest: null };
      else if ((await vault.list()).some((entry) => entry.name === name)) throw error;
    }
  }
}

/** The ids of a scope's manifests, the newest first. */
function idsIn(listed: readonly Entry[], scope: string): string[] {
  const ids = listed.flatMap(({ name }) => {
    const of = parseName(name);
    return of?.manifest && of.scope === scope ? [of.id] : [];
  });
  return ids.sort().reverse();
}

/**
 * The manifest of one backup. `digest` is what the ledger remembers of it; null where there is no ledger. Throws
 * `backup-missing`, and `backup-failed` where the manifest is damaged or is another one than the ledger knows.
 */
export async function readBackup(vault: Vault, id: string, digest: string | null): Promise<Manifest> {
  const there = parseName(manifestName(id)) !== null && (await names(vault)).has(manifestName(id));
  if (!there)
    throw new Failure({
      code: 'backup-missing',
      what: `there is no backup ${id.slice(0, 120)}`,
      where: vault.where,
      next: 'name one of those that lie there (the file of each is called <id>.manifest.json)',
    });
  const found = await readManifest(vault, id);
  if (digest === null || found.digest === digest) return found.manifest;
  throw new Failure({
    code: 'backup-failed',
    what: 'the manifest of a backup is not the one that the ledger remembers',
    where: `${manifestName(id)} in ${vault.where}`,
    why: `its digest is ${found.digest.slice(0, 12)}…, and the ledger has ${digest.slice(0, 12)}…`,
    next: 'use another backup, and find out who wrote to the vault',
  });
}

/** True where every file of a backup lies in the vault with the size that its manifest says; else what is wrong, in words. */
export async function filesLie(vault: Vault, manifest: Manifest): Promise<true | string> {
  const sizes = await names(vault);
  for (const part of manifest.parts) {
    if (part.kind === 'provided') continue;
    const bytes = sizes.get(part.file);
    if (bytes === undefined) return `its file ${part.file} is gone`;
    if (bytes !== part.stored) return `its file ${part.file} has ${bytes} bytes of ${part.stored}`;
  }
  return true;
}

/**
 * The original bytes of a part: a native dump, or the file itself. The stream fails at its end with `backup-failed`
 * where the stored bytes are not those of the manifest, so what it ends well on is what was stored. `identity` holds age
 * identities, one a line, and may be null for a part that lies unencrypted. Throws `backup-identity` where none of them
 * opens it, and what the vault throws.
 */
export async function readPart(vault: Vault, part: Bytes, identity: string | null): Promise<Readable> {
  const { stream, seen } = await opened(vault, part, identity);
  return Readable.from(checked(stream, part, seen, vault.where), { objectMode: false });
}

/** True for a file that lies encrypted. */
export function isEncrypted(file: string): boolean {
  return file.endsWith('.age');
}

const CHANGED = 'the stored bytes are not the ones that were written';

/** What is needed of a part to read its bytes back. */
export type Bytes = Pick<DatabasePart, 'file' | 'raw' | 'stored' | 'sha256'>;

/** In what the bytes that came by are not those of the manifest, in words; null where they are. */
export function unlike(part: Bytes, seen: Seen): string | null {
  if (seen.sha256 !== part.sha256 || seen.stored !== part.stored) return CHANGED;
  return seen.raw === part.raw ? null : `unpacked, it has ${seen.raw} bytes of ${part.raw}`;
}

async function opened(vault: Vault, part: Bytes, identity: string | null): ReturnType<typeof unpacked> {
  const { file } = part;
  if (!isEncrypted(file)) return unpacked(vault, file, null);
  const lines = (identity ?? '').split(/\s+/).filter((line) => /^AGE-SECRET-KEY-/i.test(line));
  if (lines.length === 0) throw wrongIdentity(file, identity ? 'it holds no AGE-SECRET-KEY-…' : 'none was given');
  let refused: unknown;
  for (const line of lines) {
    try {
      return await unpacked(vault, file, line);
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'backup-identity') throw error;
      refused = error;
    }
  }
  // A damaged header may read like one for somebody else: the digest tells which.
  if ((await digestOf(vault, file)) === part.sha256) throw refused;
  throw damaged(file, vault.where, CHANGED);
}

async function digestOf(vault: Vault, file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of (await vault.get(file)) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

function wrongIdentity(file: string, why: string): Failure {
  return new Failure({
    code: 'backup-identity',
    what: 'the identity does not open the backup',
    where: file,
    why,
    untouched: 'nothing was changed',
    next: 'give the identity (AGE-SECRET-KEY-…) of one of the recipients that the manifest names',
  });
}

async function* checked(stream: Readable, part: Bytes, seen: () => Seen, where: string): AsyncGenerator<Buffer> {
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (error) {
    throw error instanceof Failure ? error : damaged(part.file, where, (error as Error).message);
  }
  const broken = unlike(part, seen());
  if (broken) throw damaged(part.file, where, broken);
}

function damaged(file: string, where: string, why: string): Failure {
  return new Failure({
    code: 'backup-failed',
    what: 'a file of the backup is damaged',
    where: `${file} in ${where}`,
    why,
    next: 'use another backup',
  });
}

async function readManifest(vault: Vault, id: string): Promise<{ manifest: Manifest; digest: string }> {
  const name = manifestName(id);
  return unsealed(await vault.get(name).then(text), name);
}

/** What lies in the vault: bytes by name. */
async function names(vault: Vault): Promise<Map<string, number>> {
  return new Map((await vault.list()).map(({ name, bytes }) => [name, bytes]));
}
