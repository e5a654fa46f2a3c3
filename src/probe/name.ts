/** Asks which addresses a name has. */
import { lookup } from 'node:dns/promises';
import type { Asking } from './ask.ts';
import type { DnsCheck, Objection } from './check.ts';
import { placeOf } from './reach.ts';
import { canonicalAddress } from './read-others.ts';
import { errorInWords, short } from './words.ts';

const ADDRESSES = `command -v getent >/dev/null 2>&1 || { echo 'getent is not there to look names up' >&2; exit 69; }
exec getent ahosts "$1"`;

/** Everything that is wrong; empty where the name has the addresses. Rejects with why it has none. */
export async function askName(check: DnsCheck, asking: Asking): Promise<Objection[]> {
  const place = placeOf(check, asking.reach);
  if (place.kind === 'local')
    return addressObjections(check.addresses, await unlessOver(here(check.hostname), asking.signal));
  const { status, stdout, stderr } = await place.sh(ADDRESSES, { args: [check.hostname], signal: asking.signal });
  if (status === 0) return addressObjections(check.addresses, listedAddresses(stdout));
  const unknown = errorInWords(Object.assign(new Error(), { code: 'ENOTFOUND' }));
  return [{ words: status === 2 ? unknown : `the name was not looked up: ${short(stderr) || `status ${status}`}` }];
}

/** The addresses in what `getent ahosts` prints, each once. Pure. */
export function listedAddresses(output: string): string[] {
  const words = output.split('\n').flatMap((line) => line.split(/\s+/, 1).filter(Boolean));
  return [...new Set(words.map(canonicalAddress))];
}

/** The addresses found, held against exactly those that are wanted; any will do where none is. Pure. */
export function addressObjections(wanted: readonly string[], found: readonly string[]): Objection[] {
  if (wanted.length === 0) return found.length > 0 ? [] : [{ words: 'it has no address' }];
  const right = wanted.length === found.length && wanted.every((address) => found.includes(address));
  return right
    ? []
    : [{ words: `it has ${[...found].sort().join(', ') || 'no address'} instead of ${[...wanted].sort().join(', ')}` }];
}

async function here(hostname: string): Promise<string[]> {
  const found = await lookup(hostname, { all: true });
  return [...new Set(found.map(({ address }) => canonicalAddress(address)))];
}

/** A look-up cannot be ended; nobody waits for it longer. */
async function unlessOver<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const over = Promise.withResolvers<never>();
  const end = () => over.reject(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([work, over.promise]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
