/** How a tree gets to a host: by rsync where both sides have it, else as a tar stream. */
import { Readable } from 'node:stream';
import { create } from 'tar';
import { Failure } from '../outcome/outcome.ts';
import { type Finished, lastWords, run } from '../process/process.ts';
import { rsyncArguments } from './arguments.ts';
import type { Host, PushOptions } from './host.ts';

/** What is pushed where; `control` is the connection's socket, null on this machine. */
export interface Cargo {
  tree: string;
  to: string;
  control: string | null;
}

const PREPARE = 'mkdir -p -- "$1" && { command -v rsync >/dev/null 2>&1 && echo rsync || echo tar; }';
const UNPACK = 'cd -- "$1" && tar -xpf - && find . -type f -exec chmod a-w {} +';
let rsyncHere: Promise<boolean> | null = null;

/** Makes `to` there equal to `tree` here. Throws `disk-full`, `host-unreachable`, `host-unfit`, `cancelled`. */
export async function pushTree(host: Host, cargo: Cargo, options: PushOptions): Promise<void> {
  const prepared = await host.sh(PREPARE, { args: [cargo.to] });
  if (prepared.status !== 0) throw pushFailure(host, prepared.stderr, `status ${prepared.status}`);
  rsyncHere ??= run({ file: 'rsync', args: ['--version'] }).then(
    ({ stdout }) => /^rsync\s+version [3-9]/.test(stdout),
    () => false,
  );
  if (prepared.stdout.trim() === 'rsync' && (await rsyncHere)) await byRsync(host, cargo, options);
  else await byTar(host, cargo, options);
}

async function byRsync(host: Host, cargo: Cargo, options: PushOptions): Promise<void> {
  const { linkDest = null, signal } = options;
  const args = rsyncArguments(cargo.tree, cargo.to, { control: cargo.control, linkDest });
  const finished: Finished = await run({ file: 'rsync', args, signal });
  if (finished.status === 0) return;
  // 12 and 255: the connection ended; 30 and 35: it timed out (rsync(1), EXIT VALUES).
  const lost =
    cargo.control !== null &&
    !/No space left|quota/i.test(finished.stderr) &&
    [12, 30, 35, 255].includes(finished.status ?? 0);
  throw lost ? lostFailure(host, finished) : pushFailure(host, finished.stderr, lastWords(finished));
}

async function byTar(host: Host, cargo: Cargo, options: PushOptions): Promise<void> {
  const input = Readable.from(create({ cwd: cargo.tree }, ['.']));
  const result = await host.sh(UNPACK, { args: [cargo.to], input, signal: options.signal });
  if (result.status !== 0) throw pushFailure(host, result.stderr, lastWords({ ...result, signal: null }));
}

function lostFailure(host: Host, finished: Finished): Failure {
  return new Failure({
    code: 'host-unreachable',
    where: host.name,
    what: 'the connection was lost while files travelled',
    why: lastWords(finished),
    untouched: 'the live version there is untouched',
    next: 'check that the host runs and run it again',
  });
}

function pushFailure(host: Host, words: string, why: string): Failure {
  const full = /No space left|quota/i.test(words);
  return new Failure({
    code: full ? 'disk-full' : 'host-unfit',
    where: host.name,
    what: full ? 'the disk became full while files travelled' : 'the files could not be written',
    why,
    untouched: 'the live version there is untouched',
    next: full ? 'make room there and run it again' : 'check the permissions of the path there and run it again',
  });
}
