/** A PostgreSQL server of our own: on a unix socket in a directory that only its user may enter, with durable settings. */
import { access, constants } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { Failure } from '../../outcome/outcome.ts';
import { lastWords, must } from '../../process/process.ts';
import type { ServerAddress } from '../address.ts';
import type { ThrowawayOptions } from '../open.ts';
import { openPostgres } from '../postgres/postgres.ts';
import { fittingClient, libpqEnvironment } from '../postgres/programs.ts';
import { compareVersions, findPrograms, type Program, postgresFolders, streamInto } from '../programs.ts';
import type { Database, Throwaway, Traits } from '../types.ts';
import { asUser, serverUser, startServer, throwawayDirectory } from './directory.ts';

/** The installed server of that major version, or the oldest newer one. Throws `tool-missing`. */
export async function postgresServer(version: string): Promise<Program> {
  // initdb stands beside the server in its own folder; a copy of it on the PATH may stand alone.
  const found = (await findPrograms(['postgres'], await postgresFolders())).filter(
    (program) => compareVersions(program.version, version, 1) >= 0,
  );
  for (const program of found.sort((a, b) => compareVersions(a.version, b.version))) {
    if (
      await access(join(dirname(program.file), 'initdb'), constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return program;
  }
  throw new Failure({
    code: 'tool-missing',
    what: `no PostgreSQL server of version ${version.split('.')[0]} or newer is installed here`,
    next: `install it (on Debian and Ubuntu: postgresql-${version.split('.')[0]}), or require a lower level`,
  });
}

export async function throwawayPostgres({ scratch, like, signal }: ThrowawayOptions): Promise<Throwaway> {
  const server = await postgresServer(like.version);
  const user = await serverUser(['postgres']);
  const directory = await throwawayDirectory(scratch, user);
  const data = join(directory, 'data');
  const initdb = {
    file: join(dirname(server.file), 'initdb'),
    args: ['-D', data, '-U', 'changeline', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    signal,
  };
  await must(asUser(initdb, user), (finished) => unusable('initdb failed', lastWords(finished)));
  const args = [
    '-D',
    data,
    '-k',
    directory,
    '-c',
    'listen_addresses=',
    '-c',
    'unix_socket_permissions=0700',
    '-c',
    'autovacuum=off',
  ];
  const admin = () => openPostgres('throwaway', address(directory, 'template1'), { signal });
  const ready = () =>
    admin().then(
      (database) => database.close().then(() => true),
      () => false,
    );
  const running = await startServer(asUser({ file: server.file, args }, user), directory, ready, 'SIGQUIT', signal);
  try {
    const unlike =
      server.version === like.version
        ? []
        : [`the copy runs PostgreSQL ${server.version}, the original ${like.version}`];
    const maintenance = await admin();
    try {
      unlike.push(...(await prepare(maintenance, like)));
    } finally {
      await maintenance.close();
    }
    const database = await openPostgres('throwaway', address(directory, like.name), { signal });
    return {
      database,
      unlike,
      restore: (from, stop) => restore(from, address(directory, like.name), stop),
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

/** Creates what the dump takes for granted: the database in its encoding and sort order, the roles, the extensions' files. */
async function prepare(admin: Database, like: Traits): Promise<string[]> {
  const unlike: string[] = [];
  const available = new Set((await admin.query('SELECT name FROM pg_available_extensions')).map((row) => row.name));
  const absent = like.extensions.filter((extension) => !available.has(extension));
  if (absent.length)
    throw unusable(
      `the throwaway server lacks extensions of the original: ${absent.join(', ')}`,
      undefined,
      'install the packages of these extensions here',
    );
  for (const role of like.roles) {
    if ((await admin.query('SELECT FROM pg_roles WHERE rolname = $1', [role])).length === 0)
      await admin.execute([`CREATE ROLE ${admin.quote(role)} NOLOGIN`]);
  }
  const create = (locale: string) =>
    `CREATE DATABASE ${admin.quote(like.name)} TEMPLATE template0 ENCODING '${like.encoding?.replaceAll("'", "''")}' LOCALE '${locale.replaceAll("'", "''")}'`;
  if (like.name === 'postgres') await admin.execute(['DROP DATABASE postgres']);
  await admin.execute([create(like.collation ?? 'C')]).catch(async () => {
    unlike.push(`the locale ${like.collation} is not installed here, the copy sorts by C`);
    await admin.execute([create('C')]);
  });
  return unlike;
}

/** `pg_restore`, of the same version as the server it feeds, stopping at the first error. */
async function restore(from: Readable, to: ServerAddress, signal: AbortSignal): Promise<void> {
  const server = await openPostgres('throwaway', to, { signal });
  const program = await server
    .version()
    .then((version) => fittingClient('pg_restore', version))
    .finally(() => server.close());
  const conninfo = `dbname='${to.database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const args = ['--exit-on-error', '--no-owner', '--no-privileges', '--no-password', `--dbname=${conninfo}`];
  await streamInto(
    from,
    { file: program.file, args, env: libpqEnvironment({ address: to, tunnel: null }) },
    signal,
    (how) => unusable('pg_restore could not read the dump back', lastWords(how)),
  );
}

function address(directory: string, database: string): ServerAddress {
  const where = `throwaway PostgreSQL, database ${database}`;
  return {
    engine: 'postgres',
    user: 'changeline',
    password: '',
    hostname: '',
    port: 5432,
    socket: directory,
    database,
    tls: 'disable',
    authority: null,
    where,
  };
}

function unusable(what: string, why: string | undefined, next = 'see what the program says'): Failure {
  return new Failure({ code: 'backup-failed', what, why, untouched: 'the original database was only read', next });
}
