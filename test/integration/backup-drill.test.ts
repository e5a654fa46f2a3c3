/** Drills: what lies in a vault is proven again with the real identity. Real SQLite databases, and backups made by the stage. */
import { copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { buffer } from 'node:stream/consumers';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBackup, readPart } from '../../src/backup/backup.ts';
import { stage } from '../../src/stages/backup.ts';
import { BackupPlace, flipByte, listBackups, remembering } from '../support/backups.ts';

const place = new BackupPlace();
afterAll(() => place.remove());
let url: string;
let identity: string;
let recipient: string;
beforeAll(async () => {
  url = place.sqlite(
    'shop.db',
    'CREATE TABLE orders (id INTEGER PRIMARY KEY, x); INSERT INTO orders (x) VALUES (1), (2)',
  );
  identity = await generateX25519Identity();
  recipient = await identityToRecipient(identity);
});

/** A vault with as many backups as asked for; each is of one order more. */
async function taken(count: number, recipients: string[]): Promise<string> {
  const vault = place.newVault();
  for (let n = 0; n < count; n += 1) {
    const db = new DatabaseSync(join(place.base, 'shop.db'));
    db.exec('INSERT INTO orders (x) VALUES (3)');
    db.close();
    expect(await stage.run(place.context({ 'database-url': url, to: vault, recipients }))).toMatchObject({
      code: 'ok',
    });
  }
  return vault;
}

const drill = (to: string, given = '') => stage.run(place.context({ to, drill: true, identity: given }));

describe('a drill', () => {
  it('proves the newest backup with the identity, and without one where it lies unencrypted', async () => {
    const vault = await taken(2, [recipient]);
    const [newest] = await listBackups(await place.vault(vault), 'standalone');
    const keygen = `# created: today\n# public key: ${recipient}\n${identity}\n`;
    expect(await drill(vault, keygen)).toMatchObject({
      ...{ outcome: 'passed', code: 'ok', outputs: { backup: newest!.id, level: 'compared' } },
      facts: { drill: true, parts: [{ name: 'main', level: 'compared', restored: expect.any(Number) }] },
    });
    expect(await drill(await taken(1, []))).toMatchObject({ outcome: 'passed', outputs: { level: 'compared' } });
    expect(readdirSync(place.scratch)).toEqual([]);
  });

  it('with a wrong identity, a text that is none, or without one ends with backup-identity', async () => {
    const vault = await taken(1, [recipient]);
    const others = [await generateX25519Identity(), 'AGE-SECRET-KEY-1QQ', 'geheim', ''];
    for (const other of others) await expect(drill(vault, other)).rejects.toMatchObject({ code: 'backup-identity' });
    const planned = await stage.plan(place.context({ to: vault, drill: true }));
    expect(planned.map(({ failure }) => failure?.code)).toEqual(['backup-identity']);
  });

  it('without a backup ends with backup-missing, in the plan too', async () => {
    const vault = place.newVault();
    await expect(drill(vault)).rejects.toMatchObject({ code: 'backup-missing' });
    const planned = await stage.plan(place.context({ to: vault, drill: true }));
    expect(planned.map(({ failure }) => failure?.code)).toEqual(['backup-missing']);
  });

  it('claims no more than stored for one flipped byte, wherever it is, and for an older object in its place', async () => {
    const vault = await taken(2, [recipient]);
    const [older, newer] = readdirSync(vault)
      .filter((name) => name.endsWith('.age'))
      .map((name) => join(vault, name));
    copyFileSync(newer!, join(place.base, 'kept'));
    for (const at of [0.01, 0.1, 0.5, 0.99]) {
      flipByte(newer!, at);
      expect(await drill(vault, identity), `flipped at ${at}`).toMatchObject({
        ...{ outcome: 'failed', code: 'backup-unproven', outputs: { level: 'stored' } },
      });
      copyFileSync(join(place.base, 'kept'), newer!);
    }
    copyFileSync(older!, newer!);
    expect(await drill(vault, identity)).toMatchObject({
      ...{ code: 'backup-unproven', summary: expect.stringContaining('not the ones that were written') },
    });
  });

  it('fails where the newest manifest is damaged, rather than prove an older backup', async () => {
    const vault = await taken(2, []);
    const names = readdirSync(vault).filter((name) => name.endsWith('.manifest.json'));
    flipByte(join(vault, names.sort().at(-1)!));
    await expect(drill(vault)).rejects.toMatchObject({ code: 'backup-failed' });
  });

  it('takes no manifest that the ledger does not know', async () => {
    const vault = place.newVault();
    const { more } = remembering();
    const sections = { database: url, backup: { to: vault } };
    await stage.run(place.context({}, sections, more));
    expect(await stage.run(place.context({ drill: true }, sections, more))).toMatchObject({ code: 'ok' });
    Object.assign((await more.ledger!.state('production')).backups[0]!, { digest: '0'.repeat(64) });
    await expect(stage.run(place.context({ drill: true }, sections, more))).rejects.toMatchObject({
      ...{ code: 'backup-failed', what: expect.stringContaining('the ledger remembers') },
    });
  });
});

describe('a part', () => {
  it('comes back as the bytes that were dumped, and never ends well where it was cut', async () => {
    const vault = await place.vault(await taken(1, [recipient]));
    const [manifest] = await listBackups(vault, 'standalone');
    const part = manifest!.parts[0]!;
    if (part.kind !== 'database') throw new Error('it is a database');
    const bytes = await buffer(await readPart(vault, part, identity));
    expect(bytes.subarray(0, 15).toString()).toBe('SQLite format 3');
    const other = { ...part, raw: part.raw + 1 };
    await expect(buffer(await readPart(vault, other, identity))).rejects.toMatchObject({ code: 'backup-failed' });
  });

  it('of a backup that is not there is refused', async () => {
    const vault = await place.vault(place.newVault());
    for (const id of ['standalone.20260101T120000000Z-ab12', '../x', ''])
      await expect(readBackup(vault, id, null)).rejects.toMatchObject({ code: 'backup-missing' });
  });
});
