/** What a version may look like: it becomes a folder on hosts, part of a file name and of a URL. */
import { Failure } from '../outcome/outcome.ts';

const LONGEST = 128;

/** Throws a Failure `version-invalid` unless the text is one safe word: `1.4.0`, `2024-02-28`, `v1.0.0+build.7`. */
export function checkVersion(version: string): void {
  const why = objection(version);
  if (why === null) return;
  throw new Failure({
    code: 'version-invalid',
    what: `${JSON.stringify(version.slice(0, LONGEST))} is not a version that can be delivered`,
    why,
    untouched: 'nothing was touched',
    next: `name a version of letters, digits, ".", "_", "+" and "-", beginning with a letter or digit, at most ${LONGEST} characters`,
  });
}

function objection(version: string): string | null {
  if (version === '') return 'it is empty';
  if (version.length > LONGEST) return `it has ${version.length} characters`;
  if (version.includes('..')) return 'it contains ".."';
  if (!/^[A-Za-z0-9]/.test(version)) return 'it does not begin with a letter or a digit';
  const odd = /[^A-Za-z0-9._+-]/.exec(version);
  return odd ? `it contains ${JSON.stringify(odd[0])}` : null;
}
