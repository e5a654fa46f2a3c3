/** Where backups lie. A directory now; every other kind of vault keeps this interface. */
import type { Readable } from 'node:stream';

export { openDirectoryVault } from './directory.ts';

/** What was written. */
export interface Stored {
  bytes: number;
  /** Of the bytes as they were sent, hex. */
  sha256: string;
}

/** A flat store of files. Nothing is ever seen there under its name before it is whole. */
export interface Vault {
  /** For people. */
  readonly where: string;
  /** Stores a stream whole or not at all. Refuses a name that is taken. Throws `vault-unreachable`, `disk-full`, or the stream's own Failure. */
  put(name: string, from: Readable, signal: AbortSignal): Promise<Stored>;
  /** The bytes of a file. The stream fails with `vault-unreachable`. */
  get(name: string): Promise<Readable>;
  /** All names, sorted. */
  list(): Promise<string[]>;
  /** Removes a file; one that is not there is no error. */
  remove(name: string): Promise<void>;
  /** Bytes that still fit; null where the vault does not say. */
  free(): Promise<number | null>;
  /** Tries everything that `put` needs and leaves nothing behind. Throws `vault-unreachable`. */
  check(): Promise<void>;
}
