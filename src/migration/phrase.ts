/** One statement as a text that patterns can be laid upon: what is quoted and what is commented cannot be mistaken for words. */
import { type Dialect, tokenAt } from './lexer.ts';

/**
 * The shape of a statement: words in upper case, marks and numbers, each set off by one blank; whatever is quoted
 * stands as `~` and a number, so that a column called "drop table" is one word. Comments are gone, and of MySQL's
 * executable comments only the marks around them.
 */
export interface Phrase {
  shape: string;
  /** A name of the shape as people read it: without quotes, its parts joined by dots. */
  name(part: string): string;
  /** The same in the spelling that the engine compares. */
  key(part: string): string;
}

/** A name in a shape, for patterns: it may have several parts. Holds one group. */
export const NAME = '(\\S+(?: \\. \\S+)*)';

/** The phrase of a statement. Throws `Unended` for quotes that never end. */
export function phraseOf(sql: string, dialect: Dialect): Phrase {
  const quoted: string[] = [];
  const words: string[] = [];
  for (let at = 0; at < sql.length; ) {
    const token = tokenAt(sql, at, dialect);
    at = token.end;
    if (token.kind === 'quoted') words.push(`~${quoted.push(sql.slice(token.start, token.end)) - 1}`);
    else if (token.kind === 'word' || token.kind === 'mark') words.push(token.text);
  }
  const part = (word: string) => (word.startsWith('~') ? unquoted(quoted[Number(word.slice(1))]!) : word.toLowerCase());
  const name = (text: string) => text.split(' . ').map(part).join('.');
  return {
    shape: words.join(' '),
    name,
    key: dialect === 'postgres' ? name : (text) => name(text).toLowerCase(),
  };
}

/** The parts of a shape between commas that lie in no parentheses. */
export function splitAtCommas(shape: string): string[] {
  const parts: string[][] = [[]];
  let depth = 0;
  for (const word of shape.split(' ')) {
    if (word === '(') depth++;
    if (word === ')') depth--;
    if (word === ',' && depth === 0) parts.push([]);
    else parts.at(-1)!.push(word);
  }
  return parts.map((words) => words.join(' '));
}

function unquoted(text: string): string {
  const quote = text.at(-1)!;
  return text.slice(1, -1).replaceAll(quote + quote, quote);
}
