/** Databases that another tool backs up (pgBackRest, WAL-G, a managed snapshot): told to, proven and expired by the user's commands. */
import type { ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { BackupSection } from '../config/config.ts';
import { type Database, type Fingerprint, openDatabase, type ThrowawayPlace } from '../database/database.ts';
import { Failure } from '../outcome/outcome.ts';
import { endGroup, lastWords, run, start } from '../process/process.ts';
import type { ProvidedPart, Shown } from './manifest.ts';
import { reason, type Unproven } from './verify.ts';

/** The commands for one database, as changeline.yml has them. */
export type Provider = NonNullable<BackupSection['providers']>[number];

/** Where and for whom the commands run. */
export interface ProviderOptions {
  /** The backup's id in the manifest. */
  id: string;
  /** The folder in which the commands run. */
  workspace: string;
  /** For files with passwords, mode 0700. */
  scratch: string;
  at: ThrowawayPlace;
  signal: AbortSignal;
}

/** Why what another tool has taken can never be compared. */
const NOT_COMPARED = 'compared is not possible: what it held at that moment is known to nobody';

/**
 * Runs `take`. The environment holds CHANGELINE_BACKUP (our id, to be used as a label), CHANGELINE_DATABASE and
 * CHANGELINE_DATABASE_URL; the last line of the output is `{"name": …, "position": …, "bytes": …}`, of which only the
 * name is needed. Throws `backup-failed` where it fails or does not say a name, `cancelled`.
 */
export async function takeProvided(
  provider: Provider,
  database: Database,
  schema: Fingerprint,
  options: ProviderOptions,
): Promise<{ part: Unproven<ProvidedPart>; prove: () => Promise<Shown> }> {
  const began = new Date().toISOString();
  const how = await run({ ...command(provider.take, database, options, options.id), signal: options.signal });
  if (how.status !== 0) throw failed('take', database, lastWords(how));
  const said = answer(how.stdout);
  if (typeof said === 'string') throw failed('take', database, said);
  const part: Unproven<ProvidedPart> = {
    ...{ kind: 'provided', name: database.name, traits: await database.traits() },
    ...{ backup: said.name, position: said.position, bytes: said.bytes, rpo: provider.rpo },
    ...{ fingerprint: schema.digest, began, ended: new Date().toISOString() },
  };
  return { part, prove: () => proveProvided(part, provider, database, options) };
}

/**
 * Runs `prove`, reads the URL in its first line, and looks at what is served there: the schema, and whether every table
 * can be read whole. Throws only `cancelled`: whatever else fails is the reason for the level.
 */
export async function proveProvided(
  part: Unproven<ProvidedPart>,
  provider: Provider,
  database: Database,
  options: ProviderOptions,
): Promise<Shown> {
  const low = (why: string): Shown => ({ level: 'stored', why, restored: null, unlike: [] });
  if (provider.prove === undefined) return low('there is no command that restores it (backup.providers.prove)');
  const base = (options.at.kind === 'runner' ? options.at.scratch : null) ?? tmpdir();
  // Named as the folder of a throwaway server: what a run that was killed left is found and wiped in the same way.
  const folder = await mkdtemp(join(base, `changeline-throwaway-${process.pid}-`));
  try {
    await chmod(folder, 0o700);
    const restored = await served(provider.prove, { ...part, folder }, database, options);
    return { level: 'restored', why: NOT_COMPARED, restored, unlike: [] };
  } catch (error) {
    if (options.signal.aborted)
      throw new Failure({
        code: 'cancelled',
        what: 'the run was cancelled while a backup was proven',
        next: 'run it again',
      });
    return low(`it could not be proven: ${reason(error)}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Has the tool remove a backup. Throws `backup-failed`; without a command the tool expires its backups itself. */
export async function removeProvided(
  provider: Provider,
  backup: string,
  database: Database,
  options: ProviderOptions,
): Promise<void> {
  if (provider.remove === undefined) return;
  const how = await run({ ...command(provider.remove, database, options, backup), signal: options.signal });
  if (how.status !== 0) throw failed('remove', database, lastWords(how));
}

/** Restores and serves by the user's command, and reads all of it. Answers the milliseconds until it was served. */
async function served(
  prove: string,
  { backup, fingerprint, folder }: Pick<ProvidedPart, 'backup' | 'fingerprint'> & { folder: string },
  database: Database,
  options: ProviderOptions,
): Promise<number> {
  const { signal, workspace, scratch } = options;
  const began = performance.now();
  const child = start(command(prove, database, options, backup, folder), { stdio: ['pipe', 'pipe', 'pipe'] });
  const stop = () => endGroup(child);
  signal.addEventListener('abort', stop, { once: true });
  const end = ending(child);
  try {
    const url = await firstLine(child, end);
    const restored = Math.round(performance.now() - began);
    const copy = await openDatabase({ name: database.name, url }, { workspace, scratch, signal });
    try {
      if ((await copy.fingerprint()).digest !== fingerprint)
        throw new Error('its schema is not the one it was taken of');
      await copy.contents(signal);
    } finally {
      await copy.close();
    }
    child.stdin!.end();
    const how = await end;
    if (how.status !== 0) throw new Error(lastWords(how));
    return restored;
  } finally {
    signal.removeEventListener('abort', stop);
    await ended(child, end);
  }
}

type Ended = Parameters<typeof lastWords>[0];

/** How the command ends; its error output up to 8 KiB. */
function ending(child: ChildProcess): Promise<Ended> {
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-8192)));
  child.stdin!.on('error', () => {}); // it may end without reading its input
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve({ status, signal, stdout: '', stderr, timedOut: false }));
  });
}

async function firstLine(child: ChildProcess, end: Promise<Ended>): Promise<string> {
  const lines = createInterface({ input: child.stdout! });
  const line = new Promise<string>((resolve) => lines.once('line', resolve));
  const early = end.then((how) => Promise.reject(new Error(`it ended before it served anything: ${lastWords(how)}`)));
  return (await Promise.race([line, early])).trim();
}

/** Ends what is left of the command: its input first, then by signals, as `run` does. */
async function ended(child: ChildProcess, end: Promise<unknown>): Promise<void> {
  child.stdin!.end();
  const gentle = setTimeout(() => endGroup(child), 5000);
  const hard = setTimeout(() => endGroup(child, 'SIGKILL'), 10_000);
  await end.catch(() => {});
  clearTimeout(gentle);
  clearTimeout(hard);
}

/** The user's command with what it may know: nothing of it stands in its arguments. */
function command(script: string, database: Database, options: ProviderOptions, backup: string, folder?: string) {
  const env = {
    CHANGELINE_BACKUP: backup,
    CHANGELINE_DATABASE: database.name,
    CHANGELINE_DATABASE_URL: database.url(),
    ...(folder === undefined ? {} : { CHANGELINE_SCRATCH: folder }),
  };
  return { file: 'sh', args: ['-c', script], cwd: options.workspace, env };
}

/** What `take` says in its last line; a text where it is not that. Pure. */
export function answer(stdout: string): (Pick<ProvidedPart, 'position' | 'bytes'> & { name: string }) | string {
  const wanted = 'its last line is not {"name": …, "position": …, "bytes": …}';
  let said: unknown;
  try {
    said = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  } catch {
    return wanted;
  }
  if (said === null || typeof said !== 'object') return wanted;
  const { name, position = null, bytes = null } = said as Record<string, unknown>;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in it
  if (typeof name !== 'string' || !/^[^\u0000-\u001f\u007f]{1,200}$/.test(name)) return `${wanted}: it says no name`;
  const at = position === null ? null : String(position).slice(0, 200);
  const size = typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : null;
  return { name, position: at, bytes: size };
}

function failed(which: 'take' | 'remove', database: Database, why: string): Failure {
  return new Failure({
    code: 'backup-failed',
    what: `the command backup.providers.${which} failed`,
    where: `database ${database.name}`,
    why,
    untouched: 'nothing else was stored',
    next: 'run the command by hand and see what it says',
  });
}
