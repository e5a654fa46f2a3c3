/** Checks over TCP, of names, in databases and by commands, from their entries in the configuration. Pure. */
import { isIP } from 'node:net';
import { fillCommand, fillPath, type Named } from '../transport/transport.ts';
import type { CommandCheck, DnsCheck, Endpoint, SqlCheck, TcpCheck } from './check.ts';
import { comparisonOf, latencyOf, patienceOf, wantedText } from './expectation.ts';
import type { CheckRequest, Long, Place } from './read.ts';
import { short } from './words.ts';

/** A port that answers. */
export function tcpCheck(entry: Long, address: string, place: Place): TcpCheck {
  const endpoint = endpointOf(filled(address, place.host));
  const greeting = wantedText(entry, entry.expect.greeting, { version: null, everyVersion: false });
  return { kind: 'tcp', ...common(entry, `tcp ${address}`, place), ...endpoint, greeting };
}

/** A name that has addresses. */
export function dnsCheck(entry: Long, name: string, place: Place): DnsCheck {
  const hostname = filled(name, place.host);
  if (!/^[^\s/:@?#-][^\s/:@?#]*$/.test(hostname)) throw new Error(`${JSON.stringify(short(hostname))} is no host name`);
  const { address = [] } = entry.expect;
  const addresses = (typeof address === 'string' ? [address] : address).map(canonicalAddress);
  return { kind: 'dns', ...common(entry, `dns ${name}`, place), hostname, addresses };
}

/** A query with one value. The first database is meant where there is only one. */
export function sqlCheck(entry: Long, query: string, place: Place, { databases }: CheckRequest): SqlCheck {
  const database = entry.database ?? (databases.length === 1 ? databases[0] : undefined);
  const there = databases.join(', ') || 'none';
  if (database === undefined) throw new Error(`it does not say which database to ask; there are: ${there}`);
  if (!databases.includes(database)) throw new Error(`there is no database ${database}; there are: ${there}`);
  const value = comparisonOf(entry.expect);
  return { kind: 'sql', ...common(entry, `sql ${short(query)}`, place), query, database, value };
}

/** A command of the user's. */
export function commandCheck(entry: Long, command: string, place: Place, request: CheckRequest): CommandCheck {
  const script = place.host ? fillCommand(command, place.host) : command;
  const { version } = request;
  const output = wantedText(entry, entry.expect.output, { version, everyVersion: false });
  return { kind: 'command', ...common(entry, `command ${short(command)}`, place), script, version, output };
}

/** A text with its placeholders filled for the host; as it stands where there is none. */
export function filled(template: string, host: Named | null): string {
  return host === null ? template : fillPath(template, host);
}

/** `host:port` or `[address]:port`. Throws an Error where the text is neither. */
export function endpointOf(text: string): Endpoint {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/.exec(text) ?? [];
  const number = Number(port);
  if (port === undefined || number < 1 || number > 65_535)
    throw new Error(`${JSON.stringify(short(text))} is not host:port`);
  return { hostname: (bracketed ?? plain)!, port: number };
}

/** An IP address in the one form in which it is compared (RFC 5952 for IPv6). Throws an Error where it is none. */
export function canonicalAddress(text: string): string {
  const version = isIP(text);
  if (version === 0) throw new Error(`${JSON.stringify(short(text))} is no IP address`);
  return version === 4 ? text : new URL(`http://[${text.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
}

function common(entry: Long, name: string, { entry: number, host, there }: Place) {
  return {
    entry: number,
    name,
    host: host?.name ?? null,
    there,
    patience: patienceOf(entry),
    latency: latencyOf(entry.expect),
  };
}
