/** Samples of sources that keep no history, taken while the old version serves and kept for later stages. */
import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MetricSection } from '../config/config.ts';
import type { Past, Sample, Source, Span } from '../metrics/metrics.ts';

/** The last line of a recording that ended before the first flip. */
const SEAL = '"sealed"';

/** One number of one host. */
export interface Kept {
  at: number;
  host: string | null;
  value: number | null;
}

/** The samples of one metric on disk: one JSON line each, readable by this user only. */
export class Recording {
  private readonly file: string;
  private readonly directory: string;

  constructor(directory: string, environment: string, metric: MetricSection) {
    this.directory = directory;
    const digest = createHash('sha256')
      .update(JSON.stringify([environment, metric]))
      .digest('hex');
    this.file = join(directory, `reference-${digest.slice(0, 24)}.jsonl`);
  }

  /** All samples, and whether they are known to be of the old version alone. */
  async read(): Promise<{ kept: Kept[]; sealed: boolean }> {
    const text = await readFile(this.file, 'utf8').catch(() => '');
    const lines = text.split('\n').filter(Boolean);
    const kept = lines.filter((line) => line !== SEAL).map((line) => JSON.parse(line) as Kept);
    return { kept, sealed: lines.at(-1) === SEAL };
  }

  /** Says that all samples so far are of the old version. */
  async seal(): Promise<void> {
    await this.write([SEAL]);
  }

  async add(at: number, samples: readonly Sample[]): Promise<void> {
    await this.write(samples.map(({ host, value }) => JSON.stringify({ at, host, value } satisfies Kept)));
  }

  private async write(lines: readonly string[]): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    await appendFile(this.file, `${lines.join('\n')}\n`, { mode: 0o600 });
  }
}

/** Recorded samples of each host, one entry a tick of the span; the last of several in one tick counts. Pure. */
export function recordedPasts(kept: readonly Kept[], span: Span, step: number): Past[] {
  const ticks = Math.floor((span.to - span.from) / step);
  const hosts = new Map<string | null, (number | null)[]>();
  for (const { at, host, value } of kept) {
    const tick = Math.floor((at - span.from) / step);
    if (tick < 0 || tick >= ticks) continue;
    const values = hosts.get(host) ?? new Array<number | null>(ticks).fill(null);
    values[tick] = value;
    hosts.set(host, values);
  }
  return [...hosts].map(([host, values]) => ({ host, values }));
}

/** Samples a source at every step until stopped. A failure is a gap in the reference, no more. */
export function startRecording(source: Source, recording: Recording, step: number): { stop(): Promise<void> } {
  let stopped = false;
  let wake = () => {};
  const loop = async () => {
    for (let boundary = Date.now(); !stopped; ) {
      boundary = Math.max(boundary + step, Date.now());
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, boundary - Date.now());
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (stopped) break;
      const samples = await source.sample({ from: boundary - step, to: boundary }).catch(() => []);
      // Taken at the boundary or thrown away: a number that came after the flip is no reference.
      if (!stopped && samples.length > 0) await recording.add(boundary - 1, samples);
    }
  };
  const running = loop();
  return {
    stop: () => {
      stopped = true;
      wake();
      return running;
    },
  };
}
