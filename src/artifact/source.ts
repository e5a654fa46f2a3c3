/** What the `artifact` and `digest` keys say. Pure. */
import { posix } from 'node:path';
import { Failure } from '../outcome/outcome.ts';
import { withoutCredentials } from '../secret/secret.ts';

/** One of the places that an artifact can come from, with the version filled in. */
export type Source =
  | { kind: 'release'; asset: string }
  | { kind: 'run'; name: string }
  | { kind: 'url'; url: string }
  | { kind: 'path'; path: string };

/** Reads `release:<asset>`, `run:<artifact>`, an http(s) URL, or a path. Throws `input-invalid` for an empty name. */
export function sourceOf(source: string, version: string): Source {
  const filled = fill(source, version);
  const [, scheme, rest] = /^(release|run):(.*)$/s.exec(filled) ?? [];
  if (scheme !== undefined && !rest?.trim()) throw invalid(source, `it has no name after "${scheme}:"`);
  if (scheme === 'release') return { kind: 'release', asset: rest! };
  if (scheme === 'run') return { kind: 'run', name: rest! };
  if (/^https?:/i.test(filled)) {
    if (!URL.canParse(filled)) throw invalid(withoutCredentials(source), 'it is no URL');
    return { kind: 'url', url: filled };
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(filled))
    throw invalid(withoutCredentials(source), 'only http and https URLs can be fetched');
  if (filled === '') throw invalid(source, 'it is empty');
  return { kind: 'path', path: filled };
}

/** The text with every `{version}` replaced. */
export function fill(text: string, version: string): string {
  return text.replaceAll('{version}', () => version);
}

/** `sha256:<lower-case hex>` where the text is that or bare hex of 64 digits; otherwise null. */
export function plainDigest(text: string): string | null {
  const [, hex] = /^(?:sha256:)?([0-9a-f]{64})$/i.exec(text.trim()) ?? [];
  return hex === undefined ? null : `sha256:${hex.toLowerCase()}`;
}

/**
 * The digest of `url` in what a digest file says: the line that sha256sum writes for its file name (also in the BSD
 * form `SHA256 (name) = hex`), or the only digest there is. Null where there is none or it is not clear which.
 */
export function digestIn(answer: string, url: string): string | null {
  const name = decoded(posix.basename(new URL(url).pathname));
  const lines = answer.split(/\r?\n/).flatMap(digestLine);
  const named = lines.filter((line) => line.name !== null && posix.basename(line.name) === name);
  const candidates = named.length > 0 ? named : lines.length === 1 && lines[0]!.name === null ? lines : [];
  const digests = new Set(candidates.map((line) => line.digest));
  return digests.size === 1 ? [...digests][0]! : null;
}

function digestLine(line: string): { digest: string; name: string | null }[] {
  const bsd = /^SHA256 \((.+)\) = ([0-9a-f]{64})$/i.exec(line.trim());
  if (bsd) return [{ digest: plainDigest(bsd[2]!)!, name: bsd[1]! }];
  const [, hex, name] = /^((?:sha256:)?[0-9a-f]{64})(?:\s+\*?(.+))?$/i.exec(line.trim()) ?? [];
  const digest = hex === undefined ? null : plainDigest(hex);
  return digest === null ? [] : [{ digest, name: name ?? null }];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function invalid(source: string, why: string): Failure {
  return new Failure({
    code: 'input-invalid',
    what: `${JSON.stringify(source)} is no place that an artifact can come from`,
    why,
    untouched: 'nothing was touched',
    next: 'write release:<asset>, run:<artifact>, an https URL, or a path, with {version} in it',
  });
}
