/**
 * A script on its way to a POSIX shell, and its answer on the way back. Each answer lies between two lines with a
 * random word that nothing else can say, on standard output and on standard error: greetings of a login shell before
 * it and words of a process that was left in the background after it are no part of it.
 */
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Failure } from '../outcome/outcome.ts';
import { quote } from './quote.ts';

/** What to run; `args` arrive as $1, $2 … */
export interface Job {
  script: string;
  args?: readonly string[] | undefined;
  env?: Record<string, string> | undefined;
  input?: string | Buffer | Readable | undefined;
}

/** What came of it. */
export interface Answer {
  status: number;
  stdout: Buffer;
  stderr: Buffer;
}

/** A word for one job. */
export function newBoundary(): string {
  return `changeline-${randomBytes(16).toString('hex')}`;
}

/**
 * The job as text that a shell reads from its input. The script runs in a subshell through `eval`: neither `exit` nor
 * a syntax error in it ends the shell, and nothing of it is seen in the list of processes.
 */
export function jobText(job: Job, boundary: string): string {
  const variables = Object.entries(job.env ?? {}).map(
    ([name, value]) => `export ${variableName(name)}=${quote(value)}; `,
  );
  const args = (job.args ?? []).map((arg) => ` ${quote(arg)}`).join('');
  const input = job.input === undefined ? ' </dev/null' : '';
  return [
    `printf '\\n%s begin %s\\n' ${boundary} $$; printf '\\n%s begin %s\\n' ${boundary} $$ >&2`,
    `( ${variables.join('')}set --${args}; eval ${quote(job.script)} )${input}; changeline_status=$?`,
    `printf '\\n%s end %s\\n' ${boundary} $changeline_status; printf '\\n%s end %s\\n' ${boundary} $changeline_status >&2`,
    '',
  ].join('\n');
}

/**
 * The program of a shell for one job with input: reads the length of the job's text, then exactly that text (byte by
 * byte, since a shell that reads its program from a pipe reads ahead), and leaves the rest of the input to the job.
 */
export const READ_ONE_JOB = 'IFS= read -r n && eval "$(dd bs=1 count="$n" 2>/dev/null)"';

/** What `READ_ONE_JOB` is fed before the job's own input. */
export function oneJobHeader(job: Job, boundary: string): string {
  const text = jobText(job, boundary);
  return `${Buffer.byteLength(text)}\n${text}`;
}

/** Finds one job's answer in a stream. Keeps what it is fed until the closing line came. */
export class FrameReader {
  readonly #begin: Buffer;
  readonly #end: Buffer;
  #chunks: Buffer[] = [];
  #length = 0;
  #overlap: Buffer = Buffer.alloc(0);
  /** The process id of the shell, once it spoke. */
  pid: number | null = null;
  /** The answer, once it is complete. */
  done: { body: Buffer; status: number } | null = null;

  constructor(boundary: string) {
    this.#begin = Buffer.from(`\n${boundary} begin `);
    this.#end = Buffer.from(`\n${boundary} end `);
  }

  /** Takes the next piece of the stream; true once the answer is complete. */
  feed(chunk: Buffer): boolean {
    if (this.done) return true;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.pid === null) this.#readPid();
    const window = Buffer.concat([this.#overlap, chunk]);
    const at = window.indexOf(this.#end);
    const newline = at < 0 ? -1 : window.indexOf(10, at + this.#end.length);
    if (newline < 0) {
      // A closing line may be split over chunks: keep enough of the end, or all of it from where it began.
      this.#overlap = at >= 0 ? window : Buffer.from(window.subarray(-(this.#end.length + 8)));
      return false;
    }
    const all = Buffer.concat(this.#chunks);
    const status = Number(window.toString('utf8', at + this.#end.length, newline));
    this.done = { body: all.subarray(this.#bodyStart(all), this.#length - window.length + at), status };
    this.#chunks = [];
    return true;
  }

  /** All that came, where no answer was completed. */
  rest(): Buffer {
    const all = Buffer.concat(this.#chunks);
    return all.subarray(this.#bodyStart(all));
  }

  #readPid(): void {
    const all = Buffer.concat(this.#chunks);
    const start = this.#bodyStart(all);
    if (start === 0) return;
    this.pid = Number(all.toString('utf8', all.indexOf(this.#begin) + this.#begin.length, start - 1));
  }

  #bodyStart(all: Buffer): number {
    const at = all.indexOf(this.#begin);
    return at < 0 ? 0 : all.indexOf(10, at + this.#begin.length) + 1;
  }
}

function variableName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
  throw new Failure({
    code: 'input-invalid',
    what: `${JSON.stringify(name)} is not the name of an environment variable`,
    untouched: 'nothing was sent to the host',
    next: 'use letters, digits and _',
  });
}
