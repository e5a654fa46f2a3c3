/**
 * Decides which entries of an archive or folder may be written. Pure: nothing here touches a disk.
 *
 * Nothing may come to lie, or lead, outside the tree. Two rules make that hold whatever the order of the entries:
 * no entry lies below a symlink or a file, so every parent is a real folder; and a symlink's target has `..` only at
 * its beginning, so that going up passes real folders alone, and going down meets only links checked the same way.
 */
import { posix } from 'node:path';
import { Failure } from '../outcome/outcome.ts';

/** What an archive says about one entry, before its content is read. */
export interface EntryHead {
  path: string;
  kind: 'file' | 'directory' | 'symlink' | 'hardlink' | 'special';
  /** The target: as written for a symlink, from the root of the archive for a hard link. */
  link?: string;
  /** The size it declares; 0 where it has none. */
  bytes: number;
}

/** What an artifact may grow to. */
export interface Limits {
  entries: number;
  /** Bytes, unpacked. */
  bytes: number;
  /** Bytes that are free on the disk; null where it is not known. */
  free: number | null;
}

/** More than any real artifact has, less than what would stop a machine. */
export const LIMITS: Limits = { entries: 200_000, bytes: 20e9, free: null };

type Written = 'file' | 'symlink' | 'directory';

/** Watches over one artifact while it is unpacked. */
export class Guard {
  readonly #seen = new Map<string, Written>();
  readonly #where: string;
  readonly #limits: Limits;
  #entries = 0;
  #declared = 0;
  #written = 0;

  constructor(where: string, limits: Limits = LIMITS) {
    this.#where = where;
    this.#limits = limits;
  }

  /** The entry's path in plain form; null for the root itself. Throws `artifact-unsafe` or `disk-full`. */
  admit(head: EntryHead): string | null {
    if (++this.#entries > this.#limits.entries)
      this.#refuse(head, `there are more than ${this.#limits.entries} entries`);
    this.#declared += head.bytes;
    this.#checkRoom(Math.max(this.#declared, this.#written));
    if (head.kind === 'special') this.#refuse(head, 'it is a device, a pipe, a socket or another special file');
    const path = this.#plain(head, head.path);
    if (path === '') {
      if (head.kind !== 'directory') this.#refuse(head, 'it has no name');
      return null;
    }
    this.#place(head, path);
    if (head.kind === 'symlink') this.#checkSymlink(head, path);
    return path;
  }

  /** The plain path of the file that a hard link names: one that was written before it. */
  original(head: EntryHead): string {
    const path = this.#plain(head, head.link ?? '');
    if (this.#seen.get(path) !== 'file')
      this.#refuse(head, `it is a hard link to ${quoted(path)}, which is no file before it`);
    return path;
  }

  /** Counts bytes as they are written, since a declared size may lie. */
  count(bytes: number): void {
    this.#written += bytes;
    this.#checkRoom(this.#written);
  }

  #place(head: EntryHead, path: string): void {
    const kind: Written = head.kind === 'directory' || head.kind === 'symlink' ? head.kind : 'file';
    for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent)) {
      const above = this.#seen.get(parent);
      if (above === 'directory') break;
      if (above !== undefined) this.#refuse(head, `it lies below ${quoted(parent)}, which is a ${above}`);
      this.#seen.set(parent, 'directory');
    }
    const before = this.#seen.get(path);
    if (before !== undefined && !(before === 'directory' && kind === 'directory'))
      this.#refuse(head, 'it is there twice');
    this.#seen.set(path, kind);
  }

  #plain(head: EntryHead, path: string): string {
    if (path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(path)) this.#refuse(head, 'its path is absolute');
    if (hasControl(path)) this.#refuse(head, 'its path has control characters');
    if (path.includes('\\')) this.#refuse(head, 'its path has a backslash');
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) this.#refuse(head, 'its path leads upwards');
    return parts.join('/');
  }

  #checkSymlink(head: EntryHead, path: string): void {
    const target = head.link ?? '';
    if (target === '' || hasControl(target)) this.#refuse(head, 'its target is empty or has control characters');
    if (target.startsWith('/') || target.includes('\\')) this.#refuse(head, `it is a link to ${quoted(target)}`);
    const parts = target.split('/').filter((part) => part !== '' && part !== '.');
    const ups = parts.findIndex((part) => part !== '..');
    const climbed = ups === -1 ? parts.length : ups;
    const depth = path.split('/').length - 1;
    if (climbed > depth) this.#refuse(head, `it is a link to ${quoted(target)}, outside the artifact`);
    if (parts.slice(climbed).includes('..'))
      this.#refuse(head, `it is a link to ${quoted(target)}, with ".." in its middle`);
  }

  #checkRoom(bytes: number): void {
    const { bytes: most, free } = this.#limits;
    if (bytes > most) this.#refuse(null, `it unpacks to more than ${inGigabytes(most)}`);
    if (free === null || bytes <= free) return;
    throw new Failure({
      code: 'disk-full',
      what: 'there is no room to unpack the artifact',
      where: this.#where,
      why: `it needs more than ${inGigabytes(bytes)}, and ${inGigabytes(free)} are free`,
      untouched: 'no host was touched',
      next: 'make room on the disk of the machine that runs Changeline',
    });
  }

  #refuse(head: EntryHead | null, why: string): never {
    throw new Failure({
      code: 'artifact-unsafe',
      what: head ? `the entry ${quoted(head.path)} of the artifact is not safe to unpack` : 'the artifact is too large',
      where: this.#where,
      why,
      untouched: 'no host was touched',
      next: 'build the artifact again without it; an artifact holds files, folders and relative links inside itself',
    });
  }
}

/**
 * The permissions an entry is written with: no setuid, setgid or sticky bit, not writable for group and others,
 * always readable and writable for its owner. 0o644 where the archive says nothing.
 */
export function safeMode(mode: number | undefined): number {
  return mode === undefined ? 0o644 : (mode & 0o755) | 0o600;
}

function hasControl(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return /[\u0000-\u001f\u007f]/.test(text);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}

function inGigabytes(bytes: number): string {
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
