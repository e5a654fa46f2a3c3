/** What the transport itself runs on a host: constants, fed by arguments; and the reading and writing of files by them. */
import { posix } from 'node:path';
import { Failure } from '../outcome/outcome.ts';
import type { Host, ShOptions } from './host.ts';

/**
 * Ends the process group of the shell $1, softly first, where that process has the word $2 on its command line: the
 * shell may have ended before this was read, and its id may by now be that of somebody else's process.
 */
export const END_GROUP = `said=$(tr '\\0' ' ' 2>/dev/null <"/proc/$1/cmdline" || ps -o args= -p "$1" 2>/dev/null)
case $said in *"$2"*) ;; *) exit 0 ;; esac
kill -TERM "-$1" 2>/dev/null || kill -TERM "$1" 2>/dev/null || exit 0
for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 "-$1" 2>/dev/null || exit 0; sleep 0.2 2>/dev/null || sleep 1; done
kill -KILL "-$1" 2>/dev/null; exit 0`;

const READ = 'exec cat -- "$1"';

/** $1 file, $2 mode in octal. The rename makes the new bytes appear at once. */
const WRITE = `umask 077
t=$1.changeline-$$
trap 'rm -f -- "$t"' EXIT
mkdir -p -- "\${1%/*}" && cat > "$t" && chmod "$2" "$t" && { sync -- "$t" 2>/dev/null || :; } && mv -f -- "$t" "$1"`;

type RunBytes = (script: string, options: ShOptions) => Promise<{ status: number; stdout: Buffer; stderr: Buffer }>;

/** The bytes of a file on the host. */
export async function readFile(host: Host, file: string, run: RunBytes): Promise<Buffer> {
  const result = await run(READ, { args: [place(host, file)] });
  if (result.status === 0) return result.stdout;
  throw fileFailure(
    host,
    file,
    'cannot be read',
    result.stderr.toString('utf8'),
    'check that it exists there and that the user may read it',
  );
}

/** Writes a file on the host through a rename. */
export async function writeFile(host: Host, file: string, bytes: Buffer, mode: number): Promise<void> {
  const result = await host.sh(WRITE, { args: [place(host, file), mode.toString(8)], input: bytes });
  if (result.status === 0) return;
  throw fileFailure(
    host,
    file,
    'cannot be written',
    result.stderr,
    'check the permissions and the free room of its folder there',
  );
}

/** An absolute path there; what is relative lies under the root. */
export function place(host: Pick<Host, 'path'>, file: string): string {
  return posix.isAbsolute(file) ? file : posix.join(host.path, file);
}

function fileFailure(host: Host, file: string, what: string, words: string, next: string): Failure {
  const full = /No space left|quota/i.test(words);
  return new Failure({
    code: full ? 'disk-full' : 'host-unfit',
    where: host.name,
    what: `the file ${JSON.stringify(place(host, file))} ${what}`,
    why: words.trim().split('\n').at(-1)?.slice(0, 200),
    untouched: 'the file is as it was',
    next: full ? 'make room there' : next,
  });
}
