/** What a dump of PostgreSQL holds, read from its own bytes as they pass: the custom format of pg_dump, uncompressed. */
import { Failure } from '../../outcome/outcome.ts';
import type { Contents } from '../types.ts';
import { CopyRows, RowDigest } from './rows.ts';

/** Under which name the large objects of a database stand among its tables; their "rows" are the objects. */
export const LARGE_OBJECTS = 'large objects';

/** Kinds of the format's blocks. */
const [TABLE, OBJECTS] = [1, 3];
/** What a block of each kind of entry holds. */
const BLOCKS: Record<string, number> = { 'TABLE DATA': TABLE, BLOBS: OBJECTS };
/** The bytes of an integer: its sign, then its amount, least byte first. */
const INT = 5;
const EMPTY = Buffer.alloc(0);

/** An entry of the table of contents that has a block of data after it. */
interface Entry {
  kind: number;
  name: string;
}

/**
 * Feed it a dump of `pg_dump -Fc -Z0` in any pieces, then `end` it. The format is described by its reader and writer in
 * PostgreSQL's source, src/bin/pg_dump/pg_backup_archiver.c (WriteHead, WriteToc, WriteInt, WriteStr) and
 * pg_backup_custom.c (_StartData, _CustomWriteFunc, _StartLOs); versions 1.12 to 1.16, as of PostgreSQL 12 to 18. What
 * it does not know is a Failure `backup-failed`: a number is true or there is none. Memory is that of one entry.
 */
export class ArchiveContents {
  readonly #tables = new Map<string, RowDigest>();
  readonly #sequences: Record<string, string> = Object.create(null);
  /** By number, until their blocks have come. */
  readonly #entries = new Map<number, Entry>();
  /** Bytes that are too few for what comes next. */
  #rest: Buffer = EMPTY;
  #next: 'head' | 'entry' | 'block' | 'object' | 'rows' | 'bytes' = 'head';
  #minor = 0;
  #offsetBytes = 0;
  #entriesLeft = 0;
  /** Bytes that are left of the piece that is being read. */
  #left = 0;
  #table: { name: string; rows: CopyRows } | null = null;
  #objects: RowDigest | null = null;

