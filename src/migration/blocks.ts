/** Says whether a semicolon lies inside a statement: in the body of a trigger or routine, or in parentheses. */
import { type Dialect, type Token, tokenAt } from './lexer.ts';

/** What can follow CREATE; the first of these words says what is made: a table called `event` is a table. */
const KINDS = new Set(
  'TABLE VIEW INDEX DATABASE SCHEMA USER ROLE SERVER SEQUENCE TYPE DOMAIN RULE TRIGGER PROCEDURE FUNCTION EVENT PACKAGE'.split(
    ' ',
  ),
);
/** Those whose body may hold statements of its own. */
const WITH_BODY: Record<Dialect, Set<string>> = {
  postgres: new Set(['FUNCTION', 'PROCEDURE']),
  mysql: new Set(['TRIGGER', 'PROCEDURE', 'FUNCTION', 'EVENT', 'PACKAGE']),
  sqlite: new Set(['TRIGGER']),
};
/** Blocks that are closed by END and their own name. */
const NAMED = new Set(['IF', 'LOOP', 'WHILE', 'REPEAT', 'FOR']);
/** After these, IF is a function in an expression. */
const IN_EXPRESSION = new Set(
  'WHEN AND OR NOT XOR RETURN IF ELSEIF WHILE UNTIL LIKE IN DIV MOD BETWEEN SELECT WHERE HAVING ON BY DEFAULT'.split(
    ' ',
  ),
);

/** Follows one statement token by token; blanks are not shown to it. */
export class Blocks {
  readonly #dialect: Dialect;
  readonly #open: string[] = [];
  #parentheses = 0;
  #conditional = 0;
  #words = 0;
  #creates = false;
  #body = false;
  #before: Token | null = null;
  #beforeThat: Token | null = null;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  /** True where a semicolon that comes now does not end the statement. */
  inside(): boolean {
    if (this.#dialect === 'sqlite') return this.#body && !this.#triggerEnded();
    if (this.#dialect === 'postgres') return this.#parentheses > 0 || this.#open.length > 0;
    return this.#open.length > 0 || this.#conditional > 0;
  }

  /** Takes the next token that is no blank. */
  see(token: Token, script: string): void {
    if (token.text === '(') this.#parentheses++;
    if (token.text === ')') this.#parentheses--;
    if (token.kind === 'opens') this.#conditional++;
    if (token.kind === 'closes') this.#conditional--;
    if (token.kind === 'word') {
      this.#words++;
      this.#recogniseBody(token.text);
      if (this.#body && this.#before?.text !== '.') this.#follow(token, script);
    }
    this.#beforeThat = this.#before;
    this.#before = token;
  }

  #recogniseBody(word: string): void {
    if (this.#words === 1) this.#creates = word === 'CREATE' || word === 'ALTER';
    else if (this.#words === 2 && word === 'NOT' && this.#before?.text === 'BEGIN' && this.#dialect === 'mysql') {
      this.#body = true; // MariaDB's block without a routine: BEGIN NOT ATOMIC … END
      this.#open.push('BEGIN');
    } else if (this.#creates && KINDS.has(word)) {
      this.#creates = false;
      this.#body = WITH_BODY[this.#dialect].has(word);
    }
  }

  #follow({ text, end }: Token, script: string): void {
    const before = this.#before;
    if (text === 'END') this.#close(wordAfter(script, end));
    else if (before?.text === 'END')
      return; // the name in END IF, END CASE
    else if (this.#dialect === 'postgres') {
      if (text === 'BEGIN' ? wordAfter(script, end) === 'ATOMIC' : text === 'CASE' && this.#open.length > 0)
        this.#open.push(text);
    } else if (this.#dialect === 'mysql' && opensInMysql(text, before, script, end)) this.#open.push(text);
  }

  #close(name: string): void {
    if (NAMED.has(name)) {
      if (this.#open.at(-1) === name) this.#open.pop();
      return;
    }
    const last = this.#open.findLastIndex((word) => word === 'BEGIN' || word === 'CASE');
    if (last >= 0) this.#open.length = last;
  }

  /** SQLite's own rule (sqlite3_complete): a trigger ends with `; END ;`. */
  #triggerEnded(): boolean {
    return this.#before?.text === 'END' && this.#beforeThat?.text === ';';
  }
}

function opensInMysql(word: string, before: Token | null, script: string, end: number): boolean {
  if (KINDS.has(before?.text ?? '')) return false; // the name of what is made
  switch (word) {
    case 'BEGIN':
    case 'CASE':
    case 'LOOP':
    case 'WHILE':
      return true;
    case 'REPEAT': // REPEAT('x', 3) is a function
      return !/^\s*\(/.test(script.slice(end, end + 50));
    case 'FOR':
      return [';', ':', 'BEGIN', 'THEN', 'ELSE', 'DO', 'LOOP', 'REPEAT'].includes(before?.text ?? '');
    case 'IF':
      return startsStatement(before) && thenFollows(script, end);
    default:
      return false;
  }
}

function startsStatement(before: Token | null): boolean {
  if (before?.kind === 'mark') return [';', ':', ')'].includes(before.text);
  return !IN_EXPRESSION.has(before?.text ?? '');
}

/** Tells IF … THEN from the function IF(a, b, c) and from IF EXISTS: only the first has a THEN of its own. */
function thenFollows(script: string, end: number): boolean {
  let depth = 0;
  let first = true;
  for (let at = end; at < script.length; ) {
    const token = tokenAt(script, at, 'mysql');
    at = token.end;
    if (token.kind === 'blank') continue;
    if (first && token.text !== '(' && token.text !== 'NOT' && token.text !== 'EXISTS') return true;
    first = false;
    if (token.text === '(') depth++;
    else if (token.text === ')') depth--;
    else if (depth === 0 && token.text === 'THEN') return true;
    else if (depth === 0 && [';', 'WHEN', 'ELSE', 'END', 'IF', 'BEGIN', 'CASE', 'DO'].includes(token.text))
      return false;
  }
  return false;
}

function wordAfter(script: string, at: number): string {
  return /^\s+([a-z]+)\b/i.exec(script.slice(at, at + 100))?.[1]?.toUpperCase() ?? '';
}
