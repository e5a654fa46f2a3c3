/** A streaming standby of a test server: a real one, by pg_basebackup. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fittingClient } from '../../src/database/postgres/programs.ts';
import { asUser, postgresFolder, type TestServer } from './databases.ts';
import { freePort } from './ports.ts';

/** Starts a standby of `of` in its directory; stop it before `of` is stopped. */
export async function startStandby(of: TestServer): Promise<TestServer> {
  const user = asUser('postgres');
  const data = join(of.socket, 'standby');
  const { file } = await fittingClient('pg_basebackup', '12');
  const from = ['-h', of.socket, '-p', String(of.port), '-U', 'admin'];
  execFileSync(file, [...from, '-D', data, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'], {
    ...user,
    stdio: 'pipe',
  });
  const port = await freePort();
  const control = (...args: string[]) =>
    execFileSync(join(postgresFolder()!, 'pg_ctl'), ['-D', data, '-w', ...args], { ...user, stdio: 'ignore' });
  control('-o', `-k ${of.socket} -p ${port} -c listen_addresses= -c fsync=off`, '-l', join(of.socket, 'log'), 'start');
  return {
    port,
    socket: of.socket,
    admin: (database) => of.admin(database).replace(`:${of.port}/`, `:${port}/`),
    stop: async () => void control('-m', 'immediate', 'stop'),
  };
}
