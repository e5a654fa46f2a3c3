import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configSchema, normalEnvironment } from '../../src/config/config.ts';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { openDirectoryLedger } from '../../src/ledger/ledger.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { checkRoom, copyOf } from '../../src/migration/migration.ts';
import type { Failure } from '../../src/outcome/outcome.ts';
import { Copies } from '../../src/stages/frame/copies.ts';
import { stage } from '../../src/stages/migrate.ts';
import type { StageContext } from '../../src/stages/stage.ts';
import { MigratingProject } from '../support/migrating.ts';

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
    copies: new Copies(),
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

const ADD =
  '-- migrate:up\nALTER TABLE orders ADD COLUMN paid date;\n-- migrate:down\nALTER TABLE orders DROP COLUMN paid;\n';
const ANEW = '-- migrate:up\nALTER TABLE orders ADD COLUMN note integer;\n';
const DROP = '-- migrate:up\nALTER TABLE orders DROP COLUMN note;\n';

describe('with a ledger', () => {
  let project: MigratingProject;
  let live: Database;
  const signal = new AbortController().signal;

  beforeEach(async () => {
    project = new MigratingProject({ database: 'sqlite:./shop.db' });
    const file = new DatabaseSync(join(project.workspace, 'shop.db'));
    file.exec(
      "CREATE TABLE orders (id integer PRIMARY KEY, state integer, note text); INSERT INTO orders VALUES (1, 7, 'a'), (2, 7, NULL)",
    );
    file.close();
    live = await openDatabase({ name: 'main', url: 'sqlite:./shop.db' }, { ...project, signal });
  });
  afterEach(async () => {
    await live.close();
    await project.remove();
  });

  const deliver = async (version: string, migrate: Record<string, unknown> = {}, sections = {}) => {
    const context = await project.context(version, migrate, { sections });
    return { context, run: () => stage.run(context), planned: () => stage.plan(context) };
  };
  /** What a run was refused with; the live database holds what it held before, and the ledger knows of nothing. */
  async function refused(version: string, code: string): Promise<Failure> {
    const before = [await live.fingerprint(), await live.contents(signal)];
    const { context, run } = await deliver(version);
    const failure = await run().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code });
    expect([await live.fingerprint(), await live.contents(signal)]).toEqual(before);
    expect((await project.close(context, false)).migrations).toEqual([]);
    return failure as Failure;
  }

  test('what works on empty tables and fails on real rows never reaches production', async () => {
    project.version('1.1.0', {
      '2_add.sql': ADD,
      '3_unique.sql': '-- migrate:up\nCREATE UNIQUE INDEX one ON orders (state);\n',
    });
    expect(await refused('1.1.0', 'rehearsal-failed')).toMatchObject({
      where: '3_unique.sql:2',
      untouched: 'it failed on a copy; the live database is untouched',
    });
  });

  describe('what is in the live database after a failure is noted, and the next delivery applies the rest', () => {
    test.each([
      ['of those before it', '', ['2'], 'only a part of what was rehearsed was applied'],
      [
        'and of one that stopped in the middle',
        ' transaction:false',
        ['2', '3'],
        /^migration 3 .* stopped at statement 2/,
      ],
    ])('%s', async (_name, option, applied, noDown) => {
      const COUNT = `-- migrate:up${option}\nCREATE TABLE more (id integer);\nUPDATE orders SET state = state + 1;\n`;
      project.version('1.1.0', { '2_add.sql': ADD, '3_count.sql': COUNT });
      await live.execute([
        "CREATE TRIGGER full BEFORE UPDATE ON orders WHEN OLD.id = 3 BEGIN SELECT RAISE(ABORT, 'full'); END",
      ]);
      const { context, run } = await deliver('1.1.0');
      project.log.info = (line) => {
        project.log.lines.push(line); // between rehearsal and live, a row comes that the third cannot live with
        if (line.startsWith('rehearsed on') && insert.isOpen) insert.exec("INSERT INTO orders VALUES (3, 0, 'x')");
      };
      const insert = new DatabaseSync(join(project.workspace, 'shop.db'));
      await expect(run()).rejects.toMatchObject({ where: '3_count.sql:3' });
      insert.close();
      const { migrations } = await project.close(context, false);
      const after = (await live.fingerprint()).digest;
      expect(migrations).toMatchObject([{ after, down: null, noDown: expect.stringMatching(noDown) }]);
      expect(migrations[0]!.applied.map(({ version }) => version)).toEqual(applied);

      await live.execute(['DELETE FROM orders WHERE id = 3', 'DROP TABLE IF EXISTS more']);
      await live.execute(["DELETE FROM changeline_migrations WHERE version = '3'"]); // as the failure says
      const next = await deliver('1.1.0');
      expect(await next.run()).toMatchObject({ code: 'ok', outputs: { applied: 1 } });
      const steps = (await project.close(next.context, true)).migrations;
      expect(steps.map((step) => step.applied.map(({ version }) => version))).toEqual([['3'], ['2']]);
    });
  });

  test.each([
    ['before the live database is touched', /^rehearsed on/, 1, [], 2],
    ['between two migrations', /^2_add.sql: 1 statements/, 2, ['2', '3'], 1],
  ])(
    'a run that is killed %s: the ledger knows what may be there, and the next run does the rest',
    async (_name, said, times, known, left) => {
      const files = { '2_add.sql': ADD, '3_more.sql': '-- migrate:up\nCREATE TABLE more (id integer);\n' };
      const program = join(project.workspace, 'killed.ts');
      await writeFile(program, killed(`sqlite:${join(project.workspace, 'shop.db')}`, files, said, times));
      const child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
      const [[home], [, signalled]] = await Promise.all([once(child, 'message'), once(child, 'exit')]);
      expect(signalled).toBe('SIGKILL');
      const { migrations } = await openDirectoryLedger(join(home as string, 'ledger')).state('test');
      await rm(home as string, { recursive: true });
      expect(migrations.flatMap(({ applied }) => applied.map(({ version }) => version))).toEqual(known);
      expect(migrations.every(({ down, noDown }) => down === null && noDown?.includes('before it could say'))).toBe(
        true,
      );
      project.version('1.1.0', files);
      expect(await (await deliver('1.1.0')).run()).toMatchObject({ code: 'ok', outputs: { applied: left } });
    },
  );

  test.each([
    ['is not written', ADD.split('-- migrate:down')[0]!, /no way down is written for 2_x.sql/],
    ['fails', ADD.replace('DROP COLUMN paid', 'DROP COLUMN absent'), /failed on the copy.*absent/],
    ['leads elsewhere', ADD.replace('DROP COLUMN paid', 'RENAME COLUMN paid TO billed'), /leaves the schema different/],
  ])('a way down that %s is none', async (_name, sql, why) => {
    project.version('1.1.0', { '2_x.sql': sql });
    const { context, run } = await deliver('1.1.0');
    expect(await run()).toMatchObject({ outcome: 'passed' });
    const [step] = (await project.close(context, true)).migrations;
    expect(step).toMatchObject({ down: null, noDown: expect.stringMatching(why) });
  });

  test('the copy that a backup left is rehearsed on, and what changed in production since is refused', async () => {
    project.version('1.1.0', { '2_add.sql': ADD });
    await project.copies.keep('main', await copyOf(live, project.scratch, signal));
    await live.execute(['CREATE TABLE by_hand (id integer)']);
    const failure = await refused('1.1.0', 'schema-drifted');
    expect(failure.why).toContain('by_hand');
    expect(project.log.lines).toContainEqual(expect.stringContaining('rehearsed on the copy restored from the backup'));
    const { run } = await deliver('1.1.0'); // the copy was taken; the next run makes its own
    expect(await run()).toMatchObject({ outcome: 'passed', summary: expect.stringContaining('on a copy') });
  });

  test('earlier deliveries narrow the forecast', async () => {
    await project.ledger.write('test', (state) => {
      const step = { change: 'c', version: '1', at: '', database: 'main', before: '', after: '', applied: [] };
      const more = { down: null, noDown: null, backup: null, undone: null };
      const migrations = [1, 1.1, 0.9].map((ratio, index) => ({ ...step, ...more, change: `c${index}`, ratio }));
      return { state: { ...state, migrations }, change: changeOf(state.environment) };
    });
    project.version('1.1.0', { '2_add.sql': ADD });
    const { run } = await deliver('1.1.0');
    expect((await run()).facts.forecast).toMatchObject({ deliveries: 3 });
  });

  test('too little room is named before anything is copied', async () => {
    const huge = Object.create(live, { size: { value: async () => 1e18 } }) as Database;
    await expect(checkRoom(huge, project.scratch)).rejects.toMatchObject({ code: 'disk-full', where: project.scratch });
    await expect(copyOf(huge, project.scratch, signal)).rejects.toMatchObject({ code: 'disk-full' });
  });

  describe('contracting steps', () => {
    const hosts = { deploy: {} };
    const versions = {
      '2_add.sql': ADD,
      '3_drop.sql': DROP,
      '4_more.sql': '-- migrate:up\nCREATE TABLE more (id integer);\n',
    };
    const columns = async () =>
      (await live.query("SELECT name FROM pragma_table_info('orders')")).map((row) => row.name);

    /** Delivers and makes it live, on hosts that run what is said. */
    async function bring(version: string, runs: (string | null)[], migrate = {}) {
      const at = runs.map((each, index) => project.host(`host${index}`, each));
      const { context, run, planned } = await deliver(version, migrate, { ...hosts, hosts: at });
      const plan = (await planned()).map(({ text }) => text);
      const result = await run();
      return { plan, result, state: await project.close(context, true) };
    }

    test('are held until no version before runs, on any host', async () => {
      project.version('1.0.0', { '1_none.sql': '-- migrate:up\nSELECT 1;\n' });
      for (const version of ['2.0.0', '3.0.0', '4.0.0'])
        project.version(version, { '1_none.sql': '-- migrate:up\nSELECT 1;\n', ...versions });
      await bring('1.0.0', ['0.9.0']);
      const second = await bring('2.0.0', ['1.0.0', '1.0.0']);
      const words = 'held until no version before 2.0.0 runs: 3_drop.sql';
      expect(second.plan).toContainEqual(expect.stringContaining(words));
      expect(second.result).toMatchObject({ outputs: { applied: 2 }, summary: expect.stringContaining(words) });
      expect(second.result.facts.held).toMatchObject([{ file: '3_drop.sql', contracts: [{ line: 2 }] }]);
      expect(second.state.held).toMatchObject([{ migration: '3', database: 'main', version: '2.0.0' }]);
      expect(await columns()).toContain('note');

      const mixed = await bring('3.0.0', ['2.0.0', '1.0.0']);
      expect(mixed.result).toMatchObject({
        code: 'nothing-to-do',
        summary: expect.stringContaining('host1 runs 1.0.0'),
      });
      expect(await columns()).toContain('note');

      const fourth = await bring('4.0.0', ['3.0.0', '3.0.0']);
      expect(fourth.plan).toContainEqual('apply 1 migration: 3_drop.sql');
      expect(fourth.result).toMatchObject({ code: 'ok', outputs: { applied: 1 } });
      expect(fourth.state).toMatchObject({
        held: [],
        migrations: [{ applied: [{ version: '3', kind: 'contract' }] }, {}, {}],
      });
      expect(await columns()).not.toContain('note');
      expect(project.log.lines.join('\n')).not.toContain('older than what is applied'); // it was not late, but held
    });

    test.each([
      ['go on the first delivery', [null, '1.0.0'], {}, 3],
      ['are held on the first delivery, where hosts run something already', [null, '0.9.0'], {}, 2],
      ['go at once where that is asked for', ['0.9.0'], { contract: 'apply' }, 3],
    ])('%s', async (_name, runs, migrate, applied) => {
      project.version('1.0.0', versions);
      const { result, state } = await bring('1.0.0', runs, migrate);
      expect(result.outputs).toMatchObject({ applied });
      expect(state.held).toHaveLength(3 - applied);
    });

    test('that another one needs are named where that one fails', async () => {
      project.version('1.0.0', { '2_add.sql': ADD });
      project.version('2.0.0', { '2_add.sql': ADD, '3_drop.sql': DROP, '4_anew.sql': ANEW });
      await bring('1.0.0', [null]);
      const { run } = await deliver('2.0.0', {}, { ...hosts, hosts: [project.host('host0', '1.0.0')] });
      await expect(run()).rejects.toMatchObject({
        code: 'rehearsal-failed',
        next: expect.stringContaining('held back, and so not there for it: 3_drop.sql'),
      });
    });

    test('are not held where nothing is deployed, which is said', async () => {
      project.version('1.0.0', { '2_add.sql': ADD });
      project.version('2.0.0', versions);
      const { context, run } = await deliver('1.0.0');
      await run();
      await project.close(context, true);
      expect((await (await deliver('2.0.0')).run()).outputs).toMatchObject({ applied: 2 });
      expect(project.log.lines).toContainEqual(expect.stringContaining('it is not known which versions run'));
    });
  });
});

