/** Proving a stored part: read back, unpacked, restored, compared. Each level is claimed only after it was reached. */
import { createHash } from 'node:crypto';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { difference, type Fingerprint, type Throwaway, throwaway } from '../database/database.ts';
import { Failure } from '../outcome/outcome.ts';
import { redact } from '../secret/secret.ts';
import type { Vault } from '../vault/vault.ts';
import type { ConfigPart, DatabasePart, Level } from './manifest.ts';
import { type Seen, unpacked } from './stored.ts';

/** A level, and why it is not a higher one. */
export interface Proof {
  level: Level;
  why: string | null;
}

export interface ProofOptions {
  vault: Vault;
  /** The age identity that opens the part; null where it is not encrypted. */
  identity: string | null;
  scratch: string;
  signal: AbortSignal;
}

type Claimed<P> = Omit<P, 'level' | 'why'>;

/** Proves a database's part as far as it goes. Throws only `cancelled`: whatever else fails is the reason for the level. */
export async function proveDatabase(
  part: Claimed<DatabasePart>,
  original: Fingerprint,
  options: ProofOptions,
): Promise<Proof> {
  let copy: Throwaway | null = null;
  try {
    copy = await throwaway({ scratch: options.scratch, like: part.traits, signal: options.signal });
    await restoreCopy(part, copy, options);
    return await compared(part, original, copy);
  } catch (error) {
    stopIfCancelled(options.signal, error);
    const read = await proveReadable(part, options);
    return read.level === 'stored' ? read : { level: 'readable', why: `it could not be restored: ${reason(error)}` };
  } finally {
    await copy?.close();
  }
}

/** Proves a file: it is `compared` where the bytes that come back are the bytes that went in. */
export async function proveFile(part: Claimed<ConfigPart>, original: string, options: ProofOptions): Promise<Proof> {
  const hash = createHash('sha256');
  const read = await proveReadable(part, options, (chunk) => hash.update(chunk));
  if (read.level === 'stored') return read;
  if (hash.digest('hex') === original) return { level: 'compared', why: null };
  return { level: 'readable', why: 'the bytes that come back are not the ones that went in' };
}

/** Restores a stored part into an empty throwaway. Throws where the stored bytes are not the ones of the manifest. */
async function restoreCopy(part: Claimed<DatabasePart>, copy: Throwaway, options: ProofOptions): Promise<void> {
  const { stream, seen } = await unpacked(options.vault, part.file, options.identity);
  await copy.restore(stream, options.signal);
  // A restore may have enough before the last byte; what was seen then is no proof of the rest.
  for await (const _ of stream) if (options.signal.aborted) break;
  const broken = unlike(part, seen());
  if (broken) throw new Error(broken);
}

async function compared(part: Claimed<DatabasePart>, original: Fingerprint, copy: Throwaway): Promise<Proof> {
  const also = copy.unlike.length ? `; ${copy.unlike.join('; ')}` : '';
  const schema = await copy.database.fingerprint();
  if (schema.digest !== original.digest) {
    const lines = difference(original.form, schema.form, 3).map((line) => line.slice(0, 120));
    return { level: 'restored', why: `the schema of the copy differs: ${lines.join(' | ')}${also}` };
  }
  if (part.counts === null) return { level: 'restored', why: 'the rows in the dump could not be counted' };
  const wrong = differentCounts(part.counts, await copy.database.counts());
  return wrong === null ? { level: 'compared', why: null } : { level: 'restored', why: `rows differ: ${wrong}${also}` };
}

/** The first table whose rows differ, in words; null where all are equal. */
export function differentCounts(dumped: Record<string, number>, restored: Record<string, number>): string | null {
  for (const table of new Set([...Object.keys(dumped), ...Object.keys(restored)])) {
    const [before, after] = [dumped, restored].map((counts) =>
      Object.hasOwn(counts, table) ? counts[table] : undefined,
    );
    if (before !== after)
      return `${table} has ${before ?? 'no count'} in the dump and ${after ?? 'no count'} in the copy`;
  }
  return null;
}

async function proveReadable(
  part: Claimed<DatabasePart | ConfigPart>,
  options: ProofOptions,
  see?: (chunk: Buffer) => void,
): Promise<Proof> {
  try {
    const { stream, seen } = await unpacked(options.vault, part.file, options.identity);
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        see?.(chunk);
        done();
      },
    });
    await pipeline(stream, sink, { signal: options.signal });
    const broken = unlike(part, seen());
    return broken ? { level: 'stored', why: broken } : { level: 'readable', why: null };
  } catch (error) {
    stopIfCancelled(options.signal, error);
    return { level: 'stored', why: `what is stored could not be read back: ${reason(error)}` };
  }
}

function unlike(part: Claimed<DatabasePart | ConfigPart>, seen: Seen): string | null {
  if (seen.sha256 !== part.sha256 || seen.stored !== part.stored)
    return 'the stored bytes are not the ones that were written';
  return seen.raw === part.raw ? null : `unpacked, it has ${seen.raw} bytes of ${part.raw}`;
}

function stopIfCancelled(signal: AbortSignal, error: unknown): void {
  if (signal.aborted)
    throw error instanceof Failure
      ? error
      : new Failure({
          code: 'cancelled',
          what: 'the run was cancelled while a backup was proven',
          next: 'run it again',
        });
}

function reason(error: unknown): string {
  if (error instanceof Failure) return [error.what, error.why].filter(Boolean).join(': ');
  return redact((error as Error).message);
}
