/** A real Prometheus on loopback that scrapes what a test exports. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './ports.ts';

/** Why there is no Prometheus here; null where there is. Under CI it must be there. */
export function missingPrometheus(): string | null {
  if (spawnSync('prometheus', ['--version'], { stdio: 'ignore' }).error === undefined) return null;
  if (process.env.CI) throw new Error('prometheus is not installed, and CI needs it');
  return 'prometheus is not installed here';
}

/** A program that exports metrics in the text form; `text` is what it answers, null refuses the scrape. */
export class Exporter {
  text: string | null = '';
  private readonly server: Server = createServer((_, response) => {
    response.writeHead(this.text === null ? 500 : 200, { 'content-type': 'text/plain; version=0.0.4' });
    response.end(this.text ?? '');
  });

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** A server of a test's own, on one address for its whole life. */
export interface TestPrometheus {
  url: string;
  /** Ends it in order and starts it again on the same data. `meanwhile` runs while it is away. */
  restart(meanwhile: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a server that scrapes each of the ports every 500 ms; the recording rules are [name, query], computed as often.
 * `past` is what it is to know from before, as OpenMetrics with times.
 */
export async function startPrometheus(
  ports: number | readonly number[],
  rules: readonly [string, string][] = [],
  past: string | null = null,
): Promise<TestPrometheus> {
  const directory = mkdtempSync(join(tmpdir(), 'prometheus-'));
  if (past !== null) {
    const file = join(directory, 'past.txt');
    writeFileSync(file, past);
    await promtool([
      'tsdb',
      'create-blocks-from',
      'openmetrics',
      '--max-block-duration=48h',
      file,
      join(directory, 'data'),
    ]);
  }
  const targets = [ports].flat().map((port) => `"127.0.0.1:${port}"`);
  const config = `global: { scrape_interval: 500ms, scrape_timeout: 400ms, evaluation_interval: 500ms }
rule_files: [ rules.yml ]
scrape_configs:
  - { job_name: shop, static_configs: [ { targets: [${targets.join(', ')}] } ] }
`;
  writeFileSync(join(directory, 'prometheus.yml'), config);
  const recorded = rules.map(([record, expr]) => ({ record, expr }));
  writeFileSync(join(directory, 'rules.yml'), JSON.stringify({ groups: [{ name: 'rules', rules: recorded }] }));
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  const args = [
    `--config.file=${directory}/prometheus.yml`,
    `--storage.tsdb.path=${directory}/data`,
    `--web.listen-address=${address}`,
  ];
  const start = async () => {
    const child = spawn('prometheus', args, { stdio: 'ignore' });
    await eventually(async () => (await fetch(`${url}/-/ready`).catch(() => null))?.ok === true);
    return child;
  };
  let child = await start();
  const end = async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  };
  return {
    url,
    restart: async (meanwhile) => {
      await end();
      await meanwhile();
      child = await start();
    },
    stop: async () => {
      await end();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function promtool(args: string[]): Promise<void> {
  const child = spawn('promtool', args, { stdio: 'ignore' });
  const status = await new Promise((resolve) => child.once('exit', resolve));
  if (status !== 0) throw new Error(`promtool ${args.slice(0, 3).join(' ')} ended with ${status}`);
}

/** Waits until something holds, at most 20 seconds. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds()) return;
    await sleep(100);
  }
  throw new Error('what was waited for did not come');
}

/** The first number of an instant query; 0 where nothing answers. */
export async function ask(url: string, query: string): Promise<number> {
  const answer = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query })}`);
  const body = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
  return Number(body.data.result[0]?.value[1] ?? 0);
}
