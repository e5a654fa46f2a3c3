/** What a host is to the rest of Changeline, however it is reached. */
import type { Readable } from 'node:stream';

/** What came of a script on a host. A status other than 0 is an answer, not an error. */
export interface ShResult {
  status: number;
  stdout: string;
  stderr: string;
  timedOut: boolean;
}

/** How a script is run on a host. */
export interface ShOptions {
  /** Arrive as $1, $2 …; any text without a NUL. */
  args?: readonly string[] | undefined;
  /** Variables for the script alone; they are never part of a command line, here or there. */
  env?: Record<string, string> | undefined;
  /** Standard input; empty by default. */
  input?: string | Buffer | Readable | undefined;
  /** Milliseconds until the script and all that it started are ended; none by default. */
  timeout?: number | undefined;
  /** Ends the script and all that it started. */
  signal?: AbortSignal | undefined;
}

/** An address here that reaches a port as the host sees it. */
export interface Tunnel {
  hostname: string;
  port: number;
  close(): Promise<void>;
}

/** One machine of the fleet, connected. Every method throws the Failure `host-unreachable` where the connection is lost. */
export interface Host {
  /** As in changeline.yml: user@host[:port] or the directory. */
  readonly name: string;
  readonly kind: 'ssh' | 'local';
  /** The absolute root on that host: versions/, current, shared/. */
  readonly path: string;
  /** Fills {placeholders}. */
  readonly with: Record<string, string>;
  /** Runs a POSIX sh script: a constant of ours or the user's own command, never built from outside text. */
  sh(script: string, options?: ShOptions): Promise<ShResult>;
  /**
   * Standard output of such a script as a stream of bytes that is never held in memory as a whole. They come as they are
   * written, but for a line feed at their end, which comes with what follows it. It fails with
   * `host-unfit` and the fact `status` where the status is not 0, with `host-unreachable` where the connection is lost,
   * with `cancelled` where the signal fires, and with the error of the input. `destroy` ends the script there.
   */
  stream(script: string, options?: ShOptions): Readable;
  /**
   * Puts the content of the directory `tree` into the directory `to` on that host; files become read-only there.
   * `linkDest` is an older version on that host whose equal files need not travel.
   */
  push(tree: string, to: string, options?: PushOptions): Promise<void>;
  /** The bytes of a file; a relative path is under the root. */
  read(file: string): Promise<Buffer>;
  /** Writes a file beside itself and renames it over: a reader sees the old bytes or the new ones. */
  write(file: string, bytes: Buffer, mode: number): Promise<void>;
  /** An address here that reaches hostname:port as seen from that host. */
  tunnel(hostname: string, port: number): Promise<Tunnel>;
  /** Ends the connection and removes the key file. */
  close(): Promise<void>;
}

/** How a tree travels. */
export interface PushOptions {
  linkDest?: string | null | undefined;
  signal?: AbortSignal | undefined;
}

/** What a connection needs beside the address. */
export interface ConnectOptions {
  /** The root on an SSH host; a directory host is its own path. */
  path: string | null;
  /** The private key itself, from the input `ssh-key`. */
  key: string | null;
  /** The known_hosts file; `.github/known_hosts` of the workspace, else the user's own, where null. */
  knownHosts: string | null;
  /** For this run alone, mode 0700. */
  scratch: string;
  workspace: string;
  /** Ends an attempt to connect; an open connection outlives it, so that what was begun can be put back. */
  signal: AbortSignal;
}
