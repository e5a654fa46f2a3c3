/** Rehearsals against a real PostgreSQL: what they see, what they refuse, and what the live database then goes through. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Database, openDatabase, type Throwaway } from '../../src/database/database.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { commandMigrator, copyOf, readMigrations, sqlMigrator } from '../../src/migration/migration.ts';
import type { Json, Result } from '../../src/outcome/outcome.ts';
import { stage } from '../../src/stages/migrate.ts';
import { missing, startPostgres, type TestServer } from '../support/databases.ts';
import { failureOf } from '../support/engines.ts';
import { MigratingProject } from '../support/migrating.ts';
import { startStandby } from '../support/standby.ts';

const signal = new AbortController().signal;
const WIDEN =
  '-- migrate:up\nALTER TABLE orders ALTER COLUMN amount TYPE bigint;\nUPDATE orders SET state = 0;\n-- migrate:down\nALTER TABLE orders ALTER COLUMN amount TYPE integer;\n';
const INDEX = {
  '3_index.sql': '-- migrate:up\n\nCREATE INDEX by_state ON orders (state);\n-- migrate:down\nDROP INDEX by_state;\n',
};
const CONCURRENTLY =
  '-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY by_note ON orders (note);\n-- migrate:down\nDROP INDEX by_note;\n';

/** As EF Core writes it with --idempotent: the second migration takes a column away. */
const EF = ['1_add', '2_drop']
  .map((id, index) => {
    const body = ['ALTER TABLE orders ADD "Paid" date', 'ALTER TABLE orders DROP COLUMN note'][index];
    const guard = `IF NOT EXISTS(SELECT 1 FROM "__EFMigrationsHistory" WHERE "MigrationId" = '${id}') THEN`;
    const done = `INSERT INTO "__EFMigrationsHistory" ("MigrationId", "ProductVersion") VALUES ('${id}', '8.0.0')`;
    return `START TRANSACTION;\n${[body, done].map((sql) => `DO $EF$\nBEGIN\n  ${guard}\n  ${sql};\n  END IF;\nEND $EF$;`).join('\n')}\nCOMMIT;\n`;
  })
  .join('\n');
const EF_HISTORY =
  'CREATE TABLE IF NOT EXISTS "__EFMigrationsHistory" ("MigrationId" varchar(150) NOT NULL PRIMARY KEY, "ProductVersion" varchar(32) NOT NULL);\n';

