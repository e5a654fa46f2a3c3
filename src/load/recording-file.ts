/** The file that k6 records into, read while it grows: each byte once. */
import { createReadStream } from 'node:fs';
import { Recording, type Series, type Tick } from './recording.ts';

/** One recording. */
export class RecordingFile {
  readonly file: string;
  private readonly recording = new Recording();
  private readonly decoder = new TextDecoder();
  private offset = 0;
  private rest = '';

  constructor(file: string) {
    this.file = file;
  }

  /** Reads what has come since the last time. A file that is not there, or not yet, holds nothing. */
  async read(): Promise<void> {
    const stream = createReadStream(this.file, { start: this.offset });
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        this.offset += chunk.length;
        const lines = `${this.rest}${this.decoder.decode(chunk, { stream: true })}`.split('\n');
        this.rest = lines.pop()!;
        for (const line of lines) this.recording.add(line);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  /** The last whole tick so far, with requests a second; null before the first. */
  get latest(): (Tick & { rate: number }) | null {
    const { ticks, step } = this.recording;
    const tick = ticks.at(-1);
    return tick === undefined || step === null ? null : { ...tick, rate: tick.requests / step };
  }

  /** Seconds of a tick; null before k6 has said it. */
  get step(): number | null {
    return this.recording.step;
  }

  /** As in `Recording`. */
  get series(): Series | null {
    return this.recording.series;
  }
}
