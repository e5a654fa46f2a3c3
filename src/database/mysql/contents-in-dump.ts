/**
 * What a mysqldump or mariadb-dump holds, read from its bytes as they pass: no second session can share the snapshot
 * of such a dump, so its own bytes are the only true account of it.
 */
import { createHash, type Hash } from 'node:crypto';
import type { Contents, Holding } from '../types.ts';

const [NEWLINE, QUOTE, OPEN, CLOSE, COMMA, SEMICOLON, BACKSLASH] = [10, 39, 40, 41, 44, 59, 92];
/** What stands between two rows of a statement in MariaDB's dumps; MySQL's leave the line break out. */
const BETWEEN = Buffer.from(',\n');
/** Runs of rows up to this length are gathered before they are hashed. */
const SHORT = 4096;
/** Of a line without rows so much is looked at; the names of all columns of a table fit. */
const LONGEST_HEAD = 1_048_576;

const NAME = '`((?:[^`]|``)+)`';
// The invisible columns of a table with history stand there without backticks.
const COLUMN = '(?:`(?:[^`]|``)+`|\\w+)';
const INSERT = new RegExp(`^INSERT INTO ${NAME}(?: \\(${COLUMN}(?:, ?${COLUMN})*\\))? VALUES`);
const CREATE = new RegExp(`^CREATE TABLE (?:IF NOT EXISTS )?${NAME}`);
const COUNTER = /^\)[^']* AUTO_INCREMENT=(\d+)/;
const SETVAL = new RegExp(`^(?:DO|SELECT) SETVAL\\(${NAME}, (.+)\\);`);
const DELIMITER = /^DELIMITER (\S+)/;

/**
 * Feed it the dump in any pieces; then read `contents`. Assumes the dump's defaults: backslash escapes, single or
 * extended inserts. A table's sha256 is of its rows as `(…)`, joined by a comma and a line break, so that it does not
 * depend on how the program cut them into statements (net_buffer_length).
 */
export class ContentsInDump {
  readonly #tables = new Map<string, Rows>();
  readonly #sequences = new Map<string, string>();
  /** The rows of the INSERT that is being read; null outside of one. */
  #rows: Rows | null = null;
  #head = '';
  /** The rest of this line is of no interest. */
  #skipping = false;
  /** The table whose CREATE TABLE is being read. */
  #creating: string | null = null;
  /** Bodies of routines and triggers stand between DELIMITER ;; and DELIMITER ; and may hold any text. */
  #inRoutine = false;

  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#rows === null) at = this.#line(chunk, at);
      else {
        at = this.#rows.read(chunk, at);
        if (this.#rows.ended) this.#leave();
      }
    }
  }

  /** After the last byte. */
  contents(): Contents {
    const tables = [...this.#tables].map(([name, rows]): [string, Holding] => [name, rows.holding()]);
    return { tables: Object.fromEntries(tables), sequences: Object.fromEntries(this.#sequences) };
  }

  /** Reads up to the end of the line, of the chunk, or of the head of an INSERT; answers where. */
  #line(chunk: Buffer, at: number): number {
    const newline = chunk.indexOf(NEWLINE, at);
    const end = newline === -1 ? chunk.length : newline + 1;
    if (this.#skipping) {
      this.#skipping = newline === -1;
      return end;
    }
    // A statement with its rows may be one line of megabytes.
    const looked = Math.min(end, at + SHORT);
    const before = this.#head.length;
    this.#head += chunk.toString('latin1', at, looked);
    const insert = this.#inRoutine ? null : INSERT.exec(this.#head);
    if (insert) {
      this.#enter(insert[1]!);
      return at + insert[0].length - before;
    }
    if (looked === newline + 1) this.#lineEnds();
    else if (this.#head.length > LONGEST_HEAD || !maybeNeeded(this.#head)) this.#skip();
    return looked;
  }

  #enter(name: string): void {
    this.#head = '';
    this.#rows = this.#table(name);
    this.#rows.begin();
  }

  #leave(): void {
    this.#rows = null;
    this.#skip();
  }

  #skip(): void {
    this.#head = '';
    this.#skipping = true;
  }

  #lineEnds(): void {
    const line = this.#head;
    // A name with a line break goes on.
    if (!this.#inRoutine && /^(?:INSERT INTO|CREATE TABLE) `/.test(line) && !CREATE.test(line)) return;
    this.#head = '';
    const delimiter = DELIMITER.exec(line);
    if (delimiter) this.#inRoutine = delimiter[1] !== ';';
    if (this.#inRoutine) return;
    const created = CREATE.exec(line);
    if (created) {
      this.#creating = created[1]!;
      this.#table(this.#creating);
    } else if (this.#creating !== null && line.startsWith(')')) {
      const counter = COUNTER.exec(line);
      if (counter) this.#sequences.set(unquoted(this.#creating), counter[1]!);
      this.#creating = null;
    }
    const sequence = SETVAL.exec(line);
    if (sequence) this.#sequences.set(unquoted(sequence[1]!), sequence[2]!);
  }

  #table(name: string): Rows {
    const known = this.#tables.get(unquoted(name));
    if (known) return known;
    const rows = new Rows();
    this.#tables.set(unquoted(name), rows);
    return rows;
  }
}

