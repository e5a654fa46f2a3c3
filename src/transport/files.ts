/** The files of one connection: the key, the known hosts, the control socket. Only this user can read them. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { Failure } from '../outcome/outcome.ts';
import type { ConnectionFiles } from './arguments.ts';
import type { ConnectOptions } from './host.ts';

/** With the folders that hold them, and the known_hosts file as a person knows it. */
export interface Files extends ConnectionFiles {
  folders: string[];
  shownKnownHosts: string;
}

const DEFAULT_KNOWN_HOSTS = '.github/known_hosts';

/** Writes them. The key goes into a file of mode 0600 in the scratch folder; a socket's path must be short. */
export async function writeFiles(
  options: Pick<ConnectOptions, 'key' | 'knownHosts' | 'scratch' | 'workspace'>,
): Promise<Files> {
  const base = /^[\w/.-]{1,60}$/.test(tmpdir()) ? tmpdir() : '/tmp';
  const short = await mkdtemp(join(base, 'cl-'));
  const own = await mkdtemp(join(options.scratch, 'ssh-'));
  const files: Files = {
    control: join(short, 's'),
    key: null,
    knownHosts: null,
    folders: [short, own],
    shownKnownHosts: options.knownHosts ?? DEFAULT_KNOWN_HOSTS,
  };
  try {
    if (options.key !== null) {
      files.key = join(own, 'key');
      await writeFile(files.key, `${options.key.replaceAll('\r\n', '\n').trimEnd()}\n`, { mode: 0o600 });
    }
    const known = await knownHostsBytes(options);
    if (known !== null) {
      files.knownHosts = join(own, 'known_hosts');
      await writeFile(files.knownHosts, known, { mode: 0o600 });
    } else files.shownKnownHosts = `~/.ssh/known_hosts or ${DEFAULT_KNOWN_HOSTS}`;
    return files;
  } catch (error) {
    await removeFiles(files);
    throw error;
  }
}

/** Removes them; what is gone already is no error. */
export async function removeFiles(files: Files): Promise<void> {
  await Promise.all(files.folders.map((folder) => rm(folder, { recursive: true, force: true })));
}

async function knownHostsBytes({
  knownHosts,
  workspace,
}: Pick<ConnectOptions, 'knownHosts' | 'workspace'>): Promise<Buffer | null> {
  const file = resolve(workspace, knownHosts ?? DEFAULT_KNOWN_HOSTS);
  try {
    return await readFile(file);
  } catch (error) {
    if (knownHosts === null) return null;
    throw new Failure({
      code: 'host-key',
      where: isAbsolute(knownHosts) ? file : knownHosts,
      what: 'the file of known host keys cannot be read',
      why: (error as NodeJS.ErrnoException).code,
      untouched: 'no host was called',
      next: `write it with ssh-keyscan, compare the fingerprints, and commit it as ${DEFAULT_KNOWN_HOSTS}`,
    });
  }
}
