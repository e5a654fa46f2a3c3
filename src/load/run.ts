/** Runs k6 on one script, listens to it, and stops it when told to. */
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Log } from '../log/log.ts';
import { Failure } from '../outcome/outcome.ts';
import { endGroup, run, start } from '../process/process.ts';
import { redact } from '../secret/secret.ts';
import { inspectArguments, runArguments, scriptEnvironment } from './command.ts';
import { readLogLine, readProgress } from './output.ts';
import type { Script } from './scripts.ts';
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
  log: Log;
  signal: AbortSignal;
}

/** Milliseconds between two lines of progress. */
const PROGRESS_EVERY = 2000;
/** Milliseconds that k6 is given to end by itself; a cancelled job leaves 7.5 s. */
const ENDS_WITHIN = 3000;
/** Different lines of k6's log that are passed on; a script may throw thousands. */
const SAID_AT_MOST = 20;

/**
 * Runs one script to its end. A failed run is a result; throws a Failure only where k6 cannot be started
 * (`k6-unavailable`) or `signal` fires (`cancelled`; k6 has ended by then).
 */
export async function runScript(request: ScriptRun): Promise<ScriptResult> {
  const { script, signal, log } = request;
  const began = performance.now();
  const summary = join(await mkdtemp(join(request.scratch, 'k6-')), 'summary.json');
  if (signal.aborted) throw cancelled(script);
  const args = runArguments({ script: script.file, summary, args: request.args ?? [] });
  const child = start(
    { file: request.k6, args, cwd: request.workspace, env: scriptEnvironment(request.url, request.env) },
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
      showProgress(child.stdout!, script.name, log),
    ]);
    if (signal.aborted) throw cancelled(script);
    const measured = await readMeasured(summary);
    const verdict = judge({ status, signal: endedBy, measured, ...heard });
    return { ...verdict, script: script.name, took: performance.now() - began, thrown: heard.thrown, measured };
  } catch (error) {
    const { syscall } = error as NodeJS.ErrnoException;
    throw syscall?.startsWith('spawn') ? unavailable(request.k6, error as NodeJS.ErrnoException) : error;
  } finally {
    clearTimeout(killer);
    signal.removeEventListener('abort', stop);
    if (child.exitCode === null && child.signalCode === null) endGroup(child, 'SIGKILL');
    log.progress(null);
  }
}

/** What loading a script without running it tells. */
export type Inspected = { error: string } | { error: null; thresholds: number };

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
  const options = JSON.parse(finished.stdout) as { thresholds: Record<string, unknown[]> | null };
  return { error: null, thresholds: Object.values(options.thresholds ?? {}).flat().length };
}

/** Counts thrown iterations, keeps the first error (or else warning), and passes on what k6 and the script say. */
async function listenToLog(stream: Readable, log: Log): Promise<{ thrown: number; error: string | null }> {
  let thrown = 0;
  const first: { error?: string; warning?: string } = {};
  const said = new Set<string>();
  for await (const line of createInterface({ input: stream })) {
    const entry = readLogLine(line);
    if (!entry) continue;
    if (entry.thrown) thrown += 1;
    if (entry.level === 'error' || entry.level === 'warning') first[entry.level] ??= entry.text;
    if (said.size >= SAID_AT_MOST || said.has(entry.text)) continue;
    said.add(entry.text);
    log.detail(`k6: ${entry.text}`);
  }
  const error = first.error ?? first.warning;
  return { thrown, error: error === undefined ? null : redact(error) };
}

/** One short line every two seconds. */
async function showProgress(stream: Readable, name: string, log: Log): Promise<void> {
  let shown = performance.now();
  for await (const line of createInterface({ input: stream })) {
    const progress = readProgress(line);
    if (!progress || performance.now() - shown < PROGRESS_EVERY) continue;
    shown = performance.now();
    const { elapsed, users, iterations } = progress;
    log.progress(`${name}: ${elapsed}, ${users} users, ${iterations.toLocaleString('en')} iterations`);
  }
}

async function readMeasured(file: string): Promise<Measured | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  return text === null ? null : readSummary(text);
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
