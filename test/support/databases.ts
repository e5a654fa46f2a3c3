/** Real database servers for tests: on loopback or a unix socket, in a directory of their own, as a user who is not root. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './ports.ts';

export interface TestServer {
  port: number;
  /** The directory of the unix socket (PostgreSQL) or the socket itself (MariaDB). */
  socket: string;
  /** The URL of a database for the administrator, who needs no password on the socket. */
  admin(database: string): string;
  stop(): Promise<void>;
}

/** Why a server of this kind cannot be had here; null where it can. Under CI it must be there. */
export function missing(kind: 'postgres' | 'mariadb'): string | null {
  const found = kind === 'postgres' ? postgresFolder() : program('mariadbd');
  if (found) return null;
  if (process.env.CI) throw new Error(`${kind} is not installed, and CI needs it`);
  return `${kind} is not installed here`;
}

/** PostgreSQL with passwords over TCP (scram) and trust on its socket; the administrator is `admin`. `settings`: more of them, name=value. */
export async function startPostgres(settings: string[] = []): Promise<TestServer> {
  const bin = postgresFolder()!;
  const user = asUser('postgres');
  const directory = home(user);
  const data = join(directory, 'data');
  execFileSync(
    join(bin, 'initdb'),
    [
      '-D',
      data,
      '-U',
      'admin',
      '--auth-local=trust',
      '--auth-host=scram-sha-256',
      '-E',
      'UTF8',
      '--locale=C',
      '--no-sync',
    ],
    { ...user, stdio: 'pipe' },
  );
  const port = await freePort();
  const args = ['-D', data, '-k', directory, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off'];
  args.push(...settings.flatMap((setting) => ['-c', setting]));
  const child = spawn(join(bin, 'postgres'), args, { ...user, stdio: 'ignore', cwd: directory });
  await until(
    child,
    () =>
      existsSync(join(directory, `.s.PGSQL.${port}`)) &&
      status(join(bin, 'pg_isready'), ['-h', directory, '-p', String(port)]),
  );
  return {
    port,
    socket: directory,
    admin: (database) =>
      `postgres://admin@localhost:${port}/${encodeURIComponent(database)}?host=${encodeURIComponent(directory)}`,
    stop: () => stop(child, 'SIGINT', directory),
  };
}

/** MariaDB with passwords over TCP; `root` needs none on its socket. `options`: more of them, --name=value. */
export async function startMariadb(options: string[] = []): Promise<TestServer> {
  const user = asUser('mysql');
  const directory = home(user);
  const data = join(directory, 'data');
  const socket = join(directory, 's');
  // A server that starts clears its folder for temporary files of every table of MariaDB's: each has one of its own.
  const own = ['--no-defaults', `--datadir=${data}`, `--tmpdir=${directory}`];
  execFileSync('mariadb-install-db', [...own, '--auth-root-authentication-method=normal', '--skip-test-db'], {
    ...user,
    stdio: 'pipe',
  });
  const port = await freePort();
  const args = [
    ...own,
    `--socket=${socket}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--pid-file=${join(directory, 'pid')}`,
    '--skip-log-bin',
    ...options,
  ];
  const child = spawn(program('mariadbd')!, args, { ...user, stdio: 'ignore', cwd: directory });
  await until(
    child,
    () => existsSync(socket) && status('mariadb-admin', ['--no-defaults', '-u', 'root', '-S', socket, 'ping']),
  );
  return {
    port,
    socket,
    admin: (database) =>
      `mariadb://root@localhost/${encodeURIComponent(database)}?socket=${encodeURIComponent(socket)}`,
    stop: () => stop(child, 'SIGTERM', directory),
  };
}

export interface User {
  uid?: number;
  gid?: number;
}

/** Whose server it is: `name` where we are root, as no database server runs as root. */
export function asUser(name: string): User {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function home({ uid, gid }: User): string {
  const directory = mkdtempSync(join(tmpdir(), 'db-'));
  if (uid !== undefined) chownSync(directory, uid, gid!);
  chmodSync(directory, 0o700);
  return directory;
}

/** Where the server's programs are; null where there are none. */
export function postgresFolder(): string | null {
  const base = '/usr/lib/postgresql';
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(base, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  return folders.find((folder) => existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'initdb'))) ?? null;
}

function program(name: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file)) ?? null;
}

function status(file: string, args: string[]): boolean {
  try {
    execFileSync(file, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function until(child: ChildProcess, ready: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (child.exitCode !== null) throw new Error(`the server ended with status ${child.exitCode}`);
    if (ready()) return;
    await sleep(50);
  }
  throw new Error('the server did not become ready');
}

async function stop(child: ChildProcess, signal: NodeJS.Signals, directory: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }
  rmSync(directory, { recursive: true, force: true });
}
