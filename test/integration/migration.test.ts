import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Database, type Engine, openDatabase, type Session, type Throwaway } from '../../src/database/database.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { arrange, type FolderFile } from '../../src/migration/folder.ts';

import {
  type Applied,
  applyMigrations,
  copyOf,
  findingsOfRehearsal,
  findPending,
  forecastOf,
  migrateLive,
  rehearse,
  sqlMigrator,
} from '../../src/migration/migration.ts';
import { dialectOf } from '../../src/migration/script.ts';
import type { Failure } from '../../src/outcome/outcome.ts';
import { ENGINES, failureOf } from '../support/engines.ts';

const signal = new AbortController().signal;

const INIT: FolderFile = {
  path: '20240228042848_init.sql',
  text: "-- migrate:up\nCREATE TABLE widgets (id integer NOT NULL PRIMARY KEY, name TEXT_TYPE);\nINSERT INTO widgets VALUES (1, 'a;b');\n\n-- migrate:down\nDROP TABLE widgets;\n",
};
const SECOND: FolderFile = {
  path: '20240228195051_AddPrice/migration.sql',
  text: 'ALTER TABLE widgets ADD price integer;\nUPDATE widgets SET price = 7;\n',
};
const BROKEN: FolderFile = {
  path: '20240301000000_broken.up.sql',
  text: 'CREATE TABLE orders (id integer NOT NULL PRIMARY KEY);\nCREATE TABLE refunds (id integer NOT NULL PRIMARY KEY);\n\nCREATE TABEL wrong (id integer);\nCREATE TABLE never (id integer);\n',
};

/** Twenty thousand rows, all with one name. */
const MANY = {
  postgres: "INSERT INTO widgets SELECT i + 1, 'x' FROM generate_series(1, 20000) AS i",
  mysql: "INSERT INTO widgets SELECT seq + 1, 'x' FROM seq_1_to_20000",
  sqlite:
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) INSERT INTO widgets SELECT i + 1, 'x' FROM n",
};
/** Writes the table anew, where the engine can change a type. */
const WIDEN = {
  postgres: 'ALTER TABLE widgets ALTER COLUMN price TYPE bigint;',
  mysql: 'ALTER TABLE widgets MODIFY price bigint;',
  sqlite: 'ALTER TABLE widgets ADD wide bigint;',
};

