/** Asks a check once. */
import { performance } from 'node:perf_hooks';
import type { Check, Objection } from './check.ts';
import { askCommand } from './command.ts';
import { askHttp } from './http.ts';
import { askName } from './name.ts';
import type { Reach, Ways } from './reach.ts';
import { askSql } from './sql.ts';
import { askPort } from './tcp.ts';
import { errorInWords } from './words.ts';

/** What a question goes through, and what ends it. */
export interface Asking {
  reach: Reach;
  ways: Ways;
  /** Fires when the run is cancelled, and when the time for one try is over. */
  signal: AbortSignal;
}

/** What came of one try. */
export interface Tried {
  /** Empty where all is well. */
  objections: Objection[];
  /** The status of an HTTP answer; null where there was none. */
  status: number | null;
  /** Milliseconds. */
  took: number;
}

/** One try. Rejects only where `signal` fires; whatever else goes wrong is an objection. */
export async function ask(check: Check, asking: Asking): Promise<Tried> {
  asking.signal.throwIfAborted();
  const { timeout } = check.patience;
  const patience = AbortSignal.timeout(timeout);
  const began = performance.now();
  const took = () => performance.now() - began;
  const signal = AbortSignal.any([asking.signal, patience]);
  try {
    const answer = await heard(check, { ...asking, signal });
    return { ...answer, objections: [...answer.objections, ...late(check, took())], took: took() };
  } catch (thrown) {
    asking.signal.throwIfAborted();
    const words = patience.aborted ? `no whole answer within ${timeout} ms` : errorInWords(thrown);
    return { objections: [{ words }], status: null, took: took() };
  }
}

function late({ latency }: Check, took: number): Objection[] {
  if (latency === null || took <= latency) return [];
  return [{ words: `it took ${Math.round(took)} ms instead of at most ${latency} ms` }];
}

/** The answer that came, held against what it must be. Rejects with why none came. */
async function heard(check: Check, asking: Asking): Promise<Omit<Tried, 'took'>> {
  switch (check.kind) {
    case 'http':
      return askHttp(check, asking);
    case 'tcp':
      return { objections: await askPort(check, asking), status: null };
    case 'dns':
      return { objections: await askName(check, asking), status: null };
    case 'sql':
      return { objections: await askSql(check, asking), status: null };
    case 'command':
      return { objections: await askCommand(check, asking), status: null };
  }
}
