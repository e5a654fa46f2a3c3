/** The way of the bytes into a vault and back: zstd, then age, with a digest at the end of the way; streamed, so that memory stays flat. */
import { createHash } from 'node:crypto';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { Decrypter, Encrypter } from 'age-encryption';
import { Failure } from '../outcome/outcome.ts';
import type { Stored, Vault } from '../vault/vault.ts';

// Without a size, a web stream made from a Node stream counts chunks and would hold thousands of them.
const strategy = () => new ByteLengthQueuingStrategy({ highWaterMark: 262_144 }) as QueuingStrategy<Uint8Array>;

/**
 * Stores what `source` writes. `recipients` empty: unencrypted. Either all of it lies in the vault under its name, or
 * nothing does. Throws what the source or the vault threw.
 */
export async function store<T>(
  vault: Vault,
  name: string,
  recipients: string[],
  source: (to: Writable) => Promise<T>,
  signal: AbortSignal,
): Promise<Stored & { from: T }> {
  const compress = createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
  });
  // An error may come before anyone reads: it is told by the promises below.
  compress.on('error', () => {});
  const packed = recipients.length ? await encrypted(compress, recipients) : compress;
  const writing = source(compress).catch((error) => {
    compress.destroy(error); // else the vault would wait for an end that never comes
    throw error;
  });
  const [written, stored] = await Promise.allSettled([writing, vault.put(name, packed, signal)]);
  // Where one side breaks, the other only sees its pipe close: the telling error is the one that is a Failure.
  if (stored.status === 'rejected')
    throw stored.reason instanceof Failure || written.status === 'fulfilled' ? stored.reason : written.reason;
  if (written.status === 'rejected') {
    await vault.remove(name);
    throw written.reason;
  }
  return { ...stored.value, from: written.value };
}

async function encrypted(from: Readable, recipients: string[]): Promise<Readable> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  const web = Readable.toWeb(from, { strategy: strategy() } as never) as unknown as ReadableStream<Uint8Array>;
  return Readable.fromWeb((await encrypter.encrypt(web)) as never);
}

/** What came by while a stored file was read. Complete only when the stream has ended. */
export interface Seen {
  stored: number;
  sha256: string;
  raw: number;
}

/** The original bytes of a stored file, and what was seen on the way. `identity` null: it is not encrypted. */
export async function unpacked(
  vault: Vault,
  name: string,
  identity: string | null,
): Promise<{ stream: Readable; seen: () => Seen }> {
  const hash = createHash('sha256');
  const seen = { stored: 0, raw: 0 };
  const source = await vault.get(name);
  const counted = Readable.from(
    tapped(source, (chunk) => {
      seen.stored += chunk.length;
      hash.update(chunk);
    }),
    { objectMode: false },
  );
  const plain = identity === null ? counted : await decrypted(counted, identity);
  const decompress = createZstdDecompress();
  // The error reaches whoever reads `stream`: pipeline destroys it with the error.
  pipeline(plain, decompress).catch(() => {});
  const stream = Readable.from(
    tapped(decompress, (chunk) => (seen.raw += chunk.length)),
    { objectMode: false },
  );
  return { stream, seen: () => ({ ...seen, sha256: hash.digest('hex') }) };
}

async function decrypted(from: Readable, identity: string): Promise<Readable> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const web = Readable.toWeb(from, { strategy: strategy() } as never) as unknown as ReadableStream<Uint8Array>;
  return Readable.fromWeb((await decrypter.decrypt(web)) as never);
}

async function* tapped(from: AsyncIterable<Buffer>, see: (chunk: Buffer) => void): AsyncGenerator<Buffer> {
  for await (const chunk of from) {
    see(chunk);
    yield chunk;
  }
}
