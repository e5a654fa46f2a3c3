/** max-age: a young, proven backup suffices where no migration is pending. The stage, with real SQLite databases. */
import { mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { RecordingLog } from '../../src/log/log.ts';
import { stage } from '../../src/stages/backup.ts';
import { BackupPlace, remembering } from '../support/backups.ts';

const place = new BackupPlace();
afterAll(() => place.remove());

/** What each case begins with: a database without pending migrations, and one proven backup of it. */
let vault: string;
let sections: Record<string, unknown>;
let remembered: ReturnType<typeof remembering>;
let first: string;
let number = 0;

beforeEach(async () => {
  number += 1;
  vault = place.newVault();
  const url = place.sqlite(
    `shop${number}.db`,
    'CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1)',
  );
  mkdirSync(join(place.base, `shop-${number}.0.0/db`), { recursive: true });
  writeFileSync(join(place.base, `shop-${number}.0.0/db/notes.txt`), 'no migration yet');
  sections = { database: url, migrate: { from: 'db' }, backup: { to: vault, 'max-age': '1h' } };
  remembered = remembering();
  first = String((await run()).outputs!.backup);
});

async function run(inputs: Record<string, unknown> = {}, given: Record<string, unknown> = sections) {
  const log = new RecordingLog();
  const version = `${number}.0.0`;
  const result = await stage.run(place.context({ version, ...inputs }, given, { ...remembered.more, log }));
  return { ...result, said: JSON.stringify(log) };
}

/** The stage takes a new backup, and says why. */
async function expectAnother(why: string, inputs = {}, given = sections): Promise<void> {
  const { outcome, code, said, outputs } = await run(inputs, given);
  expect({ outcome, code }).toEqual({ outcome: 'passed', code: 'ok' });
  expect(outputs!.backup).not.toBe(first);
  expect(said).toContain(why);
}

const sql = (text: string) => place.sqlite(`shop${number}.db`, text);
const files = () => readdirSync(vault).map((name) => join(vault, name));

describe('a recent backup', () => {
  it('suffices, and is named with its age', async () => {
    const { outcome, code, outputs, summary } = await run();
    expect({ outcome, code, outputs }).toEqual({
      ...{ outcome: 'passed', code: 'backup-recent', outputs: { backup: first, level: 'compared' } },
    });
    expect(summary).toContain(`${first} suffices: 0.`);
    sql('INSERT INTO orders VALUES (2)');
    expect(await run()).toMatchObject({ code: 'backup-recent' });
    expect(remembered.state.backups.map(({ id }) => id)).toEqual([first]);
  });

  it('suffices without a ledger by its own manifest, which is said', async () => {
    remembered.more = {};
    const { code, said } = await run({}, { ...sections, migrate: undefined });
    expect(code).toBe('backup-recent');
    expect(said).toContain('there is no ledger');
  });

  it('does not suffice where a migration is pending, or nobody knows whether one is', async () => {
    const folder = join(place.base, `shop-${number}.1.0/db`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, '1_prices.sql'), '-- migrate:up\nCREATE TABLE prices (x);\n');
    await expectAnother('a migration is pending', { version: `${number}.1.0` });
    await expectAnother('no version is given', { version: '' });
    await expectAnother('what is pending cannot be told', { version: '9.9.9' });
  });

  it('suffices where all that is pending is held back for a later delivery', async () => {
    const host = join(place.base, `web${number}`);
    mkdirSync(join(host, 'shared'), { recursive: true });
    const given = { ...sections, hosts: [host], deploy: {} };
    const folder = join(place.base, `shop-${number}.1.0/db`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, '1_drop.sql'), '-- migrate:up\nDROP TABLE orders;\n');
    const live = { version: `${number}.0.0`, digest: null, commit: null, change: 'c', since: '' };
    remembered.state = { ...remembered.state, live };
    expect(await run({ version: `${number}.1.0` }, given)).toMatchObject({
      ...{ code: 'backup-recent', summary: expect.stringContaining('no migration is to be applied') },
    });
  });

  it('does not suffice where it is too old', () =>
    expectAnother(' old', {}, { ...sections, backup: { to: vault, 'max-age': '1ms' } }));

  it('does not suffice for other databases, or another schema', async () => {
    const other = place.sqlite(`other${number}.db`, 'CREATE TABLE x (y)');
    const database = [
      { name: 'main', url: sections.database },
      { name: 'other', url: other },
    ];
    await expectAnother('other databases', {}, { ...sections, database, migrate: { from: 'db', database: 'main' } });
    first = remembered.state.backups[0]!.id;
    await expectAnother('other databases');
    first = remembered.state.backups[0]!.id;
    sql('CREATE TABLE meanwhile (x)');
    await expectAnother('the schema of main has changed since');
  });

  it('does not suffice where a file of it is gone or cut, or the ledger remembers another', async () => {
    const part = files().find((file) => file.endsWith('.zst'))!;
    truncateSync(part, 10);
    await expectAnother('has 10 bytes of');
    first = remembered.state.backups[0]!.id;
    rmSync(files().find((file) => file.includes(first) && file.endsWith('.zst'))!);
    await expectAnother('is gone');
    first = remembered.state.backups[0]!.id;
    remembered.state = { ...remembered.state, backups: [{ ...remembered.state.backups[0]!, digest: '0'.repeat(64) }] };
    await expectAnother('not the one that the ledger remembers');
    first = remembered.state.backups[0]!.id;
    remembered.state = { ...remembered.state, backups: [] };
    await expectAnother('the ledger does not know');
  });

  it('does not suffice for other config files', async () => {
    const host = join(place.base, `host${number}`);
    mkdirSync(join(host, 'shared'), { recursive: true });
    writeFileSync(join(host, 'shared/app.env'), 'A=1');
    const more = { ...sections, hosts: [host], 'config-files': ['app.env'] };
    await expectAnother('other config files', {}, more);
    expect(await run({}, more)).toMatchObject({ code: 'backup-recent' });
  });
});
