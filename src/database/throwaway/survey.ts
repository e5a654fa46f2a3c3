/** What a machine has for a throwaway server, and which of it fits: deciding only. */
import { Failure } from '../../outcome/outcome.ts';
import { compareVersions, type Program, versionIn } from '../programs.ts';
import type { Engine } from '../types.ts';

/** What a machine has. */
export interface Survey {
  servers: (Program & { mariadb: boolean })[];
  /** Free bytes in the folder for the data; null where no such folder is there. */
  room: number | null;
  /** The folder that `room` is of. */
  folder: string | null;
  /** Bytes of memory that are free; null where the machine does not say. */
  memory: number | null;
  cores: number;
}

/** An engine with servers. */
export type ServerEngine = Exclude<Engine, 'sqlite'>;

/** The names that the server's program may have. */
export const SERVER_NAMES: Record<ServerEngine, string> = {
  postgres: 'postgres',
  mariadb: 'mariadbd mysqld',
  mysql: 'mysqld',
};

/** Who runs the server where the script is root, besides nobody. */
export const SERVER_USERS: Record<ServerEngine, string> = { postgres: 'postgres', mariadb: 'mysql', mysql: 'mysql' };

/** Reads what the script SURVEY printed; lines that it did not print are passed over. */
export function readSurvey(said: string): Survey {
  const survey: Survey = { servers: [], room: null, folder: null, memory: null, cores: 1 };
  for (const line of said.split('\n')) {
    const [key, first = '', second = ''] = line.split('\t');
    if (key === 'cores') survey.cores = Math.max(1, Number(first) || 1);
    if (key === 'memory') survey.memory = Number(first) * 1024;
    if (key === 'room') [survey.folder, survey.room] = [first, Number(second) * 1024];
    const version = key === 'server' ? versionIn(second) : null;
    if (version) survey.servers.push({ file: first, version, mariadb: /mariadb/i.test(second) });
  }
  return survey;
}

/**
 * The server for a copy. PostgreSQL: of the original's major version, or the oldest newer one. MySQL and MariaDB: one of
 * the same kind, since they do not read each other's schemas whole; the nearest one that is not older, where there is
 * one. `place` is for people. Throws `tool-missing`.
 */
export function chooseServer(survey: Survey, engine: ServerEngine, version: string, place: string): Program {
  const kind = survey.servers.filter((server) => engine === 'postgres' || server.mariadb === (engine === 'mariadb'));
  const parts = engine === 'postgres' ? 1 : 2;
  const newer = kind
    .filter((server) => compareVersions(server.version, version, parts) >= 0)
    .sort((a, b) => compareVersions(a.version, b.version));
  const found = newer[0] ?? (engine === 'postgres' ? undefined : kind[0]);
  if (found) return { file: found.file, version: found.version };
  const major = version.split('.')[0];
  const name = {
    postgres: `PostgreSQL server of version ${major} or newer`,
    mariadb: 'MariaDB server',
    mysql: 'MySQL server',
  };
  const packages = { postgres: `postgresql-${major}`, mariadb: 'mariadb-server', mysql: 'mysql-server' };
  throw new Failure({
    code: 'tool-missing',
    what: `no ${name[engine]} is installed ${place}`,
    untouched: 'nothing was changed',
    next: `install it (on Debian and Ubuntu: ${packages[engine]}), let backups be proven elsewhere (backup.verify.at), or require a lower level`,
  });
}
