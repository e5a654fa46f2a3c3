/** Which host each series of a Prometheus metric is of. */
import type { MetricSection } from '../config/config.ts';
import type { Host } from '../transport/transport.ts';
import { hostOfLabel } from './host-names.ts';
import { AnswerError, labelsInWords, type Series, severalSeries } from './prometheus-answer.ts';
import type { PrometheusServer } from './prometheus-server.ts';

/** Tells the series of a metric apart by the label that names their hosts, where there is one. */
export class SeriesHosts {
  private readonly metric: MetricSection;
  private readonly server: PrometheusServer;
  private readonly hosts: readonly Host[];

  constructor(metric: MetricSection, server: PrometheusServer, hosts: readonly Host[]) {
    this.metric = metric;
    this.server = server;
    this.hosts = hosts;
  }

  /** The host that a value of the label names. */
  named(value: string): string {
    return hostOfLabel(value, this.hosts);
  }

  /** The host of a series; null where the metric is of the whole environment. Throws `metric-error` for a series without the label. */
  of(labels: Series['labels']): string | null {
    const { host } = this.metric;
    if (host === undefined) return null;
    const value = labels[host];
    if (value !== undefined) return this.named(value);
    const why = `the series ${labelsInWords(labels)} has no label ${host}: the query must keep it, as in sum by (${host}) (…)`;
    throw this.server.failure(new AnswerError(why));
  }

  /** The series of each host. */
  apart(series: readonly Series[]): Map<string | null, Series[]> {
    return Map.groupBy(series, ({ labels }) => this.of(labels));
  }

  /** As `apart`, where each host must have one series. Throws `metric-error`. */
  single(series: readonly Series[]): Map<string | null, Series> {
    const hosts = this.apart(series);
    for (const [host, own] of hosts) if (own.length > 1) throw this.several(own, host);
    return new Map([...hosts].map(([host, own]) => [host, own[0]!]));
  }

  private several(series: readonly Series[], host: string | null): Error {
    const next = this.metric.host === undefined ? '; or name the label that tells hosts apart with `host:`' : '';
    const why = `${severalSeries(series, host === null ? '' : ` for ${host}`)}: aggregate it, for example with sum(…)${next}`;
    return this.server.failure(new AnswerError(why));
  }
}
