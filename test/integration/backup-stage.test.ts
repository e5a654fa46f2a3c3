/** The stage: what it plans, refuses, remembers, clears away and hands on. Real SQLite databases. */
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { filesLie } from '../../src/backup/backup.ts';
import { parseName } from '../../src/backup/manifest.ts';
import { stage } from '../../src/stages/backup.ts';
import { Copies } from '../../src/stages/frame/copies.ts';
import { BackupPlace, listBackups, remembering } from '../support/backups.ts';

const place = new BackupPlace();
afterAll(() => place.remove());
let url: string;
let vault: string;
beforeAll(() => {
  url = place.sqlite('stage.db', 'CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)');
});
beforeEach(() => {
  vault = place.newVault();
});

const ids = () => readdirSync(vault).flatMap((name) => /^(.*)\.manifest\.json$/.exec(name)?.[1] ?? []);

describe('the stage', () => {
  it('plans and takes a backup from inputs alone', async () => {
    const given = place.context({ 'database-url': url, to: vault });
    const planned = await stage.plan(given);
    expect(planned.map(({ kind }) => kind)).toEqual(['will', 'will', 'blind']);
    expect(planned.at(-1)!.text).toContain('unencrypted');
    expect(readdirSync(vault)).toEqual([]);
    const result = await stage.run(given);
    expect(result).toMatchObject({ outcome: 'passed', code: 'ok', outputs: { level: 'compared' } });
    expect(result.summary).toMatch(/^1 part, \d+ B, compared: 1 table, 2 rows equal, unencrypted$/);
  });

  it('is skipped where an environment asks for none', async () => {
    expect(await stage.run(place.context({}, {}))).toMatchObject({ outcome: 'skipped', code: 'not-configured' });
  });

  it.each([
    [{}, 'input-missing'],
    [{ 'database-url': 'sqlite:stage.db' }, 'input-missing'],
    [{ 'database-url': 'sqlite:stage.db', to: 'vault', recipients: ['age1notarecipient'] }, 'input-invalid'],
  ])('%j is refused: %s', async (inputs, code) => {
    await expect(stage.plan(place.context(inputs))).rejects.toMatchObject({ code });
    await expect(stage.run(place.context(inputs))).rejects.toMatchObject({ code });
  });

  it('names what would fail in the plan', async () => {
    writeFileSync(join(place.base, 'no-directory'), '');
    const obstacles = async (inputs: object, sections: object | null = null) =>
      (await stage.plan(place.context({ 'database-url': url, ...inputs }, sections)))
        .filter(({ kind }) => kind === 'obstacle')
        .map(({ failure }) => failure?.code);
    expect(await obstacles({ 'database-url': 'sqlite:absent.db', to: join(place.base, 'no-directory') })).toEqual([
      ...['database-unreachable', 'vault-unreachable'],
    ]);
    const [, noKeys] = await stage.plan(place.context({ 'database-url': url, to: 's3://bucket/x' }));
    expect(noKeys).toMatchObject({ kind: 'obstacle', failure: { next: expect.stringContaining('changeline.yml') } });
    expect(await obstacles({}, { backup: { to: 's3://bucket/x' } })).toEqual(['config-invalid']);
    expect(await obstacles({}, { backup: { to: vault, verify: { at: 'url' } } })).toEqual(['config-invalid']);
    const provider = { database: 'main', take: 'true', rpo: '5m' };
    const provided = (level: string) => ({ backup: { to: vault, level, providers: [provider] } });
    expect(await obstacles({}, provided('compared'))).toEqual(['backup-unproven']);
    const suffices = await stage.plan(place.context({ 'database-url': url }, provided('stored')));
    expect(suffices[1]).toMatchObject({ kind: 'blind', text: expect.stringContaining('can only be proven stored') });
  });

  it('warns of a runner that is gone after the job, where the vault is a directory of it', async () => {
    const runner = { hosted: true } as never;
    const texts = async (to: string) =>
      (await stage.plan(place.context({ 'database-url': url, to }, null, { runner }))).map(({ text }) => text).join();
    expect(await texts(vault)).toContain('gone after the job');
    expect(await texts('s3://bucket/x')).not.toContain('gone after the job');
  });

  it('backs up config files, whose hosts are no fact', async () => {
    const host = mkdtempSync(join(place.base, 'host-'));
    mkdirSync(join(host, 'shared'));
    writeFileSync(join(host, 'shared', 'app.env'), 'A=1');
    const sections = { hosts: [host], 'config-files': ['app.env'], backup: { to: vault } };
    const result = await stage.run(place.context({}, sections));
    expect(result).toMatchObject({ outcome: 'passed', outputs: { level: 'compared' } });
    expect(JSON.stringify(result)).not.toContain(host);
  });

  it('notes what it took, and keeps what an open incident needs beside what keep names', async () => {
    const { more } = remembering();
    const { state } = more.ledger!;
    const sections = { database: url, backup: { to: vault, keep: { last: 1 } } };
    const incidents = [{ id: 'i', change: 'a', opened: '', from: null, to: null, why: '' }];
    more.ledger!.state = async (name) => ({ ...(await state(name)), incidents });
    const taken: string[] = [];
    // Of another product, in the same vault.
    writeFileSync(join(vault, 'other-production.20260101T000000000Z-ab12.manifest.json'), '{}');
    for (const change of ['a', 'b', 'c']) {
      Object.assign(more.book!, { change: { id: change } });
      taken.push(String((await stage.run(place.context({}, sections, more))).outputs!.backup));
    }
    const shown = { scope: 'shop-production' };
    expect(ids()).toEqual(['other-production.20260101T000000000Z-ab12', taken[0], taken[2]]);
    expect(taken.map((id) => parseName(`${id}.x`))).toMatchObject([shown, shown, shown]);
    const noted = (await state('production')).backups;
    const known = { level: 'compared', databases: ['main'], restored: expect.any(Number) };
    expect(noted).toMatchObject(['c', 'b', 'a'].map((change, n) => ({ id: taken[2 - n], change, ...known })));
  });

  it('takes two at once into one vault, and neither is in the other’s way', async () => {
    const sections = { database: url, backup: { to: vault, keep: { last: 1 } } };
    const both = await Promise.all([1, 2].map(() => stage.run(place.context({}, sections))));
    expect(both.map(({ code }) => code)).toEqual(['ok', 'ok']);
    const left = await listBackups(await place.vault(vault), 'shop-production');
    expect(left.length).toBeGreaterThan(0);
    for (const manifest of left) expect(await filesLie(await place.vault(vault), manifest)).toBe(true);
  });

  it('clears nothing where the level that is required was not reached', async () => {
    const sections = { database: url, backup: { to: vault, keep: { last: 1 } } };
    await stage.run(place.context({}, sections));
    const provider = { database: 'main', take: 'echo \'{"name": "b1", "position": "7", "bytes": 12}\'', rpo: '5m' };
    const provided = { ...sections, backup: { ...sections.backup, providers: [provider] } };
    const result = await stage.run(place.context({}, provided));
    expect(result).toMatchObject({ outcome: 'failed', code: 'backup-unproven', outputs: { level: 'stored' } });
    expect(result.summary).toContain('a restore loses of main up to 5m');
    expect(ids()).toHaveLength(2);
  });

  it('hands the compared copy of the database that is migrated on, within a line only', async () => {
    const sections = { database: url, backup: { to: vault }, migrate: { from: 'db' } };
    const alone = { copies: new Copies() };
    await stage.run(place.context({}, sections, alone));
    expect(alone.copies.take('main')).toBeNull();
    const line = { copies: new Copies(), inLine: true as const };
    await stage.run(place.context({}, sections, line));
    const copy = line.copies.take('main')!;
    expect(await copy.database.query('SELECT count(*) AS n FROM t')).toEqual([{ n: 2 }]);
    await copy.close();
    expect(readdirSync(place.scratch)).toEqual([]);
  });
});
