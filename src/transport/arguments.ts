/** Command lines of ssh and rsync: pure, and without any secret. */
import type { Address } from './address.ts';

/** The files of one connection. `control` must be short: a socket's path has at most 104 bytes. */
export interface ConnectionFiles {
  control: string;
  key: string | null;
  knownHosts: string | null;
}

/**
 * The one connection to a host. It carries the persistent shell itself, so that it ends when this process does:
 * the shell meets the end of its input, the session ends, and with it the master.
 */
export function masterArguments(address: Extract<Address, { kind: 'ssh' }>, files: ConnectionFiles): string[] {
  const options = [
    'ControlMaster=yes',
    `ControlPath=${files.control}`,
    'ControlPersist=no',
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'UpdateHostKeys=no',
    'ConnectTimeout=10',
    'ServerAliveInterval=5',
    'ServerAliveCountMax=3',
    'LogLevel=ERROR',
    'RemoteCommand=none',
    'PermitLocalCommand=no',
    'ClearAllForwardings=yes',
    'EscapeChar=none',
  ];
  if (files.knownHosts !== null)
    options.push(`UserKnownHostsFile=${optionPath(files.knownHosts)}`, 'GlobalKnownHostsFile=/dev/null');
  if (files.key !== null) options.push('IdentitiesOnly=yes', `IdentityFile=${optionPath(files.key)}`);
  return [
    '-T',
    '-a',
    '-x',
    ...options.flatMap((option) => ['-o', option]),
    ...(address.user === null ? [] : ['-l', address.user]),
    ...(address.port === null ? [] : ['-p', String(address.port)]),
    '--',
    address.hostname,
    'exec sh',
  ];
}

/** One more session of that connection; never a connection of its own (ProxyCommand=false), never the user's settings. */
export function sessionArguments(control: string): string[] {
  const options = [
    'ControlMaster=no',
    `ControlPath=${control}`,
    'ProxyCommand=false',
    'BatchMode=yes',
    'LogLevel=ERROR',
  ];
  return ['-F', 'none', '-T', '-a', '-x', ...options.flatMap((option) => ['-o', option])];
}

/** A request to the master: forward, cancel, exit. The host's name is not used by it. */
export function controlArguments(control: string, request: 'forward' | 'cancel' | 'exit', forward?: string): string[] {
  return [
    ...sessionArguments(control),
    '-O',
    request,
    ...(forward === undefined ? [] : ['-L', forward]),
    '--',
    'changeline',
  ];
}

/** `-L` for a local port that leads to hostname:port as the host sees it. */
export function forwardArgument(local: number, hostname: string, port: number): string {
  const target = hostname.includes(':') ? `[${hostname}]` : hostname;
  return `127.0.0.1:${local}:${target}:${port}`;
}

/**
 * rsync of a tree. Contents decide what travels, for the times of an unpacked artifact say nothing: a file that equals
 * the one in `linkDest` shares its inode. Owners and times are not kept. Files become read-only, since they are shared.
 */
export function rsyncArguments(
  tree: string,
  to: string,
  options: { control: string | null; linkDest: string | null },
): string[] {
  const remote = options.control === null ? null : ['ssh', ...sessionArguments(options.control)].join(' ');
  return [
    '-rlp',
    '--checksum',
    '--delete',
    '--chmod=Fa-w',
    ...(options.linkDest === null ? [] : [`--link-dest=${options.linkDest}`]),
    ...(remote === null ? [] : ['--secluded-args', '-e', remote]),
    '--',
    `${tree}/`,
    `${remote === null ? '' : 'changeline:'}${to}/`,
  ];
}

/** A path as ssh's options read it: quoted, since it may hold spaces; `%` starts a token there. */
function optionPath(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`;
}
