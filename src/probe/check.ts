/** What a check expects of an answer, and what an answer fails to be. Pure. */
import type { Json } from '../outcome/outcome.ts';

/** One question and what its answer must be. */
export interface Check {
  /** Absolute. May hold credentials: show it only through `withoutCredentials`. */
  url: string;
  status: number;
  /** Text that the body holds. */
  body?: string;
  /** The version that the body must name. */
  version?: string;
  /** JSON paths ($.a.b[0]) and the values they must have. */
  json?: Record<string, string | number | boolean | null>;
  /** Headers and the exact values they must have; names in any case. */
  headers?: Record<string, string>;
  /** Milliseconds until the whole answer is there. */
  within?: number;
}

/** One answer, as far as it was read. */
export interface Answer {
  status: number;
  headers: Headers;
  body: string;
  /** True where the body is longer than what was read of it. */
  cut: boolean;
  /** Milliseconds until the body was read. */
  took: number;
}

/** Everything in the answer that is not as expected, a phrase each; empty where all is well. */
export function objections(check: Check, answer: Answer): string[] {
  return [
    ...status(check, answer),
    ...headers(check, answer),
    ...body(check, answer),
    ...version(check, answer),
    ...json(check, answer),
    ...latency(check, answer),
  ];
}

/**
 * The version `wanted` as a whole word: 1.2.0 is not named by 11.2.0, 1.2.0-rc.1 or 1.2.01, but by v1.2.0,
 * "1.2.0", shop-1.2.0 and `1.2.0.` at the end of a sentence.
 */
export function namesVersion(text: string, wanted: string): boolean {
  const word = wanted.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![A-Za-z0-9][.vV]|[A-UW-Za-uw-z0-9_+])${word}(?![A-Za-z0-9_]|[.+-][A-Za-z0-9])`).test(text);
}

/** The value at a path such as $.a.b[0]["c d"]; undefined where there is none. Throws where the path is not one. */
export function valueAt(document: unknown, path: string): Json | undefined {
  let value = document;
  for (const key of keysOf(path)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value as Json | undefined;
}

/** The keys of a JSON path. Throws an Error where the text is no path that `valueAt` can follow. */
export function keysOf(path: string): string[] {
  const keys: string[] = [];
  let rest = path.startsWith('$') ? path.slice(1) : null;
  while (rest) {
    const [whole, name, index, quoted] = /^(?:\.([\w-]+)|\[(\d+)\]|\[["']([^"']+)["']\])/.exec(rest) ?? [];
    if (whole === undefined) break;
    keys.push(name ?? index ?? quoted!);
    rest = rest.slice(whole.length);
  }
  if (rest !== '') throw new Error(`"${path}" is not a JSON path such as $.a.b[0]`);
  return keys;
}

function status(check: Check, answer: Answer): string[] {
  if (answer.status === check.status) return [];
  const to = answer.status >= 300 && answer.status < 400 ? answer.headers.get('location') : null;
  return [
    `status ${answer.status} instead of ${check.status}${to ? `, redirected to ${short(to.replace(/[?#].*$/, ''))}` : ''}`,
  ];
}

function headers(check: Check, answer: Answer): string[] {
  return Object.entries(check.headers ?? {}).flatMap(([name, wanted]) => {
    const found = answer.headers.get(name);
    if (found === wanted) return [];
    return [`header ${name} is ${found === null ? 'missing' : short(found)} instead of ${short(wanted)}`];
  });
}

function body(check: Check, answer: Answer): string[] {
  if (check.body === undefined || answer.body.includes(check.body)) return [];
  return [`the body does not hold ${short(check.body)}${read(answer)}`];
}

function version(check: Check, answer: Answer): string[] {
  if (check.version === undefined || namesVersion(answer.body, check.version)) return [];
  const other = /\bv?\d+\.\d+[\w.+-]*/.exec(answer.body)?.[0];
  const found = other
    ? `; the first it names is ${short(other)}`
    : `: ${answer.body.trim() ? short(answer.body) : 'it is empty'}`;
  return [`the body does not name version ${check.version}${found}${read(answer)}`];
}

function json(check: Check, answer: Answer): string[] {
  const wanted = Object.entries(check.json ?? {});
  if (wanted.length === 0) return [];
  let document: unknown;
  try {
    document = JSON.parse(answer.body);
  } catch {
    return [`the body is no JSON${read(answer)}`];
  }
  return wanted.flatMap(([path, value]) => {
    const found = valueAt(document, path);
    if (found === value) return [];
    return [
      `${path} is ${found === undefined ? 'missing' : short(JSON.stringify(found))} instead of ${short(JSON.stringify(value))}`,
    ];
  });
}

function latency(check: Check, answer: Answer): string[] {
  if (check.within === undefined || answer.took <= check.within) return [];
  return [`it took ${Math.round(answer.took)} ms instead of at most ${check.within} ms`];
}

function read(answer: Answer): string {
  return answer.cut ? ` (only the first ${answer.body.length} characters were read)` : '';
}

function short(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return `"${line.length > 80 ? `${line.slice(0, 80)}…` : line}"`;
}
