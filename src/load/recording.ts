/**
 * What k6 measured tick by tick, read from the recording of its web dashboard (k6 0.49 and later). Pure.
 *
 * The recording is one JSON object a line: `param` says the length of a tick, each `metric` names metrics that are new,
 * and each `snapshot` holds one list of numbers a metric, in the order of all names known so far: of a counter count and
 * rate, of a rate the rate, of a trend avg, max, med, min, p(90), p(95), p(99); empty where nothing came
 * (internal/dashboard/meter.go and record.go of k6 2.2.0).
 */

/** All lists have one entry a tick, from the first with a request to the last; null where nothing was measured in it. */
export interface Series {
  /** Seconds of a tick. */
  step: number;
  requests: (number | null)[];
  failed: (number | null)[];
  /** Milliseconds. */
  p50: (number | null)[];
  p95: (number | null)[];
}

/** One tick. */
export interface Tick {
  requests: number;
  failed: number;
  p50: number | null;
  p95: number | null;
}

/** A series holds at most so many ticks: neighbours are put together where more were recorded. */
const MOST_TICKS = 120;

/** Reads a recording line by line. A line that is no recording's is passed over. */
export class Recording {
  readonly ticks: Tick[] = [];
  /** Seconds of a tick; null before k6 has said it. */
  step: number | null = null;
  private names: string[] = [];

  /** One line, whole or broken off. */
  add(line: string): void {
    if (!/^\{"event":"(param|metric|snapshot)"/.test(line)) return;
    const event = parsed(line);
    if (event?.event === 'param') this.step = Number((event.data as { period: unknown }).period) / 1000 || null;
    if (event?.event === 'metric') this.names = [...new Set([...this.names, ...Object.keys(event.data)])].sort();
    if (event?.event === 'snapshot' && Array.isArray(event.data)) this.snapshot(event.data);
  }

  private snapshot(data: unknown[]): void {
    if (data.length !== this.names.length) return;
    const at = (name: string, index: number): number | null => {
      const values = data[this.names.indexOf(name)];
      const value: unknown = Array.isArray(values) ? values[index] : undefined;
      return typeof value === 'number' && Number.isFinite(value) ? value : null;
    };
    const requests = at('http_reqs', 0) ?? 0;
    this.ticks.push({
      requests,
      failed: Math.round((at('http_req_failed', 0) ?? 0) * requests),
      p50: at('http_req_duration', 2),
      p95: at('http_req_duration', 5),
    });
  }

  /** The series; null where no request was recorded. */
  get series(): Series | null {
    const first = this.ticks.findIndex(({ requests }) => requests > 0);
    if (first < 0 || this.step === null) return null;
    const ticks = this.ticks.slice(first, this.ticks.findLastIndex(({ requests }) => requests > 0) + 1);
    // A power of two, so that two runs of unequal length still have ticks of which one is a multiple of the other.
    const width = 2 ** Math.max(0, Math.ceil(Math.log2(ticks.length / MOST_TICKS)));
    const whole = coarser({ step: this.step, ...columns(ticks) }, width);
    return { ...whole, p50: whole.p50.map(short), p95: whole.p95.map(short) };
  }
}

function columns(ticks: readonly Tick[]): Omit<Series, 'step'> {
  return {
    requests: ticks.map(({ requests }) => requests),
    failed: ticks.map(({ failed }) => failed),
    p50: ticks.map(({ p50 }) => p50),
    p95: ticks.map(({ p95 }) => p95),
  };
}

/**
 * The series in ticks `width` times as long. Counts are added; a percentile is the mean of theirs, weighted with their
 * requests. What else the series holds stays.
 */
export function coarser<S extends Series>(series: S, width: number): S {
  const { requests, failed, p50, p95, step } = series;
  const groups = Array.from({ length: Math.ceil(requests.length / width) }, (_, i) => i * width);
  const known = (values: readonly (number | null)[], from: number) =>
    values.slice(from, from + width).flatMap((value, at) => (value === null ? [] : [{ value, at: from + at }]));
  const sum = (values: readonly (number | null)[]) =>
    groups.map((from) => {
      const some = known(values, from);
      return some.length === 0 ? null : some.reduce((total, { value }) => total + value, 0);
    });
  const mean = (values: readonly (number | null)[]) =>
    groups.map((from) => {
      const some = known(values, from).map(({ value, at }) => ({ value, weight: requests[at] ?? 0 }));
      const weight = some.reduce((total, one) => total + one.weight, 0);
      return weight === 0 ? null : some.reduce((total, one) => total + one.value * one.weight, 0) / weight;
    });
  return {
    ...series,
    step: step * width,
    requests: sum(requests),
    failed: sum(failed),
    p50: mean(p50),
    p95: mean(p95),
  };
}

/** Four digits: it is kept in the ledger. */
function short(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(4));
}

function parsed(line: string): { event: string; data: object } | null {
  try {
    const value = JSON.parse(line) as { event: string; data: unknown };
    return value.data !== null && typeof value.data === 'object' ? { event: value.event, data: value.data } : null;
  } catch {
    return null;
  }
}
