/** A MariaDB or MySQL server of our own: on a unix socket in a directory that only its user may enter, with durable settings. */
import { join } from 'node:path';
import { Failure } from '../../outcome/outcome.ts';
import { lastWords, must, run } from '../../process/process.ts';
import type { ServerAddress } from '../address.ts';
import { openMysql } from '../mysql/mysql.ts';
import { clientProgram, withOptionFile } from '../mysql/programs.ts';
import type { ThrowawayOptions } from '../open.ts';
import { findPrograms, type Program, serverFolders, streamInto } from '../programs.ts';
import type { Throwaway } from '../types.ts';
import { asUser, serverUser, startServer, throwawayDirectory } from './directory.ts';

/** The installed server of that kind. MySQL and MariaDB do not read each other's schemas whole. Throws `tool-missing`. */
export async function mysqlServer(engine: 'mysql' | 'mariadb'): Promise<Program> {
  for (const program of await findPrograms(
    engine === 'mariadb' ? ['mariadbd', 'mysqld'] : ['mysqld'],
    serverFolders(),
  )) {
    const said = await run({ file: program.file, args: ['--version'] });
    if (/mariadb/i.test(said.stdout) === (engine === 'mariadb')) return program;
  }
  const name = engine === 'mariadb' ? 'MariaDB' : 'MySQL';
  throw new Failure({
    code: 'tool-missing',
    what: `no ${name} server is installed here`,
    next: `install it (on Debian and Ubuntu: ${engine}-server), or require a lower level`,
  });
}

export async function throwawayMysql({ scratch, like, signal }: ThrowawayOptions): Promise<Throwaway> {
  const engine = like.engine as 'mysql' | 'mariadb';
  const server = await mysqlServer(engine);
  const user = await serverUser(['mysql']);
  const directory = await throwawayDirectory(scratch, user);
  const data = join(directory, 'data');
  const socket = join(directory, 'socket');
  const common = ['--no-defaults', `--datadir=${data}`];
  const create =
    engine === 'mariadb'
      ? { file: 'mariadb-install-db', args: [...common, '--auth-root-authentication-method=normal', '--skip-test-db'] }
      : { file: server.file, args: [...common, '--initialize-insecure'] };
  await must(asUser({ ...create, signal }, user), (finished) =>
    unusable('the data directory of a throwaway server could not be created', lastWords(finished)),
  );
  const args = [
    ...common,
    `--socket=${socket}`,
    `--pid-file=${join(directory, 'server.pid')}`,
    '--skip-networking',
    '--skip-log-bin',
    '--max-allowed-packet=1G',
    `--tmpdir=${directory}`,
  ];
  const admin = () => openMysql('throwaway', address(socket, 'mysql'), { scratch, signal });
  const ready = () =>
    admin().then(
      (database) => database.close().then(() => true),
      () => false,
    );
  const running = await startServer(asUser({ file: server.file, args }, user), directory, ready, 'SIGKILL', signal);
  try {
    const maintenance = await admin();
    const charset = like.encoding ? ` CHARACTER SET ${like.encoding} COLLATE ${like.collation}` : '';
    await maintenance
      .execute([`CREATE DATABASE ${maintenance.quote(like.name)}${charset}`])
      .finally(() => maintenance.close());
    const database = await openMysql('throwaway', address(socket, like.name), { scratch, signal });
    const way = { address: address(socket, like.name), tunnel: null, scratch };
    return {
      database,
      unlike:
        server.version === like.version
          ? []
          : [`the copy runs version ${server.version}, the original ${like.version}`],
      restore: async (from, stop) => {
        const program = await clientProgram('client', engine, server.version);
        await withOptionFile(way, program, (options) =>
          streamInto(
            from,
            {
              file: program.file,
              args: [
                ...options,
                '--default-character-set=utf8mb4',
                '--max-allowed-packet=1G',
                `--database=${like.name}`,
              ],
            },
            stop,
            (how) => unusable('the dump could not be read back', lastWords(how)),
          ),
        );
      },
      close: async () => {
        await database.close();
        await running.stop();
      },
    };
  } catch (error) {
    await running.stop();
    throw error;
  }
}

function address(socket: string, database: string): ServerAddress {
  const where = `throwaway server, database ${database}`;
  return {
    engine: 'mysql',
    user: 'root',
    password: '',
    hostname: '',
    port: 3306,
    socket,
    database,
    tls: 'disable',
    authority: null,
    where,
  };
}

function unusable(what: string, why: string): Failure {
  return new Failure({
    code: 'backup-failed',
    what,
    why,
    untouched: 'the original database was only read',
    next: 'see what the program says',
  });
}