  /** Takes the next bytes, and keeps none of the buffer. Throws `backup-failed` for what is not in the format. */
  push(chunk: Buffer): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    for (;;) {
      const next = this.#step(bytes, view, at);
      if (next === null) break;
      at = next;
    }
    this.#rest = at === bytes.length ? EMPTY : Buffer.from(bytes.subarray(at));
  }

  /** What the dump holds. Throws `backup-failed` where it is not whole. */
  end(): Contents {
    if (this.#next !== 'block' || this.#rest.length > 0) throw unreadable('it ends in the middle');
    for (const { name } of this.#entries.values()) throw unreadable(`the data of ${name} are not in it`);
    const tables: Contents['tables'] = Object.create(null);
    for (const [name, digest] of [...this.#tables].sort(([a], [b]) => (a < b ? -1 : 1)))
      tables[name] = { rows: digest.rows, sha256: digest.sha256 };
    return { tables, sequences: this.#sequences };
  }

  /** Reads one thing at `at` and answers where the next one begins; null where too few bytes are there. */
  #step(bytes: Buffer, view: DataView, at: number): number | null {
    switch (this.#next) {
      case 'head':
        return read(bytes, at, (from) => this.#head(from));
      case 'entry':
        return read(bytes, at, (from) => this.#entry(from));
      case 'block':
        return this.#block(bytes, at);
      case 'object':
        return this.#object(bytes, at);
      case 'rows':
        return this.#pieces(bytes, view, at, this.#rowsIn);
      case 'bytes':
        return this.#pieces(bytes, view, at, this.#bytesIn);
    }
  }

  #head(from: Cursor): void {
    if (from.take(5).toString('latin1') !== 'PGDMP') throw unreadable('it does not begin as one');
    const [major, minor] = [from.byte(), from.byte()];
    from.byte();
    if (major !== 1 || minor < 12 || minor > 16)
      throw unreadable(`it is of version ${major}.${minor} of the format, and 1.12 to 1.16 are known here`);
    if (from.byte() !== INT - 1) throw unreadable('its integers are not of 4 bytes');
    const offsetBytes = from.byte();
    if (from.byte() !== 1) throw unreadable('it is not in the custom format');
    // Up to 1.14 the level of compression stands here, then its kind.
    if ((minor < 15 ? from.int() : from.byte()) !== 0) throw unreadable('it is compressed');
    for (let field = 0; field < 7; field++) from.int(); // when it was made
    for (let field = 0; field < 3; field++) from.text(); // the database, and the versions of server and program
    this.#entriesLeft = from.int();
    this.#minor = minor;
    this.#offsetBytes = offsetBytes;
    this.#next = this.#entriesLeft > 0 ? 'entry' : 'block';
  }

  #entry(from: Cursor): void {
    const id = from.int();
    const hasData = from.int() === 1;
    from.text();
    from.text();
    const tag = from.text();
    const kind = from.text();
    from.int();
    const definition = from.text();
    from.text();
    from.text();
    const schema = from.text();
    from.text();
    if (this.#minor >= 14) from.text();
    if (this.#minor >= 16) from.int();
    from.text();
    from.text();
    while (from.text() !== null); // what it depends on
    from.take(1 + this.#offsetBytes);
    this.#entriesLeft--;
    if (this.#entriesLeft === 0) this.#next = 'block';
    if (kind === 'SEQUENCE SET') this.#sequences[tableName(schema, tag)] = standOf(tag, definition);
    if (hasData) this.#expect(id, kind, tableName(schema, tag));
  }

  #expect(id: number, kind: string | null, table: string): void {
    const block = Object.hasOwn(BLOCKS, kind ?? '') ? BLOCKS[kind ?? '']! : null;
    if (block === null) throw unreadable(`it has data of a kind that is not known: ${kind}`);
    const name = block === OBJECTS ? LARGE_OBJECTS : table;
    if (this.#entries.has(id) || (block === TABLE && this.#tables.has(name))) throw unreadable(`it has ${name} twice`);
    if (!this.#tables.has(name)) this.#tables.set(name, new RowDigest());
    this.#entries.set(id, { kind: block, name });
  }

  /** The head of a block: its kind, and the number of its entry. */
  #block(bytes: Buffer, at: number): number | null {
    if (bytes.length < at + 1 + INT) return null;
    const [kind, id] = [bytes[at]!, int(bytes, at + 1)];
    const entry = this.#entries.get(id);
    if (!entry || entry.kind !== kind) throw unreadable(`it has a block of kind ${kind} that no entry announces`);
    this.#entries.delete(id);
    const digest = this.#tables.get(entry.name)!;
    if (kind === TABLE) {
      this.#table = { name: entry.name, rows: new CopyRows(digest) };
      this.#next = 'rows';
    } else {
      this.#objects = digest;
      this.#next = 'object';
    }
    return at + 1 + INT;
  }

  /** The number of a large object, which is hashed with it; 0 after the last one. */
  #object(bytes: Buffer, at: number): number | null {
    if (bytes.length < at + INT) return null;
    const last = int(bytes, at) === 0;
    if (!last) this.#objects!.part(new DataView(bytes.buffer, bytes.byteOffset), at, at + INT);
    this.#next = last ? 'block' : 'bytes';
    return at + INT;
  }

  /** As many pieces of a block as are there; a length of 0 ends it. pg_dump makes one piece of each row. */
  #pieces(bytes: Buffer, view: DataView, at: number, into: Into): number | null {
    let from = at;
    for (;;) {
      if (this.#left === 0) {
        if (bytes.length < from + INT) break;
        this.#left = int(bytes, from);
        from += INT;
        if (this.#left < 0) throw unreadable('it has a piece of negative length');
        if (this.#left === 0) {
          this.#ends();
          return from;
        }
      }
      const to = Math.min(from + this.#left, bytes.length);
      into(bytes, view, from, to);
      this.#left -= to - from;
      from = to;
      if (this.#left > 0) break;
    }
    return from === at ? null : from;
  }

  readonly #rowsIn: Into = (bytes, view, from, to) => {
    if (!this.#table!.rows.take(bytes, view, from, to))
      throw unreadable(`the data of ${this.#table!.name} go on after their end`);
  };

  readonly #bytesIn: Into = (_bytes, view, from, to) => this.#objects!.part(view, from, to);

  #ends(): void {
    if (this.#next === 'bytes') {
      this.#objects!.end();
      this.#next = 'object';
      return;
    }
    if (!this.#table!.rows.ended) throw unreadable(`the data of ${this.#table!.name} have no end`);
    this.#next = 'block';
  }
}

type Into = (bytes: Buffer, view: DataView, from: number, to: number) => void;

function int(bytes: Buffer, at: number): number {
  const amount = bytes[at + 1]! | (bytes[at + 2]! << 8) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 24);
  return bytes[at] === 0 ? amount : -amount;
}

/** Thrown by a cursor that needs more bytes than are there. */
const SHORT = Symbol('short');

class Cursor {
  at: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  take(length: number): Buffer {
    if (this.#bytes.length < this.at + length) throw SHORT;
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  int(): number {
    return int(this.take(INT), 0);
  }

  /** Null is a length of -1. */
  text(): string | null {
    const length = this.int();
    return length < 0 ? null : this.take(length).toString('utf8');
  }
}

function read(bytes: Buffer, at: number, what: (from: Cursor) => void): number | null {
  const from = new Cursor(bytes, at);
  try {
    what(from);
    return from.at;
  } catch (error) {
    if (error === SHORT) return null;
    throw error;
  }
}

/** A relation's name for people: without the schema where that is `public`, quoted where it is not a plain word. */
export function tableName(schema: string | null, name: string | null): string {
  const quoted = (part: string) => (/^[a-z_][a-z0-9_$]*$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`);
  const parts = schema === null || schema === 'public' ? [name ?? ''] : [schema, name ?? ''];
  return parts.map(quoted).join('.');
}

/** Where a sequence stands, from the statement that sets it: its last value, or the first where none was taken yet. */
function standOf(name: string | null, definition: string | null): string {
  const [, value, called] = /, (-?\d+), (true|false)\);\s*$/.exec(definition ?? '') ?? [];
  if (!value) throw unreadable(`the sequence ${name} stands nowhere`);
  return called === 'true' ? value : `${value}, not yet taken`;
}

function unreadable(why: string): Failure {
  return new Failure({
    code: 'backup-failed',
    what: 'what pg_dump wrote could not be counted',
    why,
    untouched: 'the database was only read',
    next: 'run it again; if it says the same, take the pg_dump of the server’s own major version',
  });
}
