/** A database that is reached through a host: the stages go through a real sshd. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema, normalEnvironment } from '../../src/config/config.ts';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { stage as backup } from '../../src/stages/backup.ts';
import { Copies } from '../../src/stages/frame/copies.ts';
import { stage as migrate } from '../../src/stages/migrate.ts';
import { stage as smoke } from '../../src/stages/smoke-test.ts';
import type { StageContext } from '../../src/stages/stage.ts';
import { missing, startPostgres, type TestServer } from '../support/databases.ts';
import { type SshdFleet, sshdMissing, startSshds } from '../support/sshd.ts';

const MIGRATION = '-- migrate:up\nCREATE TABLE prices (id integer PRIMARY KEY);\nINSERT INTO prices VALUES (7);\n';

describe.skipIf(missing('postgres') ?? sshdMissing())('PostgreSQL through a host', () => {
  let workspace: string;
  let server: TestServer;
  /** Lets connections through. */
  let open: SshdFleet;
  /** Lets log in, and lets nothing through. */
  let shut: SshdFleet;
  let admin: Database;

  beforeAll(async () => {
    workspace = await mkdtemp(join(tmpdir(), 'changeline-via-'));
    for (const folder of ['scratch', '.github', 'shop-1.0.0', 'shop-1.0.0/db']) await mkdir(join(workspace, folder));
    await writeFile(join(workspace, 'shop-1.0.0', 'db', '1_prices.sql'), MIGRATION);
    [server, open, shut] = await Promise.all([
      startPostgres(),
      startSshds(1),
      startSshds(1, ['AllowTcpForwarding no']),
    ]);
    const section = (name: string) => ({ name, url: server.admin(name) });
    const options = { workspace, scratch: workspace, signal: new AbortController().signal };
    const maintenance = await openDatabase(section('postgres'), options);
    await maintenance.execute(["CREATE ROLE app LOGIN PASSWORD 'p@ss word'", 'CREATE DATABASE shop OWNER app']);
    await maintenance.close();
    admin = await openDatabase(section('shop'), options);
    await admin.execute(['SET ROLE app', 'CREATE TABLE widgets (id integer)', 'INSERT INTO widgets VALUES (1), (2)']);
  });
  afterAll(async () => {
    await admin?.close();
    await Promise.all([server?.stop(), open?.stop(), shut?.stop()]);
    await rm(workspace, { recursive: true, force: true });
  });

  /** The context of a run whose database is behind a host of this fleet. */
  async function context<Verb extends 'backup' | 'migrate' | 'smoke-test'>(
    verb: Verb,
    through: SshdFleet,
    signal = new AbortController().signal,
  ): Promise<StageContext<Verb>> {
    const host = through.hosts[0]!;
    await writeFile(join(workspace, '.github/known_hosts'), `[${host.hostname}]:${host.port} ${host.publicKey}\n`);
    const url = `postgres://app:${encodeURIComponent('p@ss word')}@127.0.0.1:${server.port}/shop`;
    const config = configSchema.parse({
      name: 'shop',
      artifact: './shop-{version}',
      environments: {
        test: {
          database: [{ name: 'main', url, via: host.at }],
          backup: { to: join(workspace, 'vault') },
          migrate: { from: 'db' },
          'smoke-test': [
            { sql: 'SELECT count(*) FROM widgets', expect: { is: 2 } },
            { sql: 'DELETE FROM widgets RETURNING id', tries: 1 },
          ],
        },
      },
    });
    const own = {
      backup: { 'database-url': '', to: '', recipients: [] },
      migrate: { version: '1.0.0', artifact: '' },
      'smoke-test': { url: [], 'expect-version': '' },
    }[verb];
    return {
      verb,
      inputs: { ...own, 'ssh-key': through.key, environment: 'test', config: '', token: '' },
      config,
      environment: normalEnvironment(config, 'test'),
      ...{ change: null, book: null, ledger: null, runner: null, log: new RecordingLog(), signal },
      place: {
        ...{ workspace, scratch: join(workspace, 'scratch') },
        ...{ handover: workspace, cache: workspace, reports: workspace },
      },
      copies: new Copies(),
      github: () => {
        throw new Error('GitHub is not needed');
      },
    } as unknown as StageContext<Verb>;
  }

  it('is backed up and compared', async () => {
    expect((await backup.plan(await context('backup', open))).map(({ kind }) => kind)).not.toContain('obstacle');
    expect(await backup.run(await context('backup', open))).toMatchObject({
      outcome: 'passed',
      outputs: { level: 'compared' },
      facts: { parts: [{ rows: { widgets: 2 } }] },
    });
  });

  it('is rehearsed and migrated', async () => {
    expect((await migrate.plan(await context('migrate', open))).map(({ kind }) => kind)).not.toContain('obstacle');
    expect(await migrate.run(await context('migrate', open))).toMatchObject({
      outcome: 'passed',
      outputs: { applied: 1 },
    });
    expect(await admin.query('SELECT id FROM prices')).toEqual([{ id: 7 }]);
    await admin.execute(['DROP TABLE prices, schema_migrations, changeline_migrations']);
  });

  it('is asked by smoke checks, which can write nothing', async () => {
    expect(await smoke.run(await context('smoke-test', open))).toMatchObject({
      code: 'smoke-failed',
      summary: expect.stringMatching(/^1 of 2 checks passed; sql DELETE FROM widgets RETURNING id: .*read-only/),
    });
    expect(await admin.query('SELECT count(*)::int AS n FROM widgets')).toEqual([{ n: 2 }]);
    const obstacles = (await smoke.plan(await context('smoke-test', shut))).filter(({ kind }) => kind === 'obstacle');
    expect(obstacles.map(({ failure }) => failure?.where)).toEqual(['database main', 'database main']);
  });

  it.each([
    ['backup', backup],
    ['migrate', migrate],
  ] as const)('%s takes no other way than the host, and says in the plan that it is shut', async (verb, stage) => {
    const planned = await stage.plan((await context(verb, shut)) as never);
    const obstacles = planned.filter(({ kind }) => kind === 'obstacle');
    expect(obstacles.map(({ failure }) => failure?.code)).toEqual(['database-unreachable']);
    await expect(stage.run((await context(verb, shut)) as never)).rejects.toMatchObject({
      code: 'database-unreachable',
    });
  });

  it('a host that is away is an obstacle in the plan', async () => {
    await shut.hosts[0]!.kill();
    const planned = await backup.plan(await context('backup', shut));
    const codes = planned.filter(({ kind }) => kind === 'obstacle').map(({ failure }) => failure?.code);
    expect(codes).toEqual(['host-unreachable']);
  });

  it('a cancelled backup leaves no statement on the server', async () => {
    const stop = new AbortController();
    const holder = await admin.session();
    await holder.execute(['BEGIN', 'LOCK TABLE widgets']);
    const waiting = () => admin.query("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
    const running = backup.run(await context('backup', open, stop.signal)).catch((error) => error);
    while ((await waiting()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    stop.abort();
    expect(await running).toMatchObject({ code: 'cancelled' });
    while ((await waiting()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await holder.close();
  });
});
