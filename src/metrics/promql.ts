/** As much of PromQL as is needed to know what a query reads. Pure. */
import { milliseconds } from '../duration/duration.ts';

const WORDS = new Set([
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'offset',
  'bool',
  'and',
  'or',
  'unless',
  'atan2',
  'inf',
  'nan',
  'start',
  'end',
]);

/** The selectors of a query, such as `http_errors_total{job="shop"}`, each once, without ranges. */
export function selectors(query: string): string[] {
  const plain = query
    .replaceAll(/#[^\n]*/g, ' ')
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  const found = new Set<string>();
  const token =
    /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|\[[^\]]*\]|([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(\{(?:[^}"'`]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)*\})|[0-9][0-9a-zA-Z.]*|([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\(?)/g;
  for (const [, name = '', labels, word, call] of plain.matchAll(token)) {
    if (labels !== undefined) found.add(`${name}${labels}`);
    else if (word !== undefined && call === '' && !WORDS.has(word.toLowerCase())) found.add(word);
  }
  return [...found];
}

/** A query that is nothing but the growth of counters: their selector, the window, and what one event counts. */
export interface CounterQuery {
  selector: string;
  /** Milliseconds. */
  window: number;
}

/** The counter below `rate(c[5m])`, `sum(rate(c[5m]))` or the same with increase or irate; null for any other query. */
export function counterOf(query: string): CounterQuery | null {
  const text = query.trim();
  const inner = /^sum\s*\(([\s\S]*)\)$/.exec(text)?.[1]?.trim() ?? text;
  const match =
    /^(?:rate|increase|irate)\s*\(\s*([a-zA-Z_:][a-zA-Z0-9_:]*\s*(?:\{[^{}]*\})?)\s*\[([0-9a-z]+)\]\s*\)$/.exec(inner);
  const window = match ? milliseconds(match[2]!) : null;
  return match && window ? { selector: match[1]!.trim(), window } : null;
}

/** The longest range in a query that computes a rate, in milliseconds; null where it computes none. */
export function windowOf(query: string): number | null {
  const ranges = [...query.matchAll(/\b(?:rate|increase|irate|delta|[a-z]+_over_time)\s*\([^[\]]*\[([0-9a-z]+)/g)].map(
    (match) => milliseconds(match[1]!) ?? 0,
  );
  return ranges.length > 0 ? Math.max(...ranges) : null;
}
