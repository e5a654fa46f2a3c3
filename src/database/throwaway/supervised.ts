/** A throwaway server that runs under its script, from the start to the wiping of its data. */
import { randomBytes } from 'node:crypto';
import { PassThrough, type Readable } from 'node:stream';
import { Failure } from '../../outcome/outcome.ts';
import { hide, redact } from '../../secret/secret.ts';
import type { ServerAddress } from '../address.ts';
import type { Program } from '../programs.ts';
import { type Machine, unusable } from './machine.ts';
import { SUPERVISE } from './scripts.ts';
import type { Settings } from './settings.ts';
import { SERVER_USERS, type ServerEngine } from './survey.ts';

/** A server that runs. */
export interface Supervised {
  /** How to log in to one of its databases from here. */
  address(database: string): ServerAddress;
  /** Restarts it with the settings of a rehearsal; every connection is lost. */
  durable(): Promise<void>;
  /** Ends it and wipes its data; resolves once both are done. */
  stop(): Promise<void>;
}

/** What to start. */
export interface SupervisedRequest {
  machine: Machine;
  engine: ServerEngine;
  server: Program;
  settings: Settings;
  signal: AbortSignal;
}

/**
 * Starts a server and waits until it is ready. Throws `backup-failed`, `disk-full`, `tool-missing` with the server's
 * own words, and `cancelled`; nothing is left then.
 */
export async function supervise(request: SupervisedRequest): Promise<Supervised> {
  const { machine, engine, signal } = request;
  // Letters and digits only: it becomes part of a statement and of a URL.
  const password = randomBytes(24).toString('hex');
  hide(password);
  const input = new PassThrough();
  input.write(`${password}\n`);
  const talk = new Talk(machine.hold(SUPERVISE, await scriptArguments(request), input), machine);
  const stop = async () => {
    input.end();
    if (!(await talk.ended)) await machine.abandon();
  };
  const cancel = () => void input.end();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    if (signal.aborted) cancel();
    const port = await machine.near(await talk.ready());
    if (signal.aborted) throw new Error('cancelled');
    const durable = async () => {
      input.write('durable\n');
      await talk.ready();
    };
    return { address: (database) => serverAddress(engine, machine, { port, password, database }), durable, stop };
  } catch (error) {
    await stop();
    throw signal.aborted ? cancelled() : error;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

async function scriptArguments({ machine, engine, server, settings }: SupervisedRequest): Promise<string[]> {
  const live = await machine.live();
  return [
    engine,
    server.file,
    SERVER_USERS[engine],
    machine.folders.join('\n'),
    machine.prefix,
    live === null ? '-' : live.join(' '),
    machine.listen,
    machine.ports.join(' '),
    settings.proving,
    settings.durable,
  ];
}

function serverAddress(
  engine: ServerEngine,
  machine: Machine,
  { port, password, database }: { port: number; password: string; database: string },
): ServerAddress {
  return {
    engine: engine === 'postgres' ? 'postgres' : 'mysql',
    user: 'changeline',
    password,
    hostname: '127.0.0.1',
    port,
    socket: null,
    database,
    tls: 'disable',
    authority: null,
    where: `throwaway server ${machine.place}, database ${database}`,
  };
}

/** What the script says, line by line. */
class Talk {
  readonly #machine: Machine;
  /** True where it ended well. */
  readonly ended: Promise<boolean>;
  #said = '';
  #over: Error | null = null;
  #heard: () => void = () => {};

  constructor(output: Readable, machine: Machine) {
    this.#machine = machine;
    output.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
      this.#heard();
    });
    this.ended = new Promise((resolve) => {
      let broken: Error | null = null;
      output.once('error', (error) => (broken = error));
      output.once('close', () => {
        this.#over = broken ?? unusable('the throwaway server ended', undefined, 'run it again');
        this.#heard();
        resolve(broken === null);
      });
    });
  }

  /** The port, once the server is ready. */
  async ready(): Promise<number> {
    for (;;) {
      const end = this.#said.indexOf('\n');
      if (end >= 0) {
        const [word, ...rest] = this.#said.slice(0, end).trim().split(' ');
        this.#said = this.#said.slice(end + 1);
        if (word === 'ready') return Number(rest[0]);
        if (word === 'failed') throw startFailure(rest, this.#machine);
        continue;
      }
      if (this.#over) throw this.#over;
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }
}

/** The Failure for what the script says as `failed KIND WORDS`. */
export function startFailure([kind, ...words]: string[], { place }: Pick<Machine, 'place'>): Failure {
  const why = redact(words.join(' ')).trim().slice(0, 400);
  const untouched = 'the original database was only read';
  if (kind === 'user' || kind === 'tool')
    return new Failure({
      code: 'tool-missing',
      what: `a throwaway server cannot be started ${place}`,
      why,
      untouched,
      next: kind === 'user' ? 'run as another user, or create one of these users' : 'install it there',
    });
  if (kind === 'folder')
    return new Failure({
      code: 'backup-failed',
      what: `no folder ${place} can be used by the user who runs the throwaway server`,
      why: `tried for the user ${why}`,
      untouched,
      next: 'name a folder as backup.verify.scratch that this user may write to (and enter: chmod o+x on those above it)',
    });
  if (kind === 'disk')
    return new Failure({
      code: 'disk-full',
      what: `there is too little room for a throwaway server ${place}`,
      why,
      untouched,
      next: 'make room there, or name a larger folder as backup.verify.scratch',
    });
  return unusable(`a throwaway server could not be started ${place}`, why, 'see what the server lacks there');
}

function cancelled(): Failure {
  return new Failure({
    code: 'cancelled',
    what: 'the throwaway server was ended because the run was cancelled',
    next: 'run it again',
  });
}
