/**
 * A whole delivery over SSH with secrets that are hard to handle: none may be on a command line while it runs, nor in
 * anything that it leaves.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { changeline, type Said } from '../support/changeline.ts';
import { missing, startPostgres, type TestServer } from '../support/databases.ts';
import { formsOf, leaksIn, watchForLeaks } from '../support/leaks.ts';
import { type SshdFleet, sshdMissing, startSshds } from '../support/sshd.ts';
import { filesBelow } from '../support/trees.ts';

const PASSWORD = `p@ss:w/o?r#d% &"'$(id)\`\\é=;|<${randomBytes(4).toString('hex')}>`;
const TOKEN = `ghp_${randomBytes(18).toString('hex')}`;

const cannot = sshdMissing() ?? missing('postgres');

describe.skipIf(cannot !== null)('a delivery with secrets', () => {
  let place: string;
  let workspace: string;
  let fleet: SshdFleet;
  let server: TestServer;
  let site: Server;
  let secrets: Record<string, string>;

  beforeAll(async () => {
    place = mkdtempSync(join(tmpdir(), 'changeline-secrets-'));
    // Where the tests are root, the throwaway server is another user, who must get through.
    chmodSync(place, 0o711);
    workspace = join(place, 'work');
    for (const folder of ['work/.github', 'work/artifacts', 'work/load', 'tmp'])
      mkdirSync(join(place, folder), { recursive: true });
    fleet = await startSshds(2);
    server = await startPostgres();
    site = createServer((_, response) => response.end('well'));
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    secrets = { password: PASSWORD, 'ssh key': fleet.key, token: TOKEN };
    sql(
      `create table orders (at timestamptz default now(), price int); insert into orders (price) select 5 from generate_series(1, 50)`,
    );
    sql(`alter role admin password '${PASSWORD.replaceAll("'", "''")}'`);
    for (const version of ['1.0.0', '2.0.0']) pack(version);
    configure();
  });

  afterAll(async () => {
    site?.close();
    await server?.stop();
    await fleet?.stop();
    if (place) rmSync(place, { recursive: true, force: true });
  });

  function sql(text: string): void {
    execFileSync('psql', ['-qX', '-v', 'ON_ERROR_STOP=1', server.admin('postgres')], { input: text });
  }

  function pack(version: string): void {
    const tree = join(place, `tree-${version}`);
    mkdirSync(join(tree, 'db'), { recursive: true });
    writeFileSync(join(tree, 'VERSION'), `${version}\n`);
    const column = `c${version[0]}`;
    writeFileSync(
      join(tree, `db/2024010${version[0]}000000_${column}.sql`),
      `-- migrate:up\nalter table orders add column ${column} int;\n`,
    );
    if (version === '2.0.0')
      writeFileSync(join(tree, 'db/20240101000000_c1.sql'), '-- migrate:up\nalter table orders add column c1 int;\n');
    execFileSync('tar', ['-czf', join(workspace, `artifacts/app-${version}.tar.gz`), '-C', tree, '.']);
  }

  function configure(): void {
    const { port } = site.address() as { port: number };
    const url = `http://127.0.0.1:${port}`;
    writeFileSync(
      join(workspace, 'load/home.js'),
      `import http from 'k6/http';\nexport const options = { iterations: 5 };\nexport default () => http.get(__ENV.BASE_URL);\n`,
    );
    writeFileSync(
      join(workspace, '.github/known_hosts'),
      fleet.hosts.map(({ hostname, port: at, publicKey }) => `[${hostname}]:${at} ${publicKey}\n`).join(''),
    );
    for (const host of fleet.hosts) {
      mkdirSync(join(host.directory, 'app/shared'), { recursive: true });
      writeFileSync(join(host.directory, 'app/shared/app.env'), 'COLOUR=blue\n');
    }
    const production = {
      // Both sshds serve this one machine, so each host needs a path of its own.
      hosts: fleet.hosts.map(({ at, directory }) => ({ at, with: { place: `${directory.slice(1)}/app` } })),
      path: '/{place}',
      database: `postgres://admin:\${SHOP_PASSWORD}@127.0.0.1:${server.port}/postgres`,
      'config-files': ['app.env'],
      'load-test': { scripts: 'load/*.js', url },
      backup: { to: './vault' },
      migrate: { from: 'db' },
      deploy: { restart: 'echo restarted', health: { url }, waves: [1, '100%'] },
      'smoke-test': [url],
      watch: {
        for: '2s',
        every: '250ms',
        'between-waves': '1s',
        metrics: [
          { name: 'orders', sql: 'select count(*) from orders where at >= {from} and at < {to}', worse: 'down' },
        ],
      },
    };
    writeFileSync(
      join(workspace, '.github/changeline.yml'),
      stringify({
        name: 'app',
        artifact: './artifacts/app-{version}.tar.gz',
        ledger: './ledger',
        environments: { production },
      }),
    );
  }

  async function deliver(version: string, env: Record<string, string> = {}): Promise<Said> {
    const given = {
      SHOP_PASSWORD: PASSWORD,
      CHANGELINE_SSH_KEY: fleet.key,
      CHANGELINE_TOKEN: TOKEN,
      TMPDIR: join(place, 'tmp'),
    };
    return changeline(['deliver', '--verbose', '--version', version], workspace, { ...given, ...env });
  }

  function left(said: Said): string[] {
    const files = filesBelow(workspace, join(place, 'tmp'), ...fleet.hosts.map(({ directory }) => directory));
    expect(files.length).toBeGreaterThan(20);
    return [
      ...leaksIn(said.out, secrets).map((name) => `${name} in the output`),
      ...files.flatMap(({ path, bytes }) => leaksIn(bytes, secrets).map((name) => `${name} in ${path}`)),
    ];
  }

  it('shows none of them, neither while it runs nor in what it leaves', async () => {
    const watch = watchForLeaks(join(place, 'tmp'), secrets);
    const first = await deliver('1.0.0');
    const second = await deliver('2.0.0');
    const { programs, leaks } = watch.stop();
    expect([...leaks]).toEqual([]);
    expect(first.status, first.out).toBe(0);
    expect(second.status, second.out).toBe(0);
    for (const program of ['ssh', 'pg_dump', 'k6']) expect([...programs]).toContain(program);
    expect(left({ status: 0, out: first.out + second.out })).toEqual([]);
  });

  it('nor where it fails', async () => {
    const watch = watchForLeaks(join(place, 'tmp'), secrets);
    sql(`alter role admin password 'another'`);
    const said = await deliver('2.0.0');
    expect(said.status).not.toBe(0);
    expect([...watch.stop().leaks]).toEqual([]);
    expect(left(said)).toEqual([]);
  });

  it('and the search itself finds a secret in every form, on a command line and in a file', async () => {
    for (const form of formsOf(fleet.key)) expect(leaksIn(`x${form}y`, secrets)).toContain('ssh key');
    const inside = Buffer.from(`postgres://admin:${PASSWORD}@host`).toString('base64');
    expect(leaksIn(inside, secrets)).toEqual(['password']);
    const watch = watchForLeaks(join(place, 'tmp'), secrets);
    const child = spawn('sh', ['-c', 'read line', 'sh', encodeURIComponent(PASSWORD)], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    writeFileSync(join(place, 'tmp/open'), TOKEN, { mode: 0o644 });
    await expect.poll(() => [...watch.seen.leaks].sort(), { timeout: 5000 }).toHaveLength(2);
    child.kill();
    await pause(0);
    expect([...watch.stop().leaks].sort()).toEqual([
      expect.stringContaining('password on the command line of sh'),
      'token in open',
    ]);
    expect(left({ status: 0, out: '' })).toEqual([expect.stringContaining('token in ')]);
  });
});
