/** A real Prometheus on loopback that scrapes what a test exports. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './databases.ts';

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

/** Starts a server that scrapes `port` every 500 ms. */
export async function startPrometheus(port: number): Promise<{ url: string; stop(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const config = `global: { scrape_interval: 500ms, scrape_timeout: 400ms }\nscrape_configs:\n  - { job_name: shop, static_configs: [ { targets: ["127.0.0.1:${port}"] } ] }\n`;
  writeFileSync(join(directory, 'prometheus.yml'), config);
  const address = `127.0.0.1:${await freePort()}`;
  const args = [
    `--config.file=${directory}/prometheus.yml`,
    `--storage.tsdb.path=${directory}/data`,
    `--web.listen-address=${address}`,
  ];
  const child = spawn('prometheus', args, { stdio: 'ignore' });
  const url = `http://${address}`;
  await eventually(async () => (await fetch(`${url}/-/ready`).catch(() => null))?.ok === true);
  return {
    url,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
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
