/**
 * The file format of age, version 1 (https://age-encryption.org/v1, the C2SP's age.md), as streams. The header, with
 * everything that belongs to a kind of key, is the library's work; the payload is encrypted by OpenSSL, which is several
 * times faster than JavaScript.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { Decrypter, Encrypter } from 'age-encryption';
import { Failure } from '../outcome/outcome.ts';
import { hide } from '../secret/secret.ts';

const CHUNK = 65_536;
const TAG = 16;
const NONCE = 16;
/** Room for some hundred recipients. */
const LONGEST_HEADER = 65_536;
const LAST_LINE = Buffer.from('\n---');
/** What leaves together: one write for the next in line instead of many. */
const BLOCK = 16 * (CHUNK + TAG);
const OPENED = 4 * CHUNK;
const CIPHER = 'chacha20-poly1305';
const LENGTHS = { authTagLength: TAG };

/** A stream that encrypts what is written to it for all of `recipients` (`age1…`), each of which must be one. */
export async function encryption(recipients: string[]): Promise<Transform> {
  const { header, fileKey } = await newHeader(recipients);
  const nonce = randomBytes(NONCE);
  return new Encryption(Buffer.concat([header, nonce]), streamKey(fileKey, nonce));
}

/**
 * A stream that decrypts what is written to it with an identity (`AGE-SECRET-KEY-…`). No byte leaves it that was not
 * authenticated, and it ends well only after the chunk that was marked as the last. It fails with `backup-identity`
 * where the identity opens nothing, with `backup-failed` where the bytes are not what age wrote.
 */
export function decryption(identity: string): Decryption {
  hide(identity);
  return new Decryption(identity);
}

/** A header for a new random file key. */
async function newHeader(recipients: string[]): Promise<{ header: Buffer; fileKey: Uint8Array }> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  let fileKey = new Uint8Array();
  // A recipient without a stanza: it only learns the key.
  encrypter.addRecipient({
    wrapFileKey: (key) => {
      fileKey = Uint8Array.from(key);
      return [];
    },
  });
  // The library writes header, nonce, and one empty chunk: its tag.
  const file = await encrypter.encrypt(new Uint8Array());
  return { header: Buffer.from(file.subarray(0, file.length - NONCE - TAG)), fileKey };
}

