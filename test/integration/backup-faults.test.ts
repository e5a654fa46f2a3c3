/** What befalls a backup: bytes that are damaged where they lie, a vault that goes, a kill, a cancel. Real SQLite databases. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BackupWork, clearOld, takeBackup } from '../../src/backup/backup.ts';
import type { Database } from '../../src/database/database.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { BackupPlace, changed, flipByte, listBackups, wholeDump } from '../support/backups.ts';

const place = new BackupPlace();
const { base, scratch, signal } = place;
afterAll(() => place.remove());
let url: string;
let vaultPath: string;
let vault: Vault;
beforeAll(() => {
  url = place.sqlite(
    'shop.db',
    `CREATE TABLE orders (id INTEGER PRIMARY KEY, x); CREATE TABLE prices (y);
    INSERT INTO orders (x) WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < 500) SELECT hex(randomblob(200)) FROM n;`,
  );
});
beforeEach(async () => {
  vaultPath = place.newVault();
  vault = await place.vault(vaultPath);
});

const open = (of: string) => place.open(of);
const work = (databases: Database[], more?: Partial<BackupWork>) => place.work(vault, databases, more);

/** A vault that damages what it stores, as a disk may. */
function damaging(damage: (file: string) => void): Vault {
  const put: Vault['put'] = async (name, from, stop) => {
    const stored = await vault.put(name, from, stop);
    if (!name.endsWith('.json')) damage(join(vaultPath, name));
    return stored;
  };
  return { ...vault, where: vault.where, put };
}

describe('a backup', () => {
  it.each<[string, (file: string) => void]>([
    ['one flipped byte', flipByte],
    ['a truncated file', (file) => truncateSync(file, readFileSync(file).length >> 1)],
    ['an empty file', (file) => truncateSync(file, 0)],
    ['no file', (file) => rmSync(file)],
  ])('claims no level for %s', async (_case, damage) => {
    for (const recipients of [[], [await identityToRecipient(await generateX25519Identity())]]) {
      const database = await open(url);
      const configFiles = [{ host: 'h', path: 'p', bytes: Buffer.from('some text') }];
      const { manifest } = await takeBackup(work([database], { vault: damaging(damage), recipients, configFiles }));
      await database.close();
      expect(manifest.level).toBe('stored');
      expect(manifest.parts.map(({ level, why }) => [level, why !== null])).toEqual([
        ['stored', true],
        ['stored', true],
      ]);
    }
  });

  it('in a vault that is gone in the middle ends with vault-unreachable', async () => {
    const database = await open(url);
    const dump: Database['dump'] = async (to) => {
      const { bytes, facts } = await wholeDump(database, signal);
      to.write(bytes);
      while (!readdirSync(vaultPath).some((each) => each.startsWith('.unfinished-')))
        await new Promise((resolve) => setImmediate(resolve));
      rmSync(vaultPath, { recursive: true });
      to.end();
      return facts;
    };
    const failed = takeBackup(work([changed(database, { dump })]));
    await expect(failed).rejects.toMatchObject({ code: 'vault-unreachable' });
    await database.close();
  });

  it('killed between the parts leaves no backup, and the next run is none the worse', async () => {
    const script = `import { takeBackup } from ${JSON.stringify(join(import.meta.dirname, '../../src/backup/backup.ts'))};
      import { openDatabase } from ${JSON.stringify(join(import.meta.dirname, '../../src/database/database.ts'))};
      import { openVault } from ${JSON.stringify(join(import.meta.dirname, '../../src/vault/vault.ts'))};
      const [url, path, scratch, workspace] = process.argv.slice(1); const { signal } = new AbortController();
      const database = await openDatabase({ name: 'main', url }, { workspace, scratch, signal });
      const second = Object.assign(Object.create(database), { name: 'second', fingerprint: () => database.fingerprint(),
        traits: () => database.traits(), dump: () => new Promise(() => setInterval(() => {}, 1000)) });
      const vault = await openVault(path, { workspace, s3: null, connect: () => {}, signal });
      await takeBackup({ environment: 'production', version: null, databases: [database, second], configFiles: [], vault,
        recipients: [], scratch, at: { kind: 'runner', scratch: null }, signal, progress: () => console.log('.') });`;
    const args = ['--input-type=module', '-e', script, url, vaultPath, scratch, base];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    const early = ended.then(() => Promise.reject(new Error('it ended by itself')));
    early.catch(() => {}); // it is told by the race alone
    while ((await vault.list()).length === 0) await Promise.race([once(child.stdout, 'data'), early]);
    child.kill('SIGKILL');
    await ended;
    expect(await listBackups(vault, 'production')).toEqual([]);
    const left = (await vault.list()).map((file) => file.name);
    expect(left).toEqual([expect.stringMatching(/database\.main\.zst$/)]);
    const database = await open(url);
    const { manifest } = await takeBackup(work([database]));
    await database.close();
    expect(manifest.level).toBe('compared');
    const kept = await clearOld(vault, 'production', { last: 1 }, []);
    expect(kept).toMatchObject({ deleted: [], abandoned: [], perhapsRunning: left });
    const later = new Date(Date.now() + 25 * 3_600_000);
    expect(await clearOld(vault, 'production', { last: 1 }, [], later)).toMatchObject({ abandoned: left });
    expect(await listBackups(vault, 'production')).toEqual([manifest]);
    for (const each of readdirSync(scratch)) rmSync(join(scratch, each), { recursive: true });
  });

  it('stops when the run is cancelled, and leaves nothing', async () => {
    const stop = new AbortController();
    const database = await open(url);
    stop.abort();
    await expect(takeBackup(work([database], { signal: stop.signal }))).rejects.toMatchObject({ code: 'cancelled' });
    await database.close();
    expect(readdirSync(vaultPath)).toEqual([]);
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('hands a compared copy over, and no other', async () => {
    const database = await open(url);
    const kept: string[] = [];
    const keepCopy: BackupWork['keepCopy'] = async (of, copy) => {
      kept.push(`${of}: ${Object.keys((await copy.database.contents(signal)).tables).length}`);
      await copy.close();
    };
    await takeBackup(work([database], { keepCopy }));
    await takeBackup(work([database], { keepCopy, vault: damaging(flipByte) }));
    await database.close();
    expect(kept).toEqual(['main: 2']);
    expect(readdirSync(scratch)).toEqual([]);
  });
});
