/** Where stages say what they do. Each door brings its own; all of them redact. */

import type { Result } from '../outcome/outcome.ts';

/** One stage of a line that ended; `took` in milliseconds. */
export interface StageEnded {
  verb: string;
  result: Result;
  took: number;
}

/** A door's log. Text may come from outside: the door escapes what its medium would take for a command. */
export interface Log {
  /** One line about what is happening. */
  info(line: string): void;
  /** A detail, shown where the reader asked for it. */
  detail(line: string): void;
  /** Something a person should know although the line goes on. */
  warn(line: string): void;
  /** A failure; `where` may be `file:line` for an annotation. */
  error(line: string, where?: string): void;
  /** A stage of a line ended. */
  stage(ended: StageEnded): void;
  /** What is happening right now and will be overwritten by the next such line; null clears it. */
  progress(line: string | null): void;
}

/** A log that keeps what it was told, for tests. */
export class RecordingLog implements Log {
  readonly lines: string[] = [];
  info = (line: string): void => void this.lines.push(line);
  detail = (line: string): void => void this.lines.push(`  ${line}`);
  warn = (line: string): void => void this.lines.push(`warning: ${line}`);
  error = (line: string): void => void this.lines.push(`error: ${line}`);
  stage = ({ verb, result }: StageEnded): void => void this.lines.push(`${verb}: ${result.outcome}: ${result.summary}`);
  progress = (): void => {};
}
