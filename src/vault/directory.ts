/** A directory as a vault: mode 0700, files 0600, each written beside its place, synced, and then linked to its name. */
import { createReadStream } from 'node:fs';
import { chmod, type FileHandle, link, mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Failure } from '../outcome/outcome.ts';
import { full, inWords, taken, unusable } from './failure.ts';
import { Intake, whole } from './flow.ts';
import { checkedName, isName, UNFINISHED, unfinishedName } from './name.ts';
import type { Entry, Stored, Vault } from './vault.ts';

/** An unfinished file of a run that may still be writing is left alone for a day. */
const ABANDONED_MS = 24 * 3_600_000;

/** The vault in the absolute `path`, which need not exist before the first `put`. */
export function openDirectoryVault(path: string): Vault {
  const guarded = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      throw vaultFailure(path, error);
    }
  };
  return {
    where: path,
    put: async (name, from, signal) => {
      const intake = new Intake(from, signal);
      try {
        checkedName(name);
        await prepare(path);
        return await write(path, name, intake);
      } catch (error) {
        from.destroy();
        throw intake.broken ? intake.broken.error : vaultFailure(path, error);
      }
    },
    get: (name) => guarded(() => read(path, checkedName(name))),
    list: () => guarded(() => entries(path)),
    remove: (name) => guarded(() => rm(join(path, checkedName(name)), { force: true })),
    free: () =>
      guarded(async () => {
        const { bavail, bsize } = await statfs(await nearest(path));
        return bavail * bsize;
      }),
    check: () => guarded(async () => probe(await nearest(path))),
    close: async () => {},
  };
}

/** Makes the directory, or closes one of ours that others could read. One that is shared by design (sticky) stays as it is. */
async function prepare(path: string): Promise<void> {
  if (await mkdir(path, { recursive: true, mode: 0o700 })) return;
  const found = await stat(path);
  if (!found.isDirectory()) throw new Error('it is not a directory');
  const shared = (found.mode & 0o1000) !== 0;
  if (found.uid === process.getuid?.() && (found.mode & 0o077) !== 0 && !shared) await chmod(path, 0o700);
}

async function write(path: string, name: string, intake: Intake): Promise<Stored> {
  await removeAbandoned(path);
  const unfinished = join(path, unfinishedName());
  const file = await open(unfinished, 'wx', 0o600);
  try {
    for await (const chunk of intake.chunks()) await writeAll(file, chunk);
    await file.sync();
    await linked(unfinished, path, name);
    await syncDirectory(path);
    return intake.stored();
  } finally {
    await file.close();
    await rm(unfinished, { force: true });
  }
}

/** A link, unlike a rename, does not replace a file of that name. */
async function linked(unfinished: string, path: string, name: string): Promise<void> {
  await link(unfinished, join(path, name)).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST' ? taken(path, name) : error;
  });
}

async function read(path: string, name: string): Promise<Readable> {
  const file = await open(join(path, name), 'r');
  try {
    const { size } = await file.stat();
    const stream = createReadStream('', { fd: file, highWaterMark: 262_144 });
    return whole(stream, size, { where: path, name });
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function entries(path: string): Promise<Entry[]> {
  const names = await readdir(path).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? [] : Promise.reject(error),
  );
  const found = await Promise.all(
    names.filter(isName).map(async (name) => ({ name, found: await stat(join(path, name)).catch(() => null) })),
  );
  return found
    .flatMap(({ name, found }) => (found?.isFile() ? [{ name, bytes: found.size }] : []))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Writes a file there, links it, and removes both. */
async function probe(path: string): Promise<void> {
  const [file, second] = [join(path, unfinishedName()), join(path, unfinishedName())];
  try {
    await (await open(file, 'wx', 0o600)).close();
    await link(file, second);
  } finally {
    await rm(file, { force: true });
    await rm(second, { force: true });
  }
}

async function writeAll(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  await directory.sync().finally(() => directory.close());
}

async function removeAbandoned(path: string): Promise<void> {
  for (const name of await readdir(path)) {
    if (!name.startsWith(UNFINISHED)) continue;
    const found = await stat(join(path, name)).catch(() => null);
    if (found && Date.now() - found.mtimeMs > ABANDONED_MS) await rm(join(path, name), { force: true });
  }
}

/** The directory itself, or the nearest one above it that exists. */
async function nearest(path: string): Promise<string> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? null : Promise.reject(error),
  );
  if (found && !found.isDirectory()) throw new Error(`${path} is not a directory`);
  return found ? path : nearest(join(path, '..'));
}

function vaultFailure(path: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return full(path, inWords(error), error);
  return unusable(path, inWords(error), 'check that the directory of backup.to exists and may be written', error);
}
