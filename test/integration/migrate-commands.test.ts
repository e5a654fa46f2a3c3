/** Migrations by the user's own commands: rehearsed and applied as SQL is, and not believed. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stage } from '../../src/stages/migrate.ts';
import { MigratingProject } from '../support/migrating.ts';

/** A tool as others are: its own table, its own variable, one migration a step. */
const TOOL = `import { DatabaseSync } from 'node:sqlite';
import { writeFileSync } from 'node:fs';
const STEPS = { first: 'CREATE TABLE prices (id integer PRIMARY KEY, net real)', second: 'INSERT INTO prices SELECT id, 10.0 / length(name) FROM widgets' };
if (!process.env.TOOL_DATABASE) throw new Error('TOOL_DATABASE is not set');
const db = new DatabaseSync(process.env.TOOL_DATABASE.replace('sqlite:', ''), { readOnly: process.argv[2] === 'pending' });
const has = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'steps'").get();
const done = has ? db.prepare('SELECT name FROM steps').all().map(({ name }) => name) : [];
const pending = Object.keys(STEPS).filter((name) => !done.includes(name));
if (process.argv[2] === 'pending') pending.forEach((name) => console.log(name));
else {
  writeFileSync('cache', 'a tool may write where it runs');
  db.exec('CREATE TABLE IF NOT EXISTS steps (name text)');
  for (const name of pending) {
    console.log('applying ' + name);
    db.exec('BEGIN; ' + STEPS[name] + "; INSERT INTO steps VALUES ('" + name + "'); COMMIT");
  }
}
`;
const NODE = `'${process.execPath}' --disable-warning=ExperimentalWarning tool.mjs`;
const COMMANDS = { pending: `${NODE} pending`, apply: `${NODE} apply` };
const ENV = { TOOL_DATABASE: '{database-url}' };

let project: MigratingProject;
let live: DatabaseSync;

beforeEach(() => {
  project = new MigratingProject({ database: 'sqlite:./shop.db' });
  live = new DatabaseSync(join(project.workspace, 'shop.db'));
  live.exec(
    "CREATE TABLE widgets (id integer PRIMARY KEY, name text); INSERT INTO widgets VALUES (1, 'ab'), (2, 'abcd')",
  );
  project.version('2.0.0', { 'tool.mjs': TOOL });
});
afterEach(async () => {
  live.close();
  await project.remove();
});

const tables = () =>
  live
    .prepare('SELECT name FROM sqlite_schema ORDER BY name')
    .all()
    .map(({ name }) => name);
const migrate = async (commands: Partial<typeof COMMANDS> = {}, more: Record<string, unknown> = {}) => {
  const context = await project.context('2.0.0', { commands: { ...COMMANDS, ...commands }, env: ENV, ...more });
  return { context, result: () => stage.run(context) };
};

test('are planned, rehearsed, applied once, and noted with what they did', async () => {
  const { context, result } = await migrate();
  expect((await stage.plan(context)).map(({ kind, text }) => `${kind}: ${text}`)).toContain(
    'will: apply 2 migrations: first, second',
  );
  expect(tables()).toEqual(['widgets']);
  expect(await result()).toMatchObject({
    code: 'ok',
    outputs: { applied: 2 },
    facts: { migrations: [{ file: 'migrate.commands.apply', statements: [] }], 'no-down': 'commands tell no way down' },
  });
  expect(live.prepare('SELECT net FROM prices').all()).toEqual([{ net: 5 }, { net: 2.5 }]);
  expect(project.log.lines.filter((line) => line.startsWith('applying'))).toEqual(
    ['applying first', 'applying second', 'applying first', 'applying second'], // the copy, then the live one
  );
  expect(readdirSync(join(project.workspace, 'shop-2.0.0/db'))).toEqual(['tool.mjs']);
  const { migrations } = await project.close(context, true);
  expect(migrations).toMatchObject([
    { version: '2.0.0', applied: [{ version: 'first' }, { version: 'second' }], down: null },
  ]);
  const again = await migrate();
  expect(await again.result()).toMatchObject({ code: 'nothing-to-do', summary: 'no migration is pending' });
});

