/** The part of JSONPath (RFC 9535) that names one place: `$.users`, `$.pools[0].active`, `$["a b"].c`. Pure. */
import type { Json } from '../outcome/outcome.ts';

/** The keys of a path; an index is a key of digits. null where the text names no single place. */
export function jsonPath(text: string): string[] | null {
  if (!text.startsWith('$')) return null;
  const keys: string[] = [];
  const step = /\.([\w-]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\['((?:[^'\\]|\\.)*)'\]/y;
  step.lastIndex = 1;
  while (step.lastIndex < text.length) {
    const match = step.exec(text);
    if (match === null) return null;
    const [, name, index, double, single] = match;
    keys.push(name ?? index ?? (double ?? single)!.replaceAll(/\\(.)/g, '$1'));
  }
  return keys;
}

/** What is at the place; undefined where nothing is. */
export function valueAt(document: Json, keys: readonly string[]): Json | undefined {
  let here: Json | undefined = document;
  for (const key of keys) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string, Json>)[key];
  }
  return here;
}
