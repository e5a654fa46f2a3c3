/** Numbers from a Prometheus server. Where a rate is asked for, the counter itself is read: a window hides a fall. */
import type { MetricSection } from '../config/config.ts';
import type { Kind } from '../judge/judge.ts';
import type { Host } from '../transport/transport.ts';
import { metricInvalid } from './failures.ts';
import { Freshness, scrapeInterval } from './freshness.ts';
import { meaningInWords, unitOfNames } from './meaning.ts';
import { atSteps } from './prometheus-answer.ts';
import { CounterReader } from './prometheus-counter.ts';
import { SeriesHosts } from './prometheus-hosts.ts';
import { missing, neverKnown } from './prometheus-missing.ts';
import { type Grid, PrometheusServer } from './prometheus-server.ts';
import { type CounterQuery, counterOf, selectors, takenApart, windowOf } from './promql.ts';
import type { Past, Sample, Source, SourceContext, Span } from './types.ts';

const NOT_NOW =
  'no series answers now, though the server knows the name: its program does not run, it appears only with its first event (then add "or vector(0)"), or a comparison drops it (then write "> bool")';

/** A host that was there so lately is missed where it is not there now; one of an earlier day is not. */
const LATELY_MS = 5 * 60_000;

/**
 * Opens the source: asks the server for its clock, for what the query gives now and how often that is scraped. Throws
 * `config-invalid`, `metric-unreachable`, `metric-clock`, `metric-missing` and `metric-error`.
 */
export async function openPrometheus(metric: MetricSection, context: SourceContext): Promise<Source> {
  if (context.prometheus === undefined)
    throw metricInvalid(
      metric,
      'a prometheus metric needs the URL of the server',
      'add `prometheus: http://…` to the watch section',
    );
  if (metric.host !== undefined && !/^[a-zA-Z_]\w*$/.test(metric.host))
    throw metricInvalid(metric, `${metric.host} is not the name of a label`, 'write it as in host: instance');
  const server = new PrometheusServer(metric, context);
  await server.checkClock();
  const query = await spelledOut(metric.prometheus!, server);
  const answer = await server.instant(metric.prometheus!);
  const read = selectors(query);
  const intervals = await Promise.all(read.map((selector) => scrapeInterval(server, selector)));
  const silent = read.filter((_, i) => intervals[i] === null);
  const unknown = (await Promise.all(silent.map((selector) => neverKnown(server, selector)))).filter(Boolean);
  if (answer.length === 0 && unknown.length > 0) throw missing(metric, server.where, unknown.join('; '));
  const found = {
    query,
    counter: wantedCounter(metric, query),
    read,
    interval: Math.max(0, ...intervals.map((interval) => interval ?? 0)),
    hints: unknown.map((why) => `${why}: the query gives a number without it`),
  };
  return new PrometheusSource(metric, server, found, context.hosts);
}

/** A query that is nothing but a recorded one, as its rule computes it; any other as it is. */
async function spelledOut(query: string, server: PrometheusServer): Promise<string> {
  const name = query.trim();
  return /^[a-zA-Z_]\w*(:\w+)+$/.test(name) ? ((await server.recordedQuery(name)) ?? query) : query;
}

/**
 * The counter to be read in place of a query; null where the query itself is wanted. Totals without a rate are read as
 * counters where they are declared to count, or named as OpenMetrics names them (_total). Pure.
 */
export function wantedCounter(metric: MetricSection, query: string): CounterQuery | null {
  const counter = metric.kind === 'gauge' ? null : counterOf(query);
  if (counter === null || counter.by.some((label) => label !== metric.host)) return null;
  const named = /_total$/.test(takenApart(counter.selector).name ?? '');
  return counter.window !== null || metric.kind !== undefined || named ? counter : null;
}

/** What was learnt of a query when it was opened. */
interface Found {
  query: string;
  counter: CounterQuery | null;
  read: readonly string[];
  /** Milliseconds between scrapes; 0 where it is not known. */
  interval: number;
  hints: readonly string[];
}

/** A number of one host, or of all, or why there is none. */
type Told = Pick<Sample, 'host' | 'value' | 'why'>;

class PrometheusSource implements Source {
  readonly metric: MetricSection;
  readonly kind: Kind;
  readonly unit: string | null;
  readonly notes: string[];
  readonly keepsHistory = true;
  readonly replays = true;
  readonly cadence: number;
  readonly window: number | null;
  private readonly server: PrometheusServer;
  private readonly counter: CounterReader | null;
  /** true: hosts without a series counted 0. */
  private readonly zero: boolean;
  private readonly freshness: Freshness;
  private readonly hosts: SeriesHosts;
  /** Hosts that have answered, and when they last did. */
  private readonly seen = new Map<string, number>();

