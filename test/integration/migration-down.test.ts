import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Database, openDatabase, type Session } from '../../src/database/database.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { arrange, type FolderFile } from '../../src/migration/folder.ts';
import { applyMigrations, findDowns, findPending, revertMigrations } from '../../src/migration/migration.ts';
import { ENGINES, failureOf } from '../support/engines.ts';

const signal = new AbortController().signal;
const file = (path: string, text: string): FolderFile => ({ path, text });
const NAME = `"Wörter & 'Co'"`;
const ONE = file('1_one.sql', '-- migrate:up\nCREATE TABLE one (id integer);\n-- migrate:down\nDROP TABLE one;\n');
const TWO = [
  file("2_Ünïcode 'x'.up.sql", `CREATE TABLE ${NAME} (id integer);\nALTER TABLE one ADD more integer;`),
  file("2_Ünïcode 'x'.down.sql", `DROP TABLE ${NAME}; -- 'the\\' other way round?\nALTER TABLE one DROP COLUMN more;`),
];
const THREE = file('3_three.up.sql', 'CREATE TABLE three (id integer);');

for (const { engine, absent, tables: listed, start } of ENGINES) {
  describe.skipIf(absent !== null)(engine, () => {
    let scratch: string;
    let stop: () => Promise<void>;
    let live: Database;
    let session: Session;
    const log = new RecordingLog();
    const options = { engine, lockTimeout: 1000, change: 'c1', log, signal };

    const read = (...files: FolderFile[]) =>
      arrange(
        files.map(({ path, text }) => ({ path, text: text.replaceAll(NAME, live.quote(NAME.slice(1, -1))) })),
        engine,
      );
    const apply = (...files: FolderFile[]) => applyMigrations(session, read(...files), options);
    const revert = (...versions: string[]) => revertMigrations(session, versions, options);
    const tables = async () => (await live.query(listed)).map(({ name }) => String(name));
    const own = async () => (await tables()).filter((name) => !/^(changeline|schema|flyway)_/.test(name));
    const recorded = async () =>
      (await live.query('SELECT version FROM schema_migrations ORDER BY version')).map(({ version }) => version);

    beforeAll(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'changeline-down-'));
      const started = await start(scratch);
      stop = started.stop;
      live = await openDatabase({ name: 'main', url: started.url }, { workspace: '/', scratch, signal });
    });
    afterAll(async () => {
      await live?.close();
      await stop?.();
      await rm(scratch, { recursive: true, force: true });
    });
    beforeEach(async () => {
      session = await live.session();
      for (const name of await tables()) await session.execute([`DROP TABLE ${live.quote(name)}`]);
      return () => session.close();
    });

    test('goes back by what was kept when it was applied, and forward again', async () => {
      await apply(ONE, ...TWO, THREE);
      expect(await findDowns(session, engine, ['3', '2', '1', '9'])).toEqual([
        { version: '3', name: 'three', has: false, applied: true },
        { version: '2', name: "Ünïcode 'x'", has: true, applied: true },
        { version: '1', name: 'one', has: true, applied: true },
        { version: '9', name: '', has: false, applied: false },
      ]);
      await live.query("DELETE FROM schema_migrations WHERE version = '3'");
      const undone = await revert('2', '1');
      expect(undone.map(({ version, statements }) => [version, statements.map(({ line }) => line)])).toEqual([
        ['2', [1, 2]],
        ['1', [1]],
      ]);
      expect(await own()).toEqual(['three']);
      expect(await recorded()).toEqual([]);
      await live.query('DROP TABLE three');
      expect(await apply(ONE, ...TWO, THREE)).toHaveLength(3);
      expect(await own()).toHaveLength(3);
    });

    test.each<[string, string[], RegExp]>([
      ['an older one alone', ['1'], /2 was applied after it/],
      ['the oldest first', ['1', '2'], /2 was applied after it/],
      ['one that is not applied', ['3'], /not on record/],
      ['one named twice', ['2', '2'], /named twice/],
    ])('refuses %s, and undoes nothing', async (_name, versions, why) => {
      await apply(ONE, ...TWO);
      expect(await failureOf(revert(...versions))).toMatchObject({
        code: 'data-irreversible',
        why: expect.stringMatching(why),
      });
      expect(await own()).toHaveLength(2);
      expect(await recorded()).toEqual(['1', '2']);
    });

    test('refuses before the first where the second has no way back', async () => {
      await apply(
        THREE,
        file('4_four.sql', '-- migrate:up\nCREATE TABLE four (id integer);\n-- migrate:down\nDROP TABLE four;'),
      );
      expect(await failureOf(revert('4', '3'))).toMatchObject({ code: 'data-irreversible', facts: { version: '3' } });
      expect(await own()).toEqual(['four', 'three']);
    });

    test('what was held back and came later is the newest', async () => {
      await applyMigrations(session, read(ONE, ...TWO), { ...options, only: ({ version }) => version === '1' });
      const late = file(
        '0_late.sql',
        '-- migrate:up\nCREATE TABLE late (id integer);\n-- migrate:down\nDROP TABLE late;',
      );
      await live.query("UPDATE changeline_migrations SET applied_at = '2026-01-01T00:00:00.000Z'");
      await apply(late, ONE);
      expect((await failureOf(revert('1'))).why).toContain('0 was applied after it');
      expect(await revert('0', '1')).toHaveLength(2);
      expect(await own()).toEqual([]);
    });

    test('a way back that fails in its second statement', async () => {
      const wrong = file(
        '3_w.sql',
        '-- migrate:up\nCREATE TABLE w (id integer);\n-- migrate:down\nDROP TABLE w;\nDROP TABEL w;',
      );
      await apply(ONE, wrong);
      const failure = await failureOf(revert('3', '1'));
      expect(failure.why).toMatch(/TABEL/);
      expect(failure.facts).toMatchObject({ version: '3', statement: 2 });
      expect(await recorded()).toEqual(['1', '3']);
      if (engine !== 'mariadb') {
        expect(failure.code).toBe('migration-failed');
        expect(await own()).toEqual(['one', 'w']);
        return;
      }
      expect(failure).toMatchObject({ code: 'migration-half-applied', facts: { done: 1, unsure: false, back: true } });
      expect(failure.untouched).toContain('statement 1 of 2 is in the database');
      expect((await failureOf(revert('3'))).code).toBe('migration-half-applied');
      expect((await failureOf(apply(ONE, wrong))).what).toContain('statement 2');
      await live.query("DELETE FROM schema_migrations WHERE version = '3'");
      await live.query("DELETE FROM changeline_migrations WHERE version = '3'");
      expect(await revert('1')).toHaveLength(1);
    });

    test('without a transaction it goes statement by statement', async () => {
      const text =
        '-- migrate:up transaction:false\nCREATE TABLE a (id integer);\n-- migrate:down transaction:false\nDELETE FROM a;\nDROP TABLE a;\nDROP TABLE a;';
      await apply(file('1_a.sql', text));
      expect(await failureOf(revert('1'))).toMatchObject({
        code: 'migration-half-applied',
        facts: { statement: 3, done: 2 },
      });
      const fixed = file('1_a.sql', text.replace(/\nDROP TABLE a;$/, ''));
      await live.query('DELETE FROM changeline_migrations');
      await live.query('DELETE FROM schema_migrations');
      await apply(fixed);
      expect(await revert('1')).toHaveLength(1);
      expect(await own()).toEqual([]);
    });

    test("Flyway's undo, and its record", async () => {
      const forms = [file('V1.1__a.sql', 'CREATE TABLE a (id integer);'), file('U1.1__a.sql', 'DROP TABLE a;')];
      await apply(...forms);
      await revert('1.1');
      expect(await live.query('SELECT version FROM flyway_schema_history')).toEqual([]);
      expect((await findPending(session, engine, read(...forms))).pending).toHaveLength(1);
    });

    test('a record from before ways back were kept is read, and grows with the next migration', async () => {
      await apply(ONE);
      const current = await live.fingerprint();
      for (const column of ['down_begun', 'down_done', 'down_script'])
        await live.query(`ALTER TABLE changeline_migrations DROP COLUMN ${column}`);
      expect(await findDowns(session, engine, ['1'])).toEqual([
        { version: '1', name: 'one', has: false, applied: true },
      ]);
      expect((await findPending(session, engine, read(ONE))).pending).toEqual([]);
      expect((await failureOf(revert('1'))).why).toContain('no way back was kept');
      await apply(ONE, THREE);
      await live.query('DROP TABLE three');
      expect((await live.fingerprint()).digest).toBe(current.digest);
    });

    test('statements are watched, and it is waited before each step', async () => {
      let waits = 0;
      const pause = async () => void waits++;
      const watched = { ...options, observer: live.observer(session), pause };
      const [one] = await applyMigrations(session, read(ONE), watched);
      expect(one!.statements[0]!.seen).toMatchObject({ locks: expect.any(Array), rewritten: expect.any(Array) });
      expect(waits).toBe(1);
      const three = file('3_s.sql', '-- migrate:up transaction:false\nSELECT 1;\nSELECT 2;\nSELECT 3;');
      await applyMigrations(session, read(ONE, three), watched);
      expect(waits).toBe(4);
    });
  });
}
