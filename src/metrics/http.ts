/** Numbers from an HTTP answer: JSON, or the Prometheus text form. On each host where the URL says so. */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { MetricSection } from '../config/config.ts';
import type { Kind } from '../judge/judge.ts';
import { withoutCredentials } from '../secret/secret.ts';
import type { Host, Tunnel } from '../transport/transport.ts';
import { seriesIn } from './exposition.ts';
import { metricError, metricInvalid } from './failures.ts';
import { atPath, parsePath } from './json-path.ts';
import type { Sample, Source, SourceContext, Span } from './types.ts';

const TIMEOUT_MS = 10_000;
const MOST_BYTES = 4 * 1024 * 1024;

/** Opens the source. A URL with {placeholders}, or of loopback with hosts over SSH, is asked on each host. Throws `config-invalid`. */
export function openHttp(metric: MetricSection, context: SourceContext): Source {
  const template = metric.http!;
  const loopback = isLoopback(template) && context.hosts.some(({ kind }) => kind === 'ssh');
  const perHost = loopback || /\{[a-z][a-z0-9-]*\}/.test(template);
  if (perHost && context.hosts.length === 0)
    throw metricInvalid(
      metric,
      'the URL has {placeholders}, but the environment has no hosts',
      'add `hosts:`, or write the URL out',
    );
  const targets: Target[] = perHost
    ? context.hosts.map((host) => ({ host, url: filled(metric, template, host) }))
    : [{ host: null, url: checked(metric, template) }];
  return new HttpSource(metric, targets, readerOf(metric), context.signal);
}

/** True for a URL of the machine that asks: on hosts over SSH it is theirs. */
export function isLoopback(url: string): boolean {
  return /^https?:\/\/(127\.|localhost[:/]|\[::1\])/.test(url);
}

interface Target {
  host: Host | null;
  url: URL;
}

function filled(metric: MetricSection, template: string, host: Host): URL {
  const text = template.replaceAll(/\{([a-z][a-z0-9-]*)\}/g, (_, key: string) => {
    if (!Object.hasOwn(host.with, key))
      throw metricInvalid(
        metric,
        `the host ${host.name} has no {${key}}`,
        `give it with: { at: ${host.name}, with: { ${key}: … } }`,
      );
    return encodeURIComponent(host.with[key]!);
  });
  return checked(metric, text);
}

function checked(metric: MetricSection, text: string): URL {
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw metricInvalid(metric, 'the key http is not a URL', 'write it as http://host:port/path');
  return new URL(text);
}

/** Reads the number out of a body; a text is why there is none. Pure. */
export function readerOf(metric: MetricSection): (body: string) => number | string {
  const { path } = metric;
  if (path === undefined) return (body) => asNumber(body.trim(), 'the answer');
  const steps = parsePath(path);
  if (path.startsWith('$') && steps === null)
    throw metricInvalid(metric, `the path ${path} cannot be read`, 'write it as $.users or $.pools[0].active');
  return steps === null ? (body) => fromExposition(body, path) : (body) => fromJson(body, path, steps);
}

function fromJson(body: string, path: string, steps: readonly (string | number)[]): number | string {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return 'the answer is not JSON';
  }
  const found = atPath(value, steps);
  return found === undefined ? `the answer has no ${path}` : asNumber(found, path);
}

function fromExposition(body: string, name: string): number | string {
  const values = seriesIn(body, name);
  if (values.length === 0) return `the answer has no series ${name}`;
  return asNumber(
    values.reduce((sum, value) => sum + value, 0),
    name,
  );
}

function asNumber(value: unknown, what: string): number | string {
  const number =
    typeof value === 'number' ? value : typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : `${what} is no number`;
}

class HttpSource implements Source {
  readonly metric: MetricSection;
  readonly kind: Kind;
  readonly notes: string[];
  readonly keepsHistory = false;
  readonly cadence = 0;
  readonly window = null;
  private readonly targets: Target[];
  private readonly reader: (body: string) => number | string;
  private readonly signal: AbortSignal;
  private readonly tunnels = new Map<Host, Promise<Tunnel>>();

  constructor(
    metric: MetricSection,
    targets: Target[],
    reader: (body: string) => number | string,
    signal: AbortSignal,
  ) {
    this.metric = metric;
    this.targets = targets;
    this.reader = reader;
    this.signal = signal;
    this.kind = metric.kind ?? 'gauge';
    this.notes = [
      `${withoutCredentials(targets[0]!.url.href)}${targets.length > 1 ? ` on ${targets.length} hosts, added up` : ''}`,
      ...(metric.kind ? [] : ['taken as a gauge']),
    ];
  }

  history(): Promise<never> {
    return Promise.reject(
      metricError(this.metric, withoutCredentials(this.targets[0]!.url.href), 'an HTTP answer keeps no history'),
    );
  }

  sample(_: Span): Promise<Sample[]> {
    return Promise.all(
      this.targets.map(async ({ host, url }) => {
        const value = await this.ask(host, url).then(
          ({ status, body }) => (status === 200 ? this.reader(body) : `HTTP ${status}`),
          (error: NodeJS.ErrnoException) => error.code ?? error.message,
        );
        const known = typeof value === 'number';
        return {
          at: Date.now(),
          host: host?.name ?? null,
          value: known ? value : null,
          why: known ? null : `${withoutCredentials(url.href)}: ${value}`,
        };
      }),
    );
  }

  private async ask(host: Host | null, url: URL): Promise<{ status: number; body: string }> {
    const tls = url.protocol === 'https:';
    const address =
      host?.kind === 'ssh' ? await this.tunnelTo(host, url.hostname, Number(url.port) || (tls ? 443 : 80)) : null;
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const options = {
      hostname: address?.hostname ?? url.hostname.replace(/^\[|\]$/g, ''),
      port: address?.port ?? url.port,
      path: `${url.pathname}${url.search}`,
      ...(url.username ? { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` } : {}),
      ...(tls ? { servername: url.hostname } : {}),
      headers: { host: url.host, accept: 'application/json, text/plain' },
      signal,
      agent: false as const,
    };
    return new Promise((resolve, reject) => {
      const request = (tls ? requestHttps : requestHttp)(options, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          body += text;
          if (body.length > MOST_BYTES) request.destroy(new Error('the answer is longer than 4 MB'));
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        response.on('error', reject);
      });
      request.on('error', reject);
      request.end();
    });
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
