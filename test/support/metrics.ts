/** A metric and its surroundings, as a test wants them. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MetricSection } from '../../src/config/config.ts';
import type { SourceContext } from '../../src/metrics/metrics.ts';
import type { Failure } from '../../src/outcome/outcome.ts';

/** A section with the keys that every metric has. */
export function metric(section: Partial<MetricSection>): MetricSection {
  return { name: 'm', worse: 'up', critical: true, ...section } as MetricSection;
}

/** What sources are opened with: nothing, but for what is given. */
export function around(context: Partial<SourceContext> = {}): SourceContext {
  return {
    hosts: [],
    databases: [],
    prometheus: undefined,
    workspace: '/',
    signal: new AbortController().signal,
    ...context,
  };
}

/** The last so many seconds. */
export function span(seconds = 1): { from: number; to: number } {
  const now = Date.now();
  return { from: now - seconds * 1000, to: now };
}

/** The failure that a promise must end with: its code, and why (or what). */
export async function failureOf(promise: Promise<unknown>): Promise<{ code: string; why: string }> {
  const error = (await promise.then(
    () => new Error('it should have failed'),
    (thrown) => thrown,
  )) as Failure;
  return { code: error.code, why: error.why ?? error.what ?? error.message };
}

/** A server on loopback that answers as the listener does. */
export async function serve(listener: RequestListener): Promise<{ url: string; port: number; stop(): void }> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
