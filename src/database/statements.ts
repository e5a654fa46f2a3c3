/**
 * SQL scripts taken apart into statements, without understanding them: only quotes, comments, dollar quotes
 * (PostgreSQL), DELIMITER (the MySQL clients) and the bodies of routines and triggers are known, because they may hold a semicolon.
 */
import type { Engine } from './types.ts';

export interface Statement {
  /** Without the terminator; comments before it are kept, since MySQL reads some of them. */
  text: string;
  /** The line of the script where its first word stands; 1 is the first. */
  line: number;
}

const BODY =
  /^CREATE\b(?:\s+OR\s+REPLACE\b)?(?:\s+(?:TEMP|TEMPORARY|CONSTRAINT|AGGREGATE)\b|\s+DEFINER\s*=\s*\S+)*\s+(?:TRIGGER|FUNCTION|PROCEDURE|EVENT|PACKAGE)\b/i;

/** The statements of a script. Text of only blanks and comments is none. An unclosed quote runs to the end: the server will say so. */
export function splitStatements(script: string, engine: Engine): Statement[] {
  const statements: Statement[] = [];
  const mysql = engine === 'mysql' || engine === 'mariadb';
  let delimiter = ';';
  let at = 0;
  while (at < script.length) {
    const command = mysql ? /[ \t\r\n]*DELIMITER[ \t]+(\S+)[^\n]*(\n|$)/iy : null;
    if (command) {
      command.lastIndex = at;
      const found = command.exec(script);
      if (found) {
        delimiter = found[1]!;
        at = command.lastIndex;
        continue;
      }
    }
    const { end, first } = scan(script, at, delimiter, engine);
    if (first !== null) statements.push({ text: script.slice(at, end).trim(), line: lineOf(script, first) });
    at = end + delimiter.length;
  }
  return statements;
}

/** Where the statement that starts at `from` ends (its terminator), and where its first word stands. */
function scan(script: string, from: number, delimiter: string, engine: Engine): { end: number; first: number | null } {
  let first: number | null = null;
  let depth = 0;
  let at = from;
  let body: boolean | null = null;
  while (at < script.length) {
    if (depth === 0 && script.startsWith(delimiter, at)) return { end: at, first };
    const skipped = skip(script, at, engine);
    if (skipped.to > at) {
      // A /*! comment of MySQL and a quote are part of a statement; other comments and blanks are not.
      if (skipped.counts) first ??= at;
      at = skipped.to;
      continue;
    }
    first ??= at;
    const word = wordAt(script, at);
    if (!word) {
      at += 1;
      continue;
    }
    body ??= delimiter === ';' && BODY.test(script.slice(first, first + 400));
    if (body) depth = nested(script, at, word, depth, engine);
    at += word.length;
  }
  return { end: script.length, first };
}

/** BEGIN and CASE open a block that END closes; END IF, END LOOP and the like close what was never counted. */
function nested(script: string, at: number, word: string, depth: number, engine: Engine): number {
  const upper = word.toUpperCase();
  if (upper === 'BEGIN')
    return engine === 'postgres' && !/^BEGIN\s+ATOMIC\b/i.test(script.slice(at, at + 40)) ? depth : depth + 1;
  if (depth === 0) return 0;
  // In MySQL `END CASE` holds the word CASE again, which must not open another block.
  if (upper === 'CASE') return /\bEND\s+$/i.test(script.slice(Math.max(0, at - 40), at)) ? depth : depth + 1;
  if (upper === 'END')
    return /^END\s+(IF|LOOP|WHILE|REPEAT|FOR)\b/i.test(script.slice(at, at + 40)) ? depth : depth - 1;
  return depth;
}

function wordAt(script: string, at: number): string {
  const word = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
  word.lastIndex = at;
  return word.exec(script)?.[0] ?? '';
}

/** The end of the blank, comment or quote at `at`; `at` itself where there is none. */
function skip(script: string, at: number, engine: Engine): { to: number; counts: boolean } {
  const char = script[at]!;
  const mysql = engine === 'mysql' || engine === 'mariadb';
  if (/\s/.test(char)) return { to: at + 1, counts: false };
  if (lineComment(script, at, mysql)) return { to: endOf(script, '\n', at), counts: false };
  if (script.startsWith('/*', at))
    return {
      to: blockComment(script, at, engine === 'postgres'),
      counts: mysql && /^\/\*M?!/.test(script.slice(at, at + 4)),
    };
  if (char === "'" || char === '"' || char === '`') {
    const escapes =
      (mysql && char !== '`') ||
      (engine === 'postgres' && char === "'" && /(^|[^\w$])[eE]$/.test(script.slice(Math.max(0, at - 2), at)));
    return { to: quoteEnd(script, at, char, escapes), counts: true };
  }
  if (char === '[' && engine === 'sqlite') return { to: endOf(script, ']', at), counts: true };
  if (char === '$' && engine === 'postgres') return { to: dollarEnd(script, at), counts: true };
  return { to: at, counts: false };
}

function lineComment(script: string, at: number, mysql: boolean): boolean {
  if (mysql && script[at] === '#') return true;
  return script.startsWith('--', at) && (!mysql || /^--(\s|$)/.test(script.slice(at, at + 3)));
}

function blockComment(script: string, at: number, nests: boolean): number {
  let depth = 1;
  let to = at + 2;
  while (to < script.length && depth > 0) {
    if (script.startsWith('*/', to)) [depth, to] = [depth - 1, to + 2];
    else if (nests && script.startsWith('/*', to)) [depth, to] = [depth + 1, to + 2];
    else to += 1;
  }
  return to;
}

function quoteEnd(script: string, at: number, quote: string, escapes: boolean): number {
  let to = at + 1;
  while (to < script.length) {
    if (escapes && script[to] === '\\') to += 2;
    else if (script[to] !== quote) to += 1;
    else if (script[to + 1] === quote) to += 2;
    else return to + 1;
  }
  return script.length;
}

function dollarEnd(script: string, at: number): number {
  if (/[\w$]/.test(script[at - 1] ?? '')) return at;
  const tag = /\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
  tag.lastIndex = at;
  const found = tag.exec(script)?.[0];
  return found ? endOf(script, found, at + found.length) : at;
}

function endOf(script: string, text: string, from: number): number {
  const found = script.indexOf(text, from);
  return found === -1 ? script.length : found + text.length;
}

function lineOf(script: string, at: number): number {
  let line = 1;
  for (let found = script.indexOf('\n'); found !== -1 && found < at; found = script.indexOf('\n', found + 1)) line += 1;
  return line;
}
