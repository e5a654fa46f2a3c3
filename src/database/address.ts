/** The URL of a database, taken apart. */
import { isAbsolute, join } from 'node:path';
import { Failure } from '../outcome/outcome.ts';
import { hide } from '../secret/secret.ts';

/** How far the server's certificate is trusted; the words of libpq. */
export type Tls = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** A server to log in to. */
export interface ServerAddress {
  engine: 'postgres' | 'mysql';
  user: string;
  password: string;
  /** Empty where `socket` is used. */
  hostname: string;
  port: number;
  /** PostgreSQL: the directory of the socket; MySQL: the socket itself. */
  socket: string | null;
  database: string;
  tls: Tls;
  /** The path of the file with the certificates of the authority, or null for the system's. */
  authority: string | null;
  /** For people; no password. */
  where: string;
}

export interface FileAddress {
  engine: 'sqlite';
  path: string;
  where: string;
}

export type Address = ServerAddress | FileAddress;

const PORTS = { postgres: 5432, mysql: 3306 };
const MYSQL_TLS: Record<string, Tls> = {
  DISABLED: 'disable',
  PREFERRED: 'prefer',
  REQUIRED: 'require',
  VERIFY_CA: 'verify-ca',
  VERIFY_IDENTITY: 'verify-full',
};
const POSTGRES_TLS: Record<string, Tls> = {
  disable: 'disable',
  allow: 'prefer',
  prefer: 'prefer',
  require: 'require',
  'verify-ca': 'verify-ca',
  'verify-full': 'verify-full',
};

/**
 * Takes a database URL apart; its password is hidden in every log from then on. `name` is the database's name in
 * changeline.yml, for messages. Throws `config-invalid` for anything that would not be used as it is written.
 */
export function parseAddress(url: string, name: string, workspace: string): Address {
  if (url.startsWith('sqlite:')) return fileAddress(url, name, workspace);
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const engine = ENGINES[parsed?.protocol ?? ''];
  if (!parsed || !engine) throw invalid(name, 'the URL is not one of a database');
  const database = decode(parsed.pathname.slice(1), name);
  const user = decode(parsed.username, name);
  const password = decode(parsed.password, name);
  if (!database) throw invalid(name, 'the URL names no database after the host');
  if (!user) throw invalid(name, 'the URL names no user');
  if (/[\0\n\r]/.test(database + user + password)) throw invalid(name, 'the URL holds a line break or a NUL');
  hide(password);
  const rest = engine === 'postgres' ? postgresParameters(parsed, name) : mysqlParameters(parsed, name);
  const hostname = parsed.hostname.replace(/^\[|\]$/g, '') || (rest.socket ? '' : 'localhost');
  const port = Number(parsed.port) || PORTS[engine];
  const host = rest.socket ?? `${parsed.hostname || 'localhost'}:${port}`;
  return {
    engine,
    user,
    password,
    hostname,
    port,
    database,
    ...rest,
    where: `${engine}://${user}@${host}/${database}`,
  };
}

const ENGINES: Record<string, ServerAddress['engine']> = {
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
  'mysql:': 'mysql',
  'mariadb:': 'mysql',
};

function fileAddress(url: string, name: string, workspace: string): FileAddress {
  const path = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
  if (!path || path === ':memory:' || path.includes('\0'))
    throw invalid(name, 'sqlite: needs the path of a file after it');
  const absolute = isAbsolute(path) ? path : join(workspace, path);
  return { engine: 'sqlite', path: absolute, where: `sqlite:${path}` };
}

type Rest = Pick<ServerAddress, 'socket' | 'tls' | 'authority'>;

function postgresParameters(url: URL, name: string): Rest {
  const { host, sslmode = 'prefer', sslrootcert } = parameters(url, name, ['host', 'sslmode', 'sslrootcert']);
  if (host !== undefined && !host.startsWith('/'))
    throw invalid(name, 'the parameter host is for the directory of a unix socket');
  return { socket: host ?? null, tls: tlsOf(POSTGRES_TLS, 'sslmode', sslmode, name), authority: sslrootcert ?? null };
}

function mysqlParameters(url: URL, name: string): Rest {
  const given = parameters(url, name, ['socket', 'ssl-mode', 'ssl-ca']);
  const mode = (given['ssl-mode'] ?? 'PREFERRED').toUpperCase();
  return {
    socket: given.socket ?? null,
    tls: tlsOf(MYSQL_TLS, 'ssl-mode', mode, name),
    authority: given['ssl-ca'] ?? null,
  };
}

function parameters(url: URL, name: string, allowed: string[]): Record<string, string> {
  for (const key of url.searchParams.keys()) {
    if (!allowed.includes(key))
      throw invalid(name, `the URL has a parameter that is not used: ${key}; allowed are ${allowed.join(', ')}`);
  }
  if (url.hash) throw invalid(name, 'the URL has a # that is not percent-encoded');
  return Object.fromEntries(url.searchParams);
}

function tlsOf(modes: Record<string, Tls>, key: string, mode: string, name: string): Tls {
  const tls = Object.hasOwn(modes, mode) ? modes[mode] : undefined;
  if (!tls) throw invalid(name, `${key} must be one of ${Object.keys(modes).join(', ')}`);
  return tls;
}

function decode(text: string, name: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(name, 'a % in the URL is not percent-encoded');
  }
}

// The URL itself is never shown: where it is malformed, nobody knows which part is the password.
function invalid(name: string, what: string): Failure {
  return new Failure({
    code: 'config-invalid',
    what,
    where: `database ${name}`,
    untouched: 'nothing was connected to',
    next: 'write it as postgres://user:password@host/name, mysql://user:password@host/name, mariadb://… or sqlite:path, with special characters of the password percent-encoded',
  });
}
