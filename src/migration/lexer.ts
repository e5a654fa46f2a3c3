/**
 * Cuts SQL into the few kinds of token that matter for finding where a statement ends. What is inside quotes,
 * comments and dollar quotes is one token, so that a semicolon in it is never taken for an end.
 */

/** The three ways of quoting. MariaDB reads as MySQL does. */
export type Dialect = 'postgres' | 'mysql' | 'sqlite';

export interface Token {
  /** blank: white space and comments. opens and closes: MySQL's executable comment, which is code. */
  kind: 'blank' | 'word' | 'quoted' | 'opens' | 'closes' | 'mark';
  /** For words in upper case; for the rest as it stands. */
  text: string;
  start: number;
  end: number;
}

/** Something that begins and never ends; `at` is the offset of its beginning. */
export class Unended extends Error {
  readonly at: number;
  constructor(what: string, at: number) {
    super(`${what} that never ends`);
    this.at = at;
  }
}

const WORD = /[\p{L}_][\p{L}\p{N}_$]*/uy;
const BLANK = /[\s\u00A0\uFEFF]+/y;
const NUMBER = /\d[\w.]*/y;
const DOLLAR = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;

/** The token that begins at `at`. Throws `Unended`. */
export function tokenAt(sql: string, at: number, dialect: Dialect): Token {
  const blank = blankEnd(sql, at, dialect);
  if (blank > at) return { kind: 'blank', text: '', start: at, end: blank };
  const token = (kind: Token['kind'], end: number): Token => ({ kind, text: sql.slice(at, end), start: at, end });
  const quoted = quotedEnd(sql, at, dialect);
  if (quoted > at) return token('quoted', quoted);
  if (dialect === 'mysql') {
    const executable = match(/\/\*M?!\d*/y, sql, at);
    if (executable > at) return token('opens', executable);
    if (sql.startsWith('*/', at)) return token('closes', at + 2);
  }
  const word = match(WORD, sql, at);
  if (word > at) return { ...token('word', word), text: sql.slice(at, word).toUpperCase() };
  return token('mark', Math.max(at + 1, match(NUMBER, sql, at)));
}

function match(pattern: RegExp, sql: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(sql) ? pattern.lastIndex : at;
}

function blankEnd(sql: string, at: number, dialect: Dialect): number {
  const space = match(BLANK, sql, at);
  if (space > at) return space;
  // MySQL takes two dashes for a comment only where a blank follows: 5--3 is a sum
  const dashes = dialect === 'mysql' ? /--(?=[\s]|$)/y : /--/y;
  if (match(dashes, sql, at) > at || (dialect === 'mysql' && sql[at] === '#')) {
    const lineEnd = sql.indexOf('\n', at);
    return lineEnd === -1 ? sql.length : lineEnd;
  }
  if (!sql.startsWith('/*', at)) return at;
  if (dialect === 'mysql' && /^\/\*M?!/.test(sql.slice(at, at + 4))) return at;
  return commentEnd(sql, at, dialect === 'postgres');
}

function commentEnd(sql: string, at: number, nested: boolean): number {
  let depth = 1;
  for (let i = at + 2; i < sql.length; i++) {
    if (sql.startsWith('*/', i)) {
      i++;
      if (--depth === 0) return i + 1;
    } else if (nested && sql.startsWith('/*', i)) {
      i++;
      depth++;
    }
  }
  throw new Unended('a comment', at);
}

function quotedEnd(sql: string, at: number, dialect: Dialect): number {
  const first = sql[at]!;
  if (dialect === 'postgres') {
    if (first === '$') return dollarEnd(sql, at);
    // E'…' is the one PostgreSQL string in which a backslash escapes
    if (/^[eE]'/.test(sql.slice(at, at + 2))) return quoteEnd(sql, at + 1, "'", true);
    return first === "'" || first === '"' ? quoteEnd(sql, at, first, false) : at;
  }
  if (dialect === 'mysql') {
    if (first === '`') return quoteEnd(sql, at, first, false);
    return first === "'" || first === '"' ? quoteEnd(sql, at, first, true) : at;
  }
  if (first === '[') return quoteEnd(sql, at, ']', false);
  return first === "'" || first === '"' || first === '`' ? quoteEnd(sql, at, first, false) : at;
}

function dollarEnd(sql: string, at: number): number {
  const opened = match(DOLLAR, sql, at);
  if (opened === at) return at; // $1 is a parameter
  const tag = sql.slice(at, opened);
  const closed = sql.indexOf(tag, opened);
  if (closed === -1) throw new Unended(`a ${tag} quote`, at);
  return closed + tag.length;
}

function quoteEnd(sql: string, at: number, quote: string, backslash: boolean): number {
  for (let i = at + 1; i < sql.length; i++) {
    if (backslash && sql[i] === '\\') i++;
    else if (sql[i] === quote) {
      if (quote === ']' || sql[i + 1] !== quote) return i + 1;
      i++;
    }
  }
  throw new Unended(quote === "'" ? 'a text' : 'a quoted name', at);
}
