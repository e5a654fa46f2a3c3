/** What came of one run of one script: k6's end, its summary and its log, judged. Pure. */

import { inWords } from '../duration/duration.ts';
import type { Code, Outcome } from '../outcome/outcome.ts';
import type { Series } from './recording.ts';
import { droppedShare, type Measured } from './summary.ts';

/** How k6 ended. */
export interface Ended {
  status: number | null;
  signal: string | null;
  /** null where no summary was written. */
  measured: Measured | null;
  /** Iterations that ended by an exception. */
  thrown: number;
  /** The first error of the log; null where there was none. */
  error: string | null;
  /** Go said that it could get no more memory. */
  outOfMemory: boolean;
  /** Milliseconds after which a threshold with abortOnFail ended the run; null where none did. */
  aborted: number | null;
}

/** The verdict on one script. */
export interface Verdict {
  outcome: Extract<Outcome, 'passed' | 'failed'>;
  code: Extract<
    Code,
    | 'ok'
    | 'load-thresholds'
    | 'load-script-error'
    | 'load-nothing-measured'
    | 'load-overloaded'
    | 'load-killed'
    | 'load-crashed'
  >;
  /** One sentence; null where the run passed. */
  why: string | null;
}

/** The verdict on one script with what it is about. */
export interface ScriptResult extends Verdict {
  script: string;
  /** Milliseconds. */
  took: number;
  thrown: number;
  measured: Measured | null;
  /** Tick by tick; null where nothing was recorded. */
  series: Series | null;
  /** The part of the processors' time of this machine that was used while k6 ran, by whomever; of 1. */
  busy: number;
}

/** Of all iterations: from here on the load was not the one that was asked for. */
const DROPPED_AT_MOST = 0.01;

/** k6's exit codes that lie with the script or its options; see errext/exitcodes/codes.go of k6 2.2.0. */
const SCRIPT_CODES: Record<number, string> = {
  100: 'setup() took too long',
  101: 'teardown() took too long',
  104: 'k6 refused the options',
  107: 'the script threw',
  108: 'the script aborted the test',
  110: 'the script marked the test as failed',
};

const THRESHOLDS_CROSSED = 99;
const STOPPED_BY_SIGNAL = 105;
/** Crossed thresholds named in one sentence. */
const NAMED_AT_MOST = 10;

/**
 * Judges one run. Status 0 alone proves nothing: k6 ends with it when every iteration threw, when no request was made,
 * when none succeeded and when most of the load was never made. A single thrown iteration fails the run, since what
 * came after the throw was not measured.
 */
export function judge(ended: Ended): Verdict {
  const { status, measured, thrown, error } = ended;
  const killed = killedInWords(ended);
  if (killed !== null) return failed('load-killed', killed);
  if (status !== null && Object.hasOwn(SCRIPT_CODES, status)) {
    return failed('load-script-error', sentence(SCRIPT_CODES[status]!, error));
  }
  const everyThrew = measured !== null && thrown > 0 && thrown >= measured.iterations;
  if (everyThrew && (status === 0 || status === THRESHOLDS_CROSSED)) {
    return failed('load-script-error', sentence('every iteration threw', error));
  }
  // Where nobody answered, a threshold says only that, and k6's own error says why.
  if (status === THRESHOLDS_CROSSED && measured !== null && noneSucceeded(measured)) return allFailed(measured, error);
  if (status === THRESHOLDS_CROSSED) return failed('load-thresholds', crossedInWords(ended));
  if (status !== 0) return failed('load-crashed', sentence(endInWords(ended), error));
  if (measured === null) return failed('load-crashed', 'k6 ended well but wrote no summary that can be read');
  if (thrown > 0)
    return failed('load-script-error', sentence(`${thrown} of ${measured.iterations} iterations threw`, error));
  return judgeMeasured(measured, ended);
}

/** What came to a good end in k6's eyes. */
function judgeMeasured(measured: Measured, ended: Ended): Verdict {
  const { requests, iterations, thresholds } = measured;
  if (iterations === 0) return failed('load-nothing-measured', 'no iteration came to its end');
  if (requests === 0 && !measured.otherTraffic) return failed('load-nothing-measured', 'the script made no request');
  if (noneSucceeded(measured)) return allFailed(measured, ended.error);
  if (thresholds.some(({ crossed }) => crossed)) return failed('load-thresholds', crossedInWords(ended));
  // A threshold of the script's own on dropped iterations says how many of them it bears.
  const judgedByScript = thresholds.some(({ metric }) => metric.startsWith('dropped_iterations'));
  if (!judgedByScript && droppedShare(measured) > DROPPED_AT_MOST)
    return failed('load-overloaded', droppedInWords(measured));
  return { outcome: 'passed', code: 'ok', why: null };
}

function noneSucceeded({ requests, failedShare }: Measured): boolean {
  return requests > 0 && failedShare === 1;
}

function allFailed({ requests }: Measured, error: string | null): Verdict {
  return failed('load-nothing-measured', sentence(`all ${requests} requests failed`, error));
}

/** `82 of 101 iterations could not be begun (81 %)`. */
function droppedInWords(measured: Measured): string {
  const { dropped, iterations } = measured;
  const share = Number((droppedShare(measured) * 100).toPrecision(2));
  return `${dropped} of ${dropped + iterations} iterations could not be begun (${share} %)`;
}

/** Why k6 did not end by itself; null where it did. A shell in between makes a status of 128 and the signal's number. */
function killedInWords({ status, signal, outOfMemory }: Ended): string | null {
  if (outOfMemory) return 'k6 ran out of memory';
  if (signal === 'SIGKILL' || status === 137) return 'k6 was killed (SIGKILL): was there too little memory?';
  if (signal === 'SIGTERM' || signal === 'SIGINT' || status === STOPPED_BY_SIGNAL || status === 143 || status === 130)
    return 'k6 was told to stop from outside';
  return null;
}

/** `http_req_duration p(95)<5 was 12.3`; of several, the first ones. */
function crossedInWords({ measured, aborted }: Ended): string {
  const crossed = (measured?.thresholds ?? []).filter((threshold) => threshold.crossed);
  const named = crossed
    .slice(0, NAMED_AT_MOST)
    .map(
      ({ metric, expression, value }) =>
        `${metric} ${expression}${value === null ? ' was crossed' : ` was ${rounded(value)}`}`,
    );
  const more = crossed.length > NAMED_AT_MOST ? [`${crossed.length - NAMED_AT_MOST} more`] : [];
  const which = crossed.length === 0 ? ['k6 says that thresholds were crossed, and not which'] : [...named, ...more];
  const stopped = aborted === null ? '' : `; abortOnFail ended the run after ${inWords(aborted)}`;
  const dropped = measured && measured.dropped > 0 ? `; ${droppedInWords(measured)}` : '';
  return `${which.join(', ')}${stopped}${dropped}`;
}

function endInWords({ status, signal }: Ended): string {
  return signal === null ? `k6 ended with status ${status}` : `k6 was ended by ${signal}`;
}

/** Four significant digits: enough to see on which side of a limit a value lies. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function sentence(what: string, error: string | null): string {
  return error === null ? what : `${what}: ${error}`;
}

function failed(code: Exclude<Verdict['code'], 'ok'>, why: string): Verdict {
  return { outcome: 'failed', code, why };
}
