/** Checks from the configuration and from inputs. Pure. */
import type { SmokeCheck } from '../config/config.ts';
import { milliseconds } from '../duration/duration.ts';
import { Failure } from '../outcome/outcome.ts';
import { withoutCredentials } from '../secret/secret.ts';
import { type Check, keysOf } from './check.ts';

/** Where checks come from. */
export interface CheckRequest {
  /** The smoke-test section; URLs alone mean status 200. A path is relative to the last absolute URL before it. */
  list: readonly SmokeCheck[];
  /** How people find the list: `smoke-test of production`, `the url input`. */
  where: string;
  /** The version that checks with `version: true` ask for; null where none is known. */
  version: string | null;
  /** Ask every check for the version. */
  everyVersion: boolean;
}

type Long = Exclude<SmokeCheck, string>;

/** The checks, complete. Throws `config-invalid` or `input-invalid`, naming every entry that cannot be asked. */
export function checksOf(request: CheckRequest): Check[] {
  const wrong: string[] = [];
  let base: string | null = null;
  const checks = request.list.flatMap((entry, index) => {
    const long: Long = typeof entry === 'string' ? { get: entry, expect: { status: 200 } } : entry;
    try {
      const url = resolve(long.get, base);
      if (/^https?:/i.test(long.get)) base = url;
      return [checkOf(url, long.expect, request)];
    } catch (thrown) {
      wrong.push(`entry ${index + 1}: ${(thrown as Error).message}`);
      return [];
    }
  });
  if (wrong.length > 0) throw unusable(request, wrong);
  return checks;
}

function resolve(text: string, base: string | null): string {
  if (/^https?:\/\//i.test(text)) {
    if (!URL.canParse(text)) throw new Error(`${withoutCredentials(text)} is no URL`);
    return new URL(text).href;
  }
  if (!text.startsWith('/') || text.startsWith('//'))
    throw new Error(`${shown(text)} is neither an http URL nor a path that starts with /`);
  if (base === null) throw new Error(`the path ${shown(text)} comes before any whole URL`);
  return new URL(text, base).href;
}

/** The text for a message: without a query, and without what stands before an @. */
function shown(text: string): string {
  return JSON.stringify(
    text
      .replace(/[?#].*$/s, '')
      .replace(/[^/]*@/g, '***@')
      .slice(0, 80),
  );
}

function checkOf(url: string, expect: Long['expect'], { version, everyVersion }: CheckRequest): Check {
  const { status, body, json, headers, within } = expect;
  const asksVersion = everyVersion || expect.version === true;
  if (asksVersion && !version) throw new Error('it asks for the version, and none is known here: give expect-version');
  for (const path of Object.keys(json ?? {})) keysOf(path);
  return {
    url,
    status,
    ...(body === undefined ? {} : { body }),
    ...(asksVersion ? { version: version! } : {}),
    ...(json === undefined ? {} : { json }),
    ...(headers === undefined ? {} : { headers }),
    ...(within === undefined ? {} : { within: milliseconds(within)! }),
  };
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
