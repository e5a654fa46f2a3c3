import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inspectScript, loadDigest } from '../../src/load/load.ts';
import { type Log, RecordingLog } from '../../src/log/log.ts';
import { hide } from '../../src/secret/secret.ts';
import { failureOf, GET, HTTP, k6Here, LoadBench, never } from '../support/loading.ts';

const bench = new LoadBench();

beforeAll(() => bench.open());

beforeEach(() => {
  bench.log = new RecordingLog();
  bench.asked = () => {};
});

afterAll(() => bench.close());

/** A k6 that says its process id and runs under these limits of a shell. */
function wrapped(limits = ''): string {
  const { file } = bench.script(
    'wrapped',
    `#!/bin/sh\n${limits}\necho $$ > "${join(bench.root, 'pid')}"\nexec "${k6Here!.file}" "$@"\n`,
  );
  chmodSync(file, 0o755);
  return file;
}

describe.skipIf(!k6Here)('a run of k6', () => {
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
    const result = await bench.run(bench.script(`${name}.js`, text));
    expect(result).toMatchObject({ outcome: 'failed', code });
    expect(result.why).toMatch(why);
  });

  it('tells an argument that k6 does not know', async () => {
    const result = await bench.run(bench.script('fine.js', `${HTTP}export default () => { ${GET} };`), {
      args: ['--nope'],
    });
    expect(result).toMatchObject({ code: 'load-crashed', why: expect.stringContaining('unknown flag: --nope') });
  });

  it('tells a script that is not there', async () => {
    const result = await bench.run({ file: join(bench.root, 'never.js'), name: 'never.js' });
    expect(result).toMatchObject({ outcome: 'failed', code: 'load-crashed', why: expect.stringContaining('never.js') });
  });

  it('reads thresholds although the script makes its own summary and wants other trends', async () => {
    const options = `{ iterations: 1, summaryTrendStats: ['avg'], thresholds: { http_req_duration: ['p(95)<5000'] } }`;
    const result = await bench.run(
      bench.script(
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
    const result = await bench.run(
      bench.script(
        name,
        `${HTTP}export default () => { http.get(\`\${__ENV.BASE_URL}/?x=\${encodeURIComponent(__ENV.X)}\`); };`,
      ),
      { args: ['-e', 'X=$(touch never)', '-i', '3'] },
    );
    expect(result).toMatchObject({ outcome: 'passed', measured: { iterations: 3 } });
    expect(readdirSync(bench.root)).not.toContain('never');
    expect(readdirSync(bench.root).filter((one) => one.startsWith('k6-'))).toEqual([]);
  });

  it('hands scripts no variable but those that they are given', async () => {
    process.env.CHANGELINE_TEST_SECRET = 'hunter2hunter2';
    try {
      const result = await bench.run(
        bench.script(
          'env.js',
          `${HTTP}export const options = { iterations: 1 };\nexport default () => { ${GET} if (__ENV.CHANGELINE_TEST_SECRET) throw new Error('leaked'); };`,
        ),
      );
      expect(result.outcome).toBe('passed');
    } finally {
      delete process.env.CHANGELINE_TEST_SECRET;
    }
  });

  it('ends with the run, and k6 with it, where it is cancelled', async () => {
    const stop = new AbortController();
    const long = bench.script(
      'long.js',
      `${HTTP}import { sleep } from 'k6';\nexport const options = { duration: '60s' };\nexport default () => { ${GET} sleep(50); };`,
    );
    const seen: string[] = [];
    const listening: Log = {
      ...bench.log,
      progress: (line) => void (line === null ? seen.push('cleared') : stop.abort(seen.push(line))),
    };
    const failure = await failureOf(bench.run(long, { signal: stop.signal, log: listening }));
    expect(failure).toMatchObject({ code: 'cancelled', where: 'long.js' });
    expect(seen[0]).toMatch(/^long\.js: 0?\S+s, 1 users, 0 iterations$/);
    expect(seen.at(-1)).toBe('cleared');
    expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(long.file);
    expect((await failureOf(bench.run(long, { signal: stop.signal }))).code).toBe('cancelled');
  });

  it('tells a file that is no program', async () => {
    const failure = await failureOf(bench.run(bench.script('x.js', ''), { k6: bench.root }));
    expect(failure.code).toBe('k6-unavailable');
  });
});

