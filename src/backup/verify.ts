/** Proving a stored part: read back, unpacked, restored, compared. Each level is claimed only after it was reached. */
import { createHash } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  compareContents,
  difference,
  dumpEnd,
  type Fingerprint,
  readDump,
  type Throwaway,
  type ThrowawayPlace,
  throwaway,
} from '../database/database.ts';
import { Failure } from '../outcome/outcome.ts';
import { redact } from '../secret/secret.ts';
import type { Vault } from '../vault/vault.ts';
import { readPart } from './find.ts';
import type { ConfigPart, DatabasePart, Level, Shown } from './manifest.ts';

/** How a part is proven. */
export interface ProofOptions {
  vault: Vault;
  /** The age identity that opens the part; null where it is not encrypted. */
  identity: string | null;
  /** For copies and files with passwords, mode 0700. */
  scratch: string;
  /** Where the throwaway server runs. */
  at: ThrowawayPlace;
  signal: AbortSignal;
  /** Is handed a copy that was compared, by the name of its database, and closes it; without it, it is closed here. */
  keepCopy?: ((database: string, copy: Throwaway) => Promise<void>) | undefined;
}

/** A part before anything of it is proven. */
export type Unproven<P> = Omit<P, keyof Shown>;

/** The schema that the copy must have: with its form what differs can be named. */
type Schema = Pick<Fingerprint, 'digest'> & Partial<Fingerprint>;

/**
 * Proves a database's part as far as it goes. Throws `cancelled` and `backup-identity`: whatever else fails is the
 * reason for the level.
 */
export async function proveDatabase(
  part: Unproven<DatabasePart>,
  original: Schema,
  options: ProofOptions,
): Promise<Shown> {
  let copy: Throwaway | null = null;
  try {
    const { scratch, at, signal } = options;
    copy = await throwaway({ scratch, like: part.traits, at, signal });
    const restored = await restoreCopy(part, copy, options);
    const proof = await compared(part, original, copy, options.signal);
    const { unlike } = copy;
    if (proof.level === 'compared' && options.keepCopy) {
      const kept = copy;
      copy = null;
      await options.keepCopy(part.name, kept);
    }
    return { ...proof, restored, unlike };
  } catch (error) {
    stop(options.signal, error);
    const read = await proveReadable(part, options);
    const why = read.level === 'stored' ? read.why : `it could not be restored: ${reason(error)}`;
    return { level: read.level, why, restored: null, unlike: copy?.unlike ?? [] };
  } finally {
    await copy?.close();
  }
}

/**
 * Proves a file: it is `compared` where the bytes that come back are the bytes that went in. `original` is their sha256,
 * hex; where it is null (a drill), the digest of what is stored has to do, whose bytes were compared when it was taken.
 */
export async function proveFile(
  part: Unproven<ConfigPart>,
  original: string | null,
  options: ProofOptions,
): Promise<Pick<Shown, 'level' | 'why'>> {
  const hash = createHash('sha256');
  const see = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      done();
    },
  });
  try {
    await pipeline(await stream(part, options), see, { signal: options.signal });
  } catch (error) {
    stop(options.signal, error);
    return unreadable(error);
  }
  if (original === null || hash.digest('hex') === original) return { level: 'compared', why: null };
  return { level: 'readable', why: 'the bytes that come back are not the ones that went in' };
}

/** Restores a stored part into an empty throwaway. Answers the milliseconds. Throws where what is stored is not what was written. */
async function restoreCopy(part: Unproven<DatabasePart>, copy: Throwaway, options: ProofOptions): Promise<number> {
  const began = performance.now();
  const end = dumpEnd(part.traits.engine);
  const source = await stream(part, options);
  const seen = Readable.from(looked(source, end.see), { objectMode: false });
  await copy.restore(seen, options.signal);
  const took = performance.now() - began;
  // A restore may have enough before the last byte; what was seen then is no proof of the rest.
  for await (const _ of seen) if (options.signal.aborted) break;
  const broken = end.broken();
  if (broken) throw new Error(broken);
  return Math.round(took);
}

async function* looked(from: Readable, see: (chunk: Buffer) => void): AsyncGenerator<Buffer> {
  for await (const chunk of from as AsyncIterable<Buffer>) {
    see(chunk);
    yield chunk;
  }
}

/** What a copy shows of the part that was restored into it: its schema, its data, and what could not be matched. */
async function compared(
  part: Unproven<DatabasePart>,
  original: Schema,
  copy: Throwaway,
  signal: AbortSignal,
): Promise<{ level: Level; why: string | null }> {
  const also = copy.unlike.length ? `; ${copy.unlike.join('; ')}` : '';
  const restored = (why: string) => ({ level: 'restored' as const, why: `${why}${also}` });
  const schema = await copy.database.fingerprint();
  if (schema.digest !== original.digest) {
    const lines = original.form === undefined ? [] : difference(original.form, schema.form, 3);
    return restored(`the schema of the copy differs: ${lines.map((line) => line.slice(0, 120)).join(' | ')}`);
  }
  if (part.contents === null) return restored('the manifest is of an earlier version and holds no digests of rows');
  const other = compareContents(part.contents, await copy.database.contents(signal));
  if (other !== null) return restored(`the data of the copy differ: ${other}`);
  if (part.lacks?.length) return restored(`not proven, since the dump does not hold it: ${part.lacks.join(', ')}`);
  if (copy.lacks.length) return restored(`not proven, since the copy has no match for it: ${copy.lacks.join(', ')}`);
  return { level: 'compared', why: null };
}

/** `readable` where all of it comes back and the engine's own reader takes it for a whole dump. */
async function proveReadable(
  part: Unproven<DatabasePart>,
  options: ProofOptions,
): Promise<{ level: Level; why: string | null }> {
  const { scratch, signal } = options;
  try {
    const source = await stream(part, options);
    await readDump(source, { like: part.traits, scratch, signal });
    for await (const _ of source) if (signal.aborted) break;
    return { level: 'readable', why: null };
  } catch (error) {
    stop(signal, error);
    return unreadable(error);
  }
}

function stream(part: Unproven<DatabasePart | ConfigPart>, { vault, identity }: ProofOptions): Promise<Readable> {
  return readPart(vault, part, identity);
}

function unreadable(error: unknown): { level: Level; why: string | null } {
  return { level: 'stored', why: `what is stored could not be read back: ${reason(error)}` };
}

/** What is no answer about the part: a run that was cancelled, an identity that opens nothing. */
function stop(signal: AbortSignal, error: unknown): void {
  if (error instanceof Failure && (signal.aborted || error.code === 'backup-identity')) throw error;
  if (signal.aborted)
    throw new Failure({
      code: 'cancelled',
      what: 'the run was cancelled while a backup was proven',
      next: 'run it again',
    });
}

/** Why something went wrong, in one line. */
export function reason(error: unknown): string {
  if (error instanceof Failure) return [error.what, error.why].filter(Boolean).join(': ');
  return redact((error as Error).message);
}
