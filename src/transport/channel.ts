/** A shell on a host that stays: one job after the other, each one round trip. */
import type { ChildProcess } from 'node:child_process';
import { type Answer, FrameReader, type Job, jobText, newBoundary } from './job.ts';
import { notStarted } from './once.ts';

/** Thrown where the shell ended before the answer came; `words` is what its client said. */
export class ChannelLost extends Error {
  readonly words: string;
  /** True where the job had been sent: whether it ran is not known. */
  readonly sent: boolean;

  constructor(words: string, sent: boolean) {
    super('the channel ended');
    this.words = words;
    this.sent = sent;
  }
}

/** The shell behind a child process with pipes, such as `ssh host sh`. */
export class Channel {
  readonly #child: ChildProcess;
  #current: { out: FrameReader; err: FrameReader; settle: () => void } | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #words = '';
  #lost: Error | null = null;
  /** Settles when the process behind it has ended. */
  readonly ended: Promise<void>;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdin!.on('error', () => {});
    child.stdout!.on('data', (chunk: Buffer) => this.#feed('out', chunk));
    child.stderr!.on('data', (chunk: Buffer) => this.#feed('err', chunk));
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => this.#end(notStarted(child.spawnfile, error), resolve));
      child.once('close', () => this.#end(new ChannelLost(this.#words, true), resolve));
    });
  }

  /** True while jobs can be sent. */
  get open(): boolean {
    return this.#lost === null;
  }

  /** Runs a job after those before it. Rejects with ChannelLost. */
  run(job: Job): Promise<Answer> {
    const answer = this.#queue.then(() => this.#run(job));
    this.#queue = answer.catch(() => {});
    return answer;
  }

  /** Ends the shell by the end of its input. */
  finish(): void {
    this.#child.stdin!.end();
  }

  /** Ends the process behind it at once. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #run(job: Job): Promise<Answer> {
    if (this.#lost)
      return Promise.reject(this.#lost instanceof ChannelLost ? new ChannelLost(this.#lost.words, false) : this.#lost);
    const boundary = newBoundary();
    const [out, err] = [new FrameReader(boundary), new FrameReader(boundary)];
    const text = jobText(job, boundary);
    return new Promise((resolve, reject) => {
      const settle = () => {
        if (out.done && err.done) resolve({ status: out.done.status, stdout: out.done.body, stderr: err.done.body });
        else if (this.#lost) reject(this.#lost);
        else return;
        this.#current = null;
      };
      this.#current = { out, err, settle };
      this.#child.stdin!.write(text);
    });
  }

  #feed(stream: 'out' | 'err', chunk: Buffer): void {
    if (stream === 'err') this.#words = (this.#words + chunk.toString('utf8')).slice(-4000);
    if (this.#current?.[stream].feed(chunk)) this.#current.settle();
  }

  #end(why: Error, resolve: () => void): void {
    this.#lost ??= why;
    this.#current?.settle();
    resolve();
  }
}
