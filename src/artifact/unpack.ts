/** Writes the entries of an archive or folder into a new tree, and lists what was written. */
import { createHash } from 'node:crypto';
import { closeSync, constants, copyFileSync, fchmodSync, mkdirSync, openSync, symlinkSync, writeSync } from 'node:fs';
import { mkdir, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../outcome/outcome.ts';
import { type Entry, folderEntries, formatOf, tarEntries, zipEntries } from './entries.ts';
import { Guard, LIMITS, type Limits, safeMode } from './guard.ts';
import { type ManifestEntry, sortManifest } from './manifest.ts';

/** What to unpack, and where. */
export interface UnpackRequest {
  /** An archive (.zip, .tar, .tar.gz, .tar.zst: told by its bytes, not by its name) or a folder. */
  from: string;
  folder: boolean;
  /** Created; must not exist. It is removed again where unpacking fails. */
  tree: string;
  /** How people know the artifact. */
  where: string;
  signal: AbortSignal;
  limits?: Limits;
}

/**
 * Unpacks safely and returns the manifest. A single folder at the top is kept as it is: the paths in the artifact
 * are the paths on the host. Throws `artifact-unsafe`, `artifact-empty`, `artifact-unreadable` or `disk-full`.
 */
export async function unpack(request: UnpackRequest): Promise<ManifestEntry[]> {
  const { from, folder, tree, where, signal } = request;
  await mkdir(tree, { recursive: true, mode: 0o755 });
  const guard = new Guard(where, request.limits ?? { ...LIMITS, free: await freeBytes(tree) });
  const written = new Map<string, ManifestEntry>();
  try {
    const entries = folder ? folderEntries(from, signal) : await archiveEntries(from, signal);
    for await (const entry of entries) await writeEntry(tree, entry, guard, written);
  } catch (thrown) {
    await rm(tree, { recursive: true, force: true });
    throw unpackFailure(thrown, where, signal);
  }
  if (written.size === 0) {
    await rm(tree, { recursive: true, force: true });
    throw new Failure({
      code: 'artifact-empty',
      what: 'the artifact holds no file',
      where,
      untouched: 'no host was touched',
      next: 'look at the step that builds it',
    });
  }
  return sortManifest([...written.values()]);
}

/** Bytes that a file below `folder` may still take. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

async function archiveEntries(file: string, signal: AbortSignal): Promise<AsyncGenerator<Entry>> {
  return (await formatOf(file)) === 'zip' ? zipEntries(file, signal) : tarEntries(file, signal);
}

/**
 * Writes one entry. By synchronous calls: an artifact is thousands of small files, and a turn through the thread pool
 * for each open, write and close takes longer than all of them.
 */
async function writeEntry(
  tree: string,
  entry: Entry,
  guard: Guard,
  written: Map<string, ManifestEntry>,
): Promise<void> {
  const path = guard.admit(entry);
  if (path === null) return;
  const full = join(tree, path);
  mkdirSync(entry.kind === 'directory' ? full : dirname(full), { recursive: true, mode: 0o755 });
  if (entry.kind === 'symlink') {
    const link = entry.link!;
    symlinkSync(link, full);
    written.set(path, { path, sha256: createHash('sha256').update(link).digest('hex'), mode: 0o777, bytes: 0, link });
  } else if (entry.kind === 'hardlink') {
    const original = written.get(guard.original(entry))!;
    guard.count(original.bytes);
    copyFileSync(join(tree, original.path), full, constants.COPYFILE_EXCL);
    written.set(path, { ...original, path });
  } else if (entry.kind === 'file') {
    written.set(path, { path, ...(await writeFile(full, entry, guard)) });
  }
}

async function writeFile(full: string, entry: Entry, guard: Guard): Promise<Omit<ManifestEntry, 'path'>> {
  const hash = createHash('sha256');
  const mode = safeMode(entry.mode);
  let bytes = 0;
  const file = openSync(full, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, mode);
  try {
    for await (const chunk of entry.content()) {
      guard.count(chunk.length);
      hash.update(chunk);
      bytes += chunk.length;
      for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
    }
    fchmodSync(file, mode); // the umask of this process is not part of an artifact
  } finally {
    closeSync(file);
  }
  return { sha256: hash.digest('hex'), mode, bytes };
}

function unpackFailure(thrown: unknown, where: string, signal: AbortSignal): Failure {
  if (thrown instanceof Failure) return thrown;
  const error = thrown as NodeJS.ErrnoException;
  const untouched = 'no host was touched';
  if (signal.aborted) {
    return new Failure({
      code: 'cancelled',
      what: 'unpacking stopped because the run was cancelled',
      where,
      untouched,
      next: 'run it again',
    });
  }
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') {
    const next = 'make room on the disk of the machine that runs Changeline';
    return new Failure({
      code: 'disk-full',
      what: 'the disk is full',
      where,
      why: error.message,
      untouched,
      next,
      cause: error,
    });
  }
  const what = 'the artifact cannot be read as a zip or tar archive';
  const next = 'look at the step that builds and uploads it';
  return new Failure({ code: 'artifact-unreadable', what, where, why: error.message, untouched, next, cause: error });
}