/** The key of the payload; the file key is wiped. */
function streamKey(fileKey: Uint8Array, nonce: Uint8Array): KeyObject {
  const bytes = Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
  fileKey.fill(0);
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

/** The nonce of the n-th chunk (from 0): a counter of eleven bytes, and whether it is the last. */
function chunkNonce(counter: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(counter, 5, 6);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

/** Cuts what comes into pieces of one size. The last one is known only at the end, so a full piece waits for the next byte. */
class Pieces {
  readonly #piece: Buffer;
  #filled = 0;

  constructor(size: number) {
    this.#piece = Buffer.allocUnsafe(size);
  }

  /** The pieces that are certainly not the last, each valid until the next is asked for. */
  *add(bytes: Buffer): Generator<Buffer> {
    const size = this.#piece.length;
    for (let at = 0; at < bytes.length; ) {
      if (this.#filled === size) {
        this.#filled = 0;
        yield this.#piece;
      }
      if (this.#filled === 0 && bytes.length - at > size) {
        yield bytes.subarray(at, at + size);
        at += size;
      } else {
        const copied = bytes.copy(this.#piece, this.#filled, at);
        this.#filled += copied;
        at += copied;
      }
    }
  }

  rest(): Buffer {
    return this.#piece.subarray(0, this.#filled);
  }
}

class Encryption extends Transform {
  readonly #key: KeyObject;
  readonly #pieces = new Pieces(CHUNK);
  #counter = 0;
  /** Sealed chunks that have not left yet. */
  #block = Buffer.allocUnsafeSlow(BLOCK);
  #filled = 0;

  constructor(head: Buffer, key: KeyObject) {
    super({ highWaterMark: BLOCK });
    this.#key = key;
    this.push(head);
  }

  override _transform(bytes: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    for (const piece of this.#pieces.add(bytes)) this.#seal(piece, false);
    done();
  }

  override _flush(done: TransformCallback): void {
    this.#seal(this.#pieces.rest(), true);
    this.push(this.#block.subarray(0, this.#filled));
    done();
  }

  #seal(piece: Buffer, last: boolean): void {
    if (this.#filled === BLOCK) {
      this.push(this.#block);
      this.#block = Buffer.allocUnsafeSlow(BLOCK);
      this.#filled = 0;
    }
    const cipher = createCipheriv(CIPHER, this.#key, chunkNonce(this.#counter++, last), LENGTHS);
    for (const sealed of [cipher.update(piece), cipher.final(), cipher.getAuthTag()])
      this.#filled += sealed.copy(this.#block, this.#filled);
  }
}

/** See `decryption`. */
export class Decryption extends Transform {
  /** Resolved once the header was opened; rejected with what the stream fails with before. */
  readonly opened: Promise<void>;
  readonly #opening = Promise.withResolvers<void>();
  readonly #identity: string;
  readonly #pieces = new Pieces(CHUNK + TAG);
  /** What came of the header and the nonce. */
  #head: Buffer = Buffer.alloc(0);
  #key: KeyObject | null = null;
  #counter = 0;
  /** Opened chunks that have not left yet. */
  #block = Buffer.allocUnsafeSlow(OPENED);
  #filled = 0;

  constructor(identity: string) {
    super({ highWaterMark: BLOCK });
    this.#identity = identity;
    this.opened = this.#opening.promise;
    this.opened.catch(() => {}); // whoever does not wait for it meets the error in the stream
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#opening.reject(error ?? new Error('it was closed'));
    done(error);
  }

  override _transform(bytes: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#take(bytes).then(
      () => done(),
      (error) => done(damaged(error)),
    );
  }

  override _flush(done: TransformCallback): void {
    try {
      if (this.#key === null) throw new Error('it ends within its header');
      const rest = this.#pieces.rest();
      if (rest.length === TAG && this.#counter > 0) throw new Error('its last chunk is empty');
      this.#open(rest, true);
      this.push(this.#block.subarray(0, this.#filled));
      done();
    } catch (error) {
      done(damaged(error));
    }
  }

  async #take(bytes: Buffer): Promise<void> {
    const payload = this.#key === null ? await this.#header(bytes) : bytes;
    for (const piece of this.#pieces.add(payload)) this.#open(piece, false);
  }

  /** Gathers the header and the nonce; answers what came after them. */
  async #header(bytes: Buffer): Promise<Buffer> {
    this.#head = Buffer.concat([this.#head, bytes]);
    const lastLine = this.#head.indexOf(LAST_LINE);
    const newline = lastLine === -1 ? -1 : this.#head.indexOf('\n', lastLine + 1);
    if ((newline === -1 ? this.#head.length : newline) > LONGEST_HEADER) throw new Error('it has no header of age');
    const payload = newline + 1 + NONCE;
    if (newline === -1 || this.#head.length < payload) return Buffer.alloc(0);
    const fileKey = await fileKeyIn(this.#head.subarray(0, newline + 1), this.#identity);
    this.#key = streamKey(fileKey, this.#head.subarray(newline + 1, payload));
    this.#opening.resolve();
    return this.#head.subarray(payload);
  }

  #open(piece: Buffer, last: boolean): void {
    if (piece.length < TAG) throw new Error('it was cut off');
    const end = piece.length - TAG;
    const decipher = createDecipheriv(CIPHER, this.#key!, chunkNonce(this.#counter++, last), LENGTHS);
    decipher.setAuthTag(piece.subarray(end));
    const plain = decipher.update(piece.subarray(0, end));
    decipher.final();
    if (this.#filled === OPENED) {
      this.push(this.#block);
      this.#block = Buffer.allocUnsafeSlow(OPENED);
      this.#filled = 0;
    }
    this.#filled += plain.copy(this.#block, this.#filled);
  }
}

/** The file key in a header. Throws `backup-identity`. */
async function fileKeyIn(header: Buffer, identity: string): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  try {
    decrypter.addIdentity(identity);
  } catch {
    throw wrongIdentity('what was given is not an age identity');
  }
  return decrypter.decryptHeader(header).catch((error: Error) => {
    throw /no identity matched/.test(error.message) ? wrongIdentity('none of its recipients is this one') : error;
  });
}

function wrongIdentity(why: string): Failure {
  return new Failure({
    code: 'backup-identity',
    what: 'this identity does not open the backup',
    why,
    untouched: 'nothing was changed',
    next: 'give the identity (AGE-SECRET-KEY-…) that belongs to one of backup.recipients at that time',
  });
}

function damaged(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const { message } = error as Error;
  return new Failure({
    code: 'backup-failed',
    what: 'the stored file is not what age wrote: it is damaged or was cut off',
    why: /authenticate/.test(message) ? 'a chunk is not authentic' : message,
    untouched: 'nothing was changed',
    next: 'use another backup',
    cause: error,
  });
}
