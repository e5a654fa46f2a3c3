/** One Prometheus server over its HTTP API (v1): questions, and what can be wrong with the answers. */
import type { MetricSection } from '../config/config.ts';
import { Failure } from '../outcome/outcome.ts';
import { credentialsAsHeader, hide, withoutCredentials } from '../secret/secret.ts';
import { checkClock, metricError, metricInvalid, metricUnreachable, unconnected } from './failures.ts';
import { AnswerError, dataOf, parseAnswer, type Series } from './prometheus-answer.ts';
import { PATIENCE_MS, type SourceContext } from './types.ts';

/** A span of the past is more to compute than a moment: so many times the patience. */
const RANGE_PATIENCE = 3;
/** Prometheus refuses more than 11,000 points in one series. */
const MOST_POINTS = 11_000;
const MOST_BYTES = 64 * 1024 * 1024;
/** How often the server's clock is looked at. */
const CLOCK_MS = 60_000;

const RUNS = 'see that the Prometheus server runs and can be reached from here';

/** Grid of a range: points at `from`, `from + step` … `from + count * step`, in milliseconds. */
export interface Grid {
  from: number;
  step: number;
  count: number;
}

/** A server as one metric asks it: every failure names the metric. */
export class PrometheusServer {
  /** For people; no password. */
  readonly where: string;
  private readonly metric: MetricSection;
  private readonly base: URL;
  private readonly headers: Record<string, string>;
  private readonly signal: AbortSignal;
  private readonly patience: number;
  private clockSeen = Number.NEGATIVE_INFINITY;

  /** Throws `config-invalid` where the URL is none, and where it has a password beside the token. */
  constructor(metric: MetricSection, { prometheus: url = '', prometheusToken, signal, patience }: SourceContext) {
    if (!URL.canParse(url) || !/^https?:/.test(url))
      throw metricInvalid(metric, 'watch.prometheus is not a URL', 'give http://host:9090 or https://host/prometheus');
    const plain = credentialsAsHeader(url);
    this.metric = metric;
    this.where = withoutCredentials(url);
    this.base = new URL(plain.url);
    this.headers = { ...plain.headers, ...bearer(metric, plain.headers, prometheusToken) };
    this.signal = signal;
    this.patience = patience ?? PATIENCE_MS;
  }

  /** The series of an instant query at a time of ours (milliseconds), or now. Throws `metric-error` and `metric-unreachable`. */
  instant(query: string, at?: number): Promise<Series[]> {
    const time: Record<string, string> = at === undefined ? {} : { time: seconds(at) };
    return this.post('query', { query, ...time }, this.patience);
  }

  /** The first number of an instant query; null where no series answers. */
  async number(query: string, at?: number): Promise<number | null> {
    return (await this.instant(query, at))[0]?.points.at(-1)?.[1] ?? null;
  }

  /** The series of a range query, asked for in pieces that the server allows, newest last. */
  async range(query: string, grid: Grid): Promise<Series[]> {
    const whole = new Map<string, Series>();
    for (let first = 0; first <= grid.count; first += MOST_POINTS) {
      const last = Math.min(first + MOST_POINTS - 1, grid.count);
      const piece = await this.post(
        'query_range',
        {
          query,
          start: seconds(grid.from + first * grid.step),
          end: seconds(grid.from + last * grid.step),
          step: seconds(grid.step),
        },
        RANGE_PATIENCE * this.patience,
      );
      for (const { labels, points } of piece) {
        const key = JSON.stringify(Object.entries(labels).sort());
        const known = whole.get(key);
        if (known) for (const point of points) known.points.push(point);
        else whole.set(key, { labels, points });
      }
    }
    return [...whole.values()];
  }

  /** The values that a label has had, as far back as the server keeps them; `__name__` has the names of all metrics. */
  async labelValues(label: string, selector: string | null): Promise<string[]> {
    const matching = selector === null ? '' : `?${new URLSearchParams({ 'match[]': selector })}`;
    const data = await this.read(`label/${encodeURIComponent(label)}/values${matching}`);
    return Array.isArray(data) ? data.filter((value) => typeof value === 'string') : [];
  }

