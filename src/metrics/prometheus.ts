/** Numbers from a Prometheus server. Where a rate is asked for, the counter itself is read: a window hides a fall. */
import type { MetricSection } from '../config/config.ts';
import type { Kind } from '../judge/judge.ts';
import { hide, withoutCredentials } from '../secret/secret.ts';
import { metricError, metricInvalid } from './failures.ts';
import {
  AnswerError,
  atSteps,
  Growth,
  oneNumber,
  parseAnswer,
  type Series,
  severalSeries,
} from './prometheus-answer.ts';
import { type CounterQuery, counterOf, selectors, windowOf } from './promql.ts';
import type { Sample, Source, SourceContext, Span } from './types.ts';

const TIMEOUT_MS = 10_000;
/** A source whose newest point is older than this many scrape intervals is stale. */
const STALE_INTERVALS = 2.5;
/** Prometheus refuses more points than this in one series. */
const MOST_POINTS = 10_000;

/** Asks the server once, to learn how often it scrapes. Throws `metric-error` and `config-invalid`. */
export async function openPrometheus(metric: MetricSection, context: SourceContext): Promise<Source> {
  if (context.prometheus === undefined)
    throw metricInvalid(
      metric,
      'a prometheus metric needs the URL of the server',
      'add `prometheus: http://…` to the watch section',
    );
  const server = new Server(metric, context.prometheus, context.signal);
  const read = selectors(metric.prometheus!);
  const interval = await scrapeInterval(server, read);
  return new PrometheusSource(metric, server, read, interval);
}

class Server {
  readonly where: string;
  private readonly metric: MetricSection;
  private readonly base: URL;
  private readonly headers: Record<string, string>;
  private readonly signal: AbortSignal;

