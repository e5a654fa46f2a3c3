/**
 * How a host is reached: over SSH with OpenSSH's own client, or as a directory of this machine. One face for both.
 * The noun's public face.
 */
import type { HostAddress } from '../config/config.ts';
import { parseAddress } from './address.ts';
import type { ConnectOptions, Host } from './host.ts';
import { connectLocal } from './local.ts';
import { connectSsh } from './ssh.ts';

export type { ConnectOptions, Host, PushOptions, ShOptions, ShResult, Tunnel } from './host.ts';
export { identity } from './identity.ts';
export { Limit } from './limit.ts';
export { fillCommand, fillPath, fillUrl, type Named, placeholdersIn, valuesOf } from './placeholders.ts';

/**
 * Connects to a host. Throws a Failure: `host-unreachable`, `host-key`, `host-denied`, `config-invalid`,
 * `tool-missing` where there is no ssh, `cancelled`.
 */
export async function connect(address: HostAddress, options: ConnectOptions): Promise<Host> {
  const parsed = parseAddress(address.at);
  return parsed.kind === 'local' ? connectLocal(address, options) : connectSsh(address, parsed, options);
}
