/** Databases that another tool backs up: pgBackRest by the recipe of docs/backups.md, and what a provider may get wrong. And replicas. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { takeBackup } from '../../src/backup/backup.ts';
import type { Database } from '../../src/database/database.ts';
import { stage } from '../../src/stages/backup.ts';
import { BackupPlace } from '../support/backups.ts';
import { asUser, missing, startPostgres, type TestServer } from '../support/databases.ts';
import { freePort } from '../support/ports.ts';

const place = new BackupPlace();
chmodSync(place.base, 0o755);
afterAll(() => place.remove());

const { uid, gid } = asUser('postgres');

/** A folder that PostgreSQL's user may write to. */
function folder(name: string): string {
  const path = join(place.base, name);
  mkdirSync(path, { recursive: true });
  if (uid !== undefined) execFileSync('chown', [`${uid}:${gid}`, path]);
  return path;
}

/** Puts the scripts of docs/backups.md into ops/, as a user would. */
function writeRecipe(): void {
  const page = readFileSync(join(import.meta.dirname, '../../docs/backups.md'), 'utf8');
  mkdirSync(join(place.base, 'ops'), { recursive: true });
  const scripts = [...page.matchAll(/^`(ops\/[\w-]+\.sh)`[^\n]*:\n\n```sh\n(.*?)^```$/gms)];
  expect(scripts.map(([, file]) => file)).toHaveLength(3);
  for (const [, file, script] of scripts) writeFileSync(join(place.base, file!), script!);
}

