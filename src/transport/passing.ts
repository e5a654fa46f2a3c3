/** One job's answer in a stream that is passed on as it comes: the same framing as for a whole answer, without keeping it. */

const NOTHING = Buffer.alloc(0);

/**
 * Takes the frame off. What comes is passed on at once, but for a line feed at its end and what may be the beginning of
 * the closing line after it: these come with the next bytes.
 */
export class PassingFrame {
  readonly #begin: Buffer;
  readonly #end: Buffer;
  #held: Buffer = NOTHING;
  /** The process id of the shell, once it spoke. */
  pid: number | null = null;
  /** The status of the script, once the closing line came. */
  status: number | null = null;

  constructor(boundary: string) {
    this.#begin = Buffer.from(`\n${boundary} begin `);
    this.#end = Buffer.from(`\n${boundary} end `);
  }

  /** Takes the next piece of the stream; gives what of the script's own bytes is certain by now. */
  feed(chunk: Buffer): Buffer {
    if (this.status !== null) return NOTHING;
    const window = this.#held.length ? Buffer.concat([this.#held, chunk]) : chunk;
    if (this.pid !== null) return this.#body(window);
    const at = window.indexOf(this.#begin);
    const newline = at < 0 ? -1 : window.indexOf(10, at + this.#begin.length);
    if (newline < 0) {
      this.#held = at < 0 ? tail(window, this.#begin.length - 1) : window.subarray(at);
      return NOTHING;
    }
    this.pid = Number(window.toString('utf8', at + this.#begin.length, newline));
    return this.#body(window.subarray(newline + 1));
  }

  /** What is held back: part of the script's own words, where no closing line will come. */
  rest(): string {
    return this.pid === null ? '' : this.#held.toString('utf8');
  }

  #body(window: Buffer): Buffer {
    const at = window.indexOf(this.#end);
    if (at < 0) {
      this.#held = beginningOf(this.#end, window);
      return window.subarray(0, window.length - this.#held.length);
    }
    const newline = window.indexOf(10, at + this.#end.length);
    if (newline < 0) this.#held = window.subarray(at);
    else this.status = Number(window.toString('utf8', at + this.#end.length, newline));
    return window.subarray(0, at);
  }
}

function tail(bytes: Buffer, most: number): Buffer {
  return bytes.subarray(Math.max(0, bytes.length - most));
}

/** The end of `window` that may be the beginning of `line`, whose only line feed is its first byte. */
function beginningOf(line: Buffer, window: Buffer): Buffer {
  const at = window.lastIndexOf(10);
  const last = at < 0 ? NOTHING : window.subarray(at);
  return last.length < line.length && last.equals(line.subarray(0, last.length)) ? last : NOTHING;
}
