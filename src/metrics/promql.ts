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
const STRING = String.raw`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\x60[^\x60]*\x60`;
const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABELS = String.raw`\{(?:[^{}"'\x60]|${STRING})*\}`;

/** The selectors of a query, such as `http_errors_total{job="shop"}`, each once, without ranges. */
export function selectors(query: string): string[] {
  const plain = query
    .replaceAll(/#[^\n]*/g, ' ')
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  const found = new Set<string>();
  const token = new RegExp(
    String.raw`${STRING}|\[[^\]]*\]|(${NAME})?\s*(${LABELS})|[0-9][0-9a-zA-Z.]*|(${NAME})\s*(\(?)`,
    'g',
  );
  for (const [, name = '', labels, word, call] of plain.matchAll(token)) {
    if (labels !== undefined) found.add(`${name}${labels}`);
    else if (word !== undefined && call === '' && !WORDS.has(word.toLowerCase())) found.add(word);
  }
  return [...found];
}

/** A selector taken apart: the metric's name and the labels that must be equal to a text; null for the name where it has none. */
export function takenApart(selector: string): { name: string | null; equal: Map<string, string> } {
  const [, bare, labels = ''] = new RegExp(`^(${NAME})?\\s*(${LABELS})?`).exec(selector) ?? [];
  const equal = new Map<string, string>();
  for (const [, label, text] of labels.matchAll(new RegExp(`([a-zA-Z_]\\w*)\\s*=\\s*(${STRING})`, 'g')))
    equal.set(label!, text!.slice(1, -1).replaceAll(/\\(.)/g, '$1'));
  const name = bare ?? equal.get('__name__') ?? null;
  equal.delete('__name__');
  return { name, equal };
}

/** A query that is nothing but the growth of counters, such as `sum(rate(orders_total[5m])) or vector(0)`, or their totals. */
export interface CounterQuery {
  selector: string;
  /** Milliseconds; null where the totals themselves are asked for, and no rate of them. */
  window: number | null;
  /** true: all its series are one number (`sum`); false: each is one of its own. */
  sum: boolean;
  /** The labels of `sum by (…)`. */
  by: string[];
  /** true: `or vector(0)`: no series is 0. */
  zero: boolean;
}

const SELECTOR = `(?:${NAME}\\s*(?:${LABELS})?|${LABELS})`;
const RATE = new RegExp(String.raw`^(?:rate|increase|irate)\s*\(\s*(${SELECTOR})\s*\[([0-9a-z]+)\]\s*\)$`);

/** The counter below rate, increase or irate, or by itself; summed or not, by labels or not. null for any other query. */
export function counterOf(query: string): CounterQuery | null {
  const text = bare(query.replaceAll(/#[^\n]*/g, ' '));
  const zero = /^([\s\S]*?)\s+or\s+(?:on\s*\(\s*\)\s*)?vector\s*\(\s*0\s*\)$/.exec(text);
  const outer = bare(zero?.[1] ?? text);
  const trailing = /^(sum\s*\([\s\S]*\))\s*by\s*\(([^()]*)\)$/.exec(outer);
  const sum = /^sum\s*(?:by\s*\(([^()]*)\)\s*)?\(([\s\S]*)\)$/.exec(trailing?.[1] ?? outer);
  const inner = bare(sum?.[2] ?? outer);
  const rate = RATE.exec(inner);
  const window = rate ? milliseconds(rate[2]!) : null;
  const selector = rate?.[1] ?? new RegExp(`^${SELECTOR}$`).exec(inner)?.[0];
  if (selector === undefined || (rate && !window)) return null;
  const by = (sum?.[1] ?? trailing?.[2] ?? '').split(',').map((label) => label.trim());
  return { selector: selector.trim(), window, sum: sum !== null, by: by.filter(Boolean), zero: zero !== null };
}

/** Without white space and parentheses around all of it. */
function bare(text: string): string {
  const inner = /^\(((?:[^()"'`]|\((?:[^()"'`]|\([^()"'`]*\))*\))*)\)$/.exec(text.trim())?.[1];
  return inner === undefined ? text.trim() : bare(inner);
}

/**
 * The longest range in a query that computes a rate, in milliseconds; null where it computes none. A recorded rate says
 * its range in its name: job:orders:rate5m (Prometheus, "Recording rules": level:metric:operations).
 */
export function windowOf(query: string): number | null {
  const written = [...query.matchAll(/\b(?:rate|increase|irate|delta|[a-z]+_over_time)\s*\([^[\]]*\[([0-9a-z]+)/g)];
  const recorded = selectors(query)
    .map((selector) =>
      /:(?:rate|increase|irate|delta|[a-z]+_over_time)([0-9]+[smhd])$/.exec(takenApart(selector).name ?? ''),
    )
    .filter((match) => match !== null);
  const ranges = [...written, ...recorded].map((match) => milliseconds(match[1]!) ?? 0);
  return ranges.length > 0 ? Math.max(...ranges) : null;
}