describe.skipIf(missing('postgres'))('PostgreSQL', () => {
  let server: TestServer;
  let admin: Database;
  beforeAll(async () => {
    const conf = join(place.base, 'ops/pgbackrest.conf');
    writeRecipe();
    const push = `archive_command=pgbackrest --config=${conf} --stanza=shop archive-push %p`;
    server = await startPostgres(['archive_mode=on', push]);
    const lines = [
      ...['[global]', `repo1-path=${folder('repository')}`, `log-path=${folder('log')}`, `lock-path=${folder('lock')}`],
      ...['start-fast=y', 'repo1-retention-full-type=count', 'repo1-retention-full=9', 'log-level-console=warn'],
      ...['compress-type=none', 'repo1-bundle=y'],
      ...['[shop]', `pg1-path=${server.socket}/data`, `pg1-port=${server.port}`, `pg1-socket-path=${server.socket}`],
    ];
    writeFileSync(conf, `${lines.join('\n')}\npg1-user=postgres\n`);
    execFileSync('pgbackrest', [`--config=${conf}`, '--stanza=shop', 'version'], { stdio: 'pipe' });
    const maintenance = await place.open(server.admin('postgres'));
    await maintenance.execute(['CREATE ROLE postgres SUPERUSER LOGIN', 'CREATE DATABASE shop']);
    await maintenance.close();
    execFileSync('pgbackrest', [`--config=${conf}`, '--stanza=shop', 'stanza-create'], { stdio: 'pipe', uid, gid });
    admin = await place.open(server.admin('shop'));
    await admin.execute([
      'CREATE TABLE orders (id serial PRIMARY KEY)',
      'INSERT INTO orders SELECT FROM generate_series(1, 9)',
    ]);
  });
  afterAll(async () => {
    await admin?.close();
    await server?.stop();
  });

  it('is backed up, proven and expired by pgBackRest, as docs/backups.md says it', async () => {
    const of = (verb: string) => `sh ops/pgbackrest-${verb}.sh`;
    const provider = { database: 'shop', take: of('take'), prove: of('prove'), remove: of('remove'), rpo: '5m' };
    const to = place.newVault();
    const context = (level: string, providers: object[]) =>
      place.context(
        {},
        {
          database: [{ name: 'shop', url: server.admin('shop') }],
          backup: { to, level, keep: { last: 1 }, providers },
        },
      );
    const planned = await stage.plan(context('restored', [provider]));
    expect(planned.filter(({ kind }) => kind === 'obstacle')).toEqual([]);
    expect(planned[0]!.text).toContain('a restore loses up to 5m');
    const unproven = await stage.run(context('stored', [{ ...provider, prove: undefined }]));
    expect(unproven).toMatchObject({ outcome: 'passed', outputs: { level: 'stored' } });
    const [old] = backups();
    expect(unproven.facts.parts).toMatchObject([{ backup: old, position: expect.stringMatching(/^[0-9A-F]{24}$/) }]);
    const proven = await stage.run(context('restored', [provider]));
    const why = 'compared is not possible: what it held at that moment is known to nobody';
    const part = { kind: 'provided', name: 'shop', level: 'restored', why, rpo: '5m' };
    const cleared = { deleted: [unproven.outputs!.backup], left: [] };
    expect(proven).toMatchObject({ outcome: 'passed', code: 'ok', facts: { parts: [part], cleared } });
    expect(proven.summary).toContain('a restore loses of shop up to 5m');
    expect(backups()).toHaveLength(1);
    expect(backups()).not.toContain(old);
  });

  function backups(): string[] {
    const conf = join(place.base, 'ops/pgbackrest.conf');
    const said = execFileSync('pgbackrest', [`--config=${conf}`, '--stanza=shop', '--output=json', 'info'], {
      uid,
      gid,
    });
    return (JSON.parse(String(said)) as [{ backup: { label: string }[] }])[0].backup.map(({ label }) => label);
  }

  describe('with a replica', () => {
    let standby: ChildProcess;
    let replica: Database;
    beforeAll(async () => {
      const data = join(folder('standby'), 'data');
      const port = await freePort();
      const options = { uid, gid, stdio: 'ignore', cwd: place.base } as const;
      const from = ['-h', server.socket, '-p', String(server.port), '-U', 'admin'];
      execFileSync('pg_basebackup', [...from, '-D', data, '-R', '-c', 'fast', '-X', 'stream', '--no-sync'], options);
      const settings = ['-c', 'listen_addresses=', '-c', 'archive_mode=off', '-c', 'fsync=off'];
      standby = spawn('postgres', ['-D', data, '-k', join(data, '..'), '-p', String(port), ...settings], options);
      const url = `postgres://admin@localhost:${port}/shop?host=${join(data, '..')}`;
      for (;;) {
        const opened = await place.open(url).catch(() => null);
        if (opened) {
          replica = opened;
          break;
        }
        if (standby.exitCode !== null) throw new Error('the standby ended');
      }
    });
    afterAll(async () => {
      await replica?.close();
      if (!standby || standby.exitCode !== null) return;
      const ended = new Promise((resolve) => standby.once('exit', resolve));
      standby.kill('SIGQUIT');
      await ended;
    });

    const take = async () =>
      takeBackup(place.work(await place.vault(place.newVault()), [admin], { replicas: new Map([['main', replica]]) }));
    const reads = async () => {
      await admin.query('SELECT pg_stat_force_next_flush()');
      return admin.query("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'orders'");
    };

    it('is dumped from there, and the primary is asked for no row', async () => {
      const before = await reads();
      const { manifest } = await take();
      expect(manifest).toMatchObject({ level: 'compared', parts: [{ from: 'replica', position: expect.any(String) }] });
      expect(await reads()).toEqual(before);
    });

    it('is not compared where there are unlogged tables, whose rows no replica has', async () => {
      await admin.execute(['CREATE UNLOGGED TABLE hot (x int)', 'INSERT INTO hot VALUES (7)']);
      const [{ at }] = (await admin.query('SELECT pg_current_wal_lsn()::text AS at')) as [{ at: string }];
      await vi.waitFor(async () =>
        expect(await replica.query('SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS come', [at])).toEqual([
          { come: true },
        ]),
      );
      const { manifest } = await take();
      expect(manifest).toMatchObject({
        level: 'restored',
        why: expect.stringContaining('unlogged tables, which a replica has not: hot'),
      });
      await admin.execute(['DROP TABLE hot']);
    });

    it('that has not the schema of the primary is not dumped', async () => {
      await replica.query('SELECT pg_wal_replay_pause()');
      await admin.execute(['CREATE TABLE meanwhile (x int)']);
      const failed = await take().catch((error) => error);
      expect(failed).toMatchObject({ code: 'replica-behind', why: expect.stringContaining('meanwhile') });
    });
  });
});