for (const { engine, text, absent, tables: listed, start } of ENGINES) {
  describe.skipIf(absent !== null)(engine, () => {
    let scratch: string;
    let url: string;
    let stop: () => Promise<void>;
    let live: Database;
    let session: Session;
    const log = new RecordingLog();

    const read = (...files: FolderFile[]) =>
      arrange(
        files.map((file) => ({ ...file, text: file.text.replaceAll('TEXT_TYPE', text) })),
        engine,
      );
    const apply = (migrations: ReturnType<typeof read>, lockTimeout = 1000, on = session): Promise<Applied[]> =>
      applyMigrations(on, migrations, { engine, lockTimeout, change: 'c1', log, signal });
    const tables = async () => (await live.query(listed)).map(({ name }) => String(name));

    beforeAll(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'changeline-migration-'));
      ({ url, stop } = await start(scratch));
      live = await openDatabase({ name: 'main', url }, { workspace: '/', scratch, signal });
    });
    afterAll(async () => {
      await live?.close();
      await stop?.();
      await rm(scratch, { recursive: true, force: true });
    });

    beforeEach(async () => {
      log.lines.length = 0;
      session = await live.session();
      for (const name of await tables()) await session.execute([`DROP TABLE ${live.quote(name)}`]);
      return () => session.close();
    });

    describe('on a copy', () => {
      let copy: Throwaway;
      const rehearsing = (migrations: ReturnType<typeof read>) =>
        rehearse(copy, live, sqlMigrator(migrations), { change: 'c1', log, signal });

      /** The live database, with many rows, and its copy. */
      beforeEach(async () => {
        await apply(read(INIT));
        await live.query(MANY[dialectOf(engine)]);
        const made = await copyOf(live, scratch, signal);
        let hardened: Promise<void> | null = null; // once is enough: it restarts the server
        copy = { ...made, harden: () => (hardened ??= made.harden()) };
        return () => copy.close();
      });

      test('what fails stops there, what works goes live as rehearsed, onto the schema that was rehearsed on', async () => {
        const migrations = read(INIT, SECOND, { path: '20240229000000_wide.up.sql', text: WIDEN[dialectOf(engine)] });
        const rehearsal = await rehearsing(migrations);
        const goLive = () =>
          migrateLive(live, sqlMigrator(migrations), rehearsal, { lockTimeout: 1000, change: 'c1', log, signal });
        await live.query('CREATE TABLE by_hand (id integer)');
        const drifted = await failureOf(goLive());
        expect(drifted).toMatchObject({ code: 'schema-drifted', why: expect.stringContaining('by_hand') });
        expect((await findPending(session, engine, migrations)).pending).toHaveLength(2);
        await live.query('DROP TABLE by_hand');
        const { applied, fingerprint } = await goLive();
        expect(applied.map(({ name, statements }) => [name, statements.length])).toEqual([
          ['AddPrice', 2],
          ['wide', 1],
        ]);
        expect(fingerprint.digest).toBe(rehearsal.after.digest);
        expect(fingerprint.digest).not.toBe(rehearsal.before.digest);
        expect(await live.query('SELECT name, price FROM widgets WHERE id = 1')).toEqual([
          { name: 'a;b', price: engine === 'postgres' ? '7' : 7 },
        ]);
        expect(await live.query('SELECT version FROM schema_migrations ORDER BY version')).toEqual(
          migrations.map(({ version }) => ({ version })),
        );
        expect(await apply(migrations)).toEqual([]);
        const found = findingsOfRehearsal(
          rehearsal.applied,
          forecastOf(rehearsal.applied, () => engine !== 'mariadb', []),
        );
        const waits = engine === 'mariadb' ? 'while writes wait' : 'while reads and writes wait';
        const finding = { rule: 'table-rewritten', line: 1, message: `widgets is written anew, 20001 rows, ${waits}` };
        expect(found).toMatchObject(engine === 'sqlite' ? [] : [finding]);

        const before = await live.fingerprint();
        const unique = { path: '20240302000000_x.up.sql', text: 'CREATE UNIQUE INDEX one_name ON widgets (name);' };
        expect(await failureOf(rehearsing([...migrations, ...read(unique)]))).toMatchObject({
          code: 'rehearsal-failed',
          untouched: 'it failed on a copy; the live database is untouched',
        });
        if (engine === 'postgres') {
          await live.query('CREATE ROLE "the reader" NOLOGIN');
          const grant = { path: '20240303000000_x.up.sql', text: 'GRANT SELECT ON widgets TO "the reader";' };
          expect((await rehearsing([...migrations, ...read(grant)])).applied).toHaveLength(1);
        }
        expect(await failureOf(rehearsing([...migrations, ...read(BROKEN)]))).toMatchObject({
          code: 'rehearsal-failed',
          where: '20240301000000_broken.up.sql:4',
          why: expect.stringMatching(/TABEL/i),
          facts: { statement: 3 },
        });
        expect((await live.fingerprint()).digest).toBe(before.digest);
      });
    });

    test('a syntax error in the third statement on the live database', async () => {
      const failure = await failureOf(apply(read(INIT, BROKEN)));
      expect(failure.where).toBe('20240301000000_broken.up.sql:4');
      expect(failure.why).toMatch(/TABEL/i);
      expect(failure.facts.statement).toBe(3);
      if (engine === 'mariadb') {
        expect(failure.code).toBe('migration-half-applied');
        expect(failure.facts).toMatchObject({ done: 2, unsure: false });
        expect(await tables()).toEqual(['changeline_migrations', 'orders', 'refunds', 'schema_migrations', 'widgets']);
        const refused = await failureOf(apply(read(INIT, BROKEN)));
        expect(refused.code).toBe('migration-half-applied');
        expect(refused.what).toContain('statement 3 of 4');
        expect(refused.next).toContain('changeline_migrations');
        await live.query('DROP TABLE orders');
        await live.query('DROP TABLE refunds');
        await live.query("DELETE FROM changeline_migrations WHERE version = '20240301000000'");
      } else {
        expect(failure.code).toBe('migration-failed');
        expect(await tables()).toEqual(['changeline_migrations', 'schema_migrations', 'widgets']);
      }
      const corrected = { ...BROKEN, text: BROKEN.text.replace('TABEL', 'TABLE') };
      expect(await apply(read(INIT, corrected))).toHaveLength(1);
    });

    test('a first statement that fails leaves nothing to put right', async () => {
      const wrong = { path: '1_wrong.up.sql', text: 'CREATE TABEL a (id integer);' };
      expect((await failureOf(apply(read(wrong)))).code).toBe('migration-failed');
      expect(await apply(read({ ...wrong, text: 'CREATE TABLE a (id integer);' }))).toHaveLength(1);
    });

    test('an edit after it was applied is refused; other line ends are no edit', async () => {
      await apply(read(INIT));
      expect(await apply(read({ ...INIT, text: INIT.text.replaceAll('\n', '\r\n') }))).toEqual([]);
      const edited = { ...INIT, text: INIT.text.replace("'a;b'", "'c'") };
      expect(await failureOf(apply(read(edited)))).toMatchObject({ code: 'migration-edited', where: INIT.path });
    });

    test('two at once: one is refused, and nothing is applied twice', async () => {
      const other = await live.session();
      try {
        const both = await Promise.allSettled([apply(read(INIT, SECOND)), apply(read(INIT, SECOND), 1000, other)]);
        const refused = both.filter((one) => one.status === 'rejected').map((one) => (one.reason as Failure).code);
        const applied = both.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
        expect(applied.map(({ version }) => version)).toEqual(['20240228042848', '20240228195051']);
        expect(refused.every((code) => code === 'database-busy')).toBe(true);
        expect(await live.query('SELECT id, price FROM widgets')).toEqual([{ id: 1, price: 7 }]);
      } finally {
        await other.close();
      }
    });

    test("Flyway's history is written as Flyway would and is believed", async () => {
      const one = { path: 'V1__Create_people.sql', text: 'CREATE TABLE people (id integer NOT NULL);\n' };
      const two = { path: 'V1.1__More.sql', text: 'INSERT INTO people VALUES (1);\n' };
      await apply(read(one));
      await apply(read(one, two));
      const history = await live.query(
        'SELECT installed_rank, version, description, type, script, checksum, success FROM flyway_schema_history ORDER BY installed_rank',
      );
      expect(history.map((row) => ({ ...row, success: Boolean(row.success) }))).toMatchObject([
        {
          installed_rank: 1,
          version: '1',
          description: 'Create people',
          type: 'SQL',
          script: 'V1__Create_people.sql',
          success: true,
        },
        {
          installed_rank: 2,
          version: '1.1',
          description: 'More',
          type: 'SQL',
          script: 'V1.1__More.sql',
          success: true,
        },
      ]);
      await live.query('DELETE FROM changeline_migrations');
      expect(await apply(read(one, two))).toEqual([]);
      expect((await failureOf(apply(read({ ...one, text: 'CREATE TABLE people (id integer);\n' })))).code).toBe(
        'migration-edited',
      );
    });

    test('a lock that is never free fails cleanly, and is applied when it is free', async () => {
      await apply(read(INIT));
      const reader = await live.session();
      try {
        await reader.execute(['BEGIN', 'SELECT * FROM widgets']);
        const failure = await failureOf(apply(read(INIT, SECOND), 100));
        expect(failure).toMatchObject({ code: 'migration-failed', facts: { 'lock-timeout': true } });
        await reader.execute(['COMMIT']);
        expect(await apply(read(INIT, SECOND))).toHaveLength(1);
      } finally {
        await reader.close();
      }
    });

    test.runIf(engine === 'postgres')(
      'behind a long read others still read, and it is applied when the read ends',
      async () => {
        await apply(read(INIT));
        const [reader, other] = [await live.session(), await live.session()];
        try {
          await reader.execute(['BEGIN', 'SELECT * FROM widgets']);
          const applying = apply(read(INIT, SECOND), 1000);
          while (!log.lines.some((line) => line.includes('trying again')))
            await other.query('SELECT count(*) FROM widgets');
          await reader.execute(['COMMIT']);
          expect((await applying)[0]!.retries).toBeGreaterThan(0);
        } finally {
          await Promise.all([reader.close(), other.close()]);
        }
      },
    );

    test.runIf(engine === 'postgres').each([
      ['is refused', 'RAISE EXCEPTION $m$no$m$', /^it was rolled back/],
      [
        'loses its connection',
        'PERFORM pg_terminate_backend(pg_backend_pid())',
        /^whether it was committed was not seen/,
      ],
    ])('a commit that %s says what is known', async (_name, does, untouched) => {
      const late = `CREATE TABLE a (id integer);
CREATE OR REPLACE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${does}; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON a DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late();
INSERT INTO a VALUES (1);`;
      const own = await live.session();
      const failure = await failureOf(apply(read({ path: '1_late.up.sql', text: late }), 1000, own));
      await own.close();
      expect(failure).toMatchObject({ what: 'the commit of migration 1 failed', where: '1_late.up.sql' });
      expect(failure.untouched).toMatch(untouched);
      expect(await tables()).toEqual([]);
    });

    test.runIf(engine === 'postgres')('without a transaction, a half is known to the statement', async () => {
      const half = {
        path: '1_half.sql',
        text: "-- migrate:up transaction:false\nCREATE TABLE a (id integer);\nCREATE INDEX CONCURRENTLY i ON a (id);\nINSERT INTO a VALUES ('x');\n",
      };
      const failure = await failureOf(apply(read(half)));
      expect(failure).toMatchObject({
        code: 'migration-half-applied',
        where: '1_half.sql:4',
        facts: { statement: 3, done: 2, unsure: false },
      });
      expect((await failureOf(apply(read(half)))).code).toBe('migration-half-applied');
    });

    test.runIf(engine === 'postgres')(
      'a cancelled run ends its statement on the server and leaves nothing',
      async () => {
        const slow = { path: '1_slow.up.sql', text: 'CREATE TABLE a (id integer);\nSELECT pg_sleep(60);' };
        const cancel = new AbortController();
        const own = await live.session();
        const applying = failureOf(
          applyMigrations(own, read(slow), { engine, lockTimeout: 1000, change: 'c1', log, signal: cancel.signal }),
        );
        const sleeping = () =>
          session.query("SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'");
        while ((await sleeping()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
        cancel.abort();
        expect((await applying).code).toBe('cancelled');
        while ((await sleeping()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
        expect(await tables()).toEqual([]);
      },
    );

    test.each([
      ['schema_migrations', 'version bigint, dirty boolean'],
      ['_prisma_migrations', 'id integer'],
    ])('the record of another tool in %s is not taken for an empty database', async (table, columns) => {
      await live.query(`CREATE TABLE ${table} (${columns})`);
      expect(await failureOf(apply(read(INIT)))).toMatchObject({ code: 'migration-invalid', where: table });
      expect(await tables()).toEqual([table]);
    });

    test('a migration that is killed in the middle', async () => {
      await apply(read(INIT));
      const slow = {
        postgres: 'SELECT pg_sleep(30)',
        mariadb: 'DO SLEEP(30)',
        mysql: '',
        sqlite: 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n',
      }[engine];
      const long = {
        path: '20240303000000_long.up.sql',
        text: `CREATE TABLE a (id integer);\n${slow};\nCREATE TABLE b (id integer);`,
      };
      const program = join(scratch, 'migrate.ts');
      await writeFile(
        program,
        killable(url, engine, [{ ...INIT, text: INIT.text.replaceAll('TEXT_TYPE', text) }, long]),
      );
      const child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
      expect(await Promise.race([once(child, 'message'), once(child, 'exit')])).toContain('slow');
      child.kill('SIGKILL');
      await once(child, 'exit');
      await endLeftovers(session, engine);
      const finished = { ...long, text: long.text.replace(slow, "SELECT 'quick'") };
      if (engine === 'mariadb') {
        const failure = await failureOf(apply(read(INIT, finished)));
        expect(failure.code).toBe('migration-half-applied');
        expect(failure.facts).toMatchObject({ statement: 2, done: 1, unsure: true });
      } else {
        expect(await tables()).not.toContain('a');
        expect(await apply(read(INIT, finished))).toHaveLength(1);
        expect(await tables()).toContain('b');
      }
    });
  });
}

/** Another process that begins to migrate and says so when it has come to the slow statement, which is the second. */
function killable(url: string, engine: Engine, files: FolderFile[]): string {
  const source = (path: string) => JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href);
  return `
    import { openDatabase } from ${source('database/database.ts')};
    import { RecordingLog } from ${source('log/log.ts')};
    import { arrange } from ${source('migration/folder.ts')};
    import { applyMigrations } from ${source('migration/migration.ts')};
    const signal = new AbortController().signal;
    const database = await openDatabase({ name: 'main', url: ${JSON.stringify(url)} }, { workspace: '/', scratch: '/', signal });
    const session = await database.session();
    const migrations = arrange(${JSON.stringify(files)}, ${JSON.stringify(engine)});
    const told = Object.create(session, { execute: { value: async (statements, options) => {
      if (statements[0] === migrations[1].statements[1].sql) await new Promise((sent) => process.send('slow', sent));
      return session.execute(statements, options);
    } } });
    for (const name of ['query', 'mutex', 'lockTimeout', 'close']) Object.defineProperty(told, name, { value: session[name].bind(session) });
    await applyMigrations(told, migrations, { engine: ${JSON.stringify(engine)}, lockTimeout: 1000, change: 'c0', log: new RecordingLog(), signal });
  `;
}

/** Ends what the killed process left running on the server, as an operator would, and waits until the mutex is free. */
async function endLeftovers(session: Session, engine: Engine): Promise<void> {
  if (engine === 'postgres')
    await session.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'");
  if (engine === 'mariadb') {
    for (const { id } of await session.query(
      "SELECT id FROM information_schema.processlist WHERE info LIKE 'DO SLEEP%'",
    ))
      await session.query(`KILL ${Number(id)}`);
  }
  for (;;) {
    const mutex = await session
      .mutex('changeline-migrations')
      .catch((error: Failure) => (error.code === 'database-busy' ? null : Promise.reject(error)));
    if (mutex) return mutex.release();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
