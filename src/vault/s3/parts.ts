/** A stream cut into the parts of a multipart upload. */
import { createHash } from 'node:crypto';

const MIB = 1_048_576;

/** S3's limits of an upload: so many parts, the last of any size, the others of 5 MiB to 5 GiB. */
export const MOST_PARTS = 10_000;

/**
 * The bytes of part `number` (the first is 1): 8 MiB, doubled after every 1,000 parts. So the parts suffice for 8 TiB,
 * more than an object may have, and one part is never more than about a thousandth of what came before it.
 * Source of the limits: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 */
export function partSize(number: number): number {
  return 8 * MIB * 2 ** Math.floor((number - 1) / 1000);
}

/** How many parts may travel at once, so that memory grows no faster than the parts do. */
export function atOnce(number: number): number {
  return partSize(number) <= 16 * MIB ? 2 : 1;
}

/** A part that is ready to travel. */
export interface Part {
  /** The first is 1. */
  number: number;
  /** Its bytes, as they came. */
  body: Buffer[];
  /** Of the body, hex. */
  sha256: string;
  /** True where the stream ended in it. */
  last: boolean;
}

/** Cuts the chunks into parts: always at least one, which is empty where nothing came. Throws where 10,000 do not suffice. */
export async function* partsOf(
  chunks: AsyncIterable<Buffer>,
  size: (number: number) => number = partSize,
): AsyncGenerator<Part, void> {
  let number = 1;
  let filling = new Filling();
  for await (const chunk of chunks) {
    for (let rest = chunk; rest.length > 0; ) {
      // A full part goes only when more comes, so that the last one is known as such.
      if (filling.bytes === size(number)) {
        yield filling.part(number++, false);
        if (number > MOST_PARTS) throw new Error(`it has more than ${MOST_PARTS} parts`);
        filling = new Filling();
      }
      const taken = rest.subarray(0, size(number) - filling.bytes);
      filling.add(taken);
      rest = rest.subarray(taken.length);
    }
  }
  yield filling.part(number, true);
}

class Filling {
  readonly #hash = createHash('sha256');
  readonly #chunks: Buffer[] = [];
  bytes = 0;

  add(chunk: Buffer): void {
    this.#hash.update(chunk);
    this.#chunks.push(chunk);
    this.bytes += chunk.length;
  }

  part(number: number, last: boolean): Part {
    return { number, body: this.#chunks, sha256: this.#hash.digest('hex'), last };
  }
}
