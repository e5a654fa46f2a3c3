/** The stream into a vault and back, against a real directory and with real faults. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { finished, pipeline } from 'node:stream/promises';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, describe, expect, it } from 'vitest';
import { store, unpacked } from '../../src/backup/stored.ts';
import type { Sink } from '../../src/database/database.ts';
import { Failure } from '../../src/outcome/outcome.ts';
import { openDirectoryVault } from '../../src/vault/vault.ts';

const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), 'stored-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const vault = openDirectoryVault(folder);
const identity = await generateX25519Identity();
const recipient = await identityToRecipient(identity);
const [plain, sealed] = [
  { to: [], by: null },
  { to: [recipient], by: identity },
];

const writing = (bytes: Buffer) => (to: Writable) => pipeline(Readable.from([bytes], { objectMode: false }), to);
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
// Half of it compresses, and it is longer than the blocks of zstd and age.
const original = Buffer.concat([randomBytes(400_000), Buffer.alloc(400_000, 'what compresses ')]);

describe.each([
  ['unencrypted', plain],
  ['encrypted', sealed],
])('what was stored %s', (kind, { to, by }) => {
  const name = `${kind}.zst`;

  it('comes back, and is what the programs of every system can open', async () => {
    const stored = await store(vault, name, to, writing(original), signal);
    const file = readFileSync(join(folder, name));
    expect(stored).toMatchObject({ bytes: file.length, sha256: sha256(file) });
    const { stream, seen } = await unpacked(vault, name, by);
    expect((await buffer(stream)).equals(original)).toBe(true);
    expect(seen()).toEqual({ stored: file.length, sha256: sha256(file), raw: original.length });
    const key = join(folder, '.key');
    writeFileSync(key, identity, { mode: 0o600 });
    const open = by === null ? 'cat' : `age -d -i ${key}`;
    const there = execFileSync('sh', ['-c', `${open} | zstd -dc`], { input: file, maxBuffer: 2 ** 24 });
    expect(there.equals(original)).toBe(true);
  });

  const read = async (bytes: Buffer): Promise<'whole' | 'failed' | 'silently wrong'> => {
    writeFileSync(join(folder, 'broken.zst'), bytes);
    try {
      const { stream } = await unpacked(vault, 'broken.zst', by);
      return (await buffer(stream)).equals(original) ? 'whole' : 'silently wrong';
    } catch {
      return 'failed';
    }
  };

  it('fails where it was cut off, at every tenth', async () => {
    const file = readFileSync(join(folder, name));
    for (let tenth = 0; tenth < 10; tenth += 1)
      expect(await read(file.subarray(0, Math.floor((file.length * tenth) / 10))), `${tenth}/10`).toBe('failed');
    expect(await read(file.subarray(0, -1))).toBe('failed');
  });

  it('never comes back as something else with one byte flipped', async () => {
    const file = readFileSync(join(folder, name));
    for (let nth = 0; nth < 50; nth += 1) {
      const broken = Buffer.from(file);
      broken[Math.floor(((file.length - 1) * nth) / 49)]! ^= 1;
      // zstd's frame has bits that mean nothing; what they are is known by the digest.
      expect(await read(broken), `byte ${nth}/49`).not.toBe('silently wrong');
    }
  });
});

describe('storing', () => {
  it.each([plain, sealed])('keeps no buffer that it is given', async ({ to, by }) => {
    const bytes = Buffer.concat([randomBytes(1_500_000), Buffer.alloc(2_000_000, 'what compresses ')]);
    const again = Buffer.alloc(700_001);
    const source = async (into: Writable) => {
      for (let at = 0; at < bytes.length; at += again.length) {
        await (into as Sink).take(again.subarray(0, bytes.copy(again, 0, at)));
        again.fill(0);
      }
      await finished(into.end());
    };
    await store(vault, `again-${to.length}.zst`, to, source, signal);
    const { stream } = await unpacked(vault, `again-${to.length}.zst`, by);
    expect((await buffer(stream)).equals(bytes)).toBe(true);
  });

  it('opens with none but the right identity, and says so at once', async () => {
    await store(vault, 'mine.zst', [recipient], writing(original), signal);
    await expect(unpacked(vault, 'mine.zst', await generateX25519Identity())).rejects.toMatchObject({
      code: 'backup-identity',
    });
    await expect(unpacked(vault, 'none.zst', identity)).rejects.toMatchObject({ code: 'vault-unreachable' });
  });

  it.each([plain, sealed])('leaves nothing where the source breaks', async ({ to }) => {
    const broken = async (into: Writable) => {
      into.write(randomBytes(300_000));
      throw new Failure({ code: 'backup-failed', what: 'the source broke', next: 'nothing' });
    };
    await expect(store(vault, 'half.zst', to, broken, signal)).rejects.toMatchObject({ what: 'the source broke' });
    expect(readdirSync(folder).filter((each) => /half|unfinished/.test(each))).toEqual([]);
  });

  it.each([plain, sealed])('ends the source where the vault breaks', async ({ to }) => {
    await store(vault, `taken-${to.length}.zst`, to, writing(Buffer.from('x')), signal);
    const endless = (into: Writable) => pipeline(Readable.from(forever()), into);
    const full = {
      ...vault,
      put: async (_name: string, from: Readable) => {
        for await (const _ of from) break;
        throw new Failure({ code: 'disk-full', what: 'the disk is full', next: 'make room' });
      },
    };
    await expect(store(full, 'endless.zst', to, endless, signal)).rejects.toMatchObject({ code: 'disk-full' });
  });
});

function* forever(): Generator<Buffer> {
  for (;;) yield randomBytes(65_536);
}
