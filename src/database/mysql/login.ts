/** Logging in to a MySQL or MariaDB server, and ending a statement there from outside its connection. */
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { Failure } from '../../outcome/outcome.ts';
import { redact } from '../../secret/secret.ts';
import type { ServerAddress } from '../address.ts';
import type { Tunnel } from '../types.ts';

const CONNECT_MS = 10_000;
/** How long the server may take to end a statement: a cancelled run has not long to live. */
const KILL_MS = 3000;

/** Where to connect: the address itself, or the near end of a tunnel to it. */
export interface Way {
  address: ServerAddress;
  tunnel: Tunnel | null;
  signal: AbortSignal;
  /** For files with a password. */
  scratch: string;
}

/** A connection, through the tunnel where there is one. Throws `database-unreachable`, `database-denied`. */
export async function login(way: Way): Promise<mysql.Connection> {
  const { address, tunnel } = way;
  const attempt = (ssl: mysql.SslOptions | null) =>
    mysql.createConnection({
      ...(address.socket
        ? { socketPath: address.socket }
        : { host: tunnel?.hostname ?? address.hostname, port: tunnel?.port ?? address.port }),
      ...(ssl === null ? {} : { ssl }),
      user: address.user,
      password: address.password,
      database: address.database,
      connectTimeout: CONNECT_MS,
      charset: 'utf8mb4',
      supportBigNumbers: true,
    });
  try {
    return await dial(attempt, address);
  } catch (error) {
    throw way.signal.aborted ? error : loginFailure(address, error);
  }
}

async function dial(
  attempt: (ssl: mysql.SslOptions | null) => Promise<mysql.Connection>,
  address: ServerAddress,
): Promise<mysql.Connection> {
  if (address.tls === 'disable' || address.socket) return attempt(null);
  if (address.tls === 'prefer') {
    return attempt({ rejectUnauthorized: false }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'HANDSHAKE_NO_SSL_SUPPORT') return attempt(null);
      throw error;
    });
  }
  const ca = address.authority === null ? {} : { ca: await readFile(address.authority, 'utf8') };
  return attempt({
    rejectUnauthorized: address.tls !== 'require',
    verifyIdentity: address.tls === 'verify-full',
    ...ca,
  });
}

/**
 * Ends the statement that runs on a connection, from a second one of the same user, who may do so without any
 * privilege. Resolves when the server has taken it, or did not in three seconds.
 */
export async function killStatement(way: Way, { threadId }: mysql.Connection): Promise<void> {
  const killing = login(way).then(async (second) => {
    await second.query(`KILL QUERY ${Number(threadId)}`).catch(() => {}); // it has ended by itself
    second.destroy();
  });
  const late = new AbortController();
  await Promise.race([killing.catch(() => {}), pause(KILL_MS, undefined, { signal: late.signal }).catch(() => {})]);
  late.abort();
}

function loginFailure(address: ServerAddress, error: unknown): Failure {
  const { message, code = '' } = error as { message: string; code?: string };
  const denied = [
    'ER_ACCESS_DENIED_ERROR',
    'ER_DBACCESS_DENIED_ERROR',
    'ER_HOST_NOT_PRIVILEGED',
    'ER_NOT_SUPPORTED_AUTH_MODE',
  ].includes(code);
  return new Failure({
    code: denied ? 'database-denied' : 'database-unreachable',
    what: denied ? 'the database refused the login' : 'the database did not answer',
    where: address.where,
    why: redact(message || code),
    untouched: 'nothing was changed',
    next: denied
      ? 'check user, password and database in the URL, and what the user is granted'
      : 'check that the server runs and that this machine reaches it',
    cause: error,
  });
}
