import { execFileSync } from 'node:child_process';
import { createCipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decryption, encryption } from '../../../src/backup/age.ts';

const TAG = 16;
const SIZES = [0, 1, 65_535, 65_536, 65_537, 131_072, 1_000_000, 5_000_000];

let [identity, recipient] = ['', ''];
beforeAll(async () => {
  identity = await generateX25519Identity();
  recipient = await identityToRecipient(identity);
});

/** The bytes in pieces whose sizes have nothing to do with age's. */
function inPieces(bytes: Buffer): Readable {
  const pieces: Buffer[] = [];
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7 + 3) % 200_003)
    pieces.push(bytes.subarray(at, at + size));
  return Readable.from(pieces, { objectMode: false });
}

const sealed = async (plain: Buffer, to = [recipient]) => buffer(inPieces(plain).pipe(await encryption(to)));

/** What leaves the decrypting stream, whether it ended well, and its error. */
async function opened(file: Buffer, by = identity) {
  const out: Buffer[] = [];
  const stream = inPieces(file).pipe(decryption(by));
  try {
    for await (const chunk of stream) out.push(chunk);
    return { plain: Buffer.concat(out), error: null };
  } catch (error) {
    return { plain: Buffer.concat(out), error: error as { code: string; why: string } };
  }
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('age', () => {
  it.each(SIZES)('opens what it sealed: %i bytes', async (size) => {
    const plain = randomBytes(size);
    const other = await generateX25519Identity();
    const file = await sealed(plain, [recipient, await identityToRecipient(other)]);
    for (const by of [identity, other]) expect((await opened(file, by)).plain.equals(plain)).toBe(true);
  });

  it('opens nothing with another identity, or with what is none', async () => {
    const file = await sealed(Buffer.from('hello'));
    for (const by of [await generateX25519Identity(), 'AGE-SECRET-KEY-1NOT', recipient, ''])
      expect(await opened(file, by)).toMatchObject({ plain: Buffer.alloc(0), error: { code: 'backup-identity' } });
    const stream = decryption(await generateX25519Identity());
    stream.on('error', () => {}).end(file);
    await expect(stream.opened).rejects.toMatchObject({ code: 'backup-identity' });
  });

  it('does not say the identity, nor the key that is none', async () => {
    const { error } = await opened(await sealed(Buffer.from('hello')), 'AGE-SECRET-KEY-1THISISNOKEY');
    expect(JSON.stringify(error)).not.toContain('THISISNOKEY');
  });

  // What left the stream before must be the beginning of the truth, in whole chunks.
  const isBeginning = (plain: Buffer, part: Buffer) =>
    part.length % 65_536 === 0 && part.equals(plain.subarray(0, part.length));

  it('does not end well where the file was cut off', async () => {
    const plain = randomBytes(300_000);
    const file = await sealed(plain);
    const payload = file.length - plain.length - 5 * TAG;
    const wholeChunks = [0, 1, 2, 3, 4].map((amount) => payload + amount * (65_536 + TAG));
    const tenths = Array.from({ length: 10 }, (_, tenth) => Math.floor((file.length * tenth) / 10));
    for (const length of [...tenths, ...wholeChunks, payload - 1, file.length - 1]) {
      const { plain: part, error } = await opened(file.subarray(0, length));
      expect(error, `cut at ${length}`).toMatchObject({ code: 'backup-failed' });
      expect(isBeginning(plain, part), `cut at ${length}`).toBe(true);
    }
  });

  it('does not end well with a byte flipped anywhere, or one more at the end', async () => {
    const plain = randomBytes(140_000);
    const file = await sealed(plain);
    const header = file.indexOf('\n---') + 60;
    const places = [
      ...Array.from({ length: header }, (_, at) => at),
      ...Array.from({ length: 60 }, (_, nth) => header + Math.floor(((file.length - header - 1) * nth) / 59)),
    ];
    for (const at of places) {
      const broken = Buffer.from(file);
      broken[at]! ^= 1;
      const { plain: part, error } = await opened(broken);
      expect(error?.code, `flipped at ${at}`).toMatch(/^backup-(failed|identity)$/);
      expect(isBeginning(plain, part), `flipped at ${at}`).toBe(true);
    }
    expect((await opened(Buffer.concat([file, Buffer.alloc(1)]))).error).toMatchObject({ code: 'backup-failed' });
  });

  it('refuses a last chunk that is authentic but empty', async () => {
    const plain = Buffer.alloc(65_536, 'x');
    const longer = await sealed(Buffer.concat([plain, Buffer.from('y')]));
    const payload = longer.length - (plain.length + 1 + 2 * TAG);
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const fileKey = await decrypter.decryptHeader(longer.subarray(0, payload - 16));
    const key = Buffer.from(hkdfSync('sha256', fileKey, longer.subarray(payload - 16, payload), 'payload', 32));
    const nonce = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG });
    cipher.final();
    const { error } = await opened(Buffer.concat([longer.subarray(0, -1 - TAG), cipher.getAuthTag()]));
    expect(error).toMatchObject({ code: 'backup-failed', why: 'its last chunk is empty' });
  });

  it('takes no header without end', async () => {
    const { error } = await opened(Buffer.alloc(10_000_000, 'age-encryption.org/v1\n-> X25519 '));
    expect(error).toMatchObject({ code: 'backup-failed', why: 'it has no header of age' });
  });

  it('opens what the library sealed', async () => {
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    const plain = randomBytes(200_000);
    expect((await opened(Buffer.from(await encrypter.encrypt(plain)))).plain.equals(plain)).toBe(true);
  });
});

function hasAge(): boolean {
  try {
    execFileSync('age', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    if (process.env.CI) throw new Error('age is not installed, and CI needs it');
    return false;
  }
}

describe.skipIf(!hasAge())('the program age', () => {
  const folder = mkdtempSync(join(tmpdir(), 'age-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(SIZES)('opens what was sealed here, and the other way round: %i bytes', async (size) => {
    const key = join(folder, `key-${size}`);
    writeFileSync(key, `${identity}\n`, { mode: 0o600 });
    const plain = randomBytes(size);
    const options = { maxBuffer: 2 ** 26 };
    const there = execFileSync('age', ['-d', '-i', key], { ...options, input: await sealed(plain) });
    expect(sha256(there)).toBe(sha256(plain));
    const back = await opened(execFileSync('age', ['-r', recipient], { ...options, input: plain }));
    expect(back.error).toBeNull();
    expect(sha256(back.plain)).toBe(sha256(plain));
  });
});
