/** Runs k6 on one script, listens to it, and stops it when told to. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../log/log.ts';
import { Failure } from '../outcome/outcome.ts';
import { endGroup, run, start } from '../process/process.ts';
import { redact } from '../secret/secret.ts';
import { inspectArguments, runArguments, scriptEnvironment, withRecording } from './command.ts';
import { listenToLog, showProgress } from './listening.ts';
import { readLogLine } from './output.ts';
import { busyShare } from './processors.ts';
import { RecordingFile } from './recording-file.ts';
import type { Script } from './scripts.ts';
import { type Shape, shapeOf } from './shape.ts';
import { type Measured, readSummary } from './summary.ts';
import { judge, type ScriptResult } from './verdict.ts';

/** One run of one script. */
export interface ScriptRun {
  /** The k6 program. */
  k6: string;
  script: Script;
  /** Given to the script as BASE_URL. */
  url?: string | undefined;
  /** More variables for the script. */
  env?: Record<string, string | number> | undefined;
  /** More arguments for `k6 run`, one an entry. */
  args?: readonly string[] | undefined;
  /** Paths of the script's own files are relative to the script; everything else to here. */
  workspace: string;
  /** A directory of this run; the summary is written into a new one below it. */
  scratch: string;
  /** Seconds of a tick of the series; none is recorded without it. */
  tick?: number | undefined;
  log: Log;
  signal: AbortSignal;
}

/** Milliseconds that k6 is given to end by itself; a cancelled job leaves 7.5 s. */
const ENDS_WITHIN = 3000;
/** Bytes. 40,000 checks take 11 MB, and k6 itself 44 s to write them down. */
const SUMMARY_AT_MOST = 64 * 1024 * 1024;

/**
 * Runs one script to its end. A failed run is a result; throws a Failure only where k6 cannot be started
 * (`k6-unavailable`) or `signal` fires (`cancelled`; k6 has ended by then).
 */
export async function runScript(request: ScriptRun): Promise<ScriptResult> {
  const { script, signal, log, args = [], tick } = request;
  const began = performance.now();
  const directory = await mkdtemp(join(request.scratch, 'k6-'));
  const summary = join(directory, 'summary.json');
  const recording = new RecordingFile(join(directory, 'recording.json'));
  if (signal.aborted) throw cancelled(script);
  const plain = { args: [...args], env: scriptEnvironment(request.url, request.env) };
  const given = tick === undefined ? plain : withRecording(plain.args, plain.env, { file: recording.file, tick });
  const before = cpus();
  const child = start(
    {
      file: request.k6,
      args: runArguments({ script: script.file, summary, args: given.args }),
      cwd: request.workspace,
      env: given.env,
    },
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let killer: NodeJS.Timeout | undefined;
  const stop = () => {
    endGroup(child, 'SIGTERM');
    killer = setTimeout(() => endGroup(child, 'SIGKILL'), ENDS_WITHIN);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const [[status, endedBy], heard] = await Promise.all([
      once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
      listenToLog(child.stderr!, log),
      showProgress(child.stdout!, script.name, recording, log),
    ]);
    if (signal.aborted) throw cancelled(script);
    const busy = busyShare(before, cpus());
    const measured = await readMeasured(summary);
    await recording.read();
    const verdict = judge({ status, signal: endedBy, measured, ...heard });
    const took = performance.now() - began;
    return { ...verdict, script: script.name, took, thrown: heard.thrown, measured, series: recording.series, busy };
  } catch (error) {
    const { syscall } = error as NodeJS.ErrnoException;
    throw syscall?.startsWith('spawn') ? unavailable(request.k6, error as NodeJS.ErrnoException) : error;
  } finally {
    clearTimeout(killer);
    signal.removeEventListener('abort', stop);
    if (child.exitCode === null && child.signalCode === null) endGroup(child, 'SIGKILL');
    await rm(directory, { recursive: true, force: true });
    log.progress(null);
  }
}

/** What loading a script without running it tells. */
export type Inspected = { error: string } | ({ error: null } & Shape);

/** Loads a script as `k6 inspect` does: its imports and first lines run, its iterations do not. */
export async function inspectScript(request: Omit<ScriptRun, 'scratch' | 'log'>): Promise<Inspected> {
  const finished = await run({
    file: request.k6,
    args: inspectArguments(request.script.file, request.args ?? []),
    cwd: request.workspace,
    env: scriptEnvironment(request.url, request.env),
    timeout: 30_000,
    signal: request.signal,
  });
  if (finished.status !== 0) {
    const entries = finished.stderr.split('\n').map(readLogLine);
    const error = entries.find((entry) => entry?.level === 'error')?.text;
    return {
      error: redact(
        error ?? (finished.timedOut ? 'it was not loaded within 30 s' : `status ${finished.status ?? finished.signal}`),
      ),
    };
  }
  return { error: null, ...shapeOf(finished.stdout, request.args ?? []) };
}

async function readMeasured(file: string): Promise<Measured | null> {
  const size = await stat(file).then(
    (found) => found.size,
    () => null,
  );
  return size === null || size > SUMMARY_AT_MOST ? null : readSummary(await readFile(file, 'utf8'));
}

function cancelled(script: Script): Failure {
  return new Failure({
    code: 'cancelled',
    what: 'the load test was ended because the run was cancelled',
    where: script.name,
    untouched: 'k6 has stopped',
    next: 'run it again',
  });
}

function unavailable(file: string, error: NodeJS.ErrnoException): Failure {
  return new Failure({
    code: 'k6-unavailable',
    what: 'k6 cannot be run',
    where: file,
    why: error.code ?? error.message,
    next: 'remove that file and run it again, or put a k6 on the PATH',
    cause: error,
  });
}