describe.skipIf(!k6Here)('what k6 is made to bear', () => {
  it('tells that it was killed', async () => {
    bench.asked = () => process.kill(Number(readFileSync(join(bench.root, 'pid'), 'utf8')), 'SIGKILL');
    const long = bench.script(
      'killed.js',
      `${HTTP}export const options = { duration: '60s' };\nexport default () => { ${GET} };`,
    );
    expect(await bench.run(long, { k6: wrapped() })).toMatchObject({
      code: 'load-killed',
      why: 'k6 was killed (SIGKILL): was there too little memory?',
      measured: null,
    });
  });

  it('tells that memory ran out', async () => {
    const greedy = `export default () => { const all = []; for (;;) all.push(new ArrayBuffer(2 ** 28)); };`;
    const result = await bench.run(bench.script('greedy.js', greedy), { k6: wrapped('ulimit -v 3000000') });
    expect(result).toMatchObject({ code: 'load-killed', why: 'k6 ran out of memory' });
  });

  it('tells when a threshold ended it', async () => {
    const threshold = `{ threshold: 'p(95)<0.0001', abortOnFail: true, delayAbortEval: '0s' }`;
    const options = `{ duration: '60s', thresholds: { http_req_duration: [${threshold}] } }`;
    const result = await bench.run(
      bench.script('abort.js', `${HTTP}export const options = ${options};\nexport default () => { ${GET} };`),
    );
    expect(result).toMatchObject({ outcome: 'failed', code: 'load-thresholds' });
    expect(result.why).toMatch(/^http_req_duration p\(95\)<0\.0001 was \S+; abortOnFail ended the run after \d\.\d s$/);
  });

  const arriving = (thresholds: string) =>
    `${HTTP}import { sleep } from 'k6';\nexport const options = { thresholds: ${thresholds}, scenarios: { a: { executor: 'constant-arrival-rate', rate: 100, duration: '1s', preAllocatedVUs: 1, maxVUs: 2 } } };\nexport default () => { ${GET} sleep(0.2); };`;

  it('tells that the load was not made, and leaves that to a threshold where the script has one', async () => {
    const [overloaded, allowed] = await Promise.all([
      bench.run(bench.script('overloaded.js', arriving('{}'))),
      bench.run(bench.script('allowed.js', arriving(`{ dropped_iterations: ['count<1000'] }`))),
    ]);
    expect(overloaded).toMatchObject({ outcome: 'failed', code: 'load-overloaded' });
    expect(overloaded.why).toMatch(/^\d+ of \d+ iterations could not be begun \(\d+ %\)$/);
    expect(allowed).toMatchObject({ outcome: 'passed', measured: { dropped: expect.any(Number) } });
  });

  it('bears thousands of checks', async () => {
    const text = `${HTTP}import { check } from 'k6';\nexport const options = { iterations: 1 };\nexport default () => { ${GET} for (let i = 0; i < 1500; i++) check(i, { ['check ' + i]: (x) => x !== 7 }); };`;
    const { outcome, measured } = await bench.run(bench.script('checks.js', text));
    expect(outcome).toBe('passed');
    expect(measured!.checks).toHaveLength(1500);
    expect(measured!.checks.filter(({ fails }) => fails > 0)).toEqual([{ name: 'check 7', passes: 0, fails: 1 }]);
  });

  it('records tick by tick, two at once, beside what the user has it put out', async () => {
    const file = join(bench.root, 'out.json');
    const ticking = bench.script(
      'ticking.js',
      `${HTTP}import { sleep } from 'k6';\nexport const options = { vus: 2, duration: '1s' };\nexport default () => { http.get(__ENV.BASE_URL); http.get('http://127.0.0.1:1/'); sleep(0.02); };`,
    );
    const [{ series, measured, busy }, second] = await Promise.all([
      bench.run(ticking, { tick: 0.1, env: { K6_OUT: `json=${file}` } }),
      bench.run(ticking, { tick: 0.1 }),
    ]);
    expect(second).toMatchObject({ outcome: 'passed', series: { step: 0.1 } });
    expect(series).toMatchObject({ step: 0.1 });
    const sum = (values: readonly (number | null)[]) =>
      values.reduce<number>((total, value) => total + (value ?? 0), 0);
    expect(series!.requests.length).toBeGreaterThan(3);
    expect(sum(series!.requests)).toBeLessThanOrEqual(measured!.requests);
    expect(sum(series!.requests)).toBeGreaterThan(measured!.requests / 2);
    expect(sum(series!.failed) / sum(series!.requests)).toBeCloseTo(0.5, 1);
    expect(series!.p95.some((value) => value !== null && value > 0)).toBe(true);
    expect(busy).toBeGreaterThan(0);
    expect(readFileSync(file, 'utf8')).toContain('http_reqs');
  });
});

describe.skipIf(!k6Here)('an inspection', () => {
  const request = () => ({ k6: k6Here!.file, workspace: bench.root, signal: never });

  it('sees thresholds and shape, with the variables that the run will have', async () => {
    const script = bench.script(
      'inspect.js',
      `if (!__ENV.BASE_URL || !__ENV.A) throw new Error('no variables');\nexport const options = { vus: 2, duration: '40s', thresholds: { http_reqs: ['count>1'], http_req_failed: ['rate<1', 'rate<2'] } };\nexport default () => {};`,
    );
    const asked = { ...request(), script };
    expect(await inspectScript({ ...asked, url: 'http://x', args: ['-e', 'A=1', '--vus', '3'] })).toEqual({
      error: null,
      thresholds: 3,
      length: 40_000,
      closed: true,
    });
    expect(await inspectScript(asked)).toEqual({ error: expect.stringContaining('no variables') });
  });

  it('knows equal loads, by all that shapes them but secrets', async () => {
    bench.script('shared.js', 'export const users = 3;');
    const script = bench.script('sharing.js', `import { users } from './shared.js';\nexport default () => users;`);
    const digest = (change: object = {}) =>
      loadDigest({ ...request(), k6: k6Here!, script, url: 'http://me:one@x/', env: { KEY: 'hunter-one' }, ...change });
    hide('hunter-one');
    hide('hunter-two');
    const [first, ...same] = await Promise.all([
      digest(),
      digest({ url: 'http://me:two@x/' }),
      digest({ env: { KEY: 'hunter-two' } }),
    ]);
    expect(same).toEqual([first, first]);
    const others = await Promise.all([
      digest({ url: 'http://y' }),
      digest({ args: ['-i', '2'] }),
      digest({ env: { A: 1 } }),
      digest({ tick: 2 }),
      digest({ k6: { ...k6Here!, version: '0.0.1' } }),
    ]);
    bench.script('shared.js', 'export const users = 4;');
    expect(new Set([first, ...others, await digest()]).size).toBe(7);
    expect(await digest({ k6: { ...k6Here!, file: '/bin/false' } })).toBeNull();
  });
});