describe('stop before the live database', () => {
  test('where they fail on real rows', async () => {
    live.exec("INSERT INTO widgets VALUES (3, 'x')");
    project.version('2.0.0', { 'tool.mjs': TOOL.replace('net real', 'net real CHECK (net < 10)') });
    const { context, result } = await migrate();
    await expect(result()).rejects.toMatchObject({
      code: 'rehearsal-failed',
      where: 'migrate.commands.apply',
      why: expect.stringContaining('constraint failed'),
      untouched: expect.stringContaining('the live database is untouched'),
    });
    expect(tables()).toEqual(['widgets']);
    expect((await project.close(context, false)).migrations).toEqual([]);
  });

  test.each([
    ['end with a status', { apply: 'echo sorry >&2; exit 3' }, 'rehearsal-failed', /status 3: sorry/],
    ['apply nothing and end well', { apply: 'true' }, 'rehearsal-failed', /first, second/],
    ['cannot tell what is pending', { pending: 'echo broken; exit 3' }, 'migration-failed', /status 3: broken/],
    ['print names for ever', { pending: 'yes' }, 'migration-failed', /more than 1 MB/],
    ['print for ever while they apply', { apply: 'yes "$(printf %04000d 7)"' }, 'rehearsal-failed', /more than 16 MB/],
    ['do not ask the database that they are given', { pending: 'echo first' }, 'config-invalid', null],
    ['run in a folder that is not there', { apply: 'cd nowhere && true' }, 'rehearsal-failed', /nowhere/],
  ])('where they %s', async (_name, commands, code, why) => {
    const { result } = await migrate(commands);
    await expect(result()).rejects.toMatchObject({ code, ...(why ? { why: expect.stringMatching(why) } : {}) });
    expect(tables()).toEqual(['widgets']);
  });

  test('where max-lock is shorter than they may take, since no lock is seen within them', async () => {
    const { result } = await migrate({}, { 'max-lock': '1ms' });
    await expect(result()).rejects.toMatchObject({ code: 'migration-unsafe', where: 'migrate.commands.apply' });
    expect(tables()).toEqual(['widgets']);
  });
});

test('that tell of nothing pending are taken at their word, and nothing is run', async () => {
  const { result } = await migrate({ pending: 'true', apply: 'exit 9' });
  expect(await result()).toMatchObject({ code: 'nothing-to-do' });
});

test('get no variable but those that are named', async () => {
  process.env.TEST_SECRET_TOKEN = 'hunter2hunter2';
  try {
    const { result } = await migrate({ apply: `echo "seen:$TEST_SECRET_TOKEN:"; ${COMMANDS.apply}` });
    expect((await result()).code).toBe('ok');
    expect(project.log.lines).toContain('seen::');
  } finally {
    delete process.env.TEST_SECRET_TOKEN;
  }
});

test('are ended with their group when the run is cancelled, and what was done by then is named', async () => {
  const stop = new AbortController();
  const context = await project.context(
    '2.0.0',
    { commands: { ...COMMANDS, apply: `${COMMANDS.apply}; echo waiting; sleep 600 & wait` }, env: ENV },
    { signal: stop.signal },
  );
  const running = stage.run(context).catch((error: unknown) => error);
  project.log.info = (line) => {
    project.log.lines.push(line);
    if (line === 'waiting') stop.abort();
  };
  expect(await running).toMatchObject({ code: 'cancelled', untouched: expect.stringContaining('was ended') });
  expect(tables()).toEqual(['widgets']); // it was still the copy
});

test('are not run beside another run', async () => {
  const mutex = new DatabaseSync(join(project.workspace, '.shop.db.changeline-migrations.lock'));
  mutex.exec('BEGIN EXCLUSIVE');
  try {
    const { result } = await migrate();
    await expect(result()).rejects.toMatchObject({ code: 'database-busy' });
    expect(tables()).toEqual(['widgets']);
  } finally {
    mutex.close();
  }
});