  /** The query that a recording rule keeps under a name; null where no rule does, or the server shows none. */
  async recordedQuery(name: string): Promise<string | null> {
    const data = (await this.read('rules?type=record').catch(() => null)) as {
      groups?: { rules?: { name?: unknown; query?: unknown; labels?: object }[] }[];
    } | null;
    const rules = (data?.groups ?? []).flatMap(({ rules = [] }) => rules).filter((rule) => rule.name === name);
    return rules.length === 1 && typeof rules[0]!.query === 'string' ? rules[0]!.query : null;
  }

  /** Holds the server's clock against ours, once a minute. Throws `metric-clock`. */
  async checkClock(): Promise<void> {
    const asked = Date.now();
    if (asked - this.clockSeen < CLOCK_MS) return;
    const theirs = await this.number('time()');
    checkClock(this.metric, this.where, (theirs ?? Number.NaN) * 1000, { asked, answered: Date.now() });
    this.clockSeen = asked;
  }

  /** Any error as the metric's failure. */
  failure(error: unknown): Error {
    if (error instanceof AnswerError) return metricError(this.metric, this.where, error.message);
    const { name, cause, message } = error as Error & { cause?: { code?: string; message?: string } };
    if (name === 'TimeoutError') return metricUnreachable(this.metric, this.where, 'it did not answer in time', RUNS);
    const { why, next } = unconnected(cause?.code ?? cause?.message ?? message);
    return metricUnreachable(this.metric, this.where, `no answer from ${this.where}: ${why}`, next ?? RUNS);
  }

  private async post(path: string, parameters: Record<string, string>, timeout: number): Promise<Series[]> {
    const { status, body } = await this.ask(path, { method: 'POST', body: new URLSearchParams(parameters) }, timeout);
    return this.told(() => parseAnswer(status, body));
  }

  private async read(path: string): Promise<unknown> {
    const { status, body } = await this.ask(path, { method: 'GET' }, this.patience);
    return this.told(() => dataOf(status, body));
  }

  private told<T>(parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      throw this.failure(error);
    }
  }

  private async ask(path: string, init: RequestInit, timeout: number): Promise<{ status: number; body: string }> {
    const [folder, query] = path.split('?');
    const url = new URL(this.base);
    url.pathname = `${url.pathname.replace(/\/$/, '')}/api/v1/${folder}`;
    for (const [key, value] of new URLSearchParams(query)) url.searchParams.append(key, value);
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(timeout)]);
    try {
      const response = await fetch(url, { ...init, headers: this.headers, signal, redirect: 'manual' });
      this.refuse(response);
      return { status: response.status, body: await bodyOf(response) };
    } catch (error) {
      throw error instanceof Failure ? error : this.failure(error);
    }
  }

  /** Redirects and refused logins, in words: what follows them would hold no answer of Prometheus. */
  private refuse({ status, headers }: Response): void {
    if (status >= 300 && status < 400) {
      const to = withoutCredentials(new URL(headers.get('location') ?? '', this.base).href);
      throw metricError(
        this.metric,
        this.where,
        `it redirects to ${to} (HTTP ${status})`,
        'write the address that answers itself into watch.prometheus',
      );
    }
    if (status === 401 || status === 403) {
      const next =
        'give watch.prometheus-token: ${PROMETHEUS_TOKEN}, or user and password in the URL: https://user:${PROMETHEUS_PASSWORD}@host';
      throw metricError(this.metric, this.where, `it refuses the login (HTTP ${status})`, next);
    }
  }
}

/** The header of a bearer token (RFC 6750, 2.1), which is hidden from then on. */
function bearer(metric: MetricSection, basic: object, token = ''): Record<string, string> {
  const secret = token.trim(); // one read from a file may end in a line break
  if (secret === '') return {};
  hide(secret);
  const next = 'leave out one of the two';
  if (Object.keys(basic).length > 0)
    throw metricInvalid(metric, 'watch.prometheus has a password beside watch.prometheus-token', next);
  if (!/^[\x21-\x7e]+$/.test(secret))
    throw metricInvalid(
      metric,
      'watch.prometheus-token is no token: it holds spaces or line breaks',
      'see what the variable holds',
    );
  return { authorization: `Bearer ${secret}` };
}

async function bodyOf(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > MOST_BYTES)
      throw new AnswerError('the answer is longer than 64 MB: narrow the query by labels, or sum it');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** A time as the API takes it: seconds since 1970, to the millisecond. */
function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
