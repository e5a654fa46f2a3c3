import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
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
import { findK6, findScripts, inspectScript, type K6, obtainK6, PINNED_K6, runScript } from '../../src/load/load.ts';
import type { Log } from '../../src/log/log.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { Failure } from '../../src/outcome/outcome.ts';
import { stage } from '../../src/stages/load-test.ts';
import type { StageContext } from '../../src/stages/stage.ts';
import { applyMigrations, buildHost, migrationsOf, type ShopHost } from '../support/shop.ts';

const never = new AbortController().signal;
const here = await findK6({ cache: '/nowhere', signal: never });
if (!here.k6 && process.env.CI) throw new Error('k6 is not installed, and CI needs it');

let root: string;
let shop: ShopHost;
let k6: K6;
let log: RecordingLog;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'changeline-load-'));
  if (!here.k6) return;
  k6 = here.k6;
  shop = await buildHost(root, 'shop', ['1.1.0']);
  applyMigrations(root, migrationsOf(shop, '1.1.0'));
  shop.point('1.1.0');
  expect((await shop.shop('start')).status).toBe(0);
});

beforeEach(() => {
  log = new RecordingLog();
});

afterAll(async () => {
  if (shop) await shop.shop('stop');
  rmSync(root, { recursive: true, force: true });
});

const HTTP = `import http from 'k6/http';\n`;
const GET = 'http.get(`${__ENV.BASE_URL}/widgets`);';

