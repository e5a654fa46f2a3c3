/** The canonical form of a schema: what a perfect dump and restore leaves as it is, and any other change does not. */
import { createHash } from 'node:crypto';
import type { Fingerprint } from './types.ts';

/** One object of the catalogue. */
export interface CatalogueEntry {
  kind: string;
  name: string;
  body: string;
}

/** One line for each object, sorted by code point, and its sha256. */
export function fingerprintOf(entries: CatalogueEntry[]): Fingerprint {
  const form = entries
    .map(({ kind, name, body }) => `${kind} ${escaped(name)}: ${escaped(body)}\n`)
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    .join('');
  return { form, digest: createHash('sha256').update(form).digest('hex') };
}

/** The objects in which two forms differ, `-` for only in the first and `+` for only in the second, at most `limit` lines. */
export function difference(first: string, second: string, limit = 20): string[] {
  const [a, b] = [new Set(first.split('\n')), new Set(second.split('\n'))];
  const lines = [
    ...[...a].filter((line) => !b.has(line)).map((line) => `- ${line}`),
    ...[...b].filter((line) => !a.has(line)).map((line) => `+ ${line}`),
  ];
  return lines.slice(0, limit);
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
}

type Node = string | { open: '(' | '['; items: Node[] };

const TOKEN =
  /\s+|'(?:[^']|'')*'|"(?:[^"]|"")*"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|\d[\w.]*|::|[()[\]]|[^\s\w'"()[\]:]+|./gsy;

/**
 * An SQL expression or definition as PostgreSQL prints it, without casts to text types and without the parentheses
 * that only held such a cast. PostgreSQL prints `state IN ('a','b')` over a varchar as
 * `(state)::text = ANY ((ARRAY['a'::character varying])::text[])`, and after a restore of that very text as
 * `(state)::text = ANY (ARRAY[('a'::character varying)::text])`: the same thing, another text.
 */
export function canonicalSql(sql: string): string {
  const tokens = (sql.match(TOKEN) ?? []).filter((token) => token.trim());
  return print(simplified(tree(tokens)));
}

function tree(tokens: string[]): Node[] {
  const root: Node[] = [];
  const stack: Node[][] = [root];
  for (const token of tokens) {
    if (token === '(' || token === '[') {
      const items: Node[] = [];
      stack.at(-1)!.push({ open: token, items });
      stack.push(items);
    } else if ((token === ')' || token === ']') && stack.length > 1) stack.pop();
    else stack.at(-1)!.push(token);
  }
  return root;
}

function simplified(items: Node[]): Node[] {
  const result: Node[] = [];
  for (let at = 0; at < items.length; ) {
    const cast = castLength(items, at);
    if (cast > 0) {
      at += cast;
      continue;
    }
    const node = items[at]!;
    at += 1;
    if (typeof node === 'string') {
      result.push(node);
      continue;
    }
    const inner = simplified(node.items);
    if (node.open === '(' && isPrimary(inner) && !isCallable(result.at(-1))) result.push(...inner);
    else result.push({ open: node.open, items: inner });
  }
  return result;
}

/** How many nodes at `at` are a cast to a text type without a length; 0 where there is none. */
function castLength(items: Node[], at: number): number {
  if (items[at] !== '::') return 0;
  let length = 0;
  if (items[at + 1] === 'text' || items[at + 1] === 'bpchar') length = 2;
  if (items[at + 1] === 'character' && items[at + 2] === 'varying') length = 3;
  if (length === 0) return 0;
  const next = items[at + length];
  if (typeof next !== 'object') return length;
  if (next.open === '(') return 0;
  return next.items.length === 0 ? length + 1 : length;
}

/** What needs no parentheses around it: one token, an array, a call, a group. */
function isPrimary(items: Node[]): boolean {
  if (items.length === 1) return true;
  return items.length === 2 && typeof items[0] === 'string' && /^["\w]/.test(items[0]) && typeof items[1] === 'object';
}

function isCallable(before: Node | undefined): boolean {
  return typeof before === 'object' || (typeof before === 'string' && /^["A-Za-z_\u0080-\uffff]/.test(before));
}

function print(items: Node[]): string {
  return items
    .map((node) =>
      typeof node === 'string' ? node : `${node.open}${print(node.items)}${node.open === '(' ? ')' : ']'}`,
    )
    .join(' ');
}
