/** The client programs of MySQL and MariaDB, and how they are told a password. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../outcome/outcome.ts';
import type { ServerAddress, Tls } from '../address.ts';
import { compareVersions, findPrograms, type Program, pathFolders } from '../programs.ts';
import type { Way } from './login.ts';

const NAMES = { dump: ['mariadb-dump', 'mysqldump'], client: ['mariadb', 'mysql'] };

export type ClientProgram = Program & { mariadb: boolean };

/** The program for this server: of its own kind before the other, never of an older major version than the server's. */
export async function clientProgram(
  use: 'dump' | 'client',
  engine: 'mysql' | 'mariadb',
  server: string,
): Promise<ClientProgram> {
  const names = engine === 'mariadb' ? NAMES[use] : NAMES[use].toReversed();
  const installed = await findPrograms(names, pathFolders());
  const found = installed.map(
    ({ said, ...program }): ClientProgram => ({ ...program, mariadb: /mariadb/i.test(said) }),
  );
  const own = found.filter((program) => program.mariadb === (engine === 'mariadb'));
  const fitting =
    own.find((program) => compareVersions(program.version, server, 1) >= 0) ?? (own.length ? undefined : found[0]);
  if (fitting) return fitting;
  const older = own.map((program) => program.version).join(', ');
  throw new Failure({
    code: 'tool-missing',
    what: older
      ? `${names[0]} ${older} is older than the server, ${server}`
      : `neither ${names[0]} nor ${names[1]} is installed`,
    untouched: 'the database was not touched',
    next: `install the ${engine === 'mariadb' ? 'MariaDB' : 'MySQL'} client programs of version ${server.split('.')[0]} or newer`,
  });
}

/** Runs `use` with the options that make a program log in by a file of mode 0600, which is removed afterwards. */
export async function withOptionFile<T>(
  way: Pick<Way, 'address' | 'tunnel' | 'scratch'>,
  program: ClientProgram,
  use: (options: string[]) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(way.scratch, 'login-'));
  try {
    const file = join(directory, 'client.cnf');
    await writeFile(file, optionFile(way.address, way.tunnel, program.mariadb), { mode: 0o600, flag: 'wx' });
    await chmod(file, 0o600);
    return await use([`--defaults-extra-file=${file}`]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The way as a URL, for the user's own tools: with the password. */
export function urlOf({ address, tunnel }: Pick<Way, 'address' | 'tunnel'>, engine: 'mysql' | 'mariadb'): string {
  const of = encodeURIComponent;
  const hostname = tunnel?.hostname ?? address.hostname;
  const parameters = new URLSearchParams({
    ...(address.socket === null ? {} : { socket: address.socket }),
    ...(address.tls === 'prefer' || address.socket !== null ? {} : { 'ssl-mode': MYSQL_TLS[address.tls] }),
    ...(address.authority === null ? {} : { 'ssl-ca': address.authority }),
  }).toString();
  const host = address.socket !== null ? 'localhost' : hostname.includes(':') ? `[${hostname}]` : hostname;
  const port = address.socket !== null ? '' : `:${tunnel?.port ?? address.port}`;
  const login = address.password === '' ? of(address.user) : `${of(address.user)}:${of(address.password)}`;
  return `${engine}://${login}@${host}${port}/${of(address.database)}${parameters && `?${parameters}`}`;
}

/** The text of an option file. Its rules: in double quotes, a backslash begins an escape; nothing else is special. */
export function optionFile(
  address: ServerAddress,
  tunnel: { hostname: string; port: number } | null,
  mariadb: boolean,
): string {
  const value = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  const server = address.socket
    ? [`socket=${value(address.socket)}`]
    : [`host=${value(tunnel?.hostname ?? address.hostname)}`, `port=${tunnel?.port ?? address.port}`, 'protocol=TCP'];
  const authority = address.authority === null ? [] : [`ssl-ca=${value(address.authority)}`];
  const tls = address.socket ? [] : mariadb ? MARIADB_TLS[address.tls] : [`ssl-mode=${MYSQL_TLS[address.tls]}`];
  return [
    '[client]',
    `user=${value(address.user)}`,
    `password=${value(address.password)}`,
    ...server,
    ...tls,
    ...authority,
    '',
  ].join('\n');
}

// The words of MySQL's own programs and of URLs.
const MYSQL_TLS: Record<Tls, string> = {
  disable: 'DISABLED',
  prefer: 'PREFERRED',
  require: 'REQUIRED',
  'verify-ca': 'VERIFY_CA',
  'verify-full': 'VERIFY_IDENTITY',
};
// MariaDB's programs know yes, no and verified; verify-ca gets the stricter one. From 11.4 on, verified is their default.
const MARIADB_TLS: Record<Tls, string[]> = {
  disable: ['skip-ssl'],
  prefer: ['disable-ssl-verify-server-cert'],
  require: ['ssl', 'disable-ssl-verify-server-cert'],
  'verify-ca': ['ssl', 'ssl-verify-server-cert'],
  'verify-full': ['ssl', 'ssl-verify-server-cert'],
};
