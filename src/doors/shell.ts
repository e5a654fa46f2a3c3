/** One stage in a shell, from its inputs to its end: what a job is on GitHub's runner is one process here. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Log } from '../log/log.ts';
import { goesOn, type Result } from '../outcome/outcome.ts';
import type { Verb } from '../stages/contract.ts';
import { cacheDirectory, type Doorway, placeAt } from '../stages/frame/context.ts';
import { finish, type JobStatus } from '../stages/frame/ending.ts';
import { type Performed, perform } from '../stages/frame/frame.ts';
import { shellHolder } from '../stages/frame/liveness.ts';
import { asOption } from './options.ts';
import type { TerminalLog } from './terminal.ts';

/** Where and under whose hand a stage runs. */
export interface ShellRun {
  log: Log;
  signal: AbortSignal;
  workspace: string;
}

/** What came of it: the stage's own result, and what its end put right or back (null where nothing). */
export interface ShellResult {
  performed: Performed;
  ending: Result | null;
  /** The one that decides the exit code. */
  last: Result;
}

/** Runs a stage to its end; after Ctrl-C it first puts back what had begun. */
export async function runInShell(verb: Verb, given: Record<string, string>, run: ShellRun): Promise<ShellResult> {
  return withDoor(given, run, async (door) => {
    const performed = await perform(verb, door);
    const job: JobStatus = run.signal.aborted ? 'cancelled' : goesOn(performed.result.outcome) ? 'success' : 'failure';
    const ended = await finish(verb, { ...door, signal: new AbortController().signal }, performed.result, job);
    const ending = ended?.code === 'nothing-to-do' ? null : ended;
    return { performed, ending, last: ending && !goesOn(ending.outcome) ? ending : performed.result };
  });
}

/** A doorway with a temporary folder of its own, which is removed afterwards. */
export async function withDoor<T>(
  given: Record<string, string>,
  run: ShellRun,
  work: (door: Doorway) => Promise<T>,
): Promise<T> {
  const temporary = await mkdtemp(join(tmpdir(), 'changeline-'));
  try {
    return await work({
      given,
      style: asOption,
      env: process.env,
      log: run.log,
      signal: run.signal,
      runner: null,
      holder: await shellHolder(process.env),
      step: randomUUID(),
      place: await placeAt(
        run.workspace,
        temporary,
        cacheDirectory(process.env),
        resolve(run.workspace, '.changeline/reports'),
      ),
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Ctrl-C as a signal: the first one asks to stop, further ones only say that things are being put back. */
export function interruptible(log: TerminalLog): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const stop = () => {
    log.progress(null);
    log.warn(
      controller.signal.aborted
        ? 'still putting things back; this ends by itself'
        : 'stopping; what had begun is put back first',
    );
    controller.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return { signal: controller.signal, release: () => void process.off('SIGINT', stop).off('SIGTERM', stop) };
}
