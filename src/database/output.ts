/**
 * A program's standard output, read into one buffer that is used again: node's own pipes leave a new buffer behind for
 * every read, and the collector of garbage then costs more time and memory than the dump itself.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type OnReadOpts, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { type Command, start } from '../process/process.ts';

/** The path of a unix socket may have 107 bytes (104 on macOS). */
const LONGEST = 70;
/** More than a socket holds. */
const BUFFER = 262_144;

/** A stream that keeps no buffer it was given, so that the giver may use it again. */
export abstract class Sink extends Writable {
  /** Takes the bytes, at once; null where it has room for more, else a promise of that. */
  abstract take(bytes: Buffer): Promise<void> | null;

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    const room = this.take(bytes);
    if (room === null) done();
    else room.then(() => done(), done);
  }
}

/** A sink for what nobody wants. */
export class Nowhere extends Sink {
  take(): null {
    return null;
  }
}

/** The output of one program. */
export class Output {
  readonly #out: Socket;
  readonly #seen: { by: (bytes: Buffer) => boolean };

  private constructor(out: Socket, seen: { by: (bytes: Buffer) => boolean }) {
    this.#out = out;
    this.#seen = seen;
  }

  /** Starts a program. Whether it could be started is told by the child. */
  static async of(command: Command): Promise<{ child: ChildProcess; output: Output }> {
    const seen = { by: (_bytes: Buffer) => false };
    const buffer = Buffer.allocUnsafeSlow(BUFFER);
    const callback = (length: number) => seen.by(buffer.subarray(0, length));
    const { into, out } = await connected({ buffer, callback });
    const child = start(command, { stdio: ['ignore', into, 'pipe'] });
    into.destroy(); // the program has its own
    return { child, output: new Output(out, seen) };
  }

  /** Reads to the end. `tap` sees all bytes before `to` gets them. Throws what either throws, and where `to` is closed before. */
  async copy(to: Writable, tap: (bytes: Buffer) => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const refuse = (error?: Error) => reject(error ?? new Error('what the program writes is not wanted any more'));
    const closed = () => refuse(to.errored ?? undefined);
    this.#seen.by = (bytes) => {
      try {
        tap(bytes);
        const room = to instanceof Sink ? to.take(bytes) : written(to, bytes);
        room?.then(() => this.#out.resume(), refuse);
        return room === null;
      } catch (error) {
        refuse(error as Error);
        return false;
      }
    };
    // This one stays: whoever destroys the stream with an error later on has told it already.
    to.once('close', closed).on('error', refuse);
    this.#out.once('error', refuse).once('end', resolve).once('close', refuse).resume();
    if (to.destroyed) closed();
    await promise.finally(() => {
      to.off('close', closed);
      this.#out.destroy();
    });
  }

  /** Reads no more: `copy` fails. */
  close(): void {
    this.#out.destroy();
  }
}

/** Both ends of a pipe. The socket between them lies in a folder that only this user may enter, and is gone by then. */
async function connected(onread: OnReadOpts): Promise<{ into: Socket; out: Socket }> {
  const folder = await mkdtemp(join(tmpdir().length <= LONGEST ? tmpdir() : '/tmp', 'changeline-'));
  const server = createServer({ pauseOnConnect: true });
  try {
    const path = join(folder, 'out');
    await once(server.listen(path), 'listening');
    const accepted = once(server, 'connection');
    const out = connect({ path, onread }).pause();
    await once(out, 'connect');
    const [into] = (await accepted) as [Socket];
    return { into, out };
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A stream of node's keeps what it is given. */
function written(to: Writable, bytes: Buffer): Promise<void> | null {
  return to.write(Buffer.from(bytes)) ? null : once(to, 'drain').then(() => {});
}

/** Programs write a few kilobytes at a time: a tap sees many of them at once. */
export class Tap {
  /** Of all that came. */
  bytes = 0;
  readonly #see: (bytes: Buffer) => void;
  readonly #gathered = Buffer.allocUnsafeSlow(BUFFER);
  #filled = 0;

  constructor(see: (bytes: Buffer) => void) {
    this.#see = see;
  }

  /** An output's bytes, which are never more than the buffer holds. Throws what the tap throws. */
  add(bytes: Buffer): void {
    this.bytes += bytes.length;
    if (this.#filled + bytes.length > this.#gathered.length) this.flush();
    this.#filled += bytes.copy(this.#gathered, this.#filled);
  }

  /** Throws what the tap throws. */
  flush(): void {
    this.#see(this.#gathered.subarray(0, this.#filled));
    this.#filled = 0;
  }
}
