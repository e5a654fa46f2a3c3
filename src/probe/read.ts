/** Checks from the configuration and from inputs: shorthands spelt out, asked on each host where that is meant. Pure. */
import type { SmokeCheck } from '../config/config.ts';
import { Failure } from '../outcome/outcome.ts';
import { type Named, placeholdersIn, valuesOf } from '../transport/transport.ts';
import type { Check } from './check.ts';
import { httpCheck, isWhole, resolved } from './read-http.ts';
import { commandCheck, dnsCheck, sqlCheck, tcpCheck } from './read-others.ts';

/** Where checks come from. */
export interface CheckRequest {
  /** The smoke-test section; URLs alone mean status 200. A path is relative to the last whole URL before it. */
  list: readonly SmokeCheck[];
  /** How people find the list: `smoke-test of production`, `the url input`. */
  where: string;
  /** The version that checks with `version: true` ask for; null where none is known. */
  version: string | null;
  /** Ask every check for the version. */
  everyVersion: boolean;
  /** The environment's hosts, by whose values placeholders are filled. */
  hosts: readonly Named[];
  /** A URL of the service on each host: paths with `on: hosts` are relative to it where no whole URL for hosts comes before. */
  hostUrl: string | null;
  /** The names of the environment's databases. */
  databases: readonly string[];
}

/** An entry that is no shorthand. */
export type Long = Exclude<SmokeCheck, string>;

/** Where an entry is asked. */
export interface Place {
  /** Its number in the list, from 1. */
  entry: number;
  /** Whose values fill it; null for the front door. */
  host: Named | null;
  there: boolean;
}

/** The last whole URLs that came before, for here and for the hosts: what paths are relative to. */
interface Bases {
  here: string | null;
  hosts: string | null;
  last: 'here' | 'hosts';
}

/** The checks, complete, a check and host each. Throws `config-invalid` or `input-invalid`, naming every entry that cannot be asked. */
export function checksOf(request: CheckRequest): Check[] {
  const wrong: string[] = [];
  const bases: Bases = { here: null, hosts: request.hostUrl, last: 'here' };
  const checks = request.list.flatMap((entry, index) => {
    try {
      const long: Long = typeof entry === 'string' ? { get: entry, expect: {} } : entry;
      return entryChecks(long, index + 1, request, bases);
    } catch (thrown) {
      wrong.push(`entry ${index + 1}: ${thrown instanceof Failure ? thrown.what : (thrown as Error).message}`);
      return [];
    }
  });
  if (wrong.length > 0) throw unusable(request, wrong);
  return checks;
}

function entryChecks(entry: Long, number: number, request: CheckRequest, bases: Bases): Check[] {
  const url = entry.get ?? entry.head ?? entry.post;
  if (url === undefined)
    return placesOf(entry, number, textsOf(entry), request).map((place) => otherCheck(entry, place, request));
  const template = resolved(url, baseFor(url, entry, bases));
  const places = placesOf(entry, number, [template, entry.connect ?? ''], request);
  if (isWhole(url)) {
    bases.last = places.every(({ there }) => there) ? 'hosts' : 'here';
    bases[bases.last] = url;
  }
  return places.map((place) => httpCheck(entry, template, place, request));
}

function otherCheck(entry: Long, place: Place, request: CheckRequest): Check {
  if (entry.tcp !== undefined) return tcpCheck(entry, entry.tcp, place);
  if (entry.dns !== undefined) return dnsCheck(entry, entry.dns, place);
  if (entry.sql !== undefined) return sqlCheck(entry, entry.sql, place, request);
  return commandCheck(entry, entry.command!, place, request);
}

function textsOf({ tcp, dns, command }: Long): string[] {
  return [tcp, dns, command].filter((text) => text !== undefined);
}

/** What a path is relative to; without `on` it is asked where the URL before it was. Throws where there is none. */
function baseFor(url: string, { on }: Long, bases: Bases): string | null {
  if (isWhole(url)) return null;
  if (on !== 'hosts') return bases[on ?? bases.last];
  if (bases.hosts !== null) return bases.hosts;
  throw new Error('a path on hosts comes before any URL of theirs, such as http://127.0.0.1:8080/health');
}

/** Where it is asked: on each host where `on` or a placeholder says so. Throws where there is none, or one cannot fill it. */
function placesOf({ on }: Long, entry: number, templates: readonly string[], { hosts }: CheckRequest): Place[] {
  const names = [...new Set(templates.flatMap(placeholdersIn))];
  if (names.length === 0 && on !== 'hosts') return [{ entry, host: null, there: false }];
  if (hosts.length === 0)
    throw new Error(
      `it is to be asked ${names.length ? `for each host, by {${names[0]}}` : 'on hosts'}, and there are no hosts`,
    );
  for (const name of names) {
    const without = hosts.filter((host) => !Object.hasOwn(valuesOf(host), name));
    const more = without.length > 1 ? ` and ${without.length - 1} more` : '';
    if (without.length > 0)
      throw new Error(`${without[0]!.name}${more} has no {${name}}: give it in with: of the host`);
  }
  return hosts.map((host) => ({ entry, host, there: on !== 'here' }));
}

function unusable({ where }: CheckRequest, wrong: string[]): Failure {
  const input = where.includes('input');
  return new Failure({
    code: input ? 'input-invalid' : 'config-invalid',
    what: wrong.length === 1 ? 'a smoke check cannot be asked' : `${wrong.length} smoke checks cannot be asked`,
    where,
    why: wrong.join('; '),
    untouched: 'nothing was asked',
    next: input ? 'correct the inputs url and expect-version' : 'correct the list in changeline.yml',
  });
}
