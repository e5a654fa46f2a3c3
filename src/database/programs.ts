/** The engines' own programs: where they are, which version, and running one whose output is streamed. */
import { access, constants, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { Failure } from '../outcome/outcome.ts';
import { type Command, endGroup, type Finished, lastWords, run, start } from '../process/process.ts';
import { Output, Tap } from './output.ts';

export interface Program {
  file: string;
  /** Digits and dots. */
  version: string;
}

/** Where distributions put PostgreSQL's programs of each major version, besides the PATH. */
const POSTGRES_FOLDERS: [string, string][] = [
  ['/usr/lib/postgresql', 'bin'],
  ['/usr/local/lib/postgresql', 'bin'],
];

/** The folders in which programs of PostgreSQL may lie: the PATH first. */
export async function postgresFolders(): Promise<string[]> {
  const versioned = await Promise.all(
    POSTGRES_FOLDERS.map(async ([base, below]) =>
      (await readdir(base).catch(() => [])).sort().map((version) => join(base, version, below)),
    ),
  );
  return [...pathFolders(), ...versioned.flat()];
}

export function pathFolders(): string[] {
  return (process.env.PATH ?? '').split(delimiter).filter(Boolean);
}

/** A program that is installed, and what it said to `--version`. */
interface Installed extends Program {
  said: string;
}

/** Every program of one of these names in these folders, with its version; those that do not answer `--version` are left out. */
export async function findPrograms(names: string[], folders: string[]): Promise<Installed[]> {
  const found: Installed[] = [];
  for (const folder of folders) {
    for (const name of names) {
      const file = join(folder, name);
      const runnable = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (!runnable || found.some((program) => program.file === file)) continue;
      const said = await saidOf(file);
      const version = said === null ? null : versionIn(said);
      if (said !== null && version) found.push({ file, version, said });
    }
  }
  return found;
}

/** What programs have said of themselves: none changes while this process runs. */
const SAID = new Map<string, string>();

async function saidOf(file: string): Promise<string | null> {
  const known = SAID.get(file);
  if (known !== undefined) return known;
  const done = await run({ file, args: ['--version'], timeout: 10_000 }).catch(() => null);
  if (done?.status !== 0) return null;
  SAID.set(file, done.stdout);
  return done.stdout;
}

/** The version in what a program or server says of itself; null where there is none. MariaDB's programs name their own first, then the server's. */
export function versionIn(said: string): string | null {
  const match =
    /(?:Distrib|from) (\d+(?:\.\d+)+)/.exec(said) ??
    /(\d+(?:\.\d+)+)-MariaDB/i.exec(said) ??
    /(\d+(?:\.\d+)*)/.exec(said);
  return match?.[1] ?? null;
}

/** Negative where `a` is older than `b`, by the first `parts` numbers. */
export function compareVersions(a: string, b: string, parts = 3): number {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number));
  for (let at = 0; at < parts; at += 1) {
    const difference = (x![at] ?? 0) - (y![at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * Runs a program and streams what it writes into `to`, which is ended only after the program's status was 0:
 * a consumer never takes a part for the whole. `tap` sees all of it on the way, in a buffer that is valid during the
 * call only, and `whole` is called before `to` is ended; either may throw to refuse what came. Answers the bytes, and
 * for how many milliseconds the program ran.
 */
export async function streamFrom(
  command: Command,
  to: Writable,
  signal: AbortSignal,
  tap: (bytes: Buffer) => void,
  whole?: () => void,
): Promise<{ bytes: number; held: number }> {
  const { child, output } = await Output.of(command);
  const began = performance.now();
  let held = 0;
  child.once('exit', () => (held = Math.round(performance.now() - began)));
  const { end } = await watched(child, command).catch((error) => {
    output.close();
    throw error;
  });
  const gathered = new Tap(tap);
  const stopped = () => {
    endGroup(child);
    output.close();
  };
  signal.addEventListener('abort', stopped, { once: true });
  try {
    if (signal.aborted) stopped();
    await output.copy(to, (bytes) => gathered.add(bytes));
    gathered.flush();
    const how = await end;
    if (how.status !== 0) throw dumpFailure(command, how);
    whole?.();
    to.end();
    await finished(to);
    return { bytes: gathered.bytes, held };
  } catch (error) {
    endGroup(child);
    await end;
    to.destroy(error as Error);
    if (signal.aborted)
      throw new Failure({
        code: 'cancelled',
        what: 'the dump was ended because the run was cancelled',
        next: 'run it again',
      });
    throw error;
  } finally {
    signal.removeEventListener('abort', stopped);
  }
}

/**
 * What pg_restore or a client of MySQL or MariaDB says of an error, for people: its line of the error alone. What stands
 * around it, the statement or the row, is data and belongs in no log. Without such a line, how it ended.
 */
export function errorWords(how: Finished): string {
  const line = how.stderr.split('\n').findLast((each) => /^(?:pg_restore: error: |ERROR \d)/.test(each)) ?? '';
  return lastWords({ ...how, stdout: '', stderr: line });
}

/** Streams `from` into a program's standard input. Both must end well: a source that breaks ends the program. */
export async function streamInto(
  from: Readable,
  command: Command,
  signal: AbortSignal,
  failure: (how: Finished) => Failure,
): Promise<void> {
  const child = start(command, { stdio: ['pipe', 'ignore', 'pipe'] });
  const { end } = await watched(child, command);
  const stopped = () => endGroup(child);
  signal.addEventListener('abort', stopped, { once: true });
  let broken: unknown;
  try {
    await pipeline(from, child.stdin!, { signal }).catch((error: NodeJS.ErrnoException) => {
      // A program that has enough or fails closes its input; its status tells which.
      if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE') return;
      broken = error;
      endGroup(child);
    });
    const how = await end;
    if (broken) throw broken;
    if (how.status !== 0) throw failure(how);
    if (from.errored) throw from.errored;
  } finally {
    if (child.exitCode === null && child.signalCode === null) endGroup(child, 'SIGKILL');
    signal.removeEventListener('abort', stopped);
  }
}

/** Waits for the start, then answers the promise of the end (in an object: a promise returned alone would be awaited); the error output is kept up to 64 KiB. */
async function watched(child: ReturnType<typeof start>, command: Command): Promise<{ end: Promise<Finished> }> {
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-65_536)));
  const end = new Promise<Finished>((resolve) => {
    child.once('close', (status, signal) => resolve({ status, signal, stdout: '', stderr, timedOut: false }));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(missing(command.file, error.message)));
  });
  return { end };
}

function missing(file: string, why: string): Failure {
  return new Failure({ code: 'tool-missing', what: `the program ${file} cannot be run`, why, next: `install ${file}` });
}

function dumpFailure(command: Command, how: Finished): Failure {
  return new Failure({
    code: 'backup-failed',
    what: `${command.file.split('/').at(-1)} failed`,
    why: lastWords(how),
    untouched: 'the database was only read',
    next: 'see what the program says; run the backup again when it is put right',
  });
}