describe.skipIf(missing('postgres'))('PostgreSQL', () => {
  let server: TestServer;
  let live: Database;
  let copy: Throwaway;
  let project: MigratingProject;
  const scratch = mkdtempSync(join(tmpdir(), 'rehearsal-'));

  const deliver = async (version: string, migrate: Record<string, unknown> = {}, sections = {}) => {
    await project.copies.keep('main', copy); // one copy for all: each way down leads it back to what it was
    const context = await project.context(version, migrate, { sections });
    return { context, run: () => stage.run(context), planned: () => stage.plan(context) };
  };
  async function apply(database: Database, files: Record<string, string>): Promise<void> {
    const folder = mkdtempSync(join(scratch, 'db-'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const options = { lockTimeout: 1000, change: 'c', log: new RecordingLog(), signal };
    await sqlMigrator(await readMigrations(folder, 'postgres')).apply(database, options);
  }
  /** What a run was refused with; the live database holds what it held before. */
  async function refused(version: string, migrate: Record<string, unknown> = {}) {
    const before = [await live.fingerprint(), await live.contents(signal)];
    const { context, run } = await deliver(version, migrate);
    const failure = await failureOf(run());
    expect(failure.code).toBe('migration-unsafe');
    expect([await live.fingerprint(), await live.contents(signal)]).toEqual(before);
    expect((await project.close(context, false)).migrations).toEqual([]);
    return failure;
  }

  beforeAll(async () => {
    server = await startPostgres();
    live = await openDatabase({ name: 'main', url: server.admin('postgres') }, { workspace: '/', scratch, signal });
    await live.execute([
      'CREATE TABLE orders (id integer PRIMARY KEY, amount integer, state integer, note text)',
      "INSERT INTO orders SELECT i, i, 1, repeat('x', 20) FROM generate_series(1, 20000) AS i",
    ]);
    await apply(live, { '1_none.sql': '-- migrate:up\nSELECT 1;\n' }); // the tables of the record are there from now on
    const made = await copyOf(live, scratch, signal);
    let hardened: Promise<void> | null = null;
    copy = { ...made, harden: () => (hardened ??= made.harden()), close: async () => {} };
    return async () => {
      await made.close();
      await live.close();
      await server.stop();
      rmSync(scratch, { recursive: true });
    };
  });

  beforeEach(() => {
    project = new MigratingProject({ database: [{ name: 'main', url: server.admin('postgres') }] });
    return () => project.remove();
  });

  test('a lock that would last too long is refused, with its statement, table and time', async () => {
    project.version('1.1.0', { '2_widen.sql': WIDEN });
    const failure = await refused('1.1.0', { 'max-lock': '1ms' });
    expect(failure.where).toBe('2_widen.sql:2');
    expect(failure.what).toMatch(/^reads and writes of orders may be held up for [\d.]+ m?s, 1 ms is allowed/);
  });

  describe('the linter', () => {
    test('refuses what is unsafe under traffic, by rule and line', async () => {
      project.version('1.1.0', INDEX);
      expect(await refused('1.1.0', { lint: 'refuse' })).toMatchObject({
        where: '3_index.sql:3',
        what: 'require-concurrent-index-creation',
      });
    });

    test('is named where it is missing, and stops nothing', async () => {
      project.version('1.1.0', INDEX);
      vi.stubEnv('PATH', '/usr/bin:/bin');
      rmSync(join(project.workspace, 'node_modules'));
      const { planned } = await deliver('1.1.0', { lint: 'refuse' });
      expect(await planned()).toContainEqual({
        kind: 'blind',
        text: expect.stringContaining('squawk is not installed'),
      });
      // It goes on to the rehearsal, which refuses.
      expect((await refused('1.1.0', { lint: 'refuse', 'max-lock': '1ms' })).what).toContain(
        'is allowed (migrate.max-lock)',
      );
      expect(project.log.lines).toContainEqual(expect.stringContaining('squawk is not installed'));
      vi.unstubAllEnvs();
    });
  });

  test('a password reaches a command, and no log', async () => {
    await live.execute(["CREATE ROLE shopkeeper SUPERUSER LOGIN PASSWORD 'p@ss:w/ord'"]);
    const url = `postgres://shopkeeper:${encodeURIComponent('p@ss:w/ord')}@127.0.0.1:${server.port}/postgres`;
    const sql = (text: string) => `psql -X -q -t -A -v ON_ERROR_STOP=1 -d "$CHANGELINE_DATABASE_URL" -c "${text}"`;
    const database = await openDatabase({ name: 'main', url }, { workspace: '/', scratch, signal });
    const commands = {
      pending: `test -n "$(${sql("SELECT to_regclass('taxes')")})" || { [ "$(${sql('SELECT 1')})" = 1 ] && echo taxes; }`,
      apply: `echo "with $CHANGELINE_DATABASE_URL"; ${sql('CREATE TABLE taxes (id integer)')}`,
    };
    const { log } = project;
    const migrator = commandMigrator({ ...commands, env: {}, cwd: scratch, log, signal });
    const { migrations } = await migrator.apply(database, { lockTimeout: 1000, change: 'c', log, signal });
    await database.close();
    await live.execute(['DROP TABLE taxes', 'DROP ROLE shopkeeper']);
    expect(migrations).toMatchObject([{ version: 'taxes' }]);
    expect(log.lines).toContainEqual(expect.stringMatching(/^with postgres/));
    expect(log.lines.join('\n')).not.toMatch(/p@ss|p%40ss/);
  });

  /** A run that finds the replica behind, which catches up once the run waits for it and nothing was applied. */
  async function behind(replica: Database, run: () => Promise<Result>): Promise<Result> {
    await replica.query('SELECT pg_wal_replay_pause()');
    await live.execute(['UPDATE orders SET state = 2 WHERE id = 1']);
    const waits = new Promise<void>((resolve) => {
      project.log.info = (line) => {
        project.log.lines.push(line);
        if (/^a replica is .* behind/.test(line)) resolve();
      };
    });
    const running = run();
    await Promise.race([waits, running]);
    const type = "SELECT data_type FROM information_schema.columns WHERE column_name = 'amount'";
    expect(await live.query(type)).toEqual([{ data_type: 'integer' }]);
    await replica.query('SELECT pg_wal_replay_resume()');
    return running;
  }

  test('waits while the replica is behind; tells locks, rewritten tables, space, forecast and way down, and the ledger learns it', async () => {
    project.version('1.1.0', { '2_widen.sql': WIDEN, ...INDEX, '4_index.sql': CONCURRENTLY });
    const before = (await live.fingerprint()).digest;
    const standby = await startStandby(server);
    const replica = await openDatabase({ name: 'replica', url: standby.admin('postgres') }, { ...project, signal });
    const database = [{ name: 'main', url: server.admin('postgres'), replica: standby.admin('postgres') }];
    const { context, run } = await deliver('1.1.0', { 'max-lock': '1h', 'max-lag': '1ms' }, { database });
    const running = await behind(replica, run).finally(async () => {
      await replica.close();
      await standby.stop();
    });
    const { outcome, facts, markdown } = running;
    expect(outcome).toBe('passed');
    const [migration] = facts.migrations as { [key: string]: Json }[];
    expect(migration).toMatchObject({
      file: '2_widen.sql',
      statements: [
        {
          line: 2,
          locks: [{ table: 'orders', mode: 'AccessExclusiveLock', blocks: 'reads' }],
          rewritten: [{ table: 'orders', rows: 20000 }],
        },
        { line: 3, rewritten: [] },
      ],
    });
    expect(facts.grew).toBeGreaterThan(0);
    expect(facts.forecast).toMatchObject({ deliveries: 0 });
    const [first, second] = (migration!.statements as { rehearsed: number }[]).map(({ rehearsed }) => rehearsed);
    const [lock] = facts.locks as { rehearsed: number; line: number }[];
    expect(lock!.line).toBe(2);
    expect(Math.abs(lock!.rehearsed - first! - second!)).toBeLessThan(0.3); // the lock is held to the end of the transaction
    expect(markdown).toMatch(
      /\| Forecast \| Applied \|.*\n.*\n\| 2\\_widen\.sql \| 2 \| [\d.]+ s \| .+ \| [\d.]+ s \| reads of orders, /,
    );
    const found = (facts.findings as { file: string; line: number; rule: string }[]).filter(
      ({ file }) => file !== '2_widen.sql',
    );
    expect(found).toEqual([
      expect.objectContaining({ file: '3_index.sql', line: 3, rule: 'require-concurrent-index-creation' }),
    ]);
    expect(project.log.lines).toContainEqual(expect.stringMatching(/^warning: 2_widen.sql:2: changing-column-type: /));
    const { migrations } = await project.close(context, true);
    expect(migrations).toMatchObject([
      {
        ...{ change: context.change!.id, version: '1.1.0', database: 'main', before, after: facts.fingerprint },
        ...{
          applied: [{ version: '2', name: 'widen' }, {}, {}],
          down: expect.any(Number),
          noDown: null,
          backup: null,
          undone: null,
        },
      },
    ]);
  });

  test('a script of EF Core goes as a whole, also what old code cannot live with, and that is said', async () => {
    // The copy comes to where the live database is by the delivery before.
    await apply(copy.database, { '2_widen.sql': WIDEN, ...INDEX, '4_index.sql': CONCURRENTLY });
    const { log } = project;
    const hosts = { deploy: {}, hosts: [project.host('host0', '1.0.0')] };
    await project.close(await project.context('1.0.0'), true);
    project.version('2.0.0', { 'ef.sql': EF_HISTORY + EF });
    const { context, run, planned } = await deliver('2.0.0', { from: 'db/ef.sql' }, hosts);
    const said = /EF Core is applied as a whole, so nothing is held back; old code cannot live with ef.sql 2_drop$/;
    expect(await planned()).toContainEqual({ kind: 'blind', text: expect.stringMatching(said) });
    const { facts, outputs } = await run();
    expect(outputs).toMatchObject({ applied: 2 });
    expect(log.lines).toContainEqual(expect.stringMatching(said));
    const [, dropped] = facts.migrations as { [key: string]: Json }[];
    expect(dropped!.statements).toMatchObject([{ locks: [{ table: 'orders', blocks: 'reads' }] }, {}]);
    const { migrations } = await project.close(context, true);
    expect(migrations).toMatchObject([
      {
        applied: [
          { version: '1_add', kind: 'expand' },
          { version: '2_drop', kind: 'contract' },
        ],
        down: null,
      },
    ]);
    expect(await live.query('SELECT "MigrationId" AS id FROM "__EFMigrationsHistory" ORDER BY 1')).toEqual([
      { id: '1_add' },
      { id: '2_drop' },
    ]);
  });
});
