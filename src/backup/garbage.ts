/** Memory that stays flat while much passes through. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes; a collection of what is young takes about a millisecond. */
const EVERY = 4_194_304;

/**
 * Has V8 free the buffers that nobody holds any more, after every 4 MiB that came by. They lie outside of its heap, and
 * it frees none of them by itself before there are 64 MiB, by then with a collection of everything, which takes a tenth
 * of a dump's time (measured, Node 24). V8 has no function for it before it is asked to expose one.
 */
export class Garbage {
  static #collect: ((options: { type: 'minor' }) => void) | null = null;
  #bytes = 0;

  /** So many bytes came by. */
  came(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < EVERY) return;
    this.#bytes = 0;
    Garbage.#collect ??= exposed();
    Garbage.#collect({ type: 'minor' });
  }
}

function exposed(): (options: { type: 'minor' }) => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return collect;
}
