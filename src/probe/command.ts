/** Runs a command of the user's, here or on a host, and looks at how it ended and what it printed. */
import { Failure } from '../outcome/outcome.ts';
import type { Asking } from './ask.ts';
import type { CommandCheck, Objection } from './check.ts';
import { placeOf } from './reach.ts';
import { type Read, textObjections } from './text.ts';
import { short } from './words.ts';

/** What is read of its output. */
const MOST_BYTES = 1 << 20;

/** Everything that is wrong; empty where nothing is. Rejects where the host is lost. */
export async function askCommand(check: CommandCheck, asking: Asking): Promise<Objection[]> {
  const place = placeOf(check, asking.reach);
  const output = place.stream(`cd -- "$1" || exit\n${check.script}`, {
    args: [place.path],
    env: { CHANGELINE_VERSION: check.version ?? '' },
    signal: asking.signal,
  });
  const chunks: Buffer[] = [];
  const read = (): Read => {
    const bytes = Buffer.concat(chunks);
    return { text: bytes.subarray(0, MOST_BYTES).toString(), cut: bytes.length > MOST_BYTES };
  };
  try {
    let bytes = 0;
    for await (const chunk of output) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MOST_BYTES) return [{ words: `it printed more than ${MOST_BYTES} bytes and was ended` }];
    }
    return textObjections('the output', check.output, read());
  } catch (thrown) {
    if (!(thrown instanceof Failure) || typeof thrown.facts.status !== 'number') throw thrown;
    return [{ words: endInWords(thrown, read().text) }];
  }
}

/** `status 3: the last it said`. */
function endInWords({ why, facts }: Failure, printed: string): string {
  const said = why?.replace(/^status \d+:? ?/, '') || printed.trim().split('\n').slice(-3).join(' | ');
  return `it ended with status ${facts.status}${said ? `: ${short(said)}` : ''}`;
}