/** Whether more of this line could be needed: rows of an INSERT follow, or it is short for what it is. */
function maybeNeeded(head: string): boolean {
  return 'INSERT INTO `'.startsWith(head.slice(0, 13)) || head.length < SHORT || head.startsWith(')');
}

/** A name as it stood between backticks, from bytes read as latin1. */
function unquoted(name: string): string {
  return Buffer.from(name.replaceAll('``', '`'), 'latin1').toString('utf8');
}

/** The rows of one table, over all its statements. */
class Rows {
  /** The statement has ended. */
  ended = false;
  #count = 0;
  readonly #hash: Hash = createHash('sha256');
  /** Short runs of rows, gathered for the hash. */
  readonly #gathered = Buffer.allocUnsafe(2 * SHORT);
  #filled = 0;
  #depth = 0;
  #quoted = false;
  #escaped = false;

  begin(): void {
    this.ended = false;
    this.#depth = 0;
  }

  /**
   * Reads up to the end of the statement or of the chunk; answers where. Rows with only a comma and a line break
   * between them are hashed in one run.
   */
  read(chunk: Buffer, from: number): number {
    const end = chunk.length;
    let at = from;
    // Where the rows begin that are not hashed yet, and where the last whole one of them ends.
    let run = this.#depth > 0 ? from : -1;
    let whole = -1;
    while (at < end) {
      if (this.#quoted) {
        at = this.#text(chunk, at, end);
        continue;
      }
      at = plainEnd(chunk, at, end);
      if (at === end) break;
      const byte = chunk[at++]!;
      if (byte === QUOTE) this.#quoted = true;
      else if (byte === OPEN) {
        this.#depth += 1;
        if (this.#depth > 1) continue;
        if (run !== -1 && !(at - whole === 3 && chunk[whole] === COMMA && chunk[whole + 1] === NEWLINE)) {
          this.#feed(chunk, run, whole);
          run = -1;
        }
        if (run !== -1) continue;
        run = at - 1;
        if (this.#count > 0) this.#feed(BETWEEN, 0, BETWEEN.length);
      } else if (byte === CLOSE) {
        this.#depth -= 1;
        if (this.#depth > 0) continue;
        this.#count += 1;
        whole = at;
      } else if (byte === SEMICOLON && this.#depth === 0) {
        this.ended = true;
        break;
      }
    }
    if (run !== -1) this.#feed(chunk, run, this.#depth > 0 ? end : whole);
    return at;
  }

  holding(): Holding {
    this.#flush();
    return { rows: this.#count, sha256: this.#hash.copy().digest('hex') };
  }

  /** Reads within quotes, up to the closing one; answers where it stopped. */
  #text(chunk: Buffer, from: number, end: number): number {
    if (this.#escaped) {
      this.#escaped = false;
      return from + 1;
    }
    const at = textEnd(chunk, from, end);
    if (at === end) return end;
    if (chunk[at] === BACKSLASH) this.#escaped = true;
    else this.#quoted = false;
    return at + 1;
  }

  #feed(bytes: Buffer, from: number, to: number): void {
    if (this.#filled + to - from > this.#gathered.length) this.#flush();
    if (to - from > SHORT) {
      this.#flush();
      this.#hash.update(bytes.subarray(from, to));
    } else this.#filled += bytes.copy(this.#gathered, this.#filled, from, to);
  }

  #flush(): void {
    if (this.#filled > 0) this.#hash.update(this.#gathered.subarray(0, this.#filled));
    this.#filled = 0;
  }
}

// The two loops that see every byte are functions of their own: within a larger one they are several times slower.

/** The next quote, parenthesis or semicolon; `end` where there is none. */
function plainEnd(chunk: Buffer, from: number, end: number): number {
  for (let at = from; at < end; at += 1) {
    const byte = chunk[at]!;
    if (byte <= CLOSE && byte >= QUOTE) return at;
    if (byte === SEMICOLON) return at;
  }
  return end;
}

/** The next quote or backslash; `end` where there is none. */
function textEnd(chunk: Buffer, from: number, end: number): number {
  for (let at = from; at < end; at += 1) {
    const byte = chunk[at]!;
    if (byte === QUOTE || byte === BACKSLASH) return at;
  }
  return end;
}