describe('a provider', () => {
  const take = 'cp shop.db taken.db && echo "wal: 7" && echo \'{"name": "taken.db", "bytes": 7}\'';
  const serve =
    'cp "$CHANGELINE_BACKUP" "$CHANGELINE_SCRATCH/x.db"; echo "sqlite:$CHANGELINE_SCRATCH/x.db"; cat >/dev/null';
  let url: string;
  beforeEach(() => {
    rmSync(join(place.base, 'shop.db'), { force: true });
    url = place.sqlite('shop.db', 'CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1), (2)');
  });

  const run = (commands: object) => {
    const providers = [{ database: 'main', take, rpo: '5m', ...commands }];
    const backup = { to: place.newVault(), level: 'restored', providers };
    return stage.run(place.context({}, { database: url, backup }));
  };

  it('that serves what it took reaches restored, and is given no more than it needs', async () => {
    process.env.SHOP_PASSWORD = 'geheim';
    const prove = `env | grep -c SHOP_PASSWORD >given; env | grep ^CHANGELINE_ | sort >>given; ${serve}`;
    expect(await run({ prove })).toMatchObject({ outcome: 'passed', outputs: { level: 'restored' } });
    delete process.env.SHOP_PASSWORD;
    expect(readFileSync(join(place.base, 'given'), 'utf8').replace(/(SCRATCH=).*/, '$1…')).toBe(
      `0\nCHANGELINE_BACKUP=taken.db\nCHANGELINE_DATABASE=main\nCHANGELINE_DATABASE_URL=sqlite:${join(place.base, 'shop.db')}\nCHANGELINE_SCRATCH=…\n`,
    );
  });

  it.each<[string, object, string]>([
    ['has no command that proves it', {}, 'no command that restores it'],
    ['ends before it serves anything', { prove: 'echo broken >&2; exit 3' }, 'status 3: broken'],
    ['serves what is no database', { prove: 'echo nonsense; cat >/dev/null' }, 'not one of a database'],
    [
      'serves another schema',
      {
        prove: serve,
        take: `sqlite3 shop.db 'CREATE TABLE more (x)'; ${take}; sqlite3 shop.db 'DROP TABLE more' >&2; tail -c 0 shop.db; echo '{"name": "taken.db"}'`,
      },
      'its schema is not the one',
    ],
    [
      'serves a table that cannot be read',
      {
        prove: serve,
        take: `${take.replace('&& echo', '&& printf x | dd of=taken.db bs=1 seek=5000 count=1 conv=notrunc 2>/dev/null && dd if=/dev/zero of=taken.db bs=1 seek=4096 count=4096 conv=notrunc 2>/dev/null && echo')}`,
      },
      'could not be proven',
    ],
    ['fails at its end', { prove: `${serve}; exit 4` }, 'status 4'],
  ])('that %s reaches no more than stored', async (_case, commands, why) => {
    const result = await run(commands);
    expect(result).toMatchObject({ outcome: 'failed', code: 'backup-unproven', outputs: { level: 'stored' } });
    expect(result.summary).toContain(why);
  });

  it.each([
    ['fails', 'echo no room >&2; exit 2', 'status 2: no room'],
    ['says nothing', 'true', 'its last line is not'],
    ['says no name', 'echo \'{"bytes": 7}\'', 'it says no name'],
  ])('whose command %s ends the run', async (_case, command, why) => {
    await expect(run({ take: command })).rejects.toMatchObject({
      code: 'backup-failed',
      why: expect.stringContaining(why),
    });
  });

  it('that changes the schema meanwhile ends the run', async () => {
    const failed = run({ take: `sqlite3 shop.db 'CREATE TABLE more (x)'; ${take}` });
    await expect(failed).rejects.toMatchObject({ code: 'backup-changed-meanwhile' });
  });
});
