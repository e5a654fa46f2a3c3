/** A digest of a table's rows that does not depend on their order. */
import { createHash } from 'node:crypto';

const [NEWLINE, BACKSLASH, DOT] = [10, 92, 46];

/**
 * Hashes each row, and adds the hashes up.
 *
 * PostgreSQL keeps no order of rows: a perfect restore lays them down in another one wherever a row fits into the room
 * that an earlier page has left, and the next dump reads them in that order. So each row becomes 128 bits by
 * MurmurHash3_x86_128 (Austin Appleby, MurmurHash3.cpp, seed 0), and the table is their sum modulo 2^32 in each of the
 * four lanes, as in AdHash (Bellare and Micciancio, "A New Paradigm for Collision-Free Hashing", 1997). It tells
 * accidents from equality, and no more: that nobody forged the bytes is what the sha256 of the stored ones is for.
 */
export class RowDigest {
  rows = 0;
  readonly #sums = new Uint32Array(4);
  #h1 = 0;
  #h2 = 0;
  #h3 = 0;
  #h4 = 0;
  /** Bytes of the row that has begun. */
  #length = 0;
  /** Its last bytes, which are no full block yet. */
  readonly #tail = new DataView(new ArrayBuffer(16));
  #tailLength = 0;

  /** Takes a part of a row: the bytes from `from` to before `to`. */
  part(data: DataView, from: number, to: number): void {
    let at = from;
    if (this.#tailLength > 0) {
      while (this.#tailLength < 16 && at < to) this.#tail.setUint8(this.#tailLength++, data.getUint8(at++));
      if (this.#tailLength === 16) {
        this.#mix(this.#tail, 0, 16);
        this.#tailLength = 0;
      }
    }
    const end = at + ((to - at) & ~15);
    this.#mix(data, at, end);
    for (at = end; at < to; at++) this.#tail.setUint8(this.#tailLength++, data.getUint8(at));
    this.#length += to - from;
  }

  /** Ends the row that was taken in parts; without any it is empty. */
  end(): void {
    this.#finish(this.#tail, 0, this.#tailLength);
  }

  /** Forgets the row that has begun. */
  forget(): void {
    this.#h1 = this.#h2 = this.#h3 = this.#h4 = this.#length = this.#tailLength = 0;
  }

  /** Takes a whole row, where no other one has begun: the same as `part` and `end`, sooner. */
  whole(data: DataView, from: number, to: number): void {
    const end = from + ((to - from) & ~15);
    this.#mix(data, from, end);
    this.#length = to - from;
    this.#finish(data, end, to);
  }

  /** sha256 of the sums, hex. */
  get sha256(): string {
    const bytes = new DataView(new ArrayBuffer(16));
    for (const [lane, sum] of this.#sums.entries()) bytes.setUint32(lane * 4, sum);
    return createHash('sha256').update(bytes).digest('hex');
  }

  /** Blocks of 16 bytes, four lanes of 32 bits. */
  #mix(data: DataView, from: number, to: number): void {
    let h1 = this.#h1;
    let h2 = this.#h2;
    let h3 = this.#h3;
    let h4 = this.#h4;
    for (let at = from; at < to; at += 16) {
      h1 ^= scramble(data.getInt32(at, true), C1, 15, C2);
      h1 = (Math.imul((turned(h1, 19) + h2) | 0, 5) + 0x561ccd1b) | 0;
      h2 ^= scramble(data.getInt32(at + 4, true), C2, 16, C3);
      h2 = (Math.imul((turned(h2, 17) + h3) | 0, 5) + 0x0bcaa747) | 0;
      h3 ^= scramble(data.getInt32(at + 8, true), C3, 17, C4);
      h3 = (Math.imul((turned(h3, 15) + h4) | 0, 5) + 0x96cd1c35) | 0;
      h4 ^= scramble(data.getInt32(at + 12, true), C4, 18, C1);
      h4 = (Math.imul((turned(h4, 13) + h1) | 0, 5) + 0x32ac3b17) | 0;
    }
    this.#h1 = h1;
    this.#h2 = h2;
    this.#h3 = h3;
    this.#h4 = h4;
  }

  /** The last bytes, the length and the final mixing; then the row is added and the next one can begin. */
  #finish(data: DataView, from: number, to: number): void {
    let h1 = this.#h1 ^ scramble(word(data, from, to), C1, 15, C2) ^ this.#length;
    let h2 = this.#h2 ^ scramble(word(data, from + 4, to), C2, 16, C3) ^ this.#length;
    let h3 = this.#h3 ^ scramble(word(data, from + 8, to), C3, 17, C4) ^ this.#length;
    let h4 = this.#h4 ^ scramble(word(data, from + 12, to), C4, 18, C1) ^ this.#length;
    h1 = (h1 + h2 + h3 + h4) | 0;
    h2 = (h2 + h1) | 0;
    h3 = (h3 + h1) | 0;
    h4 = (h4 + h1) | 0;
    h1 = avalanche(h1);
    h2 = avalanche(h2);
    h3 = avalanche(h3);
    h4 = avalanche(h4);
    h1 = (h1 + h2 + h3 + h4) | 0;
    this.#sums[0]! += h1;
    this.#sums[1]! += h2 + h1;
    this.#sums[2]! += h3 + h1;
    this.#sums[3]! += h4 + h1;
    this.rows++;
    this.forget();
  }
}

