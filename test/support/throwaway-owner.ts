/** A process of its own that starts a throwaway server and says `ready`: to be killed. Its request is its standard input, as JSON. */
import { text } from 'node:stream/consumers';
import type { HostAddress } from '../../src/config/config.ts';
import { type ThrowawayPlace, type Traits, throwaway } from '../../src/database/database.ts';
import { type ConnectOptions, connect } from '../../src/transport/transport.ts';

export interface OwnerRequest {
  like: Traits;
  scratch: string;
  /** The host that it runs on; this machine where null. */
  host: { address: HostAddress; options: Omit<ConnectOptions, 'signal'> } | null;
  /** The container that it runs in instead. */
  container?: ThrowawayPlace;
}

const { like, scratch, host, container } = JSON.parse(await text(process.stdin)) as OwnerRequest;
const { signal } = new AbortController();
const own: ThrowawayPlace = host
  ? { kind: 'host', host: await connect(host.address, { ...host.options, signal }), scratch }
  : { kind: 'runner', scratch };
await throwaway({ scratch: host?.options.scratch ?? scratch, like, at: container ?? own, signal });
process.stdout.write('ready\n');
