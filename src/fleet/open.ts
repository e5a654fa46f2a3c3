/** Connecting the machines of an environment. */
import type { Environment, HostAddress } from '../config/config.ts';
import { Failure } from '../outcome/outcome.ts';
import { type ConnectOptions, connect, fillPath, type Host } from '../transport/transport.ts';
import type { LostHost } from './back.ts';
import { allOrThrow, onEach } from './many.ts';

/** The connected hosts of one environment. */
export interface Fleet {
  hosts: Host[];
  /** Hosts that could not be connected, where `openReachable` was asked. */
  lost: LostHost[];
  close(): Promise<void>;
}

/** What opening a fleet needs beside the environment. */
export type FleetOptions = Omit<ConnectOptions, 'path'>;

/** Connects all hosts in parallel. Throws one Failure that names every host that cannot be used; then none is left open. */
export async function openFleet(environment: Environment, options: FleetOptions): Promise<Fleet> {
  const fleet = await openReachable(environment, options);
  if (fleet.lost.length === 0) return fleet;
  await fleet.close();
  const failures = fleet.lost.map(({ failure }) => ({ ok: false, failure }) as const);
  allOrThrow(failures, 'no host was touched');
  return fleet;
}

/** Connects what can be connected, for work that must go on without the others: taking back, bringing forward. */
export async function openReachable(environment: Environment, options: FleetOptions): Promise<Fleet> {
  const { hosts: addresses, path = null, name } = environment;
  if (addresses.length === 0) {
    throw new Failure({
      code: 'config-invalid',
      what: `the environment ${name} has no hosts`,
      untouched: 'nothing was touched',
      next: 'add hosts: to it in changeline.yml',
    });
  }
  const pathOn = ({ at, with: values }: HostAddress) => path && fillPath(path, { name: at, with: values });
  const answers = await onEach(
    addresses,
    (address) => connect(address, { ...options, path: pathOn(address) }),
    addresses.length,
  );
  const hosts = answers.flatMap((answer) => (answer.ok ? [answer.value] : []));
  const lost = answers.flatMap((answer, index) =>
    answer.ok ? [] : [{ name: addresses[index]!.at, with: addresses[index]!.with, failure: answer.failure }],
  );
  const close = async () => void (await Promise.all(hosts.map((host) => host.close())));
  return { hosts, lost, close };
}
