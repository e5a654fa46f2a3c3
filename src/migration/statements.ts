/**
 * Cuts a script into its statements, each with its line, as the engine's own client would: where MySQL and MariaDB
 * stop in the middle of a script, the number of a statement is all that is known of how far it came.
 */
import { Blocks } from './blocks.ts';
import { type Dialect, type Token, tokenAt, Unended } from './lexer.ts';

/** One statement of a script, without the delimiter and without the comments before it. */
export interface Statement {
  sql: string;
  /** The line of the script on which it begins; 1 is the first. */
  line: number;
}

/** What is wrong with a script, and on which line. */
export class ScriptError extends Error {
  readonly line: number;
  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

/** The statements of a script, in order; none for a script of comments. Throws `ScriptError` for quotes that never end. */
export function splitScript(script: string, dialect: Dialect): Statement[] {
  const lines = lineCounter(script);
  const statements: Statement[] = [];
  let delimiter = ';';
  let begins: number | null = null;
  let ends = 0;
  let blocks = new Blocks(dialect);
  const finish = () => {
    if (begins !== null) statements.push({ sql: script.slice(begins, ends), line: lines(begins) });
    begins = null;
    blocks = new Blocks(dialect);
  };
  try {
    for (let at = 0; at < script.length; ) {
      const command = dialect === 'mysql' && begins === null ? delimiterCommand(script, at) : null;
      if (command) {
        delimiter = command.delimiter;
        at = command.end;
        continue;
      }
      if (script.startsWith(delimiter, at) && (delimiter !== ';' || !blocks.inside())) {
        finish();
        at += delimiter.length;
        continue;
      }
      const token = upTo(delimiter, tokenAt(script, at, dialect), script);
      if (token.kind !== 'blank') {
        begins ??= token.start;
        ends = token.end;
        blocks.see(token, script);
      }
      at = token.end;
    }
  } catch (error) {
    if (error instanceof Unended) throw new ScriptError(error.message, lines(error.at));
    throw error;
  }
  finish();
  return statements;
}

/** A word or mark may touch a delimiter such as $$ or //, which ends it. */
function upTo(delimiter: string, token: Token, script: string): Token {
  if (delimiter === ';' || token.kind === 'quoted' || token.kind === 'blank') return token;
  const cut = script.slice(token.start, token.end).indexOf(delimiter);
  if (cut < 1) return token;
  const text = script.slice(token.start, token.start + cut);
  return { ...token, text: token.kind === 'word' ? text.toUpperCase() : text, end: token.start + cut };
}

/** `DELIMITER //`: a command of MySQL's client, alone on its line, that the server never sees. */
function delimiterCommand(script: string, at: number): { delimiter: string; end: number } | null {
  if (at > 0 && !/[\r\n]/.test(lineStart(script, at))) return null;
  const command = /DELIMITER[ \t]+(\S+)[^\n]*/iy;
  command.lastIndex = at;
  const found = command.exec(script);
  return found ? { delimiter: found[1]!, end: command.lastIndex } : null;
}

/** The line end before `at`, if only blanks lie between; else the character that lies there. */
function lineStart(script: string, at: number): string {
  for (let i = at - 1; i >= 0; i--) if (script[i] !== ' ' && script[i] !== '\t') return script[i]!;
  return '\n';
}

/** Tells the line of offsets that only grow. */
function lineCounter(script: string): (at: number) => number {
  let line = 1;
  let counted = 0;
  return (at) => {
    if (at < counted) [line, counted] = [1, 0];
    for (; counted < at; counted++) if (script[counted] === '\n') line++;
    return line;
  };
}
