/** Listens to k6 while it runs: its log, and the progress that a person sees. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Log } from '../log/log.ts';
import { redact } from '../secret/secret.ts';
import { readLogLine, readProgress } from './output.ts';
import type { RecordingFile } from './recording-file.ts';
import type { Ended } from './verdict.ts';

/** Milliseconds between two lines of progress. */
const PROGRESS_EVERY = 2000;
/** Different lines of k6's log that are passed on; a script may throw thousands. */
const SAID_AT_MOST = 20;

/** Counts thrown iterations, keeps the first error (or else warning), and passes on what k6 and the script say. */
export async function listenToLog(
  stream: Readable,
  log: Log,
): Promise<Pick<Ended, 'thrown' | 'error' | 'outOfMemory' | 'aborted'>> {
  const began = performance.now();
  const heard = { thrown: 0, outOfMemory: false, aborted: null as number | null };
  const first: { error?: string; warning?: string } = {};
  const said = new Set<string>();
  for await (const line of createInterface({ input: stream })) {
    const entry = readLogLine(line);
    if (!entry) continue;
    if (entry.thrown) heard.thrown += 1;
    if (entry.telling === 'out of memory') heard.outOfMemory = true;
    if (entry.telling === 'aborted') heard.aborted ??= performance.now() - began;
    if (entry.level === 'error' || entry.level === 'warning') first[entry.level] ??= entry.text;
    if (said.size >= SAID_AT_MOST || said.has(entry.text)) continue;
    said.add(entry.text);
    log.detail(`k6: ${entry.text}`);
  }
  const error = first.error ?? first.warning;
  return { ...heard, error: error === undefined ? null : redact(error) };
}

/** One short line every two seconds: `load/a.js: 04.0s, 5 users, 190 iterations, 48 requests/s, 2 failed`. */
export async function showProgress(stream: Readable, name: string, recording: RecordingFile, log: Log): Promise<void> {
  let shown = Number.NEGATIVE_INFINITY;
  for await (const line of createInterface({ input: stream })) {
    const progress = readProgress(line);
    if (!progress || performance.now() - shown < PROGRESS_EVERY) continue;
    shown = performance.now();
    await recording.read();
    const { elapsed, users, iterations } = progress;
    const parts = [`${name}: ${elapsed}`, `${users} users`, `${iterations.toLocaleString('en')} iterations`];
    const { latest } = recording;
    if (latest) parts.push(`${latest.rate.toLocaleString('en', { maximumFractionDigits: 0 })} requests/s`);
    if (latest && latest.failed > 0)
      parts.push(`${latest.failed.toLocaleString('en')} failed in the last ${recording.step} s`);
    log.progress(parts.join(', '));
  }
}