/** A delivery in a process of its own, which is killed when it says this for the so-manieth time. */
function killed(database: string, files: Record<string, string>, said: RegExp, times: number): string {
  const source = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  return `
    import { stage } from ${source('../../src/stages/migrate.ts')};
    import { MigratingProject } from ${source('../support/migrating.ts')};
    const project = new MigratingProject({ database: ${JSON.stringify(database)} });
    project.version('1.1.0', ${JSON.stringify(files)});
    let left = ${times};
    const hear = (line) => ${said}.test(line) && --left === 0 && process.kill(process.pid, 'SIGKILL');
    Object.assign(project.log, { info: hear, detail: hear });
    await new Promise((sent) => process.send(project.workspace, sent));
    await stage.run(await project.context('1.1.0'));
  `;
}

function changeOf(environment: string) {
  const holder = { kind: 'shell', machine: 'here', pid: 1, started: '', actor: 'test' } as const;
  return {
    ...{
      schema: 1 as const,
      id: '2026-01-01-000000-aaaaaa',
      environment,
      verb: 'migrate',
      version: null,
      digest: null,
    },
    ...{ commit: null, config: null, holder, fence: 1, opened: '2026-01-01T00:00:00.000Z' },
    ...{ closed: '2026-01-01T00:00:00.000Z', outcome: 'passed' as const, events: [] },
  };
}
