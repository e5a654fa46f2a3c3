/** What came of one run of one script: k6's end, its summary and its log, judged. Pure. */
import type { Code, Outcome } from '../outcome/outcome.ts';
import type { Measured, Threshold } from './summary.ts';

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
}

/** The verdict on one script. */
export interface Verdict {
  outcome: Extract<Outcome, 'passed' | 'failed'>;
  code: Extract<Code, 'ok' | 'load-thresholds' | 'load-script-error' | 'load-nothing-measured' | 'load-crashed'>;
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
}

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

/**
 * Judges one run. Status 0 alone proves nothing: k6 ends with it when every iteration threw, when no request was made
 * and when none succeeded. A single thrown iteration fails the run, since what came after the throw was not measured.
 */
export function judge(ended: Ended): Verdict {
  const { status, measured, thrown, error } = ended;
  const everyThrew = measured !== null && thrown > 0 && thrown >= measured.iterations;
  if (status !== null && Object.hasOwn(SCRIPT_CODES, status)) {
    return failed('load-script-error', sentence(SCRIPT_CODES[status]!, error));
  }
  if (everyThrew && (status === 0 || status === THRESHOLDS_CROSSED)) {
    return failed('load-script-error', sentence('every iteration threw', error));
  }
  if (status === THRESHOLDS_CROSSED) return failed('load-thresholds', crossedInWords(measured?.thresholds ?? []));
  if (status !== 0) return failed('load-crashed', sentence(endInWords(ended), error));
  if (measured === null) return failed('load-crashed', 'k6 ended well but wrote no summary that can be read');
  if (thrown > 0)
    return failed('load-script-error', sentence(`${thrown} of ${measured.iterations} iterations threw`, error));
  if (measured.iterations === 0) return failed('load-nothing-measured', 'no iteration came to its end');
  if (measured.requests === 0 && !measured.otherTraffic)
    return failed('load-nothing-measured', 'the script made no request');
  if (measured.requests > 0 && measured.failedShare === 1) {
    return failed('load-nothing-measured', sentence(`all ${measured.requests} requests failed`, error));
  }
  if (measured.thresholds.some((threshold) => threshold.crossed)) {
    return failed('load-thresholds', crossedInWords(measured.thresholds));
  }
  return { outcome: 'passed', code: 'ok', why: null };
}

/** `http_req_duration p(95)<5 was 12.3`; of several, all. */
function crossedInWords(thresholds: readonly Threshold[]): string {
  const crossed = thresholds.filter((threshold) => threshold.crossed);
  if (crossed.length === 0) return 'k6 says that thresholds were crossed, and not which';
  return crossed
    .map(
      ({ metric, expression, value }) =>
        `${metric} ${expression}${value === null ? ' was crossed' : ` was ${rounded(value)}`}`,
    )
    .join(', ');
}

function endInWords({ status, signal }: Ended): string {
  if (signal === 'SIGKILL') return 'k6 was killed (SIGKILL): was there too little memory?';
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