  constructor(metric: MetricSection, url: string, signal: AbortSignal) {
    if (!URL.canParse(url) || !/^https?:/.test(url))
      throw metricInvalid(metric, 'watch.prometheus is not a URL', 'give http://host:9090 or https://host/prometheus');
    this.metric = metric;
    this.where = withoutCredentials(url);
    this.base = new URL(url);
    this.signal = signal;
    const { username, password } = this.base;
    if (password) hide(decodeURIComponent(password));
    this.headers = username
      ? {
          authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`,
        }
      : {};
    this.base.username = '';
    this.base.password = '';
  }

  async ask(path: 'query' | 'query_range', parameters: Record<string, string>): Promise<Series[]> {
    const url = new URL(this.base);
    url.pathname = `${url.pathname.replace(/\/$/, '')}/api/v1/${path}`;
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: this.headers,
        body: new URLSearchParams(parameters),
        signal,
        redirect: 'error',
      });
      return parseAnswer(response.status, await response.text());
    } catch (error) {
      throw this.failure(error);
    }
  }

  failure(error: unknown): Error {
    if (error instanceof AnswerError) return metricError(this.metric, this.where, error.message);
    const { name, cause, message } = error as Error & { cause?: { code?: string; message?: string } };
    const why =
      name === 'TimeoutError' ? `no answer in ${TIMEOUT_MS / 1000} s` : (cause?.code ?? cause?.message ?? message);
    return metricError(
      this.metric,
      this.where,
      why,
      'see that the Prometheus server runs and can be reached from here',
    );
  }
}

/** Milliseconds between two scrapes of what a query reads, from how many points lie in some windows; 0 where nothing is known. */
async function scrapeInterval(server: Server, read: readonly string[]): Promise<number> {
  let longest = 0;
  for (const selector of read) {
    let shortest = Number.POSITIVE_INFINITY;
    for (const window of [10, 60, 300]) {
      const points =
        (await server.ask('query', { query: `max(count_over_time(${selector}[${window}s]))` }))[0]?.points[0]?.[1] ?? 0;
      // A young series fills only the short windows, so the shortest interval found is the true one.
      if (points >= 3) shortest = Math.min(shortest, (window * 1000) / points);
    }
    if (Number.isFinite(shortest)) longest = Math.max(longest, shortest);
  }
  return longest;
}

class PrometheusSource implements Source {
  readonly metric: MetricSection;
  readonly kind: Kind;
  readonly notes: string[];
  readonly keepsHistory = true;
  readonly cadence: number;
  readonly window: number | null;
  private readonly server: Server;
  private readonly read: readonly string[];
  private readonly interval: number;
  private readonly counter: CounterQuery | null;
  private growth = new Growth();
  private grownUntil = Number.NaN;

  constructor(metric: MetricSection, server: Server, read: readonly string[], interval: number) {
    this.metric = metric;
    this.server = server;
    this.read = read;
    this.interval = interval;
    this.counter = metric.kind === undefined || metric.kind === 'count' ? counterOf(metric.prometheus!) : null;
    const window = windowOf(metric.prometheus!);
    this.kind = this.counter ? 'count' : (metric.kind ?? (window === null ? 'gauge' : 'window'));
    this.window = this.kind === 'window' ? window : null;
    this.cadence = interval;
    this.notes = [
      `Prometheus at ${server.where}`,
      ...(this.counter ? [`the counter ${this.counter.selector} is read itself, as a count`] : []),
    ];
  }

  async history(span: Span, step: number): Promise<(number | null)[]> {
    const count = Math.min(Math.floor((span.to - span.from) / step), MOST_POINTS);
    const from = span.to - count * step;
    const range = {
      query: this.counter?.selector ?? this.metric.prometheus!,
      start: seconds(from),
      end: seconds(span.to),
      step: seconds(step),
    };
    const series = await this.server.ask('query_range', range);
    if (this.counter) return growths(series, from, step, count);
    if (series.length > 1) throw this.server.failure(new AnswerError(severalSeries(series)));
    return atSteps(series[0], from, step, count);
  }

  async sample(span: Span): Promise<Sample[]> {
    const stale = await this.staleness(span.to);
    if (stale !== null) return [{ at: span.to, host: null, value: null, why: stale }];
    return [this.counter ? await this.grown(span, this.counter) : await this.instant(span.to)];
  }

  private async instant(at: number): Promise<Sample> {
    const series = await this.server.ask('query', { query: this.metric.prometheus!, time: seconds(at) });
    try {
      const number = oneNumber(series);
      return 'why' in number
        ? { at, host: null, value: null, why: number.why }
        : { at: number.at, host: null, value: number.value, why: null };
    } catch (error) {
      throw this.server.failure(error);
    }
  }

  private async grown(span: Span, counter: CounterQuery): Promise<Sample> {
    if (this.grownUntil !== span.from) {
      this.growth = new Growth();
      this.growth.next(await this.counters(counter, span.from));
    }
    const values = await this.counters(counter, span.to);
    this.grownUntil = span.to;
    const value = this.growth.next(values);
    return {
      at: span.to,
      host: null,
      value,
      why:
        value === null ? 'no series answers: a misspelt metric, or one that appears only with its first event' : null,
    };
  }

  private async counters(counter: CounterQuery, at: number): Promise<Map<string, number>> {
    const series = await this.server.ask('query', { query: counter.selector, time: seconds(at) });
    return new Map(
      series
        .map(({ labels, points }) => [labels, points.at(-1)![1]] as const)
        .filter(([, value]) => Number.isFinite(value)),
    );
  }

  /** Why what the query reads is too old; null where it is fresh. A rate goes on for its whole window after the last scrape. */
  private async staleness(at: number): Promise<string | null> {
    if (this.interval === 0) return null;
    for (const selector of this.read) {
      const newest = await this.newest(`max(timestamp(${selector}))`, at);
      if (newest === null && (await this.isScrapeGone(selector, at))) return `${selector} is not scraped any more`;
      const age = newest === null ? 0 : at - newest * 1000;
      if (age > STALE_INTERVALS * this.interval) {
        return `the newest point of ${selector} is ${Math.round(age / 1000)} s old: its scrape has stopped`;
      }
    }
    return null;
  }

  /** A series may end with a restart of its program, which is still scraped then; otherwise its source is gone. */
  private async isScrapeGone(selector: string, at: number): Promise<boolean> {
    const lately = `count_over_time(${selector}[5m])`;
    if ((await this.newest(`max(${lately})`, at)) === null) return false;
    return (await this.newest(`max(up and on (job, instance) ${lately})`, at)) !== 1;
  }

  private async newest(query: string, at: number): Promise<number | null> {
    return (await this.server.ask('query', { query, time: seconds(at) }))[0]?.points[0]?.[1] ?? null;
  }

  async close(): Promise<void> {}
}

/** Growth of all series from step to step. */
function growths(series: readonly Series[], from: number, step: number, count: number): (number | null)[] {
  const growth = new Growth();
  const columns = series.map((one) => ({
    labels: one.labels,
    points: new Map(one.points.map(([at, value]) => [Math.round((at - from) / step), value])),
  }));
  return Array.from({ length: count + 1 }, (_, i) => {
    const values = columns.flatMap(({ labels, points }) =>
      Number.isFinite(points.get(i)) ? [[labels, points.get(i)!] as const] : [],
    );
    return values.length > 0 ? growth.next(new Map(values)) : null;
  }).slice(1);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
