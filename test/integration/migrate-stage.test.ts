import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { configSchema, normalEnvironment } from '../../src/config/config.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { stage } from '../../src/stages/migrate.ts';
import type { StageContext } from '../../src/stages/stage.ts';

let workspace: string;
let log: RecordingLog;

beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'changeline-migrate-'));
  log = new RecordingLog();
  new DatabaseSync(join(workspace, 'shop.db')).close();
  await mkdir(join(workspace, 'scratch'));
});
afterEach(() => rm(workspace, { recursive: true, force: true }));

/** A version of the shop with these migrations. */
async function version(name: string, migrations: Record<string, string>): Promise<void> {
  await mkdir(join(workspace, `shop-${name}`, 'db'), { recursive: true });
  for (const [file, sql] of Object.entries(migrations))
    await writeFile(join(workspace, `shop-${name}`, 'db', file), sql);
}

function context(
  name: string,
  sections: Record<string, unknown> = { migrate: { from: 'db' } },
): StageContext<'migrate'> {
  const config = configSchema.parse({
    name: 'shop',
    artifact: './shop-{version}',
    environments: { test: { database: 'sqlite:./shop.db', ...sections } },
  });
  return {
    verb: 'migrate',
    inputs: { version: name, artifact: '', override: '', 'ssh-key': '', environment: 'test', config: '', token: '' },
    config,
    environment: normalEnvironment(config, 'test'),
    change: null,
    book: null,
    ledger: null,
    runner: null,
    log,
    signal: new AbortController().signal,
    place: {
      workspace,
      scratch: join(workspace, 'scratch'),
      handover: workspace,
      cache: workspace,
      reports: workspace,
    },
    github: () => {
      throw new Error('GitHub is not needed');
    },
  };
}

const INIT = {
  '1_init.sql':
    '-- migrate:up\nCREATE TABLE widgets (id integer PRIMARY KEY, name text);\nINSERT INTO widgets VALUES (1, NULL);\n',
};

test('rehearses, applies, and has nothing to do the second time', async () => {
  await version('1.0.0', INIT);
  const planned = await stage.plan(context('1.0.0'));
  expect(planned.map(({ kind }) => kind)).toEqual(['will', 'will', 'will']);
  expect(planned.at(-1)!.text).toBe('apply 1 migration: 1_init.sql');
  const result = await stage.run(context('1.0.0'));
  expect(result).toMatchObject({ outcome: 'passed', code: 'ok', outputs: { applied: 1 } });
  expect(result.summary).toMatch(
    /^1 migration, rehearsed in [\d.]+ s on a copy, applied in [\d.]+ s, schema as rehearsed$/,
  );
  expect(result.facts.migrations).toMatchObject([
    { version: '1', file: '1_init.sql', statements: [{ line: 2 }, { line: 3 }] },
  ]);
  const again = await stage.run(context('1.0.0'));
  expect(again).toMatchObject({
    outcome: 'passed',
    code: 'nothing-to-do',
    outputs: { applied: 0, fingerprint: result.outputs!.fingerprint },
  });
});

test('what fails on real rows stops with the live database untouched', async () => {
  await version('1.0.0', INIT);
  await stage.run(context('1.0.0'));
  await version('1.1.0', {
    ...INIT,
    '2_names.up.sql': 'CREATE TABLE named (name text NOT NULL);\nINSERT INTO named SELECT name FROM widgets;\n',
  });
  await expect(stage.run(context('1.1.0'))).rejects.toMatchObject({
    code: 'rehearsal-failed',
    where: '2_names.up.sql:2',
    facts: { statement: 2 },
  });
  const database = new DatabaseSync(join(workspace, 'shop.db'));
  expect(database.prepare("SELECT name FROM sqlite_schema WHERE name = 'named'").all()).toEqual([]);
  database.close();
});

test('without a section it is skipped', async () => {
  expect(await stage.run(context('1.0.0', {}))).toMatchObject({ outcome: 'skipped', code: 'not-configured' });
  expect(await stage.plan(context('1.0.0', {}))).toMatchObject([{ kind: 'blind' }]);
});

test.each([
  ['a folder that is not in the artifact', { migrate: { from: 'other' } }, 'migration-invalid'],
  ['a folder outside the artifact', { migrate: { from: '../..' } }, 'migration-invalid'],
  ['a database that is not there', { database: 'sqlite:./absent.db', migrate: { from: 'db' } }, 'database-unreachable'],
  ['a name that no database has', { migrate: { from: 'db', database: 'stock' } }, 'config-invalid'],
  ['no database at all', { database: undefined, migrate: { from: 'db' } }, 'config-invalid'],
])('%s is an obstacle in the plan and fails the run', async (_name, sections, code) => {
  await version('1.0.0', INIT);
  const planned = await stage.plan(context('1.0.0', sections));
  expect(planned.filter(({ kind }) => kind === 'obstacle').map(({ failure }) => failure!.code)).toEqual([code]);
  await expect(stage.run(context('1.0.0', sections))).rejects.toMatchObject({ code });
});

test('an artifact that is not there is one obstacle', async () => {
  const planned = await stage.plan(context('9.9.9'));
  expect(planned.filter(({ kind }) => kind === 'obstacle').map(({ failure }) => failure!.code)).toEqual([
    'artifact-missing',
  ]);
});
