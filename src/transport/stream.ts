/** The output of a script as a stream, in a shell of its own: nothing of it is kept, and it never ends well unless the script did. */
import type { ChildProcess } from 'node:child_process';
import { Readable } from 'node:stream';
import { Failure } from '../outcome/outcome.ts';
import { lastWords } from '../process/process.ts';
import { type Job, newBoundary, oneJobHeader } from './job.ts';
import { begun, cancelled, feedInput, type Limits, notStarted, release, type Shell } from './once.ts';
import { PassingFrame } from './passing.ts';

/** Where the script runs. */
export interface Place {
  name: string;
  /** Waits until a shell may be had; `free` is called when it is over. Throws the Failures of the connection. */
  open(): Promise<Shell & { free(): void }>;
  /** The Failure where the shell ended without an answer: `exit` is how its client ended, `words` what it said. */
  lost(exit: number | null, words: string): Failure;
}

/** So many characters of standard error are kept, for the reason of a failure. */
const WORDS = 4000;

/**
 * Standard output of the job. Fails with `host-unfit` and the fact `status` where the status is not 0, with what
 * `place.lost` says where the shell ended without an answer, with `cancelled` where the signal fired, and with the
 * error of the job's input. `destroy` ends the script and all that it started, and only then comes `close`.
 */
export function streamOnce(place: Place, job: Job, limits: Limits): Readable {
  return new ScriptOutput(place, job, limits);
}

class ScriptOutput extends Readable {
  readonly #place: Place;
  readonly #job: Job;
  readonly #limits: Limits;
  readonly #boundary = newBoundary();
  readonly #out = new PassingFrame(this.#boundary);
  readonly #err = new PassingFrame(this.#boundary);
  #shell: (Shell & { free(): void }) | null = null;
  #child: ChildProcess | null = null;
  #over = false;
  #words = '';
  #timer: NodeJS.Timeout | undefined;
  readonly #cancel = () => this.destroy(cancelled());

  constructor(place: Place, job: Job, limits: Limits) {
    super({ highWaterMark: 262_144 });
    this.#place = place;
    this.#job = job;
    this.#limits = limits;
  }

  override _construct(done: (error?: Error | null) => void): void {
    const { signal, timeout } = this.#limits;
    if (signal?.aborted) {
      done(cancelled());
      return;
    }
    signal?.addEventListener('abort', this.#cancel, { once: true });
    if (timeout !== undefined) this.#timer = setTimeout(() => this.destroy(this.#late(timeout)), timeout);
    this.#place
      .open()
      .then((shell) => this.#begin(shell))
      .then(() => done(), done);
  }

  #begin(shell: Shell & { free(): void }): void {
    this.#shell = shell;
    const child = shell.start();
    this.#child = child;
    child.stdout!.on('data', (chunk: Buffer) => {
      const body = this.#out.feed(chunk);
      if (body.length && !this.push(body)) child.stdout!.pause();
      this.#settle();
    });
    child.stderr!.on('data', (chunk: Buffer) => {
      const before = this.#err.pid === null;
      const body = this.#err.feed(chunk);
      if (before && this.#err.pid !== null) this.#words = ''; // a greeting
      this.#words = (this.#words + (this.#err.pid === null ? chunk : body).toString('utf8')).slice(-WORDS);
      this.#settle();
    });
    child.once('error', (error) => this.#fail(notStarted(child.spawnfile, error)));
    child.once('close', (code) => {
      if (!this.#over) this.#fail(this.#place.lost(code, this.#words + this.#err.rest()));
    });
    feedInput(child.stdin!, oneJobHeader(this.#job, this.#boundary), this.#job.input).catch((error) => {
      if (!this.#over) this.destroy(error);
    });
  }

  override _read(): void {
    this.#child?.stdout?.resume();
  }

  #settle(): void {
    const { status } = this.#out;
    if (this.#over || status === null || this.#err.status === null) return;
    if (status === 0) {
      this.#over = true;
      this.push(null);
    } else this.#fail(this.#refused(status));
  }

  /** The script is over; there is nobody left to end. */
  #fail(failure: Failure): void {
    this.#over = true;
    this.destroy(failure);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#timer);
    this.#limits.signal?.removeEventListener('abort', this.#cancel);
    const [child, shell] = [this.#child, this.#shell];
    if (child === null) {
      shell?.free();
      done(error);
      return;
    }
    const ending = this.#over || child.exitCode !== null ? Promise.resolve() : this.#end(child, shell!);
    void ending.finally(() => {
      release(child);
      shell!.free();
      done(error);
    });
  }

  async #end(child: ChildProcess, shell: Shell): Promise<void> {
    // What still comes is thrown away, so that nobody waits for a reader.
    child.stdout!.resume();
    await begun(this.#out)
      .then(() => shell.end(child, this.#out.pid))
      .catch(() => {});
    child.kill('SIGKILL');
  }

  #refused(status: number): Failure {
    return new Failure({
      code: 'host-unfit',
      what: 'a command on a host failed while its output was read',
      where: this.#place.name,
      why: lastWords({ status, stdout: '', stderr: this.#words, signal: null, timedOut: false }),
      next: 'put right what it says, and run it again',
      facts: { status },
    });
  }

  #late(timeout: number): Failure {
    return new Failure({
      code: 'host-unfit',
      what: `a command on a host was ended after ${Math.round(timeout / 1000)} s`,
      where: this.#place.name,
      next: 'look at what it waits for there, and run it again',
    });
  }
}
