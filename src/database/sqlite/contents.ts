/** What an SQLite database holds: the rows of each table and their digest, and its sequences. */
import { createHash, type Hash } from 'node:crypto';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import type { Contents, Holding } from '../types.ts';

/** So many rows are read before other work of this process has its turn. */
const ROWS_IN_A_TURN = 20_000;
/** Bytes that are gathered before they are hashed. */
const GATHERED = 65_536;
/** Values of up to so many characters or bytes are gathered; three bytes a character still fit. */
const SHORT = 4096;
const NULL = 0;
const INTEGER = 1;
const REAL = 2;
const TEXT = 3;
const BLOB = 4;

/**
 * Reads all of it at one snapshot. `db` must not be in a transaction, and no one else may use it meanwhile. The tables
 * behind virtual ones (fts5) are read as tables; what only SQLite itself writes (`sqlite_stat1` …) is left out. Throws
 * the signal's reason where it is aborted.
 */
export async function readContents(db: DatabaseSync, signal: AbortSignal): Promise<Contents> {
  db.exec('BEGIN');
  try {
    const tables: [string, Holding][] = [];
    for (const table of tablesOf(db)) tables.push([table, await readTable(db, table, signal)]);
    return { tables: Object.fromEntries(tables), sequences: sequencesOf(db) };
  } finally {
    db.exec('ROLLBACK');
  }
}

function tablesOf(db: DatabaseSync): string[] {
  const sql = `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow')
    AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name`;
  const rows = db.prepare(sql).all();
  return rows.map(({ name }) => String(name));
}

/** What AUTOINCREMENT keeps. */
function sequencesOf(db: DatabaseSync): Record<string, string> {
  if (!db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'").get()) return {};
  const statement = db.prepare('SELECT name, seq FROM sqlite_sequence ORDER BY name');
  statement.setReadBigInts(true);
  return Object.fromEntries(statement.all().map(({ name, seq }) => [String(name), String(seq)]));
}

/** NOT INDEXED: the table's own tree is walked, which lies in the order of rowid or, without one, of the primary key. */
async function readTable(db: DatabaseSync, table: string, signal: AbortSignal): Promise<Holding> {
  const statement = db.prepare(`SELECT * FROM "${table.replaceAll('"', '""')}" NOT INDEXED`);
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  const values = new HashedValues();
  let rows = 0;
  for (const row of statement.iterate() as unknown as Iterable<SQLOutputValue[]>) {
    for (const value of row) values.add(value);
    rows += 1;
    if (rows % ROWS_IN_A_TURN > 0) continue;
    await turn();
    signal.throwIfAborted();
  }
  return { rows, sha256: values.digest() };
}

/**
 * Each value as a byte for its type and then, little endian: an integer in eight bytes, a real in eight bytes, a text
 * (UTF-8) or blob after its length in four bytes.
 */
class HashedValues {
  readonly #hash: Hash = createHash('sha256');
  readonly #bytes = Buffer.allocUnsafeSlow(GATHERED);
  readonly #view = new DataView(this.#bytes.buffer);
  #filled = 0;

  add(value: SQLOutputValue): void {
    if (this.#filled > GATHERED - 5 - 3 * SHORT) this.#flush();
    if (value === null) this.#type(NULL);
    else if (typeof value === 'bigint') {
      this.#type(INTEGER);
      this.#view.setBigInt64(this.#filled, value, true);
      this.#filled += 8;
    } else if (typeof value === 'number') {
      this.#type(REAL);
      this.#view.setFloat64(this.#filled, value, true);
      this.#filled += 8;
    } else if (typeof value === 'string') this.#text(value);
    else this.#blob(BLOB, value);
  }

  digest(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #type(type: number): void {
    this.#bytes[this.#filled++] = type;
  }

  #text(text: string): void {
    if (text.length > SHORT) {
      this.#blob(TEXT, Buffer.from(text));
      return;
    }
    this.#type(TEXT);
    const length = this.#bytes.write(text, this.#filled + 4);
    this.#view.setUint32(this.#filled, length, true);
    this.#filled += 4 + length;
  }

  #blob(type: number, blob: Uint8Array): void {
    this.#type(type);
    this.#view.setUint32(this.#filled, blob.length, true);
    this.#filled += 4;
    if (blob.length > SHORT) {
      this.#flush();
      this.#hash.update(blob);
    } else {
      this.#bytes.set(blob, this.#filled);
      this.#filled += blob.length;
    }
  }

  #flush(): void {
    this.#hash.update(this.#bytes.subarray(0, this.#filled));
    this.#filled = 0;
  }
}
