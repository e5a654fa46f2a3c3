/** Logging in to a PostgreSQL server, and ending a statement there from outside its connection. */
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import pg from 'pg';
import { Failure } from '../../outcome/outcome.ts';
import { redact } from '../../secret/secret.ts';
import type { ServerAddress } from '../address.ts';
import type { Tunnel } from '../types.ts';

/** How long a login may take, in milliseconds. */
export const CONNECT_MS = 10_000;
/** How long the server may take for a request to cancel: a cancelled run has not long to live. */
const CANCEL_MS = 3000;

/** Where to connect: the address itself, or the near end of a tunnel to it. */
export interface Way {
  address: ServerAddress;
  tunnel: Tunnel | null;
  signal: AbortSignal;
}

/**
 * The address as a URL, with the password, in the form that libpq and what follows it read. Through a tunnel the
 * server's certificate is still verified, but not its name: the name that is dialled is that of this machine.
 */
export function urlOf({ address, tunnel }: Pick<Way, 'address' | 'tunnel'>): string {
  const part = encodeURIComponent;
  const password = address.password ? `:${part(address.password)}` : '';
  const hostname = address.socket ? 'localhost' : (tunnel?.hostname ?? address.hostname);
  const host = `${hostname.includes(':') ? `[${hostname}]` : hostname}:${tunnel?.port ?? address.port}`;
  const tls = tunnel && address.tls === 'verify-full' ? 'verify-ca' : address.tls;
  const query = [
    ...(address.socket ? [`host=${part(address.socket)}`] : [`sslmode=${tls}`]),
    ...(address.authority === null ? [] : [`sslrootcert=${part(address.authority)}`]),
  ];
  return `postgres://${part(address.user)}${password}@${host}/${part(address.database)}?${query.join('&')}`;
}

/** A connection, through the tunnel where there is one. Throws `database-unreachable`, `database-denied`. */
export async function login(way: Way): Promise<pg.Client> {
  const { address, tunnel } = way;
  const config: pg.ClientConfig = {
    host: address.socket ?? tunnel?.hostname ?? address.hostname,
    port: tunnel?.port ?? address.port,
    user: address.user,
    password: address.password,
    database: address.database,
    connectionTimeoutMillis: CONNECT_MS,
    application_name: 'changeline',
    keepAlive: true,
  };
  try {
    return await dial(config, address);
  } catch (error) {
    throw way.signal.aborted ? error : loginFailure(address, error);
  }
}

/** `prefer`, the default of libpq, encrypts where the server can; the pg package itself knows only yes and no. */
async function dial(config: pg.ClientConfig, address: ServerAddress): Promise<pg.Client> {
  const attempt = async (ssl: pg.ClientConfig['ssl']) => {
    const client = new pg.Client({ ...config, ssl });
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  if (address.tls === 'disable' || address.socket) return attempt(false);
  if (address.tls === 'prefer') {
    return attempt({ rejectUnauthorized: false }).catch((error: Error) => {
      if (/does not support SSL/i.test(error.message)) return attempt(false);
      throw error;
    });
  }
  const ca = address.authority === null ? {} : { ca: await readFile(address.authority, 'utf8') };
  const unnamed = address.tls === 'verify-ca' ? { checkServerIdentity: () => undefined } : {};
  return attempt({ rejectUnauthorized: address.tls !== 'require', servername: address.hostname, ...ca, ...unnamed });
}

/**
 * Ends the statement that runs on a connection, and no other: the server compares the key that it gave to this client
 * at login. The message CancelRequest of PostgreSQL's protocol ("Canceling Requests in Progress"), sent unencrypted
 * as libpq's PQcancel does; it needs no login. Resolves when the server has taken it, or did not in three seconds.
 */
export async function cancelStatement({ address, tunnel }: Way, client: pg.Client): Promise<void> {
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
  const request = Buffer.alloc(16);
  for (const [index, field] of [request.length, 80_877_102, processID, secretKey].entries())
    request.writeInt32BE(field, index * 4);
  const port = tunnel?.port ?? address.port;
  const socket = address.socket
    ? connect({ path: `${address.socket}/.s.PGSQL.${port}` })
    : connect({ host: tunnel?.hostname ?? address.hostname, port });
  // The server answers by closing; read on, as a socket that nobody reads never sees that.
  socket.resume().setTimeout(CANCEL_MS, () => socket.destroy());
  socket.on('error', () => {});
  socket.once('connect', () => socket.write(request));
  await new Promise((resolve) => socket.once('close', resolve));
}

function loginFailure(address: ServerAddress, error: unknown): Failure {
  const { message, code = '' } = error as { message: string; code?: string };
  const denied = code.startsWith('28') || code === '42501' || /SCRAM|password must be a string/i.test(message);
  return new Failure({
    code: denied ? 'database-denied' : 'database-unreachable',
    what: denied ? 'the database refused the login' : 'the database did not answer',
    where: address.where,
    why: redact(message || code),
    untouched: 'nothing was changed',
    next: denied
      ? 'check user and password in the URL, and pg_hba.conf on the server'
      : 'check that the server runs and that this machine reaches it',
    cause: error,
  });
}
