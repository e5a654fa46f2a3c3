/** The way of the bytes into a vault and back: zstd, then age, with a digest at the end of the way; streamed, so that memory stays flat. */
import { createHash } from 'node:crypto';
import { type Readable, Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { Sink } from '../database/database.ts';
import { Failure } from '../outcome/outcome.ts';
import type { Stored, Vault } from '../vault/vault.ts';
import { decryption, encryption } from './age.ts';
import { Garbage } from './garbage.ts';

/** Bytes that zstd takes at once, and gives at once: each time costs a turn of another thread. */
const [PIECE, GIVEN] = [1_048_576, 262_144];
/**
 * With a checksum, on one thread: with more (ZSTD_c_nbWorkers), the streams of Node 24 break at their end
 * (ERR_STREAM_PUSH_AFTER_EOF). Rows are packed by level 1 as well as by 3, the program's, in a third of its time, while
 * production holds its snapshot; text in long values takes a tenth more.
 */
const PACKING = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 };

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
  const encrypt = recipients.length ? await encryption(recipients) : null;
  const packing = new Packing();
  if (encrypt) pipeline(packing.packed, encrypt).catch(() => {}); // told by the promises below
  const writing = source(packing).catch((error) => {
    packing.destroy(error); // else the vault would wait for an end that never comes
    throw error;
  });
  const putting = vault.put(name, encrypt ?? packing.packed, signal).catch((error) => {
    packing.destroy(error); // else the source would wait for room that never comes
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

/** Packs what is written to it: two pieces are filled in turn, one of them while zstd has the other. */
class Packing extends Sink {
  /** What comes out. It fails where this is destroyed, and this where that is. */
  readonly packed = createZstdCompress({ chunkSize: GIVEN, params: PACKING });
  #piece: Buffer = Buffer.allocUnsafeSlow(PIECE);
  #other: Buffer = Buffer.allocUnsafeSlow(PIECE);
  #filled = 0;
  readonly #garbage = new Garbage();
  /** Until zstd is done with the other piece. */
  #busy: Promise<void> = Promise.resolve();

  constructor() {
    super();
    // Errors, which may come before anyone reads, are told by those who read and write.
    this.on('error', () => {});
    this.packed.on('error', () => {}).once('close', () => this.destroy(this.packed.errored ?? undefined));
  }

  override take(bytes: Buffer): Promise<void> | null {
    const copied = bytes.copy(this.#piece, this.#filled);
    this.#filled += copied;
    return this.#filled < PIECE ? null : this.#next(bytes.subarray(copied));
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#busy.then(() => this.packed.end(this.#piece.subarray(0, this.#filled), () => done())).catch(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.packed.writableFinished) this.packed.destroy(error ?? undefined);
    done(error);
  }

  /** `bytes` are taken before the promise is kept. */
  async #next(bytes: Buffer): Promise<void> {
    for (let rest = bytes; this.#filled === PIECE; rest = rest.subarray(this.#filled)) {
      await this.#busy;
      const full = this.#piece;
      this.#busy = this.#pack(full);
      this.#busy.catch(() => {}); // the next one to wait for it is told
      this.#piece = this.#other;
      this.#other = full;
      this.#filled = rest.copy(this.#piece);
    }
  }

  #pack(piece: Buffer): Promise<void> {
    this.#garbage.came(piece.length);
    return new Promise((resolve, reject) => {
      this.packed.write(piece, (error) => (error ? reject(error) : resolve()));
    });
  }
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
  const garbage = new Garbage();
  const stream = watching((chunk) => {
    seen.raw += chunk.length;
    garbage.came(chunk.length);
  });
  const unpack = createZstdDecompress({ chunkSize: GIVEN });
  const decrypt = identity === null ? null : decryption(identity);
  const way = decrypt
    ? pipeline(source, asStored, decrypt, unpack, stream)
    : pipeline(source, asStored, unpack, stream);
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
