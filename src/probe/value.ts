/** Whether a single value is what it must be. Pure. */
import type { Json } from '../outcome/outcome.ts';
import { matches as isFound } from '../text/text.ts';
import type { Objection, Wanted } from './check.ts';
import { short } from './words.ts';

/** Everything that is wrong with the value called `name`; `found` is undefined where there is none. */
export function valueObjections(name: string, wanted: Wanted, found: Json | undefined): Objection[] {
  if (wanted.exists === false) return found === undefined ? [] : [{ words: `${name} is there: ${shown(found)}` }];
  if (found === undefined) {
    const instead = wanted.is === undefined ? '' : ` instead of ${shown(wanted.is)}`;
    return [{ words: `${name} is missing${instead}` }];
  }
  return [...equality(name, wanted, found), ...comparisons(name, wanted, found)].map((words) => ({ words }));
}

function equality(name: string, { is, not, matches }: Wanted, found: Json): string[] {
  const wrong: string[] = [];
  if (is !== undefined && found !== is) wrong.push(`${name} is ${shown(found)} instead of ${shown(is)}`);
  if (not !== undefined && found === not) wrong.push(`${name} is ${shown(found)}`);
  const text = typeof found === 'string' ? found : JSON.stringify(found);
  if (matches && !isFound(matches, text)) wrong.push(`${name} is ${shown(found)} and does not match ${matches.source}`);
  return wrong;
}

const COMPARISONS = {
  above: (found: number, limit: number) => found > limit,
  below: (found: number, limit: number) => found < limit,
  'at-least': (found: number, limit: number) => found >= limit,
  'at-most': (found: number, limit: number) => found <= limit,
} as const;

function comparisons(name: string, wanted: Wanted, found: Json): string[] {
  const limits = Object.entries(COMPARISONS).flatMap(([word, holds]) => {
    const limit = wanted[word as keyof typeof COMPARISONS];
    return limit === undefined ? [] : [{ words: `${word.replace('-', ' ')} ${limit}`, holds, limit }];
  });
  if (limits.length === 0) return [];
  const number = numberOf(found);
  if (number === null) return [`${name} is ${shown(found)}, which is no number`];
  return limits.flatMap(({ words, holds, limit }) =>
    holds(number, limit) ? [] : [`${name} is ${shown(found)} and not ${words}`],
  );
}

/** Numbers as headers, JSON and databases write them; null where it is none. */
function numberOf(found: Json): number | null {
  if (typeof found === 'number') return found;
  return typeof found === 'string' && /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(found) ? Number(found) : null;
}

function shown(value: Json): string {
  return short(JSON.stringify(value));
}
