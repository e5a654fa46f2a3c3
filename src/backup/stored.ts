/** The way of the bytes into a vault and back: zstd, then age, with a digest at the end of the way; streamed, so that memory stays flat. */
import { createHash } from 'node:crypto';
import { type Readable, Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { Failure } from '../outcome/outcome.ts';
import type { Stored, Vault } from '../vault/vault.ts';
import { decryption, encryption } from './age.ts';

/** Bytes that zstd gives in one piece; with Node's default of 16 KiB, a quarter of its time is lost in between. */
const PIECE = 131_072;
/**
 * Level 3, with a checksum, on one thread: with more (ZSTD_c_nbWorkers), the streams of Node 24 break at their end
 * (ERR_STREAM_PUSH_AFTER_EOF).
 */
const PACKING = { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 };

/**
 * Stores what `source` writes. `recipients` (age1…) empty: unencrypted. Either all of it lies in the vault under its
 * name, or nothing does. Throws what the source or the vault threw.
 */
export async function store<T>(
  vault: Vault,
  name: string,
  recipients: string[],
  source: (to: Writable) => Promise<T>,
  signal: AbortSignal,
): Promise<Stored & { from: T }> {
  const compress = createZstdCompress({ chunkSize: PIECE, params: PACKING });
  const encrypt = recipients.length ? await encryption(recipients) : null;
  // Errors, which may come before anyone reads, are told by the promises below; the pipe only hands them on.
  compress.on('error', () => {});
  if (encrypt) pipeline(compress, encrypt).catch(() => {});
  const writing = source(compress).catch((error) => {
    compress.destroy(error); // else the vault would wait for an end that never comes
    throw error;
  });
  const putting = vault.put(name, encrypt ?? compress, signal).catch((error) => {
    compress.destroy(error); // else the source would wait for room that never comes
    throw error;
  });
  const [written, stored] = await Promise.allSettled([writing, putting]);
  // Where one side breaks, the other only sees its pipe close: the telling error is the one that is a Failure.
  if (stored.status === 'rejected')
    throw stored.reason instanceof Failure || written.status === 'fulfilled' ? stored.reason : written.reason;
  if (written.status === 'rejected') {
    await vault.remove(name);
    throw written.reason;
  }
  return { ...stored.value, from: written.value };
}

/** What came by while a stored file was read. Complete only when the stream has ended. */
export interface Seen {
  stored: number;
  sha256: string;
  raw: number;
}

/**
 * The original bytes of a stored file, and what was seen on the way. `identity` (AGE-SECRET-KEY-…) null: it is not
 * encrypted. Throws `backup-identity` where the identity does not open it, `backup-failed` where it is not what age
 * wrote, and what the vault throws; later on, the stream fails with them.
 */
export async function unpacked(
  vault: Vault,
  name: string,
  identity: string | null,
): Promise<{ stream: Readable; seen: () => Seen }> {
  const hash = createHash('sha256');
  const seen = { stored: 0, raw: 0 };
  const source = await vault.get(name);
  const asStored = watching((chunk) => {
    seen.stored += chunk.length;
    hash.update(chunk);
  });
  const stream = watching((chunk) => (seen.raw += chunk.length));
  const decompress = createZstdDecompress({ chunkSize: PIECE });
  const decrypt = identity === null ? null : decryption(identity);
  const way = decrypt
    ? pipeline(source, asStored, decrypt, decompress, stream)
    : pipeline(source, asStored, decompress, stream);
  // The error reaches whoever reads `stream`: the pipe destroys it with the error.
  way.catch(() => {});
  stream.on('error', () => {});
  await decrypt?.opened;
  return { stream, seen: () => ({ ...seen, sha256: hash.copy().digest('hex') }) };
}

function watching(see: (chunk: Buffer) => void): Transform {
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      see(chunk);
      done(null, chunk);
    },
  });
}
