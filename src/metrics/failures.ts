/** The failures of sources, in one wording, and how a clock that is off is found. */
import type { MetricSection } from '../config/config.ts';
import { inWords } from '../duration/duration.ts';
import { cutShort } from '../escape/escape.ts';
import { type Code, Failure } from '../outcome/outcome.ts';
import { redact } from '../secret/secret.ts';

/** A clock that is further off than this puts numbers into the wrong ticks. */
const CLOCK_OFF_MS = 30_000;
const UNTOUCHED = 'only numbers were read; reading changes nothing';

function failure(code: Code, metric: MetricSection, where: string, why: string, next: string): Failure {
  return new Failure({
    code,
    what: `the metric "${metric.name}" cannot be read`,
    where: redact(where),
    why: cutShort(why, 400),
    untouched: UNTOUCHED,
    next,
  });
}

/** `metric-error`: a source that answers with an error, or with what is no number. `where` holds no password. */
export function metricError(
  metric: MetricSection,
  where: string,
  why: string,
  next = 'correct the metric in changeline.yml, or see why its source answers so',
): Failure {
  return failure('metric-error', metric, where, why, next);
}

/** `metric-missing`: a source that answers, and has never heard of what is asked for. */
export function metricMissing(metric: MetricSection, where: string, why: string, next: string): Failure {
  return failure('metric-missing', metric, where, why, next);
}

/** `metric-unreachable`: a source that gives no answer, or too late. */
export function metricUnreachable(metric: MetricSection, where: string, why: string, next: string): Failure {
  return failure('metric-unreachable', metric, where, why, next);
}

/** `config-invalid`: a metric whose section cannot be meant as it stands. */
export function metricInvalid(metric: MetricSection, what: string, next: string): Failure {
  return new Failure({
    code: 'config-invalid',
    what,
    where: `watch.metrics: ${metric.name}`,
    untouched: 'nothing was changed',
    next,
  });
}

/**
 * By how many milliseconds a clock is ahead (behind: negative) that said `theirs` in answer to a question that was asked
 * and answered at these times of ours; 0 where the time the answer took may explain it. Pure.
 */
export function clockOffset(theirs: number, asked: number, answered: number): number {
  return theirs < asked ? theirs - asked : Math.max(0, theirs - answered);
}

/** What is wrong with a source's clock, with both times; null where it is near enough, or not known. Pure. */
export function clockInWords(theirs: number, asked: number, answered: number): string | null {
  const offset = clockOffset(theirs, asked, answered);
  if (!(Math.abs(offset) > CLOCK_OFF_MS)) return null;
  const side = offset > 0 ? 'ahead of' : 'behind';
  return `its clock is ${inWords(Math.abs(offset))} ${side} this machine's: it says ${utc(theirs)}, here it is ${utc(answered)}`;
}

/** Throws `metric-clock` where a source's clock is off. */
export function checkClock(
  metric: MetricSection,
  where: string,
  theirs: number,
  times: { asked: number; answered: number },
): void {
  const why = clockInWords(theirs, times.asked, times.answered);
  if (why === null) return;
  const next = 'set both clocks (timedatectl on each says whether NTP runs), then run again';
  throw failure('metric-clock', metric, where, why, next);
}

function utc(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Why a connection failed, by the code of Node's error, and what to do about it. */
const CONNECTION: [RegExp, string, string][] = [
  [
    /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT)/,
    'its certificate is not trusted here',
    'give its authority in NODE_EXTRA_CA_CERTS, or renew the certificate',
  ],
  [/^(EPROTO|ERR_SSL)/, 'it does not speak TLS here', 'write http:// where the server has no certificate'],
  [/^(ENOTFOUND|EAI_AGAIN)/, 'its name is not known here', 'correct the name'],
];

/** Why a connection failed, from the code of Node's error or what it says, with what to do where that is known. Pure. */
export function unconnected(code: string): { why: string; next: string | null } {
  const [, words, next] = CONNECTION.find(([known]) => known.test(code)) ?? [null, null, null];
  return { why: words === null ? code : `${words} (${code})`, next };
}
