import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildK6 } from '../../src/load/build.ts';
import { obtainK6, PINNED_K6 } from '../../src/load/load.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { failureOf } from '../support/loading.ts';

const never = new AbortController().signal;

let root: string;
let log: RecordingLog;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'changeline-k6-'));
});

beforeEach(() => {
  log = new RecordingLog();
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('where k6 comes from', () => {
  const path = process.env.PATH;
  const servers: Server[] = [];
  let cache: string;

  beforeEach(() => {
    cache = mkdtempSync(join(root, 'cache-'));
    process.env.PATH = '/usr/bin:/bin';
    delete process.env.RUNNER_TOOL_CACHE;
  });

  afterEach(async () => {
    process.env.PATH = path;
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** A program that says it is k6: what these tests look at is only how it is got. */
  function program(folder: string, version = PINNED_K6): string {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'k6');
    writeFileSync(file, `#!/bin/sh\necho "k6 v${version} (go1.26.8, linux/amd64)"\n`);
    chmodSync(file, 0o755);
    return file;
  }

  const name = `k6-v${PINNED_K6}-linux-${process.arch === 'arm64' ? 'arm64' : 'amd64'}`;

  function archive(version = PINNED_K6): Buffer {
    const folder = mkdtempSync(join(root, 'archive-'));
    program(join(folder, name), version);
    return execFileSync('tar', ['-czf', '-', '-C', folder, name]);
  }

  /** GitHub's two endpoints. `change` alters the asset that the release lists. */
  function github(bytes: Buffer, change: object = {}, asked: string[] = []): Promise<string> {
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    return serve((request, response) => {
      asked.push(`${request.url} ${request.headers.authorization ?? ''}`.trim());
      if (request.url === `/repos/grafana/k6/releases/tags/v${PINNED_K6}`) {
        const asset = { id: 7, name: `${name}.tar.gz`, size: bytes.length, digest, ...change };
        response.end(JSON.stringify({ assets: [{ id: 6, name: 'k6.deb', size: 1, digest: null }, asset] }));
      } else if (
        request.url === '/repos/grafana/k6/releases/assets/7' &&
        request.headers.accept === 'application/octet-stream'
      ) {
        response.end(bytes);
      } else response.writeHead(404).end();
    });
  }

  function obtain(
    apiUrl: string,
    change: { version?: string; token?: string; signal?: AbortSignal; answersWithin?: number } = {},
  ) {
    return obtainK6({ cache, apiUrl, log, signal: never, ...change });
  }

  it('the PATH, in whatever version, where none is asked for', async () => {
    process.env.PATH = `${dirname(program(join(cache, 'bin'), '1.3.0'))}:${process.env.PATH}`;
    expect(await obtain('http://127.0.0.1:1')).toEqual({
      file: join(cache, 'bin/k6'),
      version: '1.3.0',
      source: 'path',
    });
    expect(log.lines.join('\n')).toContain(
      `k6 1.3.0 from ${join(cache, 'bin/k6')} (Changeline is tested with ${PINNED_K6})`,
    );
  });

  it('not the PATH where another version is asked for', async () => {
    process.env.PATH = `${dirname(program(join(cache, 'bin'), '1.3.0'))}:${process.env.PATH}`;
    program(join(cache, 'k6', PINNED_K6));
    expect(await obtain('http://127.0.0.1:1', { version: `v${PINNED_K6}` })).toMatchObject({
      source: 'cache',
      version: PINNED_K6,
    });
    expect((await obtain('http://127.0.0.1:1', { version: '1.3.0' })).source).toBe('path');
  });

  it("the runner's tool cache", async () => {
    process.env.RUNNER_TOOL_CACHE = join(cache, 'tools');
    const file = program(join(cache, 'tools/k6', PINNED_K6, process.arch));
    expect(await obtain('http://127.0.0.1:1')).toEqual({ file, version: PINNED_K6, source: 'cache' });
    delete process.env.RUNNER_TOOL_CACHE;
  });

  it('the release, checked, and from then on the cache', async () => {
    const asked: string[] = [];
    const apiUrl = await github(archive(), {}, asked);
    const got = await obtain(apiUrl, { token: 'ghs_x' });
    expect(got).toEqual({ file: join(cache, 'k6', PINNED_K6, 'k6'), version: PINNED_K6, source: 'release' });
    expect(asked).toHaveLength(2);
    expect(asked.every((line) => line.endsWith(' Bearer ghs_x'))).toBe(true);
    expect(await obtain(apiUrl)).toEqual({ ...got, source: 'cache' });
    expect(asked).toHaveLength(2);
    expect(readdirSync(join(cache, 'k6'))).toEqual([PINNED_K6]);
  });

  it('the release, for several at once', async () => {
    const apiUrl = await github(archive());
    const all = await Promise.all([obtain(apiUrl), obtain(apiUrl), obtain(apiUrl)]);
    expect(new Set(all.map((one) => one.file)).size).toBe(1);
    expect(readdirSync(join(cache, 'k6'))).toEqual([PINNED_K6]);
  });

  const bad: [string, () => Promise<string>, RegExp][] = [
    [
      'another digest',
      () => github(archive(), { digest: `sha256:${'0'.repeat(64)}` }),
      /has the digest [0-9a-f]{64}, not 0{64}/,
    ],
    ['no digest', () => github(archive(), { digest: null }), /gives no sha256 digest/],
    ['a digest of another kind', () => github(archive(), { digest: 'md5:x' }), /gives no sha256 digest/],
    [
      'no asset for this machine',
      () => github(archive(), { name: 'k6-v2.2.0-plan9-mips.tar.gz' }),
      /the release has no k6-v/,
    ],
    ['an archive that is none', () => github(Buffer.from('<html>')), /cannot be unpacked/],
    ['another version inside', () => github(archive('2.1.0')), /what was got is 2\.1\.0/],
    ['no such release', () => serve((_, response) => response.writeHead(404).end('{}')), /answered 404/],
    ['nobody there', async () => 'http://127.0.0.1:1', /did not answer/],
  ];
  it.each(bad)('refuses a release with %s, and lists every source tried', async (_, source, why) => {
    const failure = await failureOf(obtain(await source()));
    expect(failure.code).toBe('k6-unavailable');
    expect(failure.why).toMatch(why);
    expect(failure.why).toMatch(
      /^PATH: none; cache: no 2\.2\.0; GitHub release: .*; Go build: the program go cannot be run/,
    );
    expect(readdirSync(join(cache, 'k6'))).toEqual([]);
  });

  it('falls through where GitHub takes the connection and says nothing', async () => {
    const failure = await failureOf(obtain(await serve(() => {}), { answersWithin: 100 }));
    expect(failure.why).toContain('GitHub release: no answer in time');
  });

  it('stops where the run is cancelled', async () => {
    const stop = new AbortController();
    const apiUrl = await serve(() => stop.abort());
    expect((await failureOf(obtain(apiUrl, { signal: stop.signal }))).code).toBe('cancelled');
    expect(readdirSync(join(cache, 'k6'))).toEqual([]);
  });

  it('does not believe a broken file on the PATH or in the cache', async () => {
    mkdirSync(join(cache, 'bin'));
    symlinkSync('/bin/false', join(cache, 'bin/k6'));
    process.env.PATH = `${join(cache, 'bin')}:${process.env.PATH}`;
    program(join(cache, 'k6', PINNED_K6), '2.0.0');
    const failure = await failureOf(obtain('http://127.0.0.1:1'));
    expect(failure.why).toMatch(/PATH: \S+ does not run; cache: \S+ is not 2\.2\.0/);
  });

  it.each(['2', 'latest', '2.2.0; rm -rf /', '../2.2.0', ''])('refuses the version %j', async (version) => {
    expect((await failureOf(obtain('http://127.0.0.1:1', { version }))).code).toBe('input-invalid');
  });

  const folders = path?.split(delimiter) ?? [];
  const go = folders.some((folder) => existsSync(join(folder, 'go')));
  if (!go && process.env.CI) throw new Error('Go is not installed, and CI needs it');

  it.skipIf(!go)(
    'a build with Go, where GitHub does not answer',
    async () => {
      process.env.PATH = folders.filter((folder) => !existsSync(join(folder, 'k6'))).join(delimiter);
      const got = await obtain('http://127.0.0.1:1');
      expect(got).toEqual({ file: join(cache, 'k6', PINNED_K6, 'k6'), version: PINNED_K6, source: 'build' });
      expect(readdirSync(join(cache, 'k6'))).toEqual([PINNED_K6]);
    },
    15 * 60_000,
  );

  it.skipIf(!go)('says why Go could not build it', async () => {
    process.env.PATH = path;
    const proxy = process.env.GOPROXY;
    process.env.GOPROXY = 'off';
    try {
      const failure = await failureOf(buildK6({ version: '2.999.0', directory: cache, log, signal: never }));
      expect(failure.why).toContain('GOPROXY=off');
    } finally {
      if (proxy === undefined) delete process.env.GOPROXY;
      else process.env.GOPROXY = proxy;
    }
  });
});
