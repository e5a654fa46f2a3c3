/** The addresses of changeline.yml taken apart. */
import { Failure } from '../outcome/outcome.ts';

/** Where a host is. `user` and `port` are null where ssh_config or ssh itself decides. */
export type Address =
  | { kind: 'local'; directory: string }
  | { kind: 'ssh'; user: string | null; hostname: string; port: number | null };

/** Takes `user@host[:port]`, `user@[v6]:port`, `./directory` or `/directory` apart. Throws `config-invalid`. */
export function parseAddress(at: string): Address {
  if (/^\.{0,2}\//.test(at)) return { kind: 'local', directory: at };
  const match = /^(?:([\w.-]+)@)?(?:\[([0-9a-fA-F:]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(at);
  const hostname = match?.[2] ?? match?.[3];
  const port = match?.[4] === undefined ? null : Number(match[4]);
  const dashed = hostname?.startsWith('-') || match?.[1]?.startsWith('-');
  if (hostname === undefined || dashed || (port !== null && (port < 1 || port > 65_535))) {
    throw new Failure({
      code: 'config-invalid',
      what: `${JSON.stringify(at)} is not the address of a host`,
      untouched: 'nothing was touched',
      next: 'write user@host, user@host:port, or a directory that starts with ./ or /',
    });
  }
  return { kind: 'ssh', user: match?.[1] ?? null, hostname, port };
}
