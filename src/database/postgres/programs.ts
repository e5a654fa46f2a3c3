/** The client programs of PostgreSQL, and how they are told where to log in. */
import { Failure } from '../../outcome/outcome.ts';
import { compareVersions, findPrograms, type Program, postgresFolders } from '../programs.ts';
import { CONNECT_MS, type Way } from './login.ts';

/** How libpq's programs reach the server: by their environment alone, so that nothing of it stands in a list of processes. */
export function libpqEnvironment({ address, tunnel }: Pick<Way, 'address' | 'tunnel'>): Record<string, string> {
  return {
    PGHOST: address.socket ?? address.hostname,
    ...(tunnel ? { PGHOSTADDR: tunnel.hostname } : {}),
    PGPORT: String(tunnel?.port ?? address.port),
    PGUSER: address.user,
    ...(address.password ? { PGPASSWORD: address.password } : {}),
    PGDATABASE: address.database,
    PGSSLMODE: address.tls,
    ...(address.authority === null ? {} : { PGSSLROOTCERT: address.authority }),
    PGCONNECT_TIMEOUT: String(CONNECT_MS / 1000),
    PGAPPNAME: 'changeline',
  };
}

/** The installed client program that fits the server best; see `fittest`. Throws `tool-missing`. */
export async function fittingClient(name: string, server: string): Promise<Program> {
  return fittest(await findPrograms([name], await postgresFolders()), name, server);
}

/**
 * Of programs called `name`, that of the server's major version, or the oldest newer one: an older one refuses the
 * server. Throws `tool-missing` where there is none.
 */
export function fittest(found: Program[], name: string, server: string): Program {
  const [best] = found
    .filter((program) => compareVersions(program.version, server, 1) >= 0)
    .sort((a, b) => compareVersions(a.version, b.version, 1) || compareVersions(b.version, a.version));
  if (best) return best;
  const older = found.map((program) => program.version).join(', ');
  throw new Failure({
    code: 'tool-missing',
    what: older ? `${name} ${older} is older than the server, ${server}` : `${name} is not installed`,
    untouched: 'the database was not touched',
    next: `install the PostgreSQL client programs of version ${server.split('.')[0]} or newer`,
  });
}
