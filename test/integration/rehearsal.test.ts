/** Rehearsals against a real PostgreSQL: what they see, what they refuse, and what the live database then goes through. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Database, openDatabase } from '../../src/database/database.ts';
import type { Failure, Json } from '../../src/outcome/outcome.ts';
import { stage } from '../../src/stages/migrate.ts';
import { missing, startPostgres, type TestServer } from '../support/databases.ts';
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

describe.skipIf(missing('postgres'))('PostgreSQL', () => {
  let server: TestServer;
  let admin: Database;
  let live: Database;
  let project: MigratingProject;
  let name = 0;

  const open = (database: string) =>
    openDatabase({ name: 'main', url: server.admin(database) }, { workspace: '/', scratch: project.scratch, signal });
  const deliver = async (version: string, migrate: Record<string, unknown> = {}, sections = {}) => {
    const context = await project.context(version, migrate, { sections });
    return { context, run: () => stage.run(context), planned: () => stage.plan(context) };
  };
  /** What a run was refused with; the live database holds what it held before. */
  async function refused(version: string, migrate: Record<string, unknown> = {}, code = 'migration-unsafe') {
    const before = [await live.fingerprint(), await live.contents(signal)];
    const { context, run } = await deliver(version, migrate);
    const failure = await run().then(
      () => null,
      (error: Failure) => error,
    );
    expect(failure).toMatchObject({ code });
    expect([await live.fingerprint(), await live.contents(signal)]).toEqual(before);
    const state = await project.close(context, false);
    expect(state.migrations).toEqual([]);
    return failure!;
  }

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  beforeEach(async () => {
    const database = `shop${++name}`;
    project = new MigratingProject({ database: [{ name: 'main', url: server.admin(database) }] });
    admin = await open('postgres');
    await admin.execute([`CREATE DATABASE ${database}`]);
    live = await open(database);
    await live.execute([
      'CREATE TABLE orders (id integer PRIMARY KEY, amount integer, state integer, note text)',
      "INSERT INTO orders SELECT i, i, 1, repeat('x', 20) FROM generate_series(1, 20000) AS i",
    ]);
  });
  afterEach(async () => {
    await live.close();
    await admin.close();
    await project.remove();
  });

  test('tells locks, rewritten tables, space, forecast and way down, and the ledger learns it', async () => {
    project.version('1.1.0', { '2_widen.sql': WIDEN, ...INDEX, '4_index.sql': CONCURRENTLY });
    const { context, run } = await deliver('1.1.0', { 'max-lock': '1h' });
    const before = (await live.fingerprint()).digest;
    const { outcome, facts, markdown } = await run();
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
    expect(markdown).toContain('Forecast');
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
    test('is named where it is missing or fails, and stops nothing', async () => {
      project.version('1.1.0', INDEX);
      vi.stubEnv('PATH', '/usr/bin:/bin');
      const { context, run, planned } = await deliver('1.1.0', { lint: 'refuse' });
      const elsewhere = { ...context.place, workspace: project.scratch };
      const bare = Object.create(context, { place: { value: elsewhere } }) as typeof context;
      const config = { ...context.config!, artifact: join(project.workspace, 'shop-{version}') };
      Object.defineProperty(bare, 'config', { value: config });
      expect(await stage.plan(bare)).toContainEqual({
        kind: 'blind',
        text: expect.stringContaining('squawk is not installed'),
      });
      expect(await stage.run(bare)).toMatchObject({ outcome: 'passed' });
      expect(project.log.lines).toContainEqual(expect.stringContaining('squawk is not installed'));
      expect((await planned()).map(({ kind }) => kind)).not.toContain('obstacle');
      expect(await run()).toMatchObject({ code: 'nothing-to-do' });
      vi.unstubAllEnvs();
    });
  });

  test('waits while the replica is behind, and goes on once it has caught up', async () => {
    const standby = await startStandby(server);
    const replica = await openDatabase({ name: 'replica', url: standby.admin('postgres') }, { ...project, signal });
    try {
      await replica.query('SELECT pg_wal_replay_pause()');
      await live.execute(['UPDATE orders SET state = 2 WHERE id = 1']);
      project.version('1.1.0', { '2_widen.sql': WIDEN });
      const database = [{ name: 'main', url: server.admin(`shop${name}`), replica: standby.admin(`shop${name}`) }];
      let waiting = () => {};
      const waits = new Promise<void>((resolve) => {
        waiting = resolve;
      });
      project.log.info = (line) => {
        project.log.lines.push(line);
        if (/^a replica is .* behind/.test(line)) waiting();
      };
      const { run } = await deliver('1.1.0', { 'max-lag': '1ms' }, { database });
      const running = run();
      await Promise.race([waits, running]);
      expect(
        (await live.query("SELECT data_type FROM information_schema.columns WHERE column_name = 'amount'"))[0],
      ).toEqual({
        data_type: 'integer',
      });
      await replica.query('SELECT pg_wal_replay_resume()');
      expect(await running).toMatchObject({ code: 'ok', outputs: { applied: 1 } });
    } finally {
      await replica.close();
      await standby.stop();
    }
  });

  test('a password reaches a command, and no log', async () => {
    await admin.execute([
      'DROP ROLE IF EXISTS shopkeeper',
      "CREATE ROLE shopkeeper SUPERUSER LOGIN PASSWORD 'p@ss:w/ord'",
    ]);
    const url = `postgres://shopkeeper:${encodeURIComponent('p@ss:w/ord')}@127.0.0.1:${server.port}/shop${name}`;
    project.version('1.1.0', { x: '' });
    const sql = (text: string) => `psql -X -q -t -A -v ON_ERROR_STOP=1 -d "$CHANGELINE_DATABASE_URL" -c "${text}"`;
    const commands = {
      pending: `test -n "$(${sql("SELECT to_regclass('taxes')")})" || { [ "$(${sql('SELECT 1')})" = 1 ] && echo taxes; }`,
      apply: `echo "with $CHANGELINE_DATABASE_URL"; ${sql('CREATE TABLE taxes (id integer)')}`,
    };
    const { run } = await deliver('1.1.0', { commands }, { database: url });
    expect(await run()).toMatchObject({ code: 'ok', outputs: { applied: 1 } });
    expect(project.log.lines.filter((line) => line.startsWith('with postgres'))).toHaveLength(2);
    expect(project.log.lines.join('\n')).not.toMatch(/p@ss|p%40ss/);
  });
});
