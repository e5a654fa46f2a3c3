/** The entries of a tar archive, a zip archive and a folder, one after the other, all in one form. */
import { on, once } from 'node:events';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { open, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import yauzl from 'yauzl';
import { Failure } from '../outcome/outcome.ts';
import type { EntryHead } from './guard.ts';

/** One entry; `content` may be read once, before the next entry is asked for. */
export interface Entry extends EntryHead {
  mode: number | undefined;
  content(): AsyncIterable<Buffer>;
}

type Kind = EntryHead['kind'];

/** `zip` by its first bytes, otherwise `tar` (which may be compressed with gzip or zstd). */
export async function formatOf(file: string): Promise<'zip' | 'tar'> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    const magic = buffer.toString('latin1', 0, bytesRead);
    return magic === 'PK\u0003\u0004' || magic === 'PK\u0005\u0006' ? 'zip' : 'tar';
  } finally {
    await handle.close();
  }
}

/** The entries of a tar archive. Throws where it is damaged, cut off, or has entries of an unknown kind. */
export async function* tarEntries(file: string, signal: AbortSignal): AsyncGenerator<Entry> {
  const parser = new Parser({ strict: true });
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  const seen = { end: false, any: false, unknown: null as string | null };
  parser.on('error', (error) => over.abort(error));
  parser.on('eof', () => (seen.end = true));
  parser.on('ignoredEntry', (entry: ReadEntry) => (seen.unknown ??= entry.path));
  let current: ReadEntry | undefined;
  stop.addEventListener('abort', () => current?.destroy(stop.reason), { once: true });
  const entries = on(parser, 'entry', { close: ['end'], signal: stop });
  const feeding = feed(parser, file, stop).catch((error: Error) => over.abort(error));
  try {
    for await (const [entry] of entries as AsyncIterable<[ReadEntry]>) {
      seen.any = true;
      current = entry;
      yield tarEntry(entry, stop);
      entry.resume();
      if (seen.unknown !== null) break;
    }
  } catch (thrown) {
    if (seen.end && !seen.any && !signal.aborted) return; // the parser calls an archive without entries unrecognised
    throw over.signal.aborted && !signal.aborted ? over.signal.reason : thrown;
  } finally {
    over.abort();
    await feeding;
  }
  if (seen.unknown !== null) yield { path: seen.unknown, kind: 'special', bytes: 0, mode: undefined, content: nothing };
  else if (!seen.end) throw new Error('the archive is cut off');
}

const TAR_KINDS: Record<string, Kind> = {
  File: 'file',
  OldFile: 'file',
  ContiguousFile: 'file',
  Directory: 'directory',
  GNUDumpDir: 'directory',
  SymbolicLink: 'symlink',
  Link: 'hardlink',
};

function tarEntry(entry: ReadEntry, stop: AbortSignal): Entry {
  entry.on('error', () => {}); // whoever reads the content is told by its iterator
  const kind = TAR_KINDS[entry.type] ?? 'special';
  return {
    path: entry.path,
    kind,
    bytes: kind === 'file' ? entry.size : 0,
    mode: entry.mode,
    ...(entry.linkpath === undefined ? {} : { link: entry.linkpath }),
    content: () => {
      stop.throwIfAborted();
      return entry as AsyncIterable<Buffer>;
    },
  };
}

async function feed(parser: Parser, file: string, signal: AbortSignal): Promise<void> {
  for await (const chunk of createReadStream(file, { signal })) {
    if (!parser.write(chunk as Buffer)) await once(parser, 'drain', { signal });
  }
  parser.end();
}

/** The entries of a zip archive. Throws where it is damaged or encrypted; the content is checked against its CRC-32. */
export async function* zipEntries(file: string, signal: AbortSignal): AsyncGenerator<Entry> {
  const zip = await yauzl.openPromise(file, { strictFileNames: true, validateEntrySizes: true });
  try {
    for await (const entry of zip.eachEntry()) {
      signal.throwIfAborted();
      yield await zipEntry(zip, entry, signal);
    }
  } catch (thrown) {
    throw unsafeName(thrown, file) ?? thrown;
  } finally {
    zip.close();
  }
}

const [UNIX, MACOS] = [3, 19];

async function zipEntry(zip: yauzl.ZipFile, entry: yauzl.Entry, signal: AbortSignal): Promise<Entry> {
  const host = entry.versionMadeBy >> 8;
  const unix = host === UNIX || host === MACOS ? entry.externalFileAttributes >>> 16 : 0;
  const kind = zipKind(unix, entry.fileName);
  const content = () => zipContent(zip, entry, signal);
  const head = { path: entry.fileName, kind, mode: unix === 0 ? undefined : unix, content };
  if (kind !== 'symlink') return { ...head, bytes: entry.uncompressedSize };
  if (entry.uncompressedSize > 4096) return { ...head, kind: 'special', bytes: 0 };
  return { ...head, bytes: 0, link: await textOf(content()) };
}

async function textOf(content: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function zipKind(unix: number, name: string): Kind {
  const type = unix & 0o170000;
  if (type === 0o120000) return 'symlink';
  if (type !== 0 && type !== 0o100000 && type !== 0o040000) return 'special';
  return name.endsWith('/') ? 'directory' : 'file';
}

async function* zipContent(zip: yauzl.ZipFile, entry: yauzl.Entry, signal: AbortSignal): AsyncGenerator<Buffer> {
  let sum = 0;
  for await (const chunk of await zip.openReadStreamPromise(entry)) {
    signal.throwIfAborted();
    sum = crc32(chunk as Buffer, sum);
    yield chunk as Buffer;
  }
  if (sum !== entry.crc32) throw new Error(`${JSON.stringify(entry.fileName)} does not have its checksum`);
}

/** yauzl checks names itself, and tells only by its message what it found. */
function unsafeName(thrown: unknown, file: string): Failure | null {
  const message = thrown instanceof Error ? thrown.message : '';
  if (!/^(absolute path|invalid relative path|invalid characters in fileName)/.test(message)) return null;
  return new Failure({
    code: 'artifact-unsafe',
    what: 'an entry of the artifact is not safe to unpack',
    where: file,
    why: message,
    untouched: 'no host was touched',
    next: 'build the artifact again without it; an artifact holds files, folders and relative links inside itself',
    cause: thrown,
  });
}

/** Everything below a folder. A folder that is itself a symlink is followed; links below it are not. */
export async function* folderEntries(folder: string, signal: AbortSignal, below = ''): AsyncGenerator<Entry> {
  for (const item of await readdir(join(folder, below), { withFileTypes: true })) {
    signal.throwIfAborted();
    const path = below === '' ? item.name : `${below}/${item.name}`;
    const full = join(folder, path);
    if (item.isDirectory()) {
      yield { path, kind: 'directory', bytes: 0, mode: undefined, content: nothing };
      yield* folderEntries(folder, signal, path);
    } else if (item.isSymbolicLink()) {
      yield { path, kind: 'symlink', link: await readlink(full), bytes: 0, mode: undefined, content: nothing };
    } else if (item.isFile()) {
      const { size, mode } = statSync(full);
      yield { path, kind: 'file', bytes: size, mode, content: () => fileContent(full, size, signal) };
    } else {
      yield { path, kind: 'special', bytes: 0, mode: undefined, content: nothing };
    }
  }
}

/** Small files at once: a stream for each costs more than reading it. */
async function* fileContent(file: string, size: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  if (size <= 1 << 20) yield readFileSync(file);
  else yield* createReadStream(file, { highWaterMark: 1 << 20, signal });
}

async function* nothing(): AsyncGenerator<Buffer> {}
