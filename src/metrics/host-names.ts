/** Which host of the environment a label of a series means. Pure. */
import type { Host } from '../transport/transport.ts';

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/**
 * The name in changeline.yml of the host that a label's value names: the host's name itself, its address, or
 * address:port (an exporter's). Where several hosts share an address, the port must be one of a host's own values
 * (`with`). Any other value stays as it is.
 */
export function hostOfLabel(value: string, hosts: readonly Pick<Host, 'name' | 'kind' | 'with'>[]): string {
  if (hosts.some(({ name }) => name === value)) return value;
  const { address, port } = takenApart(value);
  const near = hosts.filter((host) =>
    (host.kind === 'local' ? LOOPBACK : [takenApart(host.name.replace(/^[^@]*@/, '')).address]).includes(address),
  );
  const own = near.length > 1 ? near.filter((host) => port !== null && Object.values(host.with).includes(port)) : near;
  return own.length === 1 ? own[0]!.name : value;
}

/** `name`, `name:port`, `[v6]:port` or a bare v6 address. */
function takenApart(text: string): { address: string; port: string | null } {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text);
  return { address: (match?.[1] ?? match?.[2] ?? text).toLowerCase(), port: match?.[3] ?? null };
}
