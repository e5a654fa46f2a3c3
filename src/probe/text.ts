/** Whether a text (a body, what a command prints, a greeting) is what it must be, and which version it names. Pure. */
import { matches } from '../text/text.ts';
import type { Objection, WantedText } from './check.ts';
import { short } from './words.ts';

/** A text as far as it was read. */
export interface Read {
  text: string;
  /** True where there is more than was read. */
  cut: boolean;
}

/** Everything that is wrong with the text called `name`. */
export function textObjections(name: string, wanted: WantedText, read: Read): Objection[] {
  const { text } = read;
  const wrong = [
    ...wanted.holds
      .filter((part) => !text.includes(part))
      .map((part) => `does not hold ${quoted(part)}${extent(read)}`),
    ...(wanted.matches && !matches(wanted.matches, text)
      ? [`does not match ${wanted.matches.source}${extent(read)}`]
      : []),
    ...wanted.absent.filter((part) => text.includes(part)).map((part) => `holds ${quoted(part)}`),
    // What was not read may hold it: that it is absent is a claim too.
    ...(wanted.absent.length > 0 && read.cut ? [`is too long to be searched to its end${extent(read)}`] : []),
  ].map((words) => ({ words: `${name} ${words}` }));
  return [...wrong, ...versionObjections(name, wanted.version, read)];
}

/** The text of `name`'s extent where not all was read. */
export function extent({ text, cut }: Read): string {
  return cut ? ` (only the first ${text.length} characters were read)` : '';
}

function versionObjections(name: string, wanted: string | null, read: Read): Objection[] {
  if (wanted === null) return [];
  const said = stated(read.text);
  if (namesVersion(said ?? read.text, wanted)) return [];
  const other = said ?? /\bv?\d+\.\d+[\w.+-]*/.exec(read.text)?.[0];
  const words = `${name} does not name version ${wanted}`;
  if (other === undefined)
    return [{ words: `${words}: ${read.text.trim() ? quoted(read.text) : 'it is empty'}${extent(read)}` }];
  const which = said === null ? 'the first it names is' : 'it says';
  return [{ words: `${words}; ${which} ${quoted(other)}${extent(read)}`, mismatch: true }];
}

/** What a JSON answer says its version is: then another version beside it (the one before, the next) proves nothing. */
function stated(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'version')) return null;
    const { version } = value as { version: unknown };
    return typeof version === 'string' || typeof version === 'number' ? String(version) : null;
  } catch {
    return null;
  }
}

/**
 * The version `wanted` as a whole word: 1.2.0 is not named by 11.2.0, 1.2.0-rc.1 or 1.2.01, but by v1.2.0,
 * "1.2.0", shop-1.2.0 and `1.2.0.` at the end of a sentence.
 */
export function namesVersion(text: string, wanted: string): boolean {
  const word = wanted.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![A-Za-z0-9][.vV]|[A-UW-Za-uw-z0-9_+])${word}(?![A-Za-z0-9_]|[.+-][A-Za-z0-9])`).test(text);
}

function quoted(text: string): string {
  return `"${short(text)}"`;
}
