/**
 * k6's summary as `--summary-export` writes it, read into numbers. Pure.
 *
 * The newer `--new-machine-readable-summary` names its version but holds no thresholds (k6 2.2.0), so the first form is
 * read: there a threshold's `true` means crossed, and `passes` of `http_req_failed` counts the requests that failed.
 */

/** One threshold of a script. */
export interface Threshold {
  metric: string;
  /** As in the script: `p(95)<500`. */
  expression: string;
  /** What was measured, in the metric's unit (milliseconds, share, count); null where the summary does not hold it. */
  value: number | null;
  crossed: boolean;
}

/** What one run of one script measured. */
export interface Measured {
  requests: number;
  /** Requests a second. */
  rate: number;
  failed: number;
  /** Of 1; 0 where nothing was requested. */
  failedShare: number;
  /** Milliseconds of http_req_duration; null where nothing was requested. */
  p95: number | null;
  iterations: number;
  /** Iterations that k6 could not start in time. */
  dropped: number;
  checks: { name: string; passes: number; fails: number }[];
  thresholds: Threshold[];
  /** Traffic other than HTTP requests was measured: gRPC, WebSocket, a browser. */
  otherTraffic: boolean;
}

/** The part of the iterations that k6 could not begin, of 1. */
export function droppedShare({ dropped, iterations }: Measured): number {
  return dropped === 0 ? 0 : dropped / (dropped + iterations);
}

type Values = Record<string, unknown>;

/** Metrics of protocols that make no http_reqs. */
const OTHER_TRAFFIC = ['grpc_req_duration', 'ws_sessions', 'browser_http_req_duration'];

/** Reads the text of a summary file; null where it is none. */
export function readSummary(text: string): Measured | null {
  const summary = object(json(text));
  const metrics = object(summary?.metrics);
  if (!summary || !metrics) return null;
  const metric = (name: string): Values => object(metrics[name]) ?? {};
  const requests = number(metric('http_reqs').count) ?? 0;
  return {
    requests,
    rate: number(metric('http_reqs').rate) ?? 0,
    failed: number(metric('http_req_failed').passes) ?? 0,
    failedShare: number(metric('http_req_failed').value) ?? 0,
    p95: requests > 0 ? number(metric('http_req_duration')['p(95)']) : null,
    iterations: number(metric('iterations').count) ?? 0,
    dropped: number(metric('dropped_iterations').count) ?? 0,
    checks: checksOf(object(summary.root_group) ?? {}),
    thresholds: Object.keys(metrics)
      .sort()
      .flatMap((name) => thresholdsOf(name, metric(name))),
    otherTraffic: OTHER_TRAFFIC.some(
      (name) => Math.max(number(metric(name).max) ?? 0, number(metric(name).count) ?? 0) > 0,
    ),
  };
}

function thresholdsOf(metric: string, values: Values): Threshold[] {
  const thresholds = object(values.thresholds) ?? {};
  return Object.entries(thresholds).map(([expression, state]) => ({
    metric,
    expression,
    value: thresholdValue(expression, values),
    crossed: state !== false,
  }));
}

/** The number that an expression such as `p(95)<500` or `rate<0.01` speaks of. */
function thresholdValue(expression: string, values: Values): number | null {
  const stat = expression.match(/^\s*(p\(\d+(?:\.\d+)?\)|[a-z]+)/)?.[1];
  if (stat === undefined) return null;
  const own = Object.hasOwn(values, stat) ? number(values[stat]) : null;
  return own ?? (stat === 'rate' || stat === 'value' ? number(values.value) : null);
}

/** Checks stand in nested groups, each a map by name. */
function checksOf(group: Values): Measured['checks'] {
  const own = Object.values(object(group.checks) ?? {}).map((entry) => {
    const check = object(entry) ?? {};
    return { name: String(check.name ?? ''), passes: number(check.passes) ?? 0, fails: number(check.fails) ?? 0 };
  });
  return [...own, ...Object.values(object(group.groups) ?? {}).flatMap((inner) => checksOf(object(inner) ?? {}))];
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function object(value: unknown): Values | null {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Values) : null;
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
