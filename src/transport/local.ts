/** A directory of this machine as a host: the same scripts by the same framing, in a shell started here. */
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostAddress } from '../config/config.ts';
import { endGroup, start } from '../process/process.ts';
import type { ConnectOptions, Host, PushOptions, ShOptions, ShResult, Tunnel } from './host.ts';
import { READ_ONE_JOB } from './job.ts';
import { endedAlone, type OnceResult, runOnce, type Shell } from './once.ts';
import { pushTree } from './push.ts';
import { readFile, writeFile } from './scripts.ts';
import { streamOnce } from './stream.ts';

/** Nothing is opened and nothing can be lost: a shell is started for each script. */
export async function connectLocal(host: HostAddress, options: Pick<ConnectOptions, 'workspace'>): Promise<Host> {
  return new LocalHost(host, resolve(options.workspace, host.at));
}

const shell: Shell = {
  start: () => start({ file: 'sh', args: ['-c', READ_ONE_JOB] }, { stdio: ['pipe', 'pipe', 'pipe'] }),
  end: async (child) => {
    endGroup(child, 'SIGTERM');
    for (let tries = 0; tries < 20 && child.exitCode === null && child.signalCode === null; tries++) await sleep(100);
    endGroup(child, 'SIGKILL');
  },
};

class LocalHost implements Host {
  readonly name: string;
  readonly kind = 'local';
  readonly path: string;
  readonly with: Record<string, string>;

  constructor(host: HostAddress, path: string) {
    this.name = host.at;
    this.path = path;
    this.with = host.with;
  }

  async sh(script: string, options: ShOptions = {}): Promise<ShResult> {
    const result = await this.#run(script, options);
    return { ...result, stdout: result.stdout.toString('utf8'), stderr: result.stderr.toString('utf8') };
  }

  stream(script: string, options: ShOptions = {}): Readable {
    const place = {
      name: this.name,
      open: async () => ({ ...shell, free: () => {} }),
      lost: (exit: number | null, words: string) => endedAlone(this.name, exit, words),
    };
    return streamOnce(place, { script, ...options }, options);
  }

  async push(tree: string, to: string, options: PushOptions = {}): Promise<void> {
    await pushTree(this, { tree, to, control: null }, options);
  }

  async read(file: string): Promise<Buffer> {
    return readFile(this, file, (script, options) => this.#run(script, options));
  }

  async write(file: string, bytes: Buffer, mode: number): Promise<void> {
    await writeFile(this, file, bytes, mode);
  }

  async tunnel(hostname: string, port: number): Promise<Tunnel> {
    return { hostname, port, close: async () => {} };
  }

  async close(): Promise<void> {}

  async #run(script: string, options: ShOptions): Promise<OnceResult & { status: number }> {
    const result = await runOnce(shell, { script, ...options }, options);
    // No answer: the shell was ended, by its time limit (124, as timeout(1) says it) or by a signal of its own.
    return { ...result, status: result.status ?? (result.timedOut ? 124 : (result.exit ?? 255)) };
  }
}
