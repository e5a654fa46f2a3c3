import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CopyRows, RowDigest } from '../../../../src/database/postgres/rows.ts';

const viewOf = (bytes: Buffer) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** The digest of rows, each taken in pieces of `size` bytes, or whole. */
function digestOf(rows: string[], size = Number.POSITIVE_INFINITY): string {
  const digest = new RowDigest();
  for (const row of rows) {
    const bytes = Buffer.from(row);
    if (size >= bytes.length) digest.whole(viewOf(bytes), 0, bytes.length);
    else {
      for (let at = 0; at < bytes.length; at += size) digest.part(viewOf(bytes), at, Math.min(at + size, bytes.length));
      digest.end();
    }
  }
  expect(digest.rows).toBe(rows.length);
  return digest.sha256;
}

describe('the digest of rows', () => {
  // Known answers of MurmurHash3_x86_128 with seed 0, as its ports publish them.
  it.each([
    ['', '00000000000000000000000000000000'],
    ["I will not buy this tobacconist's, it is scratched.", '9b5b7ba2ef3f7866889adeaf00f3f98e'],
    ['The quick brown fox jumps over the lazy dog', '2f1583c3ecee2c675d7bf66ce5e91d2c'],
  ])('is made of known hashes: %j', (row, hash) => {
    expect(digestOf([row])).toBe(createHash('sha256').update(Buffer.from(hash, 'hex')).digest('hex'));
  });

  it.each([1, 3, 16, 17, 40])('is the same for rows that come in pieces of %i bytes', (size) => {
    const rows = Array.from({ length: 70 }, (_, length) => 'abcdefghij'.repeat(7).slice(0, length));
    expect(digestOf(rows, size)).toBe(digestOf(rows));
  });

  it('is the same in any order, and another one for any other rows', () => {
    const rows = ['1\ta', '2\tb', '2\tb'];
    expect(digestOf(['2\tb', '1\ta', '2\tb'])).toBe(digestOf(rows));
    const others = [
      ['1\ta', '2\tb'],
      ['1\ta', '1\ta', '2\tb'],
      ['1\tb', '2\ta', '2\tb'],
      ['1\ta', '2\tb', '2\tc'],
      ['1\ta2\tb', '2\tb'],
    ];
    expect(new Set([rows, ...others].map((each) => digestOf(each))).size).toBe(others.length + 1);
  });
});

describe('rows of COPY', () => {
  /** Feeds text in pieces of `size` bytes; null where it goes on after its end. */
  const read = (text: string, size: number) => {
    const rows = new CopyRows(new RowDigest());
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size)
      if (!rows.take(bytes, viewOf(bytes), at, Math.min(at + size, bytes.length))) return null;
    return { ended: rows.ended, rows: rows.digest.rows, sha256: rows.digest.sha256 };
  };

  it.each([1, 2, 3, 5, 1000])('are lines up to the one that ends them, in pieces of %i bytes', (size) => {
    const sha256 = digestOf(['1\tone', '', '\\\\.', '2\t\\n']);
    expect(read('1\tone\n\n\\\\.\n2\t\\n\n\\.\n\n\n', size)).toEqual({ ended: true, rows: 4, sha256 });
    expect(read('1\tone\n2\ttw', size)).toMatchObject({ ended: false, rows: 1 });
    expect(read('1\tone\n\\.\n2\ttwo\n', size)).toBeNull();
  });
});
