/** The growth of a Prometheus counter, read itself in place of a rate. */
import type { Freshness } from './freshness.ts';
import { Growth, growthAlong, targetOf } from './growth.ts';
import { atSteps, labelsInWords, type Series } from './prometheus-answer.ts';
import type { SeriesHosts } from './prometheus-hosts.ts';
import type { Grid, PrometheusServer } from './prometheus-server.ts';
import type { CounterQuery } from './promql.ts';
import type { Past, Span } from './types.ts';

/** Reads a counter tick by tick, or along a grid of the past. Throws as the server's questions do. */
export class CounterReader {
  private readonly counter: CounterQuery;
  private readonly server: PrometheusServer;
  private readonly freshness: Freshness;
  private readonly hosts: SeriesHosts;
  private growth = new Growth();
  private grownUntil = Number.NaN;

  constructor(counter: CounterQuery, server: PrometheusServer, freshness: Freshness, hosts: SeriesHosts) {
    this.counter = counter;
    this.server = server;
    this.freshness = freshness;
    this.hosts = hosts;
  }

  /** The growth of each host, or of all, along a grid. `fresh` is per point; see `Freshness`. */
  async along(grid: Grid, fresh: readonly boolean[]): Promise<Past[]> {
    const { counter } = this;
    const series = await this.server.range(counter.selector, grid);
    const watched = counter.zero ? await this.running(grid, fresh) : fresh;
    const begins = grid.from + grid.step / 2;
    const late = series.filter(({ points }) => (points[0]?.[0] ?? 0) > begins);
    const up = late.length > 0 ? await this.targets(late, (query) => this.server.range(query, grid)) : [];
    const wasUp = new Map(
      up.map((one) => [targetOf(one.labels), atSteps(one, grid.from, grid.step, grid.count)] as const),
    );
    const grown = growthAlong({
      ...grid,
      series,
      fresh: watched,
      wasUp: (target, point) => wasUp.get(target)?.[point] === 1,
      groupOf: (labels) => this.hosts.of(labels),
    });
    if (!counter.zero) return [...grown].map(([host, values]) => ({ host, values }));
    if (grown.size === 0) grown.set(null, new Array<null>(grid.count).fill(null));
    const zeroed = (values: (number | null)[]) =>
      values.map((value, i) => (watched[i] && watched[i + 1] ? (value ?? 0) : null));
    return [...grown].map(([host, values]) => ({ host, values: zeroed(values) }));
  }

  /** Without a series, only what Prometheus says of its targets tells "nothing happened" from "nobody looked". */
  private async running(grid: Grid, fresh: readonly boolean[]): Promise<boolean[]> {
    const [targets] = await this.server.range('count(up)', grid);
    const running = targets && atSteps(targets, grid.from, grid.step, grid.count);
    return fresh.map((is, i) => is && (running === undefined || running[i] !== null));
  }

  /** The growth of each host, or of all, in a span; nothing where no series answers. A text is why it cannot be told. */
  async during(span: Span): Promise<Map<string | null, number> | string> {
    const { counter } = this;
    if (this.grownUntil !== span.from) {
      this.growth = new Growth();
      if ((await this.freshness.at(span.from)).all === null)
        this.growth.next(valuesOf(await this.server.instant(counter.selector, span.from)), () => true);
    }
    const series = await this.server.instant(counter.selector, span.to);
    if (!counter.sum) this.hosts.single(series);
    const grown = this.growth.next(valuesOf(series), await this.appeared(series, span.from));
    this.grownUntil = span.to;
    if (grown === null) return 'it was not scraped when this tick began: counting begins with its end';
    const sums = new Map<string | null, number>();
    for (const one of series) {
      const growth = grown.get(labelsInWords(one.labels));
      const host = this.hosts.of(one.labels);
      if (growth !== undefined) sums.set(host, (sums.get(host) ?? 0) + growth);
    }
    return sums;
  }

  /** Which series that are there for the first time belong to a target that was scraped before: they count from zero. */
  private async appeared(series: readonly Series[], before: number): Promise<(name: string) => boolean> {
    const late = series.filter(({ labels }) => this.growth.isNew(labelsInWords(labels)));
    if (late.length === 0) return () => false;
    const up = await this.targets(late, (query) => this.server.instant(query, before));
    const targets = new Set(up.filter(({ points }) => points[0]![1] === 1).map(({ labels }) => targetOf(labels)));
    const names = new Set(
      late.filter(({ labels }) => targets.has(targetOf(labels))).map((one) => labelsInWords(one.labels)),
    );
    return (name) => names.has(name);
  }

  /** What `up` says of the targets of some series. */
  private async targets(series: readonly Series[], ask: (query: string) => Promise<Series[]>): Promise<Series[]> {
    const jobs = [...new Set(series.flatMap(({ labels }) => labels.job ?? []))];
    return jobs.length === 0 ? [] : ask(`up{job=~${JSON.stringify(jobs.map(literal).join('|'))}}`);
  }
}

/** The last number of each series by its labels. */
function valuesOf(series: readonly Series[]): Map<string, number> {
  const all = series.map(({ labels, points }) => [labelsInWords(labels), points.at(-1)![1]] as const);
  return new Map(all.filter(([, value]) => Number.isFinite(value)));
}

/** A text as a regular expression (RE2) that matches it alone. */
function literal(text: string): string {
  return text.replaceAll(/[\\^$.|?*+()[\]{}]/g, '\\$&');
}
