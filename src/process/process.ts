/**
 * Other programs: started without a shell, with an environment of named variables only, in a process group of
 * their own (so that Ctrl-C in a terminal reaches Changeline alone, which then ends them in order).
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../outcome/outcome.ts';
import { redact } from '../secret/secret.ts';

/** What to run. Secrets go through `env` or `input`, never through `args`: everyone on the machine can read those. */
export interface Command {
  file: string;
  args: readonly string[];
  cwd?: string | undefined;
  /** Added to the few variables that every program gets (see `plainEnvironment`). */
  env?: Record<string, string> | undefined;
  input?: string | Buffer | Readable | undefined;
  /** Milliseconds until it is ended; none by default. */
  timeout?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Called with each chunk of standard output or error as it comes. */
  onOutput?: ((text: string, stream: 'stdout' | 'stderr') => void) | undefined;
}

/** How a program ended. `status` is null where a signal ended it. */
export interface Finished {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  timedOut: boolean;
}

const PASSED_ON = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot'];

/** The variables every child gets: none that could hold a secret. */
export function plainEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of PASSED_ON) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return { ...env, ...extra };
}

/** Starts a program for streaming; the caller reads and ends it. Throws `tool-missing` through the `error` event. */
export function start(command: Command, options: SpawnOptions = {}): ChildProcess {
  return spawn(command.file, [...command.args], {
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    env: plainEnvironment(command.env),
    detached: process.platform !== 'win32',
    ...options,
  });
}

/** Milliseconds from SIGTERM to SIGKILL: time for a program to put its own things in order. */
const GRACE = 5000;

/** Ends a child and everything it started; nothing else, where the child has ended and its id is another's by now. */
export function endGroup(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): void {
  if (child.pid === undefined) return;
  const hasEnded = child.exitCode !== null || child.signalCode !== null;
  // While anything of the group lives, the system gives its id to no new process.
  if (hasEnded && existsSync(`/proc/${child.pid}`)) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    child.kill(signal);
  }
}

/**
 * Runs a program to its end and collects what it says. A status other than 0 is an answer, not an error.
 * Rejects with a Failure `tool-missing` where the program does not exist, and `cancelled` where `signal` fires; with the
 * error of `input` where that breaks. Whatever does not end when it is told to is killed after five seconds.
 */
export async function run(command: Command): Promise<Finished> {
  if (command.signal?.aborted) throw cancelled(command);
  const child = start(command, { stdio: ['pipe', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]!.setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
      command.onOutput?.(text, stream);
    });
  }
  let timedOut = false;
  let killing: NodeJS.Timeout | undefined;
  const end = () => {
    endGroup(child);
    killing ??= setTimeout(() => kill(child), GRACE);
  };
  const late = () => {
    timedOut = true;
    end();
  };
  const timer = command.timeout === undefined ? undefined : setTimeout(late, command.timeout);
  command.signal?.addEventListener('abort', end, { once: true });
  try {
    const [[status, signal], broken] = await Promise.all([ended(child, command), feed(child, command.input, end)]);
    if (command.signal?.aborted) throw cancelled(command);
    if (broken) throw broken;
    return { status, signal, ...output, timedOut };
  } finally {
    clearTimeout(timer);
    clearTimeout(killing);
    command.signal?.removeEventListener('abort', end);
  }
}

/** As `run`, but a status other than 0 is the Failure that `failure` makes of it. */
export async function must(command: Command, failure: (finished: Finished) => Failure): Promise<Finished> {
  const finished = await run(command);
  if (finished.status !== 0) throw failure(finished);
  return finished;
}

/** The last telling lines of a program's error output, for the `why` of a failure: redacted, at most 300 characters. */
export function lastWords(finished: Pick<Finished, 'stdout' | 'stderr' | 'status' | 'signal' | 'timedOut'>): string {
  const lines = (finished.stderr.trim() || finished.stdout.trim()).split('\n').filter((line) => line.trim());
  const how = finished.timedOut ? 'no end in time' : `status ${finished.status ?? finished.signal}`;
  return redact(`${how}${lines.length ? `: ${lines.slice(-3).join(' | ')}` : ''}`).slice(0, 300);
}

function ended(child: ChildProcess, command: Command): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      const missing = error.code === 'ENOENT' || error.code === 'EACCES';
      reject(
        new Failure({
          code: missing ? 'tool-missing' : 'internal',
          what: missing ? `the program ${command.file} cannot be run` : error.message,
          why: error.code,
          next: `install ${command.file} or put it on the PATH`,
        }),
      );
    });
    child.once('close', (status, signal) => resolve([status, signal]));
  });
}

/** Kills the group, and lets go of the output: a process that left the group may hold it open for ever. */
function kill(child: ChildProcess): void {
  endGroup(child, 'SIGKILL');
  child.stdout!.destroy();
  child.stderr!.destroy();
}

/**
 * Gives a program its input; the error where the input breaks, null otherwise. `end` is called before the program could
 * take the break for the end of its input.
 */
async function feed(child: ChildProcess, input: Command['input'], end: () => void): Promise<Error | null> {
  const stdin = child.stdin!;
  stdin.on('error', () => {}); // a program may end without reading its input
  if (!(input instanceof Readable)) {
    stdin.end(input);
    return null;
  }
  let broken: Error | null = null;
  const breaks = (error?: Error) => {
    if (stdin.destroyed || input.readableEnded) return; // the program went first, or all was read
    broken ??= error ?? new Error('the input broke off');
    end();
  };
  // These come before the listeners of the pipeline, which close the program's input.
  input.once('error', breaks).once('close', () => breaks());
  if (input.destroyed) breaks(input.errored ?? undefined);
  await pipeline(input, stdin).catch(() => {});
  return broken;
}

function cancelled(command: Command): Failure {
  return new Failure({
    code: 'cancelled',
    what: `${command.file} was ended because the run was cancelled`,
    next: 'run it again',
  });
}