function script(name: string, text: string): { file: string; name: string } {
  const file = join(root, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return { file, name };
}

function run(
  one: { file: string; name: string },
  change: { log?: Log; signal?: AbortSignal; args?: string[]; url?: string } = {},
) {
  return runScript({
    k6: k6.file,
    script: one,
    url: shop.url,
    workspace: root,
    scratch: root,
    log,
    signal: never,
    ...change,
  });
}

function context(change: {
  inputs?: object;
  section?: object | null;
  config?: boolean;
  signal?: AbortSignal;
}): StageContext<'load-test'> {
  const section = change.section ?? undefined;
  const environment =
    change.config === false
      ? null
      : { name: 'uat', hosts: [], databases: [], 'config-files': [], 'load-test': section };
  const inputs = {
    script: [],
    url: '',
    args: [],
    'k6-version': '',
    environment: '',
    config: '',
    token: '',
    ...change.inputs,
  };
  const places = ['scratch', 'reports', 'cache', 'handover'].map((name) => [name, join(root, name)] as const);
  for (const [, path] of places) mkdirSync(path, { recursive: true });
  return {
    verb: 'load-test',
    inputs,
    environment,
    runner: null,
    log,
    signal: change.signal ?? never,
    place: { workspace: root, ...Object.fromEntries(places) },
    github: () => {
      throw new Failure({ code: 'not-configured', what: 'there is no token', next: 'give one' });
    },
  } as unknown as StageContext<'load-test'>;
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  return promise.then(
    () => expect.fail('it should have failed'),
    (thrown: Failure) => thrown,
  );
}

describe.skipIf(!here.k6)('a run of k6 against the shop', () => {
  it.each(['TestGetAllWidgets.js', 'TestPostWidget.js'])('%s passes', async (name) => {
    const file = join(import.meta.dirname, '../../workflows-examples/widgets/load', name);
    const env = { VUS: 2, DURATION: '1s' };
    const result = await runScript({
      k6: k6.file,
      script: { file, name },
      url: shop.url,
      env,
      workspace: root,
      scratch: root,
      log,
      signal: never,
    });
    expect(result).toMatchObject({ outcome: 'passed', code: 'ok', why: null, thrown: 0, measured: { failed: 0 } });
    expect(result.measured!.requests).toBeGreaterThan(2);
    expect(result.measured!.p95).toBeGreaterThan(0);
    expect(result.measured!.thresholds.map((one) => one.crossed)).toEqual([false, false]);
  });

  const failing: [string, string, string, RegExp][] = [
    [
      'crossed thresholds',
      `${HTTP}export const options = { iterations: 2, thresholds: { http_req_duration: ['p(95)<0.0001'] } };\nexport default () => { ${GET} };`,
      'load-thresholds',
      /^http_req_duration p\(95\)<0\.0001 was \d/,
    ],
    [
      'a script whose every iteration throws',
      `${HTTP}export const options = { iterations: 3, thresholds: { http_req_failed: ['rate<0.01'] } };\nexport default () => { throw new Error('boom'); };`,
      'load-script-error',
      /every iteration threw: Error: boom/,
    ],
    [
      'a script that throws after its request',
      `${HTTP}export const options = { iterations: 2 };\nexport default () => { ${GET} undefined.x; };`,
      'load-script-error',
      /every iteration threw/,
    ],
    [
      'a script that throws now and then',
      `${HTTP}export const options = { iterations: 4 };\nexport default () => { ${GET} if (__ITER % 2) throw new Error('odd'); };`,
      'load-script-error',
      /2 of 4 iterations threw: Error: odd/,
    ],
    ['a syntax error', 'export default () => { let = ; };', 'load-script-error', /Unexpected token/],
    [
      'a missing import',
      `import x from './nowhere.js';\nexport default () => { x(); };`,
      'load-script-error',
      /nowhere\.js/,
    ],
    [
      'a throw in setup',
      `export function setup() { throw new Error('no data'); }\nexport default () => {};`,
      'load-script-error',
      /no data/,
    ],
    [
      'a script that gives up',
      `import exec from 'k6/execution';\nexport default () => { exec.test.abort('enough'); };`,
      'load-script-error',
      /enough/,
    ],
    [
      'no request',
      'export const options = { iterations: 2 };\nexport default () => {};',
      'load-nothing-measured',
      /no request/,
    ],
    [
      'no answer',
      `${HTTP}export const options = { iterations: 2 };\nexport default () => { http.get('http://127.0.0.1:1/'); };`,
      'load-nothing-measured',
      /all 2 requests failed.*refused/,
    ],
  ];
  it.each(failing)('tells %s', async (name, text, code, why) => {
    const result = await run(script(`${name}.js`, text));
    expect(result).toMatchObject({ outcome: 'failed', code });
    expect(result.why).toMatch(why);
  });

  it('tells an argument that k6 does not know', async () => {
    const result = await run(script('fine.js', `${HTTP}export default () => { ${GET} };`), { args: ['--nope'] });
    expect(result).toMatchObject({ code: 'load-crashed', why: expect.stringContaining('unknown flag: --nope') });
  });

  it('tells a script that is not there', async () => {
    const result = await run({ file: join(root, 'never.js'), name: 'never.js' });
    expect(result).toMatchObject({ outcome: 'failed', code: 'load-crashed', why: expect.stringContaining('never.js') });
  });

  it('reads thresholds although the script makes its own summary and wants other trends', async () => {
    const options = `{ iterations: 1, summaryTrendStats: ['avg'], thresholds: { http_req_duration: ['p(95)<5000'] } }`;
    const result = await run(
      script(
        'own.js',
        `${HTTP}export const options = ${options};\nexport default () => { ${GET} };\nexport function handleSummary() { return { stdout: 'mine' }; }`,
      ),
    );
    expect(result).toMatchObject({
      outcome: 'passed',
      measured: { thresholds: [{ crossed: false, value: expect.any(Number) }] },
    });
  });

  it('gives arguments and text as they are: nothing reaches a shell', async () => {
    const name = 'a b;touch $(pwd)&.js';
    const result = await run(
      script(
        name,
        `${HTTP}export default () => { http.get(\`\${__ENV.BASE_URL}/widgets?x=\${encodeURIComponent(__ENV.X)}\`); };`,
      ),
      { args: ['-e', 'X=$(touch never)', '-i', '3'] },
    );
    expect(result).toMatchObject({ outcome: 'passed', measured: { iterations: 3 } });
    expect(readdirSync(root)).not.toContain('never');
  });

  it('hands scripts no variable but those that they are given', async () => {
    process.env.CHANGELINE_TEST_SECRET = 'hunter2hunter2';
    try {
      const result = await run(
        script(
          'env.js',
          `${HTTP}export const options = { iterations: 1 };\nexport default () => { ${GET} if (__ENV.CHANGELINE_TEST_SECRET) throw new Error('leaked'); };`,
        ),
      );
      expect(result.outcome).toBe('passed');
    } finally {
      delete process.env.CHANGELINE_TEST_SECRET;
    }
  });

  it('lets two runs go on at once', async () => {
    const both = script(
      'both.js',
      `${HTTP}import { sleep } from 'k6';\nexport const options = { vus: 1, duration: '1s' };\nexport default () => { ${GET} sleep(0.1); };`,
    );
    const results = await Promise.all([run(both), run(both)]);
    expect(results.map((result) => result.outcome)).toEqual(['passed', 'passed']);
  });

  it('ends with the run, and k6 with it, where it is cancelled', async () => {
    const stop = new AbortController();
    const long = script(
      'long.js',
      `${HTTP}import { sleep } from 'k6';\nexport const options = { duration: '60s' };\nexport default () => { ${GET} sleep(50); };`,
    );
    const seen: string[] = [];
    const listening: Log = {
      ...log,
      progress: (line) => void (line === null ? seen.push('cleared') : stop.abort(seen.push(line))),
    };
    const failure = await failureOf(run(long, { signal: stop.signal, log: listening }));
    expect(failure).toMatchObject({ code: 'cancelled', where: 'long.js' });
    expect(seen[0]).toMatch(/^long\.js: 0?\S+s, 1 users, 0 iterations$/);
    expect(seen.at(-1)).toBe('cleared');
    expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(long.file);
    expect((await failureOf(run(long, { signal: stop.signal }))).code).toBe('cancelled');
  });

  it('tells a file that is no program', async () => {
    const failure = await failureOf(
      runScript({
        k6: join(root, 'shop'),
        script: script('x.js', ''),
        workspace: root,
        scratch: root,
        log,
        signal: never,
      }),
    );
    expect(failure.code).toBe('k6-unavailable');
  });
});

describe.skipIf(!here.k6)('an inspection', () => {
  it('counts thresholds and sees the variables that the run will have', async () => {
    const one = script(
      'inspect.js',
      `if (!__ENV.BASE_URL || !__ENV.A) throw new Error('no variables');\nexport const options = { thresholds: { a: ['count>1'], b: ['count>1', 'count>2'] } };\nexport default () => {};`,
    );
    const request = { k6: k6.file, script: one, workspace: root, signal: never };
    expect(await inspectScript({ ...request, url: 'http://x', args: ['-e', 'A=1', '--vus', '3'] })).toEqual({
      error: null,
      thresholds: 3,
    });
    expect(await inspectScript(request)).toEqual({ error: expect.stringContaining('no variables') });
  });
});

describe('the scripts', () => {
  beforeEach(() => {
    for (const name of ['find/b.js', 'find/a.js', 'find/deep/c.js', 'find/[x].js', 'find/notes.md']) script(name, '');
  });

  it.each([
    [['find/*.js'], ['find/[x].js', 'find/a.js', 'find/b.js']],
    [
      ['find/b.js', 'find/*.js'],
      ['find/b.js', 'find/[x].js', 'find/a.js'],
    ],
    [
      ['find/**/c.js', './find/a.js'],
      ['find/deep/c.js', 'find/a.js'],
    ],
    [['find/[x].js'], ['find/[x].js']],
  ])('%j are %j', async (patterns, names) => {
    expect((await findScripts(patterns, root)).map((found) => found.name)).toEqual(names);
  });

  it.each(['find/*.ts', 'find/deep', 'find/none.js', ''])('%j is none', async (pattern) => {
    const failure = await failureOf(findScripts(['find/a.js', pattern], root));
    expect(failure).toMatchObject({ code: 'input-invalid', what: `no load test script matches ${pattern}` });
  });
});

describe.skipIf(!here.k6)('the stage', () => {
  const fine = () =>
    script(
      'stage/fine.js',
      `${HTTP}import { check } from 'k6';\nexport const options = { iterations: 5, thresholds: { http_req_failed: ['rate<0.01'] } };\nexport default () => { check(http.get(\`\${__ENV.BASE_URL}/\${__ENV.PAGE}\`), { ok: (r) => r.status === 200 }); };`,
    );
  const crossed = () =>
    script(
      'stage/slow.js',
      `${HTTP}export const options = { iterations: 1, thresholds: { http_req_duration: ['avg<0.0001'] } };\nexport default () => { ${GET} };`,
    );

  it('runs the scripts of the section and writes what it measured', async () => {
    fine();
    script('stage/second.js', readFileSync(join(root, 'stage/fine.js'), 'utf8'));
    const result = await stage.run(
      context({ section: { scripts: ['stage/fine.js', 'stage/second.js'], url: shop.url, env: { PAGE: 'widgets' } } }),
    );
    expect(result).toMatchObject({ outcome: 'passed', code: 'ok' });
    expect(result.summary).toMatch(/^2 scripts, 10 requests, p95 \S+ ms, 0 failed$/);
    expect(result.outputs!.summary).toBe(join(root, 'reports/load-test-uat.json'));
    expect(JSON.parse(readFileSync(String(result.outputs!.summary), 'utf8'))).toEqual(result.facts);
    expect(result.facts).toMatchObject({
      schema: 1,
      k6: { version: k6.version, source: 'path' },
      scripts: [
        { script: 'stage/fine.js', requests: 5, failedShare: 0, checks: [{ name: 'ok', passes: 5, fails: 0 }] },
        { script: 'stage/second.js' },
      ],
    });
    expect(result.markdown).toContain('| stage/second.js | passed | 5 |');
    rmSync(join(root, 'stage/second.js'));
  });

  it('lets inputs override the section, runs all scripts, and fails for one', async () => {
    fine();
    crossed();
    const inputs = { script: ['stage/*.js'], url: shop.url, args: ['-e', 'PAGE=widgets'] };
    const result = await stage.run(context({ inputs, section: { scripts: 'never.js', url: 'http://127.0.0.1:1' } }));
    expect(result).toMatchObject({ outcome: 'failed', code: 'load-thresholds', next: expect.any(String) });
    expect(result.summary).toMatch(/^stage\/slow\.js: http_req_duration avg<0\.0001 was/);
    expect(result.facts.scripts).toHaveLength(2);
  });

  it('works without changeline.yml', async () => {
    fine();
    const inputs = { script: ['stage/fine.js'], url: shop.url, args: ['--env', 'PAGE=widgets'] };
    const result = await stage.run(context({ config: false, inputs }));
    expect(result.outcome).toBe('passed');
    expect(result.outputs!.summary).toBe(join(root, 'reports/load-test.json'));
  });

  it('is skipped without a section, and fails without a section and a configuration', async () => {
    expect(await stage.run(context({}))).toMatchObject({ outcome: 'skipped', code: 'not-configured' });
    expect(await stage.plan(context({}))).toMatchObject([{ kind: 'blind' }]);
    expect((await failureOf(stage.run(context({ config: false })))).code).toBe('input-missing');
    expect(await stage.plan(context({ config: false }))).toMatchObject([
      { kind: 'obstacle', failure: { code: 'input-missing' } },
    ]);
  });

  it('plans: which scripts, which k6, what cannot be judged', async () => {
    fine();
    script('stage/no-thresholds.js', 'export default () => {};');
    const planned = await stage.plan(
      context({ section: { scripts: 'stage/[fn]*.js', url: 'http://me:secret@shop.test/?token=x' } }),
    );
    rmSync(join(root, 'stage/no-thresholds.js'));
    expect(planned.map((line) => line.kind)).toEqual(['will', 'will', 'blind']);
    expect(planned[0]!.text).toMatch(
      /^run stage\/fine\.js, stage\/no-thresholds\.js against http:\/\/me@shop\.test\/$/,
    );
    expect(planned[1]!.text).toBe(`use k6 ${k6.version} from ${k6.file}`);
    expect(planned[2]!.text).toContain('no-thresholds.js');
  });

  it.each([
    ['a script that cannot be loaded', { script: ['broken.js'] }, 'load-script-error'],
    ['a pattern without a file', { script: ['none/*.js'] }, 'input-invalid'],
    ['an argument that is kept', { script: ['stage/fine.js'], args: ['--linger'] }, 'input-invalid'],
    ['a version that is none', { script: ['stage/fine.js'], 'k6-version': '$(x)' }, 'input-invalid'],
  ])('plans %s as an obstacle', async (_, inputs, code) => {
    script('broken.js', 'export default (');
    expect(await stage.plan(context({ inputs }))).toMatchObject([{ kind: 'obstacle', failure: { code } }]);
  });
});

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

  function obtain(apiUrl: string, change: { version?: string; token?: string; signal?: AbortSignal } = {}) {
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
    const failure = await failureOf(obtain(await serve(() => {})));
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
