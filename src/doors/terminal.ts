/** A person's terminal as a log: colours where there is a terminal, one live line below. */
import { stripVTControlCharacters } from 'node:util';
import type { Log, StageEnded } from '../log/log.ts';
import { redact } from '../secret/secret.ts';
import { stageHead, stageLine } from './lines.ts';
import { wrapped } from './wrap.ts';

const COLOURS = { green: 32, red: 31, yellow: 33, grey: 90, bold: 1 } as const;

/** Writes to a stream; `verbose` also shows details. */
export class TerminalLog implements Log {
  readonly #out: NodeJS.WriteStream;
  readonly #verbose: boolean;
  readonly #colour: boolean;
  #live = false;

  constructor(out: NodeJS.WriteStream, options: { verbose: boolean; env: Record<string, string | undefined> }) {
    this.#out = out;
    // Who reads no longer (`| head`, a closed terminal) must not end a delivery half-way.
    out.on('error', () => {});
    this.#verbose = options.verbose;
    this.#colour = out.isTTY === true && !options.env.NO_COLOR;
  }

  info(line: string): void {
    this.#line(line);
  }

  detail(line: string): void {
    if (this.#verbose) this.#line(`  ${this.paint('grey', printable(line))}`, true);
  }

  warn(line: string): void {
    this.#line(`${this.paint('yellow', '!')} ${this.#prose(printable(line), 2)}`, true);
  }

  error(line: string, where?: string): void {
    const text = `${where ? `${printable(where)}: ` : ''}${printable(line)}`;
    this.#line(`${this.paint('red', '✗')} ${this.#prose(text, 2)}`, true);
  }

  stage(ended: StageEnded): void {
    const line = wrapped(redact(printable(stageLine(ended))), stageHead(ended).length, this.#columns());
    const colour = {
      passed: 'green',
      failed: 'red',
      inconclusive: 'yellow',
      skipped: 'grey',
      waiting: 'yellow',
    } as const;
    this.#line(`${this.paint(colour[ended.result.outcome], line.slice(0, 1))}${line.slice(1)}`, true);
  }

  progress(line: string | null): void {
    if (!this.#out.isTTY) return;
    this.#out.write(
      `\r\u001b[K${line === null ? '' : redact(printable(line)).slice(0, (this.#out.columns || 80) - 1)}`,
    );
    this.#live = line !== null;
  }

  /** The text in a colour, where the terminal has them. */
  paint(colour: keyof typeof COLOURS, text: string): string {
    return this.#colour ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text;
  }

  /** Text that begins in a column of its line, broken between words where a terminal shows it. */
  #prose(text: string, column: number): string {
    const columns = this.#columns();
    return wrapped(redact(text), 0, columns && columns - column).replaceAll('\n', `\n${' '.repeat(column)}`);
  }

  #columns(): number | undefined {
    return this.#out.isTTY ? this.#out.columns : undefined;
  }

  #line(text: string, clean = false): void {
    if (this.#live) this.progress(null);
    this.#out.write(`${redact(clean ? text : printable(text))}\n`);
  }
}

/** One line a stage: what a stage says on its way shows for a moment in the live line only. */
export class QuietLog implements Log {
  readonly #log: TerminalLog;

  constructor(log: TerminalLog) {
    this.#log = log;
  }

  info(line: string): void {
    this.#log.progress(`  ${line}`);
    this.#log.detail(line);
  }

  detail(line: string): void {
    this.#log.detail(line);
  }

  warn(line: string): void {
    this.#log.warn(line);
  }

  error(line: string, where?: string): void {
    this.#log.error(line, where);
  }

  stage(ended: StageEnded): void {
    this.#log.stage(ended);
  }

  progress(line: string | null): void {
    this.#log.progress(line);
  }
}

/** Text from outside without what a terminal would obey: escape sequences and control characters but tab and newline. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are to be taken out
  const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
  return stripVTControlCharacters(text).replace(obeyed, '');
}
