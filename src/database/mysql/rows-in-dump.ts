/**
 * Counts the rows of each table in the bytes of a mysqldump or mariadb-dump as they pass: no second session can share
 * the snapshot of such a dump, so its own bytes are the only true count.
 */

const INSERT = Buffer.from('INSERT INTO `');
const CREATE = Buffer.from('CREATE TABLE `');
const DELIMITER = Buffer.from('DELIMITER ');
const LONGEST_HEAD = Math.max(INSERT.length, CREATE.length, DELIMITER.length);

const [NEWLINE, QUOTE, BACKSLASH, OPEN, CLOSE, SEMICOLON, BACKTICK, FIRST_OF_VALUES] = [10, 39, 92, 40, 41, 59, 96, 86];

type State = 'head' | 'name' | 'values' | 'rest';

/** Feed it the dump in any pieces; then read `counts`. Assumes the dump's defaults: extended or single inserts, backslash escapes. */
export class RowsInDump {
  readonly counts: Record<string, number> = Object.create(null);
  #state: State = 'head';
  #head: number[] = [];
  #name: number[] = [];
  #creates = false;
  #table = '';
  #rows = 0;
  #depth = 0;
  #quoted = false;
  #escaped = false;
  /** Before the word VALUES, parentheses hold names of columns. */
  #counting = false;
  /** Bodies of routines and triggers stand between DELIMITER ;; and DELIMITER ; and may hold any text. */
  #inRoutine = false;

  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at]!;
      if (this.#state === 'values') this.#value(byte);
      else if (this.#state === 'rest') {
        const newline = chunk.indexOf(NEWLINE, at);
        if (newline === -1) return;
        at = newline;
        this.#lineEnds();
      } else if (byte === NEWLINE) this.#lineEnds();
      else if (this.#state === 'head') this.#begins(byte);
      else this.#named(byte);
    }
  }

  #lineEnds(): void {
    const head = Buffer.from(this.#head);
    if (head.subarray(0, DELIMITER.length).equals(DELIMITER))
      this.#inRoutine = !(head[DELIMITER.length] === SEMICOLON && head.length === DELIMITER.length + 1);
    this.#state = 'head';
    this.#head = [];
  }

  #begins(byte: number): void {
    this.#head.push(byte);
    const { length } = this.#head;
    const matches = (known: Buffer) =>
      length <= known.length && known[length - 1] === byte && this.#head.every((each, index) => each === known[index]);
    if (matches(DELIMITER) || this.#isDelimiter()) return;
    if (this.#inRoutine || !(matches(INSERT) || matches(CREATE)) || length > LONGEST_HEAD) this.#state = 'rest';
    else if (length === INSERT.length && matches(INSERT)) this.#startName(false);
    else if (length === CREATE.length && matches(CREATE)) this.#startName(true);
  }

  #isDelimiter(): boolean {
    return (
      this.#head.length > DELIMITER.length &&
      this.#head.length < 20 &&
      DELIMITER.every((byte, index) => byte === this.#head[index])
    );
  }

  #startName(creates: boolean): void {
    this.#creates = creates;
    this.#name = [];
    this.#escaped = false;
    this.#state = 'name';
  }

  /** The name runs to a backtick that is not doubled. */
  #named(byte: number): void {
    if (this.#escaped) {
      this.#escaped = false;
      if (byte === BACKTICK) this.#name.push(byte);
      else this.#nameEnds();
    } else if (byte === BACKTICK) this.#escaped = true;
    else this.#name.push(byte);
  }

  #nameEnds(): void {
    this.#table = Buffer.from(this.#name).toString('utf8');
    this.counts[this.#table] ??= 0;
    this.#rows = 0;
    this.#depth = 0;
    this.#quoted = false;
    this.#escaped = false;
    this.#counting = false;
    this.#state = this.#creates ? 'rest' : 'values';
    this.#head = [];
  }

  #columnList(byte: number): void {
    if (byte === BACKTICK) this.#quoted = !this.#quoted;
    else if (this.#quoted) return;
    else if (byte === OPEN) this.#depth += 1;
    else if (byte === CLOSE) this.#depth -= 1;
    else if (byte === FIRST_OF_VALUES && this.#depth === 0) this.#counting = true;
  }

  #value(byte: number): void {
    if (!this.#counting) this.#columnList(byte);
    else if (this.#quoted) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) this.#quoted = false;
    } else if (byte === QUOTE) this.#quoted = true;
    else if (byte === OPEN) this.#depth += 1;
    else if (byte === CLOSE) {
      this.#depth -= 1;
      if (this.#depth === 0) this.#rows += 1;
    } else if (byte === SEMICOLON && this.#depth === 0) {
      this.counts[this.#table]! += this.#rows;
      this.#state = 'rest';
    }
  }
}
