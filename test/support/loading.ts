/** What tests of load tests share: the k6 of this machine, a folder of scripts, and a server that can be slow. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { findK6, type K6, runScript, type Script } from '../../src/load/load.ts';
import { RecordingLog } from '../../src/log/log.ts';
import type { Failure } from '../../src/outcome/outcome.ts';

export const never = new AbortController().signal;

const found = await findK6({ cache: '/nowhere', signal: never });
if (!found.k6 && process.env.CI) throw new Error('k6 is not installed, and CI needs it');
/** null where k6 is not installed; in CI it is. */
export const k6Here: K6 | null = found.k6;

export const HTTP = `import http from 'k6/http';\n`;
export const GET = 'http.get(`${__ENV.BASE_URL}/`);';

/** A folder with scripts, and a server they are run against. */
export class LoadBench {
  readonly root = mkdtempSync(join(tmpdir(), 'changeline-load-'));
  log = new RecordingLog();
  /** Milliseconds that the server takes to answer. */
  delay = 0;
  /** Called with every request. */
  asked: () => void = () => {};
  url = '';
  readonly #server = createServer((_, response) => {
    this.asked();
    setTimeout(() => response.end('ok'), this.delay);
  });

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.root, { recursive: true, force: true });
  }

  script(name: string, text: string): Script {
    const file = join(this.root, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return { file, name };
  }

  run(script: Script, change: Partial<Parameters<typeof runScript>[0]> = {}): ReturnType<typeof runScript> {
    const { root, url, log } = this;
    const places = { workspace: root, scratch: root };
    return runScript({ k6: k6Here!.file, script, url, ...places, log, signal: never, ...change });
  }
}

/** The failure of something that has to fail. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  return promise.then(
    () => expect.fail('it should have failed'),
    (thrown: Failure) => thrown,
  );
}
