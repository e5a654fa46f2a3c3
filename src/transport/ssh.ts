/** A host over SSH: one connection of OpenSSH's own client, shared by a persistent shell and further sessions. */
import type { Readable } from 'node:stream';
import type { HostAddress } from '../config/config.ts';
import { Failure } from '../outcome/outcome.ts';
import { run } from '../process/process.ts';
import type { Address } from './address.ts';
import { controlArguments, forwardArgument, sessionArguments } from './arguments.ts';
import { type Channel, ChannelLost } from './channel.ts';
import { connectionFailure } from './diagnose.ts';
import { type Files, removeFiles, writeFiles } from './files.ts';
import type { ConnectOptions, Host, PushOptions, ShOptions, ShResult, Tunnel } from './host.ts';
import { newBoundary, READ_ONE_JOB } from './job.ts';
import { Limit } from './limit.ts';
import { type Master, openMaster, sshProcess } from './master.ts';
import { endedAlone, type OnceResult, runOnce, type Shell } from './once.ts';
import { freePort } from './port.ts';
import { pushTree } from './push.ts';
import { quote } from './quote.ts';
import { END_GROUP, readFile, writeFile } from './scripts.ts';
import { streamOnce } from './stream.ts';

/** Sessions beside the persistent shell: sshd allows 10 a connection by default (MaxSessions). */
const SESSIONS = 6;
const ONE_JOB = `exec sh -c ${quote(READ_ONE_JOB)}`;

/** Connects; throws as `connect` of the noun's face says. */
export async function connectSsh(host: HostAddress, address: SshAddress, options: ConnectOptions): Promise<Host> {
  if (options.path === null || !options.path.startsWith('/')) {
    throw new Failure({
      code: 'config-invalid',
      where: host.at,
      what:
        options.path === null
          ? 'the environment has no path for its SSH hosts'
          : 'the path on an SSH host must be absolute',
      untouched: 'nothing was touched',
      next: 'add path: with the directory that holds versions/ and current, such as /srv/shop',
    });
  }
  const files = await writeFiles(options);
  try {
    const master = await openMaster(host.at, address, files, options.signal);
    return new SshHost(host, options.path, address, files, master);
  } catch (error) {
    await removeFiles(files);
    throw error;
  }
}

type SshAddress = Extract<Address, { kind: 'ssh' }>;

class SshHost implements Host {
  readonly name: string;
  readonly kind = 'ssh';
  readonly path: string;
  readonly with: Record<string, string>;
  readonly #address: SshAddress;
  readonly #files: Files;
  readonly #sessions = new Limit(SESSIONS);
  #master: Promise<Master>;
  #closed = false;

  constructor(host: HostAddress, path: string, address: SshAddress, files: Files, master: Master) {
    this.name = host.at;
    this.with = host.with;
    this.path = path.replace(/(.)\/+$/, '$1');
    this.#address = address;
    this.#files = files;
    this.#master = Promise.resolve(master);
  }

  async sh(script: string, options: ShOptions = {}): Promise<ShResult> {
    const result = await this.#run(script, options);
    return { ...result, stdout: result.stdout.toString('utf8'), stderr: result.stderr.toString('utf8') };
  }

  stream(script: string, options: ShOptions = {}): Readable {
    let channel: Channel | null = null;
    const open = async () => {
      const free = await this.#sessions.take();
      try {
        const master = await this.#live();
        channel = master.channel;
        return { ...this.#shell(master), free };
      } catch (error) {
        free();
        throw error;
      }
    };
    const lost = (exit: number | null, words: string) =>
      exit === 255 || !channel?.open ? this.#lost(words) : endedAlone(this.name, exit, words);
    return streamOnce({ name: this.name, open, lost }, { script, ...options }, options);
  }

  async push(tree: string, to: string, options: PushOptions = {}): Promise<void> {
    const { control } = await this.#live();
    await pushTree(this, { tree, to, control }, options);
  }

  async read(file: string): Promise<Buffer> {
    return readFile(this, file, (script, options) => this.#run(script, options));
  }

  async write(file: string, bytes: Buffer, mode: number): Promise<void> {
    await writeFile(this, file, bytes, mode);
  }

  async tunnel(hostname: string, port: number): Promise<Tunnel> {
    const { control } = await this.#live();
    for (let attempt = 1; ; attempt++) {
      const local = await freePort();
      const forward = forwardArgument(local, hostname, port);
      const finished = await this.#ask(controlArguments(control, 'forward', forward));
      if (finished.status === 0) {
        const close = async () => void (await this.#ask(controlArguments(control, 'cancel', forward)));
        return { hostname: '127.0.0.1', port: local, close };
      }
      // Someone may have taken the port between finding it and using it.
      if (attempt >= 5)
        throw connectionFailure(this.name, finished.stderr, this.#files.shownKnownHosts, 'while a tunnel was opened');
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const master = await this.#master.catch(() => null);
    await master?.close();
    await removeFiles(this.#files);
  }

  async #run(script: string, options: ShOptions): Promise<OnceResult & { status: number }> {
    const alone = options.input !== undefined || options.timeout !== undefined || options.signal !== undefined;
    if (alone) return this.#sessions.run(() => this.#runAlone(script, options));
    const { channel } = await this.#live();
    try {
      const answer = await channel.run({ script, args: options.args, env: options.env });
      return { ...answer, exit: null, timedOut: false };
    } catch (error) {
      if (!(error instanceof ChannelLost)) throw error;
      if (!error.sent) return this.#run(script, options); // the connection ended while this waited for its turn
      throw this.#lost(error.words);
    }
  }

  async #runAlone(script: string, options: ShOptions): Promise<OnceResult & { status: number }> {
    const master = await this.#live();
    const result = await runOnce(this.#shell(master), { script, ...options }, options);
    if (result.status !== null) return { ...result, status: result.status };
    if (result.timedOut) return { ...result, status: 124 };
    if (result.exit === 255 || !master.channel.open) throw this.#lost(result.stderr.toString('utf8'));
    return { ...result, status: result.exit ?? 255 };
  }

  /** The connection; a lost one is made anew once, so that what was begun can be put back after a short outage. */
  async #live(): Promise<Master> {
    if (this.#closed) throw this.#lost('the connection was closed here');
    const master = await this.#master.catch(() => null);
    if (master?.channel.open) return master;
    await master?.close();
    this.#master = openMaster(this.name, this.#address, this.#files, new AbortController().signal);
    return this.#master;
  }

  /** A session of its own for one job, under a word of its own; what it started is ended through the persistent shell. */
  #shell({ control, channel }: Master): Shell {
    const word = newBoundary();
    return {
      start: () => sshProcess([...sessionArguments(control), '--', 'changeline', `${ONE_JOB} ${word}`]),
      end: async (_, pid) => {
        if (pid !== null) await channel.run({ script: END_GROUP, args: [String(pid), word] });
      },
    };
  }

  #ask(args: string[]) {
    return run({ file: 'ssh', args, timeout: 15_000 });
  }

  #lost(words: string): Failure {
    return connectionFailure(this.name, words, this.#files.shownKnownHosts, 'while a command ran');
  }
}
