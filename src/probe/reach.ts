/** What checks are asked through: this machine, the connected hosts with tunnels into them, the databases. */
import type { Database } from '../database/database.ts';
import { type Host, Limit, type Tunnel } from '../transport/transport.ts';
import type { Check, Endpoint } from './check.ts';

/** What a probe is given; it closes none of it. */
export interface Reach {
  /** This machine, its root the workspace: commands run in it. */
  here: Host;
  /** The connected host of that name. Throws the Failure for which it is not connected. */
  host(name: string): Host;
  /** One of the environment's databases, opened once. Throws the Failure for which it is not open. */
  database(name: string): Promise<Database>;
}

/** Where a check is asked. Throws as `Reach.host` does. */
export function placeOf({ there, host }: Pick<Check, 'there' | 'host'>, reach: Reach): Host {
  return there && host !== null ? reach.host(host) : reach.here;
}

/** The ways into hosts: each is opened once and stays open for the checks that follow, until `close`. */
export class Ways {
  readonly #tunnels = new Map<string, Promise<Tunnel>>();

  /** Where to connect from here to reach that port as the host sees it. Throws as `Host.tunnel` does. */
  async to(host: Host, { hostname, port }: Endpoint): Promise<Endpoint> {
    if (host.kind === 'local') return { hostname, port };
    const key = JSON.stringify([host.name, hostname, port]);
    const tunnel = this.#tunnels.get(key) ?? host.tunnel(hostname, port);
    this.#tunnels.set(key, tunnel);
    tunnel.catch(() => this.#tunnels.delete(key)); // the next try opens another
    return tunnel;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#tunnels.values()].map(async (tunnel) => (await tunnel).close()));
    this.#tunnels.clear();
  }
}

/** Logins at one database at once: an application's own come first. */
const LOGINS = 4;
/** Sessions on one host at once: sshd allows ten in a connection, by default (MaxSessions). */
const SESSIONS = 6;
/** Questions that open nothing of the kind, each. */
const MANY = 64;

/** Lets checks take turns at what takes only a few at once, before the time of a try begins. */
export class Turns {
  readonly #limits = new Map<string, Limit>();

  take<T>(check: Check, work: () => Promise<T>): Promise<T> {
    const [of, width] = scarce(check);
    const limit = this.#limits.get(of) ?? new Limit(width);
    this.#limits.set(of, limit);
    return limit.run(work);
  }
}

function scarce(check: Check): [of: string, width: number] {
  if (check.kind === 'sql') return [`database ${check.database}`, LOGINS];
  if (check.kind === 'http' || !check.there) return ['here', MANY];
  return [`host ${check.host}`, SESSIONS];
}
