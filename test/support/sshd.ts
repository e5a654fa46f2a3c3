/**
 * Real sshds on 127.0.0.2 and up, each with its own host key, port and directory. They run as the user of the tests
 * and let that user in by one key. Stopped by process id.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './ports.ts';

/** One host. `at` is its address for changeline.yml. */
export interface SshdHost {
  at: string;
  hostname: string;
  port: number;
  /** Its own directory: the root for versions/ and current. */
  directory: string;
  /** Its public host key, as known_hosts has it after the name. */
  publicKey: string;
  /** Ends this sshd and every session it serves, as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
}

export interface SshdFleet {
  hosts: SshdHost[];
  /** A known_hosts file with all of them. */
  knownHosts: string;
  /** The private key that they let in. */
  key: string;
  /** A private key that they do not let in. */
  strangerKey: string;
  /** A folder for the tests, removed by stop(). */
  folder: string;
  stop(): Promise<void>;
}

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd'].find((file) => existsSync(file));

/** Why no sshd can be started here, or null. Under CI a missing sshd is an error. */
export function sshdMissing(): string | null {
  if (process.platform === 'win32') return 'no sshd on Windows';
  if (SSHD !== undefined) return null;
  if (process.env.CI === 'true') throw new Error('sshd is not installed; apt-get install openssh-server');
  return 'sshd is not installed';
}

/**
 * Starts `count` sshds; `settings` are more lines of sshd_config for all of them, `path` is the PATH of their sessions.
 * A shell that is deep already (SHLVL) does not read ~/.bashrc, which takes longer than the tests on some machines.
 */
export async function startSshds(count: number, settings: string[] = [], path?: string): Promise<SshdFleet> {
  const folder = await mkdtemp(join(tmpdir(), 'sshds-'));
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const key = await newKey(join(folder, 'login'));
  const strangerKey = await newKey(join(folder, 'stranger'));
  await writeFile(join(folder, 'authorized_keys'), await readFile(join(folder, 'login.pub')));
  const env = path === undefined ? 'SetEnv SHLVL=2' : `SetEnv SHLVL=2 PATH="${path}"`;
  const starting = Array.from({ length: count }, (_, index) => startHost(folder, index, [env, ...settings]));
  const hosts = await Promise.all(starting);
  const knownHosts = join(folder, 'known_hosts');
  await writeFile(knownHosts, hosts.map((host) => `[${host.hostname}]:${host.port} ${host.publicKey}\n`).join(''));
  const stop = async () => {
    await Promise.all(hosts.map((host) => host.kill()));
    execFileSync('chmod', ['-R', 'u+w', folder]);
    await rm(folder, { recursive: true, force: true });
  };
  return { hosts, knownHosts, key, strangerKey, folder, stop };
}

async function startHost(folder: string, index: number, settings: string[]): Promise<SshdHost> {
  const hostname = `127.0.0.${index + 2}`;
  const home = join(folder, `host${index + 1}`);
  const directory = join(home, 'srv');
  await mkdir(directory, { recursive: true });
  await newKey(join(home, 'host_key'));
  const port = await freePort(hostname);
  const config = [
    `ListenAddress ${hostname}:${port}`,
    `HostKey ${join(home, 'host_key')}`,
    `PidFile ${join(home, 'sshd.pid')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin yes',
    'PrintMotd no',
    'UseDNS no',
    ...settings,
  ];
  await writeFile(join(home, 'sshd_config'), `${config.join('\n')}\n`);
  let child: ChildProcess | null = null;
  process.once('exit', () => child && endTree(child));
  const start = async () => {
    child = spawn(SSHD!, ['-D', '-f', join(home, 'sshd_config'), '-E', join(home, 'sshd.log')], { stdio: 'ignore' });
    await answering(hostname, port, child, join(home, 'sshd.log'));
  };
  const kill = async () => {
    const running = child;
    child = null;
    if (!running || hasEnded(running)) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    endTree(running);
    await ended;
  };
  await start();
  const publicKey = readFileSync(join(home, 'host_key.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
  return { at: `${userInfo().username}@${hostname}:${port}`, hostname, port, directory, publicKey, kill, start };
}

async function newKey(file: string): Promise<string> {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file]);
  return readFile(file, 'utf8');
}

async function answering(hostname: string, port: number, child: ChildProcess, log: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) break;
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, hostname, () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await sleep(25);
  }
  throw new Error(`sshd did not start: ${existsSync(log) ? readFileSync(log, 'utf8') : 'no log'}`);
}

/** An id belongs to a child until its end was noticed here; from then on it may be that of any other process. */
function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Ends a child that runs, and its descendants, by their ids; the descendants of sshd are the sessions. */
function endTree(child: ChildProcess): void {
  if (child.pid === undefined || hasEnded(child)) return;
  for (const pid of [child.pid, ...descendants(child.pid)]) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended
    }
  }
}

function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  try {
    accessSync('/proc/self/stat', constants.R_OK);
  } catch {
    return [];
  }
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // it has ended
    }
  }
  const all = [...(children.get(root) ?? [])];
  for (const pid of all) all.push(...(children.get(pid) ?? []));
  return all;
}
