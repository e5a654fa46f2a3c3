/** What the rest of Changeline knows of a database, whatever its engine. */
import type { Readable, Writable } from 'node:stream';
import type { Host } from '../transport/transport.ts';

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
  /** How it sorts: LC_COLLATE in PostgreSQL. */
  collation: string | null;
  /** How it classifies characters: LC_CTYPE in PostgreSQL; null elsewhere. */
  ctype: string | null;
  /** PostgreSQL: who supplies its default collation; null for other engines. Before version 15 it is always libc. */
  provider: 'libc' | 'icu' | 'builtin' | null;
  /** The locale of that provider where it is ICU or PostgreSQL's own ("builtin"); null for libc. */
  icu: string | null;
  /** Roles that policies name: without them a restore fails. Names only. */
  roles: string[];
  /** Roles that own something, or that privileges name, besides `roles`: a restore into production needs them. */
  owners: string[];
  extensions: string[];
}

/** What one statement was seen to do, in a rehearsal. */
export interface Observed {
  /** Locks it took on tables that were there before: `blocks` says whom they hold up. */
  locks: { table: string; mode: string; blocks: 'reads' | 'writes' | 'schema' }[];
  /** Tables it wrote anew, with their rows. */
  rewritten: { table: string; rows: number }[];
  /** Bytes by which the database grew, and bytes written to its log; null where it cannot be told. */
  grew: number | null;
  logged: number | null;
}

/** Watches the statements of one session. Only for a throwaway: it costs time. */
export interface Observer {
  before(): Promise<void>;
  /** After the statement, in the same transaction where there is one. */
  after(): Promise<Observed>;
}

/** Writes are held off until it is released; reads go on. Ends with its session. */
export interface Fence {
  release(): Promise<void>;
}

/** A database beside the live one on the same server, to be filled and then put in its place. */
export interface Beside {
  database: Database;
  /** Reads a native dump into it, with owners and privileges as in the original. Throws `restore-failed`. */
  restore(from: Readable, signal: AbortSignal): Promise<void>;
  /** Puts it in the live one's place, in the way that is right for the engine; the replaced one is kept. Throws only where it was not, or says that it is not known. */
  swap(): Promise<Swapped>;
  /** Removes what was built, where it was not swapped in. */
  discard(): Promise<void>;
}

export interface Swapped {
  /** Where the replaced data lie, for people: the name of a database or a file. */
  kept: string;
  /** How to remove them once nobody needs them: a statement or a command, for people. */
  remove: string;
  /** Milliseconds in which the application could neither write nor read. */
  away: number;
  /** What could not be made again after the swap (MySQL and MariaDB: views, routines …), with why, for people. */
  missing: string[];
}

/** Replacing a live database; see `replacement` in open.ts. */
export interface Replacement {
  /** What a swap would break or leave behind (replication slots, subscriptions, prepared transactions …), for people. Throws where it cannot be done at all. */
  breaks(): Promise<string[]>;
  /** Throws `database-denied` where this login may not do it, `disk-full` where there is too little room and the server says so. Changes nothing. */
  check(): Promise<void>;
  fence(): Promise<Fence>;
  /** `id` becomes part of its name. */
  beside(id: string): Promise<Beside>;
  close(): Promise<void>;
}

/** What a table holds. */
export interface Holding {
  rows: number;
  /**
   * sha256, hex, of its rows as the engine's own dump writes them, in the order of the dump. PostgreSQL keeps no order,
   * and a perfect restore may change it: there it is of a sum over the rows, which is the same in any order.
   */
  sha256: string;
}

/** What a database holds, or held at the snapshot of a dump: equal contents are equal data. */
export interface Contents {
  /** By name; PostgreSQL: without the schema where it is `public`, quoted where it is not a plain word. */
  tables: Record<string, Holding>;
  /** Where each sequence (SQLite: sqlite_sequence; MySQL: AUTO_INCREMENT) stands, as text. */
  sequences: Record<string, string>;
}

/** What is known of a dump besides its bytes. */
export interface DumpFacts {
  /** What the dump holds, read from its own bytes as they passed (SQLite: from the copied file). */
  contents: Contents;
  /**
   * Where the dump stands in the engine's log, so that what was committed before is in it: an LSN, a binlog file and
   * offset; null where it is not shown to this login.
   */
  position: string | null;
  /** Uncompressed bytes of the dump. */
  bytes: number;
  /** Milliseconds for which the source held the snapshot: while the program ran, or the file was copied. */
  held: number;
  /** What of the database the dump cannot hold, for people; nothing where it is not given. */
  lacks?: string[];
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
  /** What it holds now, at one snapshot, read the way a dump is read. */
  contents(signal: AbortSignal): Promise<Contents>;
  /** Bytes on disk, as the engine tells them. */
  size(): Promise<number>;
  /** Throws `tool-missing` where a program that `dump` needs is absent or older than the server. Changes nothing. */
  checkTools(): Promise<string>;
  /** The engine's native dump, streamed; `to` is ended only where all of it was written. Throws `backup-failed`, `tool-missing`, `cancelled`. */
  dump(to: Writable, signal: AbortSignal): Promise<DumpFacts>;
  /** A URL for the user's own tools: through the tunnel where there is one, with the password, which every log hides. */
  url(): string;
  /** Watches what the statements of a session do. Only on a throwaway. */
  observer(session: Session): Observer;
  /** Seconds that the slowest replica is behind, as this server sees it; null where it has none or does not show it; Infinity for one that is catching up since nobody knows when. */
  lag(): Promise<number | null>;
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

/** Where a throwaway server runs. `scratch`: the folder for its data there; the one for temporary files where it is null. */
export type ThrowawayPlace =
  | { kind: 'runner'; scratch: string | null }
  | { kind: 'host'; host: Host; scratch: string | null }
  | { kind: 'url'; url: string }
  | { kind: 'container'; image: string | null; scratch: string | null };

/** A server that we started, or a file of our own: reachable by this user only, wiped when closed. */
export interface Throwaway {
  database: Database;
  /** In what it is not like the original, for people. */
  unlike: string[];
  /** What of the original could not be matched, by name, and so is not proven by a comparison: keeps the level below `compared`. */
  lacks: string[];
  /** Reads a native dump into it. Throws `backup-failed`. The database is empty before. */
  restore(from: Readable, signal: AbortSignal): Promise<void>;
  /** Makes it behave as a server in production does: durable settings, its own statistics. Before a rehearsal, once. */
  harden(): Promise<void>;
  close(): Promise<void>;
}
