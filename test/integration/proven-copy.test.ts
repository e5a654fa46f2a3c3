/** The copy that a backup was proven with, through a whole delivery: rehearsed on, and gone whatever way the run ends. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runInShell, type ShellResult } from '../../src/doors/shell.ts';
import { RecordingLog } from '../../src/log/log.ts';

const UNIQUE = 'CREATE UNIQUE INDEX one_note ON orders (note);'; // works on empty tables only

let workspace: string;
let log: RecordingLog;

beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'proven-copy-'));
  mkdirSync(join(workspace, 'copies'));
  mkdirSync(join(workspace, '.github'));
  sql('audit.db', 'CREATE TABLE events (id integer)');
  sql('shop.db', 'CREATE TABLE orders (id integer, note text)', "INSERT INTO orders VALUES (1, 'a'), (2, 'a')");
  log = new RecordingLog();
  configure('');
});
afterEach(() => rmSync(workspace, { recursive: true, force: true }));

function sql(file: string, ...statements: string[]): void {
  const database = new DatabaseSync(join(workspace, file));
  for (const statement of statements) database.exec(statement);
  database.close();
}

function configure(more: string): void {
  const [audit, shop] = ['audit', 'shop'].map((name) => `{ name: ${name}, url: "sqlite:${name}.db" }`);
  writeFileSync(
    join(workspace, '.github/changeline.yml'),
    `name: shop
artifact: ./shop-{version}
ledger: ./ledger
environments:
  production:
    database: [${audit}, ${shop}]
    migrate: { from: db, database: shop${more} }
    backup: { to: ./backups, verify: { at: runner, scratch: "${join(workspace, 'copies')}" } }
`,
  );
}

/** The copies that are there now. */
const copies = () => readdirSync(join(workspace, 'copies'));

async function deliver(
  migration: string,
  given: Record<string, string> = {},
  cancel = new AbortController(),
): Promise<ShellResult> {
  mkdirSync(join(workspace, 'shop-1/db'), { recursive: true });
  writeFileSync(join(workspace, 'shop-1/db/1_one.up.sql'), migration);
  return runInShell('deliver', { version: '1', ...given }, { log, signal: cancel.signal, workspace });
}

/** Calls `then` where the log says this. */
function once(said: RegExp, then: (line: string) => void): void {
  const heard = (say: (line: string) => void) => (line: string | null) => {
    say(line ?? '');
    if (line !== null && said.test(line)) then(line);
  };
  Object.assign(log, { info: heard(log.info), progress: heard(log.progress) });
}

/** How many copies there were when each of these stages had ended. */
function watched(): Record<string, number> {
  const there: Record<string, number> = {};
  const { stage } = log;
  log.stage = (ended) => {
    stage(ended);
    there[ended.verb] = copies().length;
  };
  return there;
}

it('is the one of the database that is migrated, and no other dump is taken', async () => {
  const dumps: string[] = [];
  const there = watched();
  once(/dumping$|copying the database/, (line) => dumps.push(line));
  const { last } = await deliver('ALTER TABLE orders ADD COLUMN paid integer;');
  expect(last).toMatchObject({ outcome: 'passed' });
  expect(dumps).toEqual(['backup: audit, dumping', 'backup: shop, dumping']);
  expect(there).toMatchObject({ backup: 1, migrate: 0 }); // it does not wait for the end of the line
  expect(log.lines).toContainEqual(expect.stringMatching(/^migrate: passed: .* on the copy restored from the backup/));
});

function commands(pending: string): Record<string, string> {
  configure(`, commands: { pending: "${pending}", apply: "true" }`);
  return {};
}

it.each<[string, string, () => [string, Record<string, string>?, AbortController?]]>([
  ['fails in the rehearsal', 'rehearsal-failed', () => [UNIQUE]],
  ['is refused before the rehearsal', 'config-invalid', () => [UNIQUE, commands('echo 1')]],
  ['has nothing to migrate', 'ok', () => [UNIQUE, commands('true')]],
  ['ends after the backup', 'ok', () => [UNIQUE, { until: 'backup' }]],
  [
    'is refused after the rehearsal',
    'schema-drifted',
    () => {
      once(/^rehearsed on/, () => sql('shop.db', 'CREATE TABLE by_hand (id integer)'));
      return ['CREATE TABLE more (id integer);'];
    },
  ],
  [
    'is cancelled in the rehearsal',
    'cancelled',
    () => {
      const cancel = new AbortController();
      once(/^rehearsing$/, () => cancel.abort());
      return ['CREATE TABLE more (id integer);', {}, cancel];
    },
  ],
])('is gone where the delivery %s', async (_name, code, how) => {
  const there = watched();
  const { last } = await deliver(...how());
  expect(last, last.summary).toMatchObject({ code });
  expect(there.backup).toBe(1);
  expect(there.migrate ?? 0).toBe(0);
  expect(copies()).toEqual([]);
});