  constructor(metric: MetricSection, server: PrometheusServer, found: Found, hosts: readonly Host[]) {
    const { query, counter, read, interval } = found;
    this.metric = metric;
    this.server = server;
    this.hosts = new SeriesHosts(metric, server, hosts);
    this.freshness = new Freshness(server, read, interval, metric.host);
    this.counter = counter && new CounterReader(counter, server, this.freshness, this.hosts);
    this.zero = counter?.zero ?? false;
    this.cadence = interval;
    const window = counter === null ? windowOf(query) : null;
    this.kind = metric.kind ?? (counter ? 'count' : window === null ? 'gauge' : 'window');
    this.window = this.kind === 'window' ? window : null;
    this.unit = metric.unit ?? unitOfNames(read.map((selector) => takenApart(selector).name ?? ''));
    const from = counter
      ? `the counter ${counter.selector} is read itself`
      : window === null
        ? 'the query computes no rate'
        : 'the query computes a rate that is no plain counter';
    this.notes = [
      `Prometheus at ${server.where}`,
      ...meaningInWords(metric, { value: this.kind, from }, this.unit),
      ...(metric.host === undefined ? [] : [`by host, as the label ${metric.host} says`]),
      ...found.hints,
    ];
  }

  async history(span: Span, step: number): Promise<Past[]> {
    const count = Math.floor((span.to - span.from) / step);
    const grid = { from: span.to - count * step, step, count };
    const fresh = await this.freshness.along(grid);
    const pasts = this.counter ? await this.counter.along(grid, fresh) : await this.levelsAlong(grid, fresh);
    for (const { host, values } of pasts) {
      const last = values.findLastIndex((value) => value !== null);
      const at = grid.from + (last + 1) * step;
      if (host !== null && at > Date.now() - LATELY_MS) this.sees(host, at);
    }
    return pasts.length > 0 ? pasts : [{ host: null, values: new Array<null>(count).fill(null) }];
  }

  private async levelsAlong(grid: Grid, fresh: readonly boolean[]): Promise<Past[]> {
    const series = await this.server.range(this.metric.prometheus!, grid);
    return [...this.hosts.single(series)].map(([host, own]) => {
      const values = atSteps(own, grid.from, grid.step, grid.count);
      return { host, values: values.map((value, i) => (fresh[i] ? value : null)).slice(1) };
    });
  }

  async sample(span: Span): Promise<Sample[]> {
    const at = span.to;
    await this.server.checkClock();
    const stale = await this.freshness.at(at);
    if (stale.all !== null) return [{ at, host: null, value: null, why: stale.all }];
    const told = this.counter ? await this.grown(span, this.counter) : await this.levels(at);
    const staleHosts = new Map([...stale.hosts].map(([label, why]) => [this.hosts.named(label), why]));
    const fresh = told.map((one) => {
      const why = one.host === null ? undefined : staleHosts.get(one.host);
      return why === undefined ? one : { host: one.host, value: null, why };
    });
    for (const { host, value } of fresh) if (host !== null && value !== null) this.sees(host, at);
    return [...fresh, ...(await this.gone(fresh, at))].map((one) => ({ at, ...one }));
  }

  private async levels(at: number): Promise<Told[]> {
    const series = await this.server.instant(this.metric.prometheus!, at);
    if (series.length === 0 && this.seen.size === 0) return [{ host: null, value: null, why: NOT_NOW }];
    return [...this.hosts.single(series)].map(([host, own]) => {
      const value = own.points.at(-1)![1];
      return Number.isFinite(value)
        ? { host, value, why: null }
        : { host, value: null, why: `the query gives ${value}: a division by zero or a gap` };
    });
  }

  private async grown(span: Span, counter: CounterReader): Promise<Told[]> {
    const grown = await counter.during(span);
    if (typeof grown === 'string') return [{ host: null, value: null, why: grown }];
    if (grown.size === 0 && this.seen.size === 0)
      return [this.zero ? { host: null, value: 0, why: null } : { host: null, value: null, why: NOT_NOW }];
    return [...grown].map(([host, value]) => ({ host, value, why: null }));
  }

  /** A host that answered before and does not now: a fact, with what is known of it. */
  private async gone(told: readonly Told[], at: number): Promise<Told[]> {
    const missing = [...this.seen].filter(([host]) => !told.some((one) => one.host === host));
    if (missing.length === 0) return [];
    const label = this.metric.host!;
    const up = new Map(
      (await this.server.instant(`max by (${label}) (up{${label}!=""})`, at)).map(({ labels, points }) => [
        this.hosts.of(labels),
        points[0]![1],
      ]),
    );
    return missing.map(([host, last]) => {
      const scraped = up.get(host) === 1;
      if (scraped && this.zero) return { host, value: 0, why: null };
      const why = scraped
        ? 'it is scraped, but has no such series any more'
        : up.has(host)
          ? 'its scrape fails'
          : 'Prometheus scrapes it no more';
      return {
        host,
        value: null,
        why: `${host}: ${why} (last seen ${new Date(last).toISOString().slice(11, 19)} UTC)`,
      };
    });
  }

  private sees(host: string, at: number): void {
    this.seen.set(host, Math.max(at, this.seen.get(host) ?? 0));
  }

  async close(): Promise<void> {}
}
