/** The three kinds of vault behave alike, on the real thing: a directory, sshd, and an S3 server. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Failure } from '../../src/outcome/outcome.ts';
import { openVault, type Vault, type VaultOptions } from '../../src/vault/vault.ts';
import { bytes, LARGE, largeThen, live, VaultPlace, without } from '../support/vaults.ts';

/** More than the buffers of a connection hold. */
const FLOWING = 9_000_000;
const PREFIX = 'shop & co/ü+%41 (x)';

const place = new VaultPlace();
beforeAll(() => place.start());
afterAll(() => place.stop());
const { folder } = place;
const options = (changes: Partial<VaultOptions> = {}) => place.options(changes);

/** Where a kind of vault lies as `backup.to` has it, and the folder behind it. */
interface Kind {
  kind: string;
  missing: string | null;
  to(): string;
  behind(): string;
}

const kinds: Kind[] = [
  { kind: 'a directory', missing: null, to: () => './new/vault', behind: () => join(folder, 'new/vault') },
  {
    kind: 'a host over SSH',
    missing: without.ssh,
    to: () => `ssh://${place.sshds!.hosts[0]!.at}${place.sshds!.hosts[0]!.directory}/it's a "new"/vault`,
    behind: () => join(place.sshds!.hosts[0]!.directory, `it's a "new"/vault`),
  },
  {
    kind: 'a bucket',
    missing: without.s3,
    to: () => `s3://backups/${PREFIX}`,
    behind: () => join(place.s3!.folder, 'backups', PREFIX),
  },
];

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');

/** All that lies in the folder behind a vault, and unfinished uploads. */
function lying(behind: string): string[] {
  if (!existsSync(behind)) return [];
  const uploads =
    place.s3 === null ? [] : readdirSync(join(place.s3.folder, 'backups'), { recursive: true }).map(String);
  const parts = uploads.filter((path) => path.includes('.sgwtmp') && /\/\d+$/.test(path));
  return [...readdirSync(behind).filter((name) => !name.startsWith('.sgwtmp')), ...parts];
}

describe.each(kinds.filter(({ missing }) => missing === null))('$kind as a vault', ({ to, behind, kind }) => {
  let vault: Vault;
  beforeAll(async () => (vault = await openVault(to(), options())));
  afterAll(() => vault.close());

  it('stores, lists, reads and removes, and leaves nothing of a check', async () => {
    expect(await vault.list()).toEqual([]);
    await vault.check();
    expect(lying(dirname(behind())).filter((name) => name.startsWith('.'))).toEqual([]);
    const stored = await vault.put('a.b-c', Readable.from([Buffer.from('hello '), Buffer.from('world')]), live);
    expect(stored).toEqual({ bytes: 11, sha256: sha256(Buffer.from('hello world')) });
    await vault.put('empty', Readable.from([]), live);
    await vault.check();
    expect(lying(behind()).sort()).toEqual(['a.b-c', 'empty']);
    expect(await vault.list()).toEqual([
      { name: 'a.b-c', bytes: 11 },
      { name: 'empty', bytes: 0 },
    ]);
    expect(await text(await vault.get('a.b-c'))).toBe('hello world');
    expect(await text(await vault.get('empty'))).toBe('');
    expect((await vault.free()) ?? Number.POSITIVE_INFINITY).toBeGreaterThan(1_000_000);
    for (const name of ['a.b-c', 'a.b-c', 'empty', 'absent']) await vault.remove(name);
    expect(lying(behind())).toEqual([]);
  });

  it('carries many parts as they are', async () => {
    const content = randomBytes((kind === 'a bucket' ? LARGE : FLOWING) + 1);
    const chunks = Array.from({ length: 21 }, (_, index) =>
      content.subarray(index * 1_000_000, (index + 1) * 1_000_000),
    );
    expect(await vault.put('large', Readable.from(chunks), live)).toEqual({
      bytes: content.length,
      sha256: sha256(content),
    });
    expect(sha256(await buffer(await vault.get('large')))).toBe(sha256(content));
    await vault.remove('large');
  });

  it('lies there for this user only', async () => {
    if (kind === 'a bucket') return;
    chmodSync(behind(), 0o755);
    await vault.put('mine', bytes('x'), live);
    expect(statSync(behind()).mode & 0o777).toBe(0o700);
    expect(statSync(join(behind(), 'mine')).mode & 0o777).toBe(0o600);
    await vault.remove('mine');
  });

  it('never replaces a file, and reads none that is not there', async () => {
    await vault.put('a', bytes('first'), live);
    const again = vault.put('a', bytes('second'), live);
    await expect(again).rejects.toMatchObject({ code: 'vault-unreachable', why: 'it has a file a already' });
    expect(await text(await vault.get('a'))).toBe('first');
    // Both begin while the name is free.
    const race = await Promise.allSettled([vault.put('b', bytes('one'), live), vault.put('b', bytes('two'), live)]);
    expect(race.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(lying(behind()).sort()).toEqual(['a', 'b']);
    for (const name of ['a', 'b']) await vault.remove(name);
    await expect(vault.get('a')).rejects.toMatchObject({ code: 'vault-unreachable', where: vault.where });
  });

  it('refuses names that are no plain file names', async () => {
    for (const name of ['', '.hidden', '-rf', 'a/b', '../a', 'a..b', 'a b', 'a\nb', 'é', 'x'.repeat(201)]) {
      await expect(vault.put(name, bytes('x'), live)).rejects.toMatchObject({ code: 'internal' });
      await expect(vault.get(name)).rejects.toMatchObject({ code: 'internal' });
      await expect(vault.remove(name)).rejects.toMatchObject({ code: 'internal' });
    }
    expect(lying(behind())).toEqual([]);
  });

  it('leaves nothing of a source that fails, breaks off, or is cancelled', async () => {
    const broken = new Failure({ code: 'backup-failed', what: 'the dump broke', next: 'x' });
    const fails = largeThen(() => Promise.reject(broken));
    await expect(vault.put('a', fails, live)).rejects.toBe(broken);
    const off = largeThen(() => off.destroy());
    await expect(vault.put('a', off, live)).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
    const stop = new AbortController();
    const stopped = largeThen(() => {
      stop.abort();
      return new Promise(() => {}); // and nothing more would ever come
    });
    await expect(vault.put('a', stopped, stop.signal)).rejects.toMatchObject({ code: 'cancelled' });
    await expect(vault.put('a', bytes('x'), stop.signal)).rejects.toMatchObject({ code: 'cancelled' });
    expect(lying(behind())).toEqual([]);
  });

  it('lets go of a file that is not read to its end, and does not hide that one became shorter meanwhile', async () => {
    await vault.put('a', bytes(randomBytes(LARGE)), live);
    const left = await vault.get('a');
    await once(left, 'readable');
    left.destroy();
    await once(left, 'close');
    const reading = await vault.get('a');
    await once(reading, 'readable');
    truncateSync(join(behind(), 'a'), 10_000_000);
    await expect(buffer(reading)).rejects.toMatchObject({ code: 'vault-unreachable', where: vault.where });
    await vault.remove('a');
  });

  it('passes over what is not its own', async () => {
    mkdirSync(join(behind(), 'folder'), { recursive: true });
    for (const name of ['a b', '.unfinished-x', 'folder/a']) writeFileSync(join(behind(), name), 'x');
    await vault.put('a', bytes('x'), live);
    expect(await vault.list()).toEqual([{ name: 'a', bytes: 1 }]);
    expect(lying(behind()).sort()).toEqual(['.unfinished-x', 'a', 'a b', 'folder']);
    await rm(behind(), { recursive: true });
  });
});
