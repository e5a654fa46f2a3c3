/** Where backups lie: a directory, a host over SSH, or a bucket of S3-compatible storage. The noun's public face. */
import type { Readable } from 'node:stream';

export { openDirectoryVault } from './directory.ts';
export { openVault, type VaultOptions } from './open.ts';

/** What was written. */
export interface Stored {
  bytes: number;
  /** Of the bytes as they were sent, hex. */
  sha256: string;
}

/** One file of a vault. */
export interface Entry {
  name: string;
  /** Its size as it is stored. */
  bytes: number;
}

/** A flat store of files. Nothing is ever seen there under its name before it is whole. */
export interface Vault {
  /** For people. */
  readonly where: string;
  /**
   * Stores a stream whole or not at all. Refuses a name that is taken. Throws `vault-unreachable`, `disk-full`,
   * `cancelled`, or the stream's own error.
   */
  put(name: string, from: Readable, signal: AbortSignal): Promise<Stored>;
  /** The bytes of a file. The stream fails with `vault-unreachable`, also where it ends before the file's size came. */
  get(name: string): Promise<Readable>;
  /** All files, sorted by name. */
  list(): Promise<Entry[]>;
  /** Removes a file; one that is not there is no error. Works after a cancel too. */
  remove(name: string): Promise<void>;
  /** Bytes that still fit; null where the vault does not say. */
  free(): Promise<number | null>;
  /** Tries everything that the others need and leaves nothing behind. Throws `vault-unreachable`. */
  check(): Promise<void>;
  /** Ends the connection. */
  close(): Promise<void>;
}
