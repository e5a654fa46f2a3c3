/** A directory as a vault: mode 0700, files 0600, each written beside its place, synced, and then renamed. */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, type FileHandle, link, mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Failure } from '../outcome/outcome.ts';
import { checkedName } from './name.ts';
import type { Stored, Vault } from './vault.ts';

const UNFINISHED = '.unfinished-';
/** An unfinished file of a run that may still be writing is left alone for a day. */
const ABANDONED_MS = 24 * 3_600_000;

/** The vault in `path`, which need not exist before the first `put`. */
export function openDirectoryVault(path: string): Vault {
  const guarded = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      throw vaultFailure(path, error);
    }
  };
  const prepare = async () => {
    if (await mkdir(path, { recursive: true, mode: 0o700 })) return;
    const found = await stat(path);
    if (!found.isDirectory()) throw new Error('it is not a directory');
    if (found.uid === process.getuid?.() && (found.mode & 0o077) !== 0) await chmod(path, 0o700);
  };
  return {
    where: path,
    put: async (name, from, signal) => {
      checkedName(name);
      await guarded(prepare);
      return write(path, name, from, signal).catch((error) => {
        // An error of the stream is its own, not the vault's.
        throw error === from.errored ? error : vaultFailure(path, error);
      });
    },
    get: (name) =>
      guarded(async () => {
        const file = await open(join(path, checkedName(name)), 'r');
        return createReadStream('', { fd: file, highWaterMark: 262_144 });
      }),
    list: () =>
      guarded(async () => {
        const names = await readdir(path).catch((error: NodeJS.ErrnoException) =>
          error.code === 'ENOENT' ? [] : Promise.reject(error),
        );
        return names.filter((name) => !name.startsWith('.')).sort();
      }),
    remove: (name) => guarded(() => rm(join(path, checkedName(name)), { force: true })),
    free: () =>
      guarded(async () => {
        const { bavail, bsize } = await statfs(await nearest(path));
        return bavail * bsize;
      }),
    check: () =>
      guarded(async () => {
        const existing = await nearest(path);
        const probe = join(existing, `${UNFINISHED}${randomBytes(6).toString('hex')}`);
        await (await open(probe, 'wx', 0o600)).close();
        await rm(probe);
      }),
  };
}

async function write(path: string, name: string, from: Readable, signal: AbortSignal): Promise<Stored> {
  await removeAbandoned(path);
  const unfinished = join(path, `${UNFINISHED}${randomBytes(6).toString('hex')}`);
  const file = await open(unfinished, 'wx', 0o600);
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of from as AsyncIterable<Buffer>) {
      if (signal.aborted)
        throw new Failure({
          code: 'cancelled',
          what: 'the run was cancelled while a backup was stored',
          next: 'run it again',
        });
      hash.update(chunk);
      await writeAll(file, chunk);
      bytes += chunk.length;
    }
    await file.sync();
    // A link, unlike a rename, does not replace a file of that name.
    await link(unfinished, join(path, name));
    await syncDirectory(path);
    return { bytes, sha256: hash.digest('hex') };
  } finally {
    await file.close();
    await rm(unfinished, { force: true });
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
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new Failure({
    code: full ? 'disk-full' : 'vault-unreachable',
    what: full ? 'the disk with the backups is full' : 'the place where backups lie cannot be used',
    where: path,
    why: [code, syscall].filter(Boolean).join(' in ') || message,
    untouched: 'older backups are as they were',
    next: full
      ? 'make room there, or keep fewer backups (backup.keep.last)'
      : 'check that the directory of backup.to exists and may be written',
    cause: error,
  });
}
