import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { toolsFolder } from '../../scripts/tools.ts';
import { type Database, openDatabase, type Session } from '../../src/database/database.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { applyMigrations, findPending, readMigrations } from '../../src/migration/migration.ts';
import type { TestServer } from '../support/databases.ts';
import { ENGINES, failureOf } from '../support/engines.ts';

const signal = new AbortController().signal;
const EF_CORE = {
  postgres: {
    script: 'npgsql.sql',
    run: (server: TestServer) => ['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', server.admin('shop')],
  },
  mariadb: {
    script: 'pomelo.sql',
    run: (server: TestServer) => ['mariadb', '--no-defaults', '-u', 'root', '-S', server.socket, 'shop'],
  },
};

for (const { engine, absent, tables: listed, start } of ENGINES) {
  if (engine !== 'postgres' && engine !== 'mariadb') continue; // EF Core writes no such script for SQLite
  describe.skipIf(absent !== null)(engine, () => {
    let scratch: string;
    let folder: string;
    let server: TestServer;
    let live: Database;
    let session: Session;
    const log = new RecordingLog();

    const apply = async (from: string) =>
      applyMigrations(session, await readMigrations(from, engine), {
        engine,
        lockTimeout: 1000,
        change: 'c1',
        log,
        signal,
      });
    const pending = async (from: string) => findPending(session, engine, await readMigrations(from, engine));
    const names = (migrations: { name: string }[]) => migrations.map(({ name }) => name);

    beforeAll(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'changeline-forms-'));
      const started = await start(scratch);
      server = started.server!;
      live = await openDatabase({ name: 'main', url: started.url }, { workspace: '/', scratch, signal });
    });
    afterAll(async () => {
      await live?.close();
      await server?.stop();
      await rm(scratch, { recursive: true, force: true });
    });
    beforeEach(async () => {
      session = await live.session();
      folder = await mkdtemp(join(scratch, 'm-'));
      if (engine === 'postgres') await session.execute(['DROP SCHEMA IF EXISTS sales CASCADE']);
      for (const { name } of await live.query(listed))
        await session.execute([`DROP TABLE ${live.quote(String(name))}`]);
      return () => session.close();
    });

    describe("EF Core's idempotent script", () => {
      const { script, run } = EF_CORE[engine];
      let text: string;
      let file: string;
      const blogs = engine === 'postgres' ? 'sales."Blogs"' : 'Blogs';
      const history = async () =>
        Number((await live.query(`SELECT count(*) AS n FROM ${live.quote('__EFMigrationsHistory')}`))[0]!.n);
      const write = (changed: string) => writeFile(file, changed);
      /** The script as it was written when only the first migrations were there. */
      const until = (id: string) =>
        `${text.slice(0, text.lastIndexOf('START TRANSACTION;', text.indexOf(id)))}${text.includes('`__EF') ? text.slice(text.lastIndexOf('DROP PROCEDURE')) : ''}`;
      const byHand = () => execFileSync(run(server)[0]!, run(server).slice(1), { input: text });

      beforeEach(async () => {
        text = await readFile(new URL(`../fixtures/ef-core/${script}`, import.meta.url), 'utf8');
        file = join(folder, script);
      });

      test('is applied migration by migration, once, and EF Core would agree', async () => {
        await write(until('20250302090000_Add rating'));
        expect(names(await apply(file))).toEqual(['InitialCreate']);
        await write(text);
        expect(names((await pending(file)).pending)).toEqual(['Add rating', 'DropUrl']);
        expect(names(await apply(file))).toEqual(['Add rating', 'DropUrl']);
        expect(await live.query(`SELECT * FROM ${blogs}`)).toEqual([{ Id: 1, Rating: 5 }]);
        expect(await apply(file)).toEqual([]);
        byHand();
        expect(await history()).toBe(3);
        await write(text.replace('= 5', '= 4'));
        expect(await failureOf(apply(file))).toMatchObject({
          code: 'migration-edited',
          where: `${script} 20250302090000_Add rating`,
        });
      });

      test('what EF Core has applied is not applied again', async () => {
        byHand();
        await write(text);
        expect(await pending(file)).toMatchObject({
          pending: [],
          applied: 3,
          unchecked: { length: 3 },
        });
      });

      test('a migration that fails leaves nothing, or a half that is known', async () => {
        const broken = text.replace(/UPDATE .*/, 'UPDATE nowhere SET a = 1;');
        await write(broken);
        const failure = await failureOf(apply(file));
        expect(failure.why).toContain('nowhere');
        expect(await history()).toBe(1);
        await write(text);
        if (engine === 'postgres') {
          expect(failure.code).toBe('migration-failed');
          expect(names(await apply(file))).toEqual(['Add rating', 'DropUrl']);
        } else {
          expect(failure.code).toBe('migration-half-applied');
          expect((await failureOf(apply(file))).code).toBe('migration-half-applied');
        }
      });

      test('a script that does not record what it did is refused', async () => {
        await write(text.replaceAll(/VALUES \('2025030[123]090000_(\S+)',/g, "VALUES ('another_$1',"));
        expect((await failureOf(apply(file))).message).toContain('is not in __EFMigrationsHistory');
      });
    });

    describe('dbmate', () => {
      const url = () =>
        engine === 'postgres'
          ? `postgres://admin@/shop?host=${encodeURIComponent(server.socket)}&port=${server.port}&sslmode=disable`
          : `mysql://root@/shop?socket=${encodeURIComponent(server.socket)}`;
      const dbmate = (command: string) =>
        execFileSync(join(toolsFolder, 'dbmate'), [command, folder], {
          env: { DATABASE_URL: url() },
          encoding: 'utf8',
        }).trim();
      const add = (name: string, up: string, down: string) =>
        writeFile(join(folder, `${name}.sql`), `-- migrate:up\n${up}\n\n-- migrate:down\n${down}\n`);

      test('agrees with what we recorded, and we with what it did', async () => {
        await mkdir(folder, { recursive: true });
        await add('20250301090000_one', 'CREATE TABLE one (id integer);', 'DROP TABLE one;');
        await add('20250302090000_two', 'CREATE TABLE two (id integer);', 'DROP TABLE two;');
        expect(await apply(folder)).toHaveLength(2);
        expect(dbmate('status')).toMatch(/^0$/m);
        dbmate('migrate'); // would fail, as both tables are there
        dbmate('rollback');
        expect(names((await pending(folder)).pending)).toEqual(['two']);
        dbmate('migrate');
        expect(await pending(folder)).toMatchObject({ pending: [], applied: 2 });
        await add('20250303090000_three', 'CREATE TABLE three (id integer);', 'DROP TABLE three;');
        expect(dbmate('status')).toMatch(/^1$/m);
        expect(names(await apply(folder))).toEqual(['three']);
        expect(dbmate('status')).toMatch(/^0$/m);
      });
    });
  });
}