/** The constants and steps of MurmurHash3_x86_128. */
const [C1, C2, C3, C4] = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93] as const;

/** The bytes from `from` to before `to` as one word, four at most, the first one lowest; 0 where there are none. */
function word(data: DataView, from: number, to: number): number {
  if (from + 4 <= to) return data.getInt32(from, true);
  let value = 0;
  for (let at = to - 1; at >= from; at--) value = (value << 8) | data.getUint8(at);
  return value;
}

function turned(k: number, bits: number): number {
  return (k << bits) | (k >>> (32 - bits));
}

function scramble(k: number, before: number, bits: number, after: number): number {
  return Math.imul(turned(Math.imul(k, before), bits), after);
}

function avalanche(k: number): number {
  let h = k ^ (k >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * The rows of a table in COPY's text format ("COPY", "Text Format" in PostgreSQL's documentation): one line each, line
 * breaks in values are escaped. pg_dump puts the line `\.` and empty lines after them.
 */
export class CopyRows {
  readonly digest: RowDigest;
  /** Whether `\.` was read. */
  ended = false;
  /** The first bytes, three at most, of a row whose end is still to come. */
  #begun: number[] = [];
  #within = false;

  constructor(digest: RowDigest) {
    this.digest = digest;
  }

  /** Takes the bytes from `from` to before `to`; false where something but empty lines stands after `\.`. */
  take(bytes: Buffer, view: DataView, from: number, to: number): boolean {
    for (let at = from; at < to; ) {
      if (this.ended) {
        if (bytes[at] !== NEWLINE) return false;
        at++;
        continue;
      }
      const newline = bytes.indexOf(NEWLINE, at);
      const whole = newline !== -1 && newline < to;
      const end = whole ? newline : to;
      if (whole && !this.#within) {
        if (end - at === 2 && bytes[at] === BACKSLASH && bytes[at + 1] === DOT) this.ended = true;
        else this.digest.whole(view, at, end);
      } else this.#part(bytes, view, at, end, whole);
      at = end + 1;
    }
    return true;
  }

  /** A part of a row that came in several; `last` where its line ends here. */
  #part(bytes: Buffer, view: DataView, from: number, to: number, last: boolean): void {
    for (let at = from; at < to && this.#begun.length < 3; at++) this.#begun.push(bytes[at]!);
    this.digest.part(view, from, to);
    this.#within = !last;
    if (!last) return;
    this.ended = this.#begun.length === 2 && this.#begun[0] === BACKSLASH && this.#begun[1] === DOT;
    if (this.ended) this.digest.forget();
    else this.digest.end();
    this.#begun = [];
  }
}
