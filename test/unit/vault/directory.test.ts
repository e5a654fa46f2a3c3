import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Failure } from '../../../src/outcome/outcome.ts';
import { openDirectoryVault } from '../../../src/vault/vault.ts';

const signal = new AbortController().signal;
let base: string;
beforeEach(() => (base = mkdtempSync(join(tmpdir(), 'vault-'))));
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe('a directory as a vault', () => {
  it('stores, lists, reads and removes, for this user only', async () => {
    const vault = openDirectoryVault(join(base, 'new', 'vault'));
    expect(await vault.list()).toEqual([]);
    await vault.check();
    expect(readdirSync(base)).toEqual([]);
    const stored = await vault.put('a.b-c', Readable.from([Buffer.from('hello '), Buffer.from('world')]), signal);
    expect(stored).toEqual({ bytes: 11, sha256: 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9' });
    expect(await text(await vault.get('a.b-c'))).toBe('hello world');
    expect(statSync(vault.where).mode & 0o777).toBe(0o700);
    expect(statSync(join(vault.where, 'a.b-c')).mode & 0o777).toBe(0o600);
    expect(await vault.list()).toEqual(['a.b-c']);
    expect(await vault.free()).toBeGreaterThan(0);
    await vault.remove('a.b-c');
    await vault.remove('a.b-c');
    expect(readdirSync(vault.where)).toEqual([]);
  });

  it.each(['', '.hidden', '-rf', 'a/b', '../a', 'a..b', 'a b', 'a\0', 'é', 'x'.repeat(201)])(
    'refuses the name %j',
    async (name) => {
      const vault = openDirectoryVault(base);
      await expect(vault.put(name, Readable.from([Buffer.from('x')]), signal)).rejects.toBeInstanceOf(Failure);
      await expect(vault.get(name)).rejects.toBeInstanceOf(Failure);
      expect(readdirSync(base)).toEqual([]);
    },
  );

  it('never replaces a file, and leaves nothing of a stream that breaks', async () => {
    const vault = openDirectoryVault(base);
    await vault.put('a', Readable.from([Buffer.from('first')]), signal);
    await expect(vault.put('a', Readable.from([Buffer.from('second')]), signal)).rejects.toMatchObject({
      code: 'vault-unreachable',
      why: 'EEXIST in link',
    });
    const breaks = Readable.from(
      (async function* () {
        yield Buffer.from('half');
        throw new Failure({ code: 'backup-failed', what: 'the dump broke', next: 'x' });
      })(),
    );
    await expect(vault.put('b', breaks, signal)).rejects.toMatchObject({ code: 'backup-failed' });
    expect(readdirSync(base)).toEqual(['a']);
    expect(readFileSync(join(base, 'a'), 'utf8')).toBe('first');
  });

  it('says where it cannot be used', async () => {
    writeFileSync(join(base, 'file'), '');
    for (const path of [join(base, 'file'), join(base, 'file', 'below')]) {
      await expect(openDirectoryVault(path).check()).rejects.toMatchObject({ code: 'vault-unreachable', where: path });
      await expect(openDirectoryVault(path).put('a', Readable.from([Buffer.from('x')]), signal)).rejects.toMatchObject({
        code: 'vault-unreachable',
      });
    }
    await expect(openDirectoryVault(base).get('absent')).rejects.toMatchObject({ code: 'vault-unreachable' });
  });

  it('closes a directory that others could read', async () => {
    mkdirSync(join(base, 'open'));
    chmodSync(join(base, 'open'), 0o755);
    await openDirectoryVault(join(base, 'open')).put('a', Readable.from([Buffer.from('x')]), signal);
    expect(statSync(join(base, 'open')).mode & 0o777).toBe(0o700);
  });
});
