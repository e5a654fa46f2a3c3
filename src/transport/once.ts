/** One job in a shell of its own: with input, with an end in time, or to be ended on cancel. */
import type { ChildProcess } from 'node:child_process';
import { Readable, type Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../outcome/outcome.ts';
import { lastWords } from '../process/process.ts';
import { FrameReader, type Job, newBoundary, oneJobHeader } from './job.ts';

/** How such a shell is started and ended. */
export interface Shell {
  /** Starts `sh -c READ_ONE_JOB` with pipes. */
  start(): ChildProcess;
  /** Ends the shell of that process id and all that it started. */
  end(child: ChildProcess, pid: number | null): Promise<void>;
}

/** When it ends early. */
export interface Limits {
  timeout?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** What came of it. `status` is null where the shell ended without an answer; `exit` is then how the client ended. */
export interface OnceResult {
  status: number | null;
  exit: number | null;
  stdout: Buffer;
  stderr: Buffer;
  timedOut: boolean;
}

/** Runs the job to its answer, its time limit or the signal. Rejects with `cancelled` where the signal fires. */
export async function runOnce(shell: Shell, job: Job, limits: Limits = {}): Promise<OnceResult> {
  if (limits.signal?.aborted) throw cancelled();
  const boundary = newBoundary();
  const out = new FrameReader(boundary);
  const err = new FrameReader(boundary);
  const child = shell.start();
  let timedOut = false;
  let broken: { error: unknown } | null = null;
  let giveUp = () => {};
  const end = () =>
    void begun(out)
      .then(() => shell.end(child, out.pid))
      .catch(() => {})
      .finally(() => giveUp());
  const late = () => {
    timedOut = true;
    end();
  };
  const timer = limits.timeout === undefined ? undefined : setTimeout(late, limits.timeout);
  limits.signal?.addEventListener('abort', end, { once: true });
  try {
    const exit = await new Promise<number | null>((resolve, reject) => {
      giveUp = () => {
        child.kill('SIGKILL');
        resolve(null);
      };
      const feed = (reader: FrameReader) => (chunk: Buffer) => {
        reader.feed(chunk);
        if (out.done && err.done) resolve(null);
      };
      child.stdout!.on('data', feed(out));
      child.stderr!.on('data', feed(err));
      child.once('error', (error) => reject(notStarted(child.spawnfile, error)));
      child.once('close', (code) => resolve(code));
      feedInput(child.stdin!, oneJobHeader(job, boundary), job.input).catch((error) => {
        broken = { error };
        end();
      });
    });
    if (limits.signal?.aborted) throw cancelled();
    if (broken) throw (broken as { error: unknown }).error;
    const [stdout, stderr] = [out.done?.body ?? out.rest(), err.done?.body ?? err.rest()];
    return { status: out.done?.status ?? null, exit, stdout, stderr, timedOut };
  } finally {
    clearTimeout(timer);
    limits.signal?.removeEventListener('abort', end);
    release(child);
  }
}

/** Waits for the word that the script begins: before it nobody there could be ended, and the script would run on. */
export async function begun(out: { pid: number | null }): Promise<void> {
  for (let tries = 0; tries < 100 && out.pid === null; tries++) await sleep(50);
}

/**
 * Gives a script its input. One that ends without reading it is no error. A source that breaks is one, thrown here, and
 * the script's input stays open then: it would take half of it for all. Whoever called ends the script.
 */
export async function feedInput(stdin: Writable, header: string, input: Job['input']): Promise<void> {
  stdin.on('error', () => {});
  stdin.write(header);
  if (!(input instanceof Readable)) {
    stdin.end(input ?? '');
    return;
  }
  stdin.once('close', () => input.destroy());
  try {
    for await (const chunk of input) {
      // Not left to `close` alone: a source that always has more would never let that event come.
      if (stdin.destroyed) return;
      if (!stdin.write(chunk)) await drained(stdin);
    }
    stdin.end();
  } catch (error) {
    if (!stdin.destroyed) throw error;
  }
}

/** Waits until more may be written, or nothing will be read any more. */
function drained(stdin: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ['drain', 'close']) stdin.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close']) stdin.on(event, done);
    if (stdin.destroyed) done();
  });
}

/** Lets go of a shell that has answered; what it left in the background is not ours to end. */
export function release(child: ChildProcess): void {
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
}

/** The Failure for a program that could not be started. */
export function notStarted(file: string, error: NodeJS.ErrnoException): Failure {
  return new Failure({
    code: error.code === 'ENOENT' || error.code === 'EACCES' ? 'tool-missing' : 'internal',
    what: `the program ${file} cannot be run`,
    why: error.code ?? error.message,
    untouched: 'nothing was touched',
    next: `install ${file} or put it on the PATH`,
  });
}

/** The Failure for a shell that ended, by a signal of its own, before it could answer. */
export function endedAlone(name: string, exit: number | null, words: string): Failure {
  return new Failure({
    code: 'host-unfit',
    what: 'the shell of a command ended before the command did',
    where: name,
    why: lastWords({ status: exit, signal: null, stdout: '', stderr: words, timedOut: false }),
    next: 'look at what ended it there, and run it again',
  });
}

/** The Failure for a script that the signal ended. */
export function cancelled(): Failure {
  return new Failure({
    code: 'cancelled',
    what: 'a command on a host was ended because the run was cancelled',
    next: 'run it again',
  });
}
