/** What the rest of Changeline knows of a database, whatever its engine. */
import type { Readable, Writable } from 'node:stream';

/** The engines. `mysql://` and `mariadb://` both open either; `engine` is what the server says it is. */
export type Engine = 'postgres' | 'mysql' | 'mariadb' | 'sqlite';

export type Parameter = string | number | null;
export type Row = Record<string, unknown>;

/** A held mutex. It also ends with its session, so a dead holder holds nothing. */
export interface Mutex {
  release(): Promise<void>;
}

/** What the statements did. */
export interface Executed {
  /** Milliseconds that each statement took, in order. */
  took: number[];
}

/** Runs statements on one connection. */
export interface Runner {
  /** Rows of one statement; parameters are bound. Throws a Failure `database-error`. */
  query(sql: string, parameters?: Parameter[]): Promise<Row[]>;
  /**
   * Runs single statements one after the other, and stops at the first error: a Failure `database-error` whose facts
   * hold `statement` (1 is the first), `of` (how many there are), `native` (the engine's own error code) and
   * `lock-timeout` (true where a lock was not had in time).
   * With `transaction`, all of it is one transaction, rolled back on an error; MySQL and MariaDB commit DDL all the same.
   */
  execute(statements: string[], options?: { transaction?: boolean }): Promise<Executed>;
}

/** One connection for as long as its user wants: for locks, settings and migrations. */
export interface Session extends Runner {
  /** How long a statement of this session waits for a lock, in milliseconds (MySQL and MariaDB: whole seconds, rounded up). */
  lockTimeout(ms: number): Promise<void>;
  /** Takes a mutex of this database by name, at once or not at all: a Failure `database-busy` names the holder. */
  mutex(name: string): Promise<Mutex>;
  /** Ends the connection. A statement that still runs is ended on the server too, within seconds, as it is when the run is cancelled. */
  close(): Promise<void>;
}

/** The schema in a form that a perfect dump and restore leaves as it is. */
export interface Fingerprint {
  /** sha256 of `form`, hex. */
  digest: string;
  /** One line for each object, sorted: for comparing and for showing what differs. */
  form: string;
}

/** What a throwaway server needs to know to be like the original. */
export interface Traits {
  engine: Engine;
  /** Of the server, as digits and dots: 15.18, 10.11.19. */
  version: string;
  /** The name of the database on its server; the file name for SQLite. */
  name: string;
  encoding: string | null;
  collation: string | null;
  /** Names only. */
  roles: string[];
  extensions: string[];
}

/** What is known of a dump besides its bytes. */
export interface DumpFacts {
  /** Rows of each table as the dump holds them; null where they could not be counted at its snapshot. */
  counts: Record<string, number> | null;
  /** How they were counted: in a session that shares the dump's snapshot, from the dump's own bytes, in the copied file. */
  counted: 'snapshot' | 'stream' | 'copy' | null;
  /** Where the dump stands in the engine's log: an LSN, a binlog file and offset; null where it is not shown to this login. */
  position: string | null;
  /** Uncompressed bytes of the dump. */
  bytes: number;
  /** The program or interface that made it, with its version. */
  tool: string;
}

/** One database. Connections are opened as they are needed and closed by `close`. */
export interface Database extends Runner {
  /** The name in changeline.yml. */
  readonly name: string;
  readonly engine: Engine;
  /** Where it is, for people; no password. */
  readonly where: string;
  /** The server's version as digits and dots. */
  version(): Promise<string>;
  traits(): Promise<Traits>;
  /** The mark of the n-th bound parameter (from 1) in this engine's SQL. */
  placeholder(position: number): string;
  /** An identifier as it may stand in this engine's SQL. */
  quote(identifier: string): string;
  session(): Promise<Session>;
  fingerprint(): Promise<Fingerprint>;
  /** Exact rows of each table. */
  counts(): Promise<Record<string, number>>;
  /** Bytes on disk, as the engine tells them. */
  size(): Promise<number>;
  /** Throws `tool-missing` where a program that `dump` needs is absent or older than the server. Changes nothing. */
  checkTools(): Promise<string>;
  /** The engine's native dump, streamed; `to` is ended only where all of it was written. Throws `backup-failed`, `tool-missing`, `cancelled`. */
  dump(to: Writable, signal: AbortSignal): Promise<DumpFacts>;
  close(): Promise<void>;
}

/** An open way to a server through a host. */
export interface Tunnel {
  hostname: string;
  port: number;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Relative SQLite paths start here. */
  workspace: string;
  /** For files with a password (0600) and copies of SQLite databases. */
  scratch: string;
  /** Opens the way to a server through the host of `via`. */
  tunnel?: ((hostname: string, port: number) => Promise<Tunnel>) | undefined;
  signal: AbortSignal;
}

/** A server that we started, or a file of our own: reachable by this user only, wiped when closed. */
export interface Throwaway {
  database: Database;
  /** In what it is not like the original, for people. */
  unlike: string[];
  /** Reads a native dump into it. Throws `backup-failed`. The database is empty before. */
  restore(from: Readable, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
