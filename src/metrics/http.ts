/** Numbers from an HTTP answer, asked for once or on each host, as the URL says. */
import { setTimeout as pause } from 'node:timers/promises';
import type { MetricSection } from '../config/config.ts';
import type { Kind } from '../judge/judge.ts';
import { Failure } from '../outcome/outcome.ts';
import { withoutCredentials } from '../secret/secret.ts';
import { fillUrl, type Host, placeholdersIn, type Tunnel } from '../transport/transport.ts';
import { checkClock, clockInWords, metricError, metricInvalid, metricMissing, metricUnreachable } from './failures.ts';
import { answeredAt, type Numberless, readerOf, refusal } from './http-answer.ts';
import { get, type HttpAnswer } from './http-request.ts';
import { meaningInWords, unitOfName } from './meaning.ts';
import { PATIENCE_MS, type Past, type Sample, type Source, type SourceContext, type Span } from './types.ts';

/** Opens the source. A URL with {placeholders}, or of loopback with hosts over SSH, is asked on each host. Throws `config-invalid`. */
export function openHttp(metric: MetricSection, context: SourceContext): Source {
  const template = metric.http!;
  const loopback = isLoopback(template) && context.hosts.some(({ kind }) => kind === 'ssh');
  const perHost = loopback || placeholdersIn(template).length > 0;
  if (perHost && context.hosts.length === 0)
    throw metricInvalid(
      metric,
      'the URL has {placeholders}, but the environment has no hosts',
      'add `hosts:`, or write the URL out',
    );
  const targets: Target[] = perHost
    ? context.hosts.map((host) => ({ host, url: checked(metric, fillUrl(template, host).href) }))
    : [{ host: null, url: checked(metric, template) }];
  return new HttpSource(metric, targets, context);
}

/** True for a URL of the machine that asks: on hosts over SSH it is theirs. */
export function isLoopback(url: string): boolean {
  return /^https?:\/\/(?:[^/?#]*@)?(127\.|localhost(?=[:/?#]|$)|\[::1\])/i.test(url);
}

interface Target {
  host: Host | null;
  url: URL;
}

function checked(metric: MetricSection, text: string): URL {
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw metricInvalid(metric, 'the key http is not a URL', 'write it as http://host:port/path');
  return new URL(text);
}

/** A number as it was read: milliseconds since 1970. */
interface Reading {
  at: number;
  value: number;
}

class HttpSource implements Source {
  readonly metric: MetricSection;
  readonly kind: Kind;
  readonly unit: string | null;
  readonly notes: string[];
  readonly keepsHistory = false;
  readonly replays = false;
  readonly cadence = 0;
  readonly window = null;
  private readonly targets: Target[];
  private readonly reader: (body: string) => number | Numberless;
  private readonly signal: AbortSignal;
  private readonly patience: number;
  /** A count is a total that grows; what a tick counted is its growth since the reading before. */
  private readonly grows: boolean;
  private readonly readings = new Map<Target, Reading>();
  private readonly tunnels = new Map<Host, Promise<Tunnel>>();

  constructor(metric: MetricSection, targets: Target[], { signal, patience }: SourceContext) {
    this.metric = metric;
    this.targets = targets;
    this.reader = readerOf(metric);
    this.signal = signal;
    this.patience = patience ?? PATIENCE_MS;
    const name = (metric.path ?? '').replace(/\{.*$/, '');
    const total = /_total$/.test(name);
    this.kind = metric.kind ?? (total ? 'count' : 'gauge');
    this.grows = this.kind !== 'gauge';
    this.unit = metric.unit ?? unitOfName(name);
    this.notes = [
      `${withoutCredentials(targets[0]!.url.href)}${targets.length > 1 ? ` on ${targets.length} hosts, added up` : ''}`,
      ...meaningInWords(metric, { value: this.kind, from: total ? `${name} is a total` : 'it is a level' }, this.unit),
      ...(this.grows ? ['its growth from reading to reading is what counts'] : []),
    ];
  }

  history(): Promise<Past[]> {
    return Promise.reject(metricError(this.metric, this.where(this.targets[0]!), 'an HTTP answer keeps no history'));
  }

  sample(span: Span): Promise<Sample[]> {
    return Promise.all(
      this.targets.map(async (target) => {
        const host = target.host?.name ?? null;
        const told = this.grows ? await this.growth(target, span) : await this.read(target);
        return typeof told === 'string'
          ? { at: Date.now(), host, value: null, why: `${this.where(target)}: ${told}` }
          : { at: told.at, host, value: told.value, why: null };
      }),
    );
  }

  /** The growth since the last reading, where that was when the span began. The very first span is waited for. */
  private async growth(target: Target, span: Span): Promise<Reading | string> {
    const length = span.to - span.from;
    if (!this.readings.has(target)) {
      const first = await this.read(target);
      if (typeof first === 'string') return first;
      this.readings.set(target, first);
      await pause(length, undefined, { signal: this.signal });
      return this.growth(target, { from: first.at, to: first.at + length });
    }
    const before = this.readings.get(target)!;
    const now = await this.read(target);
    if (typeof now === 'string') return now;
    this.readings.set(target, now);
    if (Math.abs(before.at - span.from) > length / 2)
      return 'it was not read when this tick began: counting begins now';
    return { at: now.at, value: now.value < before.value ? now.value : now.value - before.value };
  }

  /** The number now. Why a host has none is a text; where the metric is of no host, it is thrown. */
  private async read(target: Target): Promise<Reading | string> {
    const asked = Date.now();
    const answer = await this.ask(target).catch((error: Error) =>
      error instanceof Failure ? (error.why ?? error.what) : error.message,
    );
    if (typeof answer === 'string') {
      if (target.host !== null) return answer;
      throw metricUnreachable(this.metric, this.where(target), answer, 'see that the address answers from here');
    }
    const at = Date.now();
    const theirs = answeredAt(answer.headers);
    if (target.host === null) checkClock(this.metric, this.where(target), theirs, { asked, answered: at });
    const { location } = answer.headers;
    const to = location === undefined ? null : withoutCredentials(new URL(location, target.url).href);
    const off = refusal(answer.status, to) ?? clockInWords(theirs, asked, at);
    const value = off === null ? this.reader(answer.body) : { why: off, missing: false };
    if (typeof value === 'number') return { at, value };
    if (target.host !== null) return value.why;
    if (!value.missing) throw metricError(this.metric, this.where(target), value.why);
    throw metricMissing(
      this.metric,
      this.where(target),
      value.why,
      'correct `path`; the address in a browser shows what there is',
    );
  }

  private async ask({ host, url }: Target): Promise<HttpAnswer> {
    const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
    const address =
      host?.kind === 'ssh' ? await this.tunnelTo(host, url.hostname.replace(/^\[(.*)\]$/, '$1'), port) : null;
    return get(url, address, this.patience, this.signal);
  }

  private where({ url }: Target): string {
    return withoutCredentials(url.href);
  }

  private tunnelTo(host: Host, hostname: string, port: number): Promise<Tunnel> {
    const known = this.tunnels.get(host) ?? host.tunnel(hostname, port);
    this.tunnels.set(host, known);
    known.catch(() => this.tunnels.delete(host));
    return known;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.tunnels.values()].map(async (tunnel) => (await tunnel).close()));
    this.tunnels.clear();
  }
}
