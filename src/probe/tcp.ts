/** Asks whether a port takes connections, and what it says first. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Asking } from './ask.ts';
import type { Endpoint, Objection, TcpCheck, WantedText } from './check.ts';
import { placeOf } from './reach.ts';
import { textObjections } from './text.ts';
import { errorInWords, short } from './words.ts';

/** What is read of a greeting. */
const MOST_CHARACTERS = 65_536;

/**
 * A tunnel takes connections whether or not its far end does, so a host opens this one itself. /dev/tcp is bash's;
 * without bash, netcat's.
 */
const OPEN = `if command -v bash >/dev/null 2>&1; then exec bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$1" "$2"
elif command -v nc >/dev/null 2>&1; then exec nc -z "$1" "$2"
fi
echo 'neither bash nor nc is there to open a connection' >&2; exit 69`;

/** Everything that is wrong; empty where it answers. Rejects with why it does not. */
export async function askPort(check: TcpCheck, asking: Asking): Promise<Objection[]> {
  const place = placeOf(check, asking.reach);
  const silent = !waitsFor(check.greeting);
  if (silent && place.kind === 'ssh') {
    const args = [check.hostname, String(check.port)];
    const { status, stderr } = await place.sh(OPEN, { args, signal: asking.signal });
    return status === 0 ? [] : [{ words: refused(stderr) }];
  }
  const socket = connect({ ...hostOf(await asking.ways.to(place, check)), signal: asking.signal });
  try {
    await once(socket, 'connect', { signal: asking.signal });
    return silent ? [] : await greeting(socket, check.greeting, asking.signal);
  } finally {
    socket.destroy();
  }
}

function hostOf({ hostname, port }: Endpoint): { host: string; port: number } {
  return { host: hostname, port };
}

function waitsFor({ holds, matches }: WantedText): boolean {
  return holds.length > 0 || matches !== null;
}

/** What bash or netcat said, as the words that this machine would have for it. */
function refused(stderr: string): string {
  if (/refused/i.test(stderr)) return errorInWords(Object.assign(new Error(), { code: 'ECONNREFUSED' }));
  if (/not known|resolve|resolution/i.test(stderr))
    return errorInWords(Object.assign(new Error(), { code: 'ENOTFOUND' }));
  return `no connection: ${short(stderr.trim().split('\n').at(-1) || 'nothing was said')}`;
}

/** Reads until it is right, the other side ends, or the time is over. */
async function greeting(socket: Socket, wanted: WantedText, signal: AbortSignal): Promise<Objection[]> {
  let text = '';
  const objections = () => textObjections('the greeting', wanted, { text, cut: text.length >= MOST_CHARACTERS });
  socket.setEncoding('utf8');
  try {
    for await (const chunk of socket) {
      text += chunk;
      if (objections().length === 0 || text.length >= MOST_CHARACTERS) break;
    }
  } catch (thrown) {
    if (text === '' || !signal.aborted) throw thrown; // a wrong greeting says more than that time is over
  }
  return objections();
}
