/** The bytes on their way into a vault and out of it: counted, digested, and never taken for whole where they are not. */
import { createHash } from 'node:crypto';
import { PassThrough, pipeline, type Readable, Transform } from 'node:stream';
import { Failure } from '../outcome/outcome.ts';
import { cancelled, cutShort, inWords } from './failure.ts';
import type { Stored } from './vault.ts';

/** A stream on its way in. Iterate it once; `stored` counts when it has ended. */
export class Intake {
  readonly #from: Readable;
  readonly #signal: AbortSignal;
  readonly #hash = createHash('sha256');
  #bytes = 0;
  /** What broke on the source's own side, so that it is not taken for an error of the vault. */
  broken: { error: unknown } | null = null;

  constructor(from: Readable, signal: AbortSignal) {
    this.#from = from;
    this.#signal = signal;
  }

  /**
   * The chunks. Whoever stops early destroys the source; an abort does too, and is thrown as `cancelled` at once, even
   * where the source itself hangs: it is read through a stream of ours.
   */
  async *chunks(): AsyncGenerator<Buffer, void> {
    const through = new PassThrough({ highWaterMark: 262_144 }).on('error', () => {});
    const stop = () => through.destroy(cancelled());
    this.#signal.addEventListener('abort', stop, { once: true });
    if (this.#signal.aborted) stop();
    else pipeline(this.#from, through, () => {});
    const chunks: AsyncIterator<Buffer> = through[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await chunks.next().catch((error) => {
          this.broken = { error };
          throw error;
        });
        if (next.done) return;
        this.#hash.update(next.value);
        this.#bytes += next.value.length;
        yield next.value;
      }
    } finally {
      this.#signal.removeEventListener('abort', stop);
      through.destroy();
    }
  }

  /** What came. */
  stored(): Stored {
    return { bytes: this.#bytes, sha256: this.#hash.copy().digest('hex') };
  }
}

/**
 * The stream as it may be handed out: it fails with `vault-unreachable` where the other one fails, ends early, or brings
 * another number of bytes than `bytes`. Destroying it destroys the other one.
 */
export function whole(from: Readable, bytes: number, of: { where: string; name: string }): Readable {
  const broken = (why: string) => cutShort(of.where, of.name, why);
  let came = 0;
  const to = new Transform({
    highWaterMark: 262_144,
    transform(chunk: Buffer, _encoding, done) {
      came += chunk.length;
      done(null, chunk);
    },
    flush(done) {
      done(came === bytes ? null : broken(`${came} bytes came of ${bytes}`));
    },
  });
  // These come before the listeners of the pipeline, which would pass on what is no Failure.
  from.once('error', (error) => {
    const kept = error instanceof Failure && error.code === 'cancelled';
    to.destroy(kept ? error : broken(inWords(error)));
  });
  from.once('close', () => {
    if (!from.readableEnded && !to.destroyed) to.destroy(broken(`it broke off after ${came} bytes of ${bytes}`));
  });
  to.on('error', () => {}); // it may fail before anyone reads; who reads it then is told
  pipeline(from, to, () => {});
  return to;
}
