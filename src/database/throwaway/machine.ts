/** The machine that a throwaway server runs on: this one, a host of the fleet, or a container here. */
import { tmpdir } from 'node:os';
import { PassThrough, type Readable } from 'node:stream';
import { Failure } from '../../outcome/outcome.ts';
import { type Command, lastWords, run, start } from '../../process/process.ts';
import { connect, type Host } from '../../transport/transport.ts';
import type { ThrowawayPlace, Tunnel } from '../types.ts';
import type { ServerEngine } from './survey.ts';

/** Where scripts run and a server can be reached. */
export interface Machine {
  /** For people, after a noun: "here", "on web1", "in the image postgres:15". */
  readonly place: string;
  /** Folders for the data in the order of preference; an empty one is that machine's folder for temporary files. */
  readonly folders: readonly string[];
  /** The address that the server listens on. */
  readonly listen: string;
  /** Ports to try, as the script wants them; chosen at random, since nobody can tell there which are free. */
  readonly ports: readonly number[];
  /** What names of such directories begin with there. */
  readonly prefix: string;
  /** What those of its own and then those of others in use begin with; null where process ids tell who lives. */
  live(): Promise<string[] | null>;
  /** Standard output of a script that soon ends. */
  ask(script: string, args: readonly string[], signal?: AbortSignal): Promise<string>;
  /** Standard output of a script that runs as long as its input; the stream fails where the script does. */
  hold(script: string, args: readonly string[], input: Readable): Readable;
  /** Where the server's port is reached from here. */
  near(port: number): Promise<number>;
  /** Opens a way to it; null where it is reached directly. */
  readonly tunnel: ((hostname: string, port: number) => Promise<Tunnel>) | null;
  /** Ends what is left where the script did not answer its end. */
  abandon(): Promise<void>;
}

/** What a place needs to become a machine. */
export interface MachineRequest {
  at: Exclude<ThrowawayPlace, { kind: 'url' }>;
  engine: ServerEngine;
  /** Of the original. */
  version: string;
  /** The folder of this run for temporary files. */
  scratch: string;
}

/** The machine of a place. Throws `tool-missing` where there is no program for containers. */
export async function machineAt({ at, engine, version, scratch }: MachineRequest): Promise<Machine> {
  if (at.kind === 'runner')
    return thisMachine(at.scratch === null ? [scratch, tmpdir(), '/tmp'] : [at.scratch], scratch);
  if (at.kind === 'host') return hostMachine(at.host, at.scratch === null ? ['', '/tmp', '/var/tmp'] : [at.scratch]);
  return (await import('./container.ts')).containerMachine({ ...at, engine, version });
}

/** This machine: a host like any other, but nothing is opened for it. */
async function thisMachine(folders: string[], scratch: string): Promise<Machine> {
  const { signal } = new AbortController();
  const nothing = { path: null, key: null, knownHosts: null, scratch, workspace: '/', signal };
  const host = await connect({ at: '/', with: {} }, nothing);
  return { ...hostMachine(host, [...new Set(folders)]), place: 'here', tunnel: null };
}

function hostMachine(host: Host, folders: string[]): Machine {
  return {
    ...DIRECT,
    place: `on ${host.name}`,
    folders,
    ask: async (script, args, signal) => {
      const done = await host.sh(script, { args, ...(signal ? { signal } : {}) });
      if (done.status === 0) return done.stdout;
      throw unusable('a script failed', lastWords({ ...done, signal: null }));
    },
    hold: (script, args, input) => host.stream(script, { args, input }),
    tunnel: (hostname, port) => host.tunnel(hostname, port),
  };
}

const DIRECT = {
  listen: '127.0.0.1',
  prefix: 'changeline-throwaway',
  live: async () => null,
  near: async (port: number) => port,
  abandon: async () => {},
  /** Below the ports that systems give out by themselves. */
  get ports() {
    return Array.from({ length: 8 }, () => 10_000 + Math.floor(Math.random() * 22_000));
  },
};

/** Standard output of a program that has to end well. */
export async function answerOf(command: Command): Promise<string> {
  const done = await run(command);
  if (done.status === 0) return done.stdout;
  throw unusable(`${command.file} failed`, lastWords(done));
}

/** A program that is fed by `input`; what it writes, as a stream that fails where its status is not 0. */
export function holdProcess(command: Command, input: Readable): Readable {
  const child = start(command, { stdio: ['pipe', 'pipe', 'pipe'] });
  const output = new PassThrough();
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-4096)));
  child.stdin!.on('error', () => {});
  input.pipe(child.stdin!);
  child.stdout!.pipe(output, { end: false });
  child.once('error', (error) => output.destroy(unusable(`${command.file} cannot be run`, error.message)));
  child.once('close', (status, signal) => {
    if (status === 0) output.end();
    else {
      const words = lastWords({ status, signal, stdout: '', stderr, timedOut: false });
      output.destroy(unusable(`${command.file} ended`, words));
    }
  });
  return output;
}

/** A copy that cannot be had or filled. */
export function unusable(what: string, why: string | undefined, next = 'see what the program says'): Failure {
  const full = why !== undefined && /No space left on device|errno: 28|Got error 28|ERROR 1114 /i.test(why);
  return new Failure({
    code: full ? 'disk-full' : 'backup-failed',
    what,
    why,
    untouched: 'the original database was only read',
    next: full ? 'make room there, or name a larger folder as backup.verify.scratch' : next,
  });
}
