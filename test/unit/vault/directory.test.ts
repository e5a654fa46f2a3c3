import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDirectoryVault } from '../../../src/vault/directory.ts';

const signal = new AbortController().signal;
let base: string;
beforeEach(() => (base = mkdtempSync(join(tmpdir(), 'vault-'))));
afterEach(() => rmSync(base, { recursive: true, force: true }));

// What all kinds of vault have in common is in test/integration/vault.test.ts.
describe('a directory as a vault', () => {
  it('says where it cannot be used', async () => {
    writeFileSync(join(base, 'file'), '');
    for (const path of [join(base, 'file'), join(base, 'file', 'below')]) {
      const vault = openDirectoryVault(path);
      for (const attempt of [() => vault.check(), () => vault.put('a', Readable.from([Buffer.from('x')]), signal)])
        await expect(attempt()).rejects.toMatchObject({ code: 'vault-unreachable', where: path });
    }
  });

  it('makes nothing by a check, not even itself', async () => {
    const vault = openDirectoryVault(join(base, 'new', 'vault'));
    await vault.check();
    expect(await vault.free()).toBeGreaterThan(0);
    expect(readdirSync(base)).toEqual([]);
  });

  it('leaves a directory open that is shared by design', async () => {
    mkdirSync(join(base, 'shared'));
    chmodSync(join(base, 'shared'), 0o1777);
    await openDirectoryVault(join(base, 'shared')).put('a', Readable.from([Buffer.from('x')]), signal);
    expect(statSync(join(base, 'shared')).mode & 0o7777).toBe(0o1777);
    expect(statSync(join(base, 'shared', 'a')).mode & 0o777).toBe(0o600);
  });

  it('clears what a killed run left a day ago', async () => {
    for (const name of ['.unfinished-old', '.unfinished-young']) writeFileSync(join(base, name), 'x');
    utimesSync(join(base, '.unfinished-old'), new Date(0), new Date(0));
    await openDirectoryVault(base).put('a', Readable.from([Buffer.from('x')]), signal);
    expect(readdirSync(base)).toEqual(['.unfinished-young', 'a']);
  });
});
