/** The user's regular expressions on texts from outside, in bounded time: some patterns take longer than any watch. */
import { createContext, Script } from 'node:vm';

/** Milliseconds for one text, or for all lines of one output. Nothing else of this process runs meanwhile. */
const LONGEST = 1000;

const TEST = new Script('pattern.test(text)');
const COUNT = new Script('lines.filter((line) => pattern.test(line)).length');

/** True where the text is a regular expression. Pure. */
export function isPattern(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}

/** Whether the pattern is found in the text. Throws an Error, for people, where that takes too long to say. */
export function matches(pattern: RegExp, text: string): boolean {
  return inTime(TEST, pattern, { text }) as boolean;
}

/** In how many lines of the text, empty ones left out, the pattern is found. Throws as `matches` does. */
export function matchingLines(pattern: RegExp, text: string): number {
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  return inTime(COUNT, pattern, { lines }) as number;
}

/** Only a script of `vm` can be ended while a regular expression runs. It is no wall: nothing from outside is run in it. */
function inTime(script: Script, pattern: RegExp, given: object): unknown {
  try {
    return script.runInContext(createContext({ pattern, ...given }), { timeout: LONGEST });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new Error(
      `the pattern ${pattern.source} was not through after ${LONGEST} ms: write it without nested repeats`,
    );
  }
}
