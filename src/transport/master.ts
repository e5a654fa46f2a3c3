/** The one SSH connection to a host: made with patience where servers drop connections, watched, closed. */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../outcome/outcome.ts';
import { run, start } from '../process/process.ts';
import type { Address } from './address.ts';
import { controlArguments, masterArguments } from './arguments.ts';
import { Channel, ChannelLost } from './channel.ts';
import { connectionFailure, troubleOf } from './diagnose.ts';
import type { Files } from './files.ts';
import { Limit } from './limit.ts';

/** An open connection: its persistent shell, and the socket through which more sessions are had. */
export interface Master {
  channel: Channel;
  control: string;
  close(): Promise<void>;
}

/** sshd's default MaxStartups 10:30:100 begins to drop at ten unauthenticated connections, a jump host's all at once. */
const AT_ONCE = 8;
const TRIES = 6;
const LONGEST_LOGIN = 30_000;
const connecting = new Limit(AT_ONCE);

/** ssh as a child with pipes. The agent's socket is passed on; ssh needs it and it is no secret. */
export function sshProcess(args: string[]): ChildProcess {
  const agent = process.env.SSH_AUTH_SOCK;
  const env = agent === undefined ? {} : { SSH_AUTH_SOCK: agent };
  return start({ file: 'ssh', args, env }, { stdio: ['pipe', 'pipe', 'pipe'] });
}

/** Connects and waits for the shell to answer. Throws host-unreachable, host-key, host-denied, cancelled. */
export async function openMaster(
  name: string,
  address: Extract<Address, { kind: 'ssh' }>,
  files: Files,
  signal: AbortSignal,
): Promise<Master> {
  for (let attempt = 1; ; attempt++) {
    const words = await connecting.run(() => tryOnce(address, files, signal));
    if (typeof words !== 'string') return words;
    if (troubleOf(words) !== 'dropped' || attempt >= TRIES) throw connectionFailure(name, words, files.shownKnownHosts);
    await sleep(100 * 2 ** attempt * (0.5 + Math.random()));
  }
}

/** One attempt: the connection, or what ssh said. */
async function tryOnce(
  address: Extract<Address, { kind: 'ssh' }>,
  files: Files,
  signal: AbortSignal,
): Promise<Master | string> {
  if (signal.aborted) throw cancelled();
  const channel = new Channel(sshProcess(masterArguments(address, files)));
  let tooLong = false;
  const timer = setTimeout(() => {
    tooLong = true;
    channel.kill();
  }, LONGEST_LOGIN);
  const stop = () => channel.kill();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const { status, stdout } = await channel.run({ script: 'printf ready' });
    if (status === 0 && stdout.toString() === 'ready') return master(channel, files.control);
    channel.kill();
    return 'the login shell there does not run sh';
  } catch (error) {
    if (signal.aborted) throw cancelled();
    if (!(error instanceof ChannelLost)) throw error;
    return tooLong ? `no login within ${LONGEST_LOGIN / 1000} s` : error.words;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

function master(channel: Channel, control: string): Master {
  const close = async () => {
    channel.finish();
    if (channel.open)
      await run({ file: 'ssh', args: controlArguments(control, 'exit'), timeout: 3000 }).catch(() => {});
    const patience = setTimeout(() => channel.kill(), 2000);
    await channel.ended;
    clearTimeout(patience);
  };
  return { channel, control, close };
}

function cancelled(): Failure {
  return new Failure({
    code: 'cancelled',
    what: 'the run was cancelled while it connected',
    untouched: 'no host was touched',
    next: 'run it again',
  });
}
