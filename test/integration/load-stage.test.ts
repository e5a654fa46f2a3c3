import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { normalEnvironment } from '../../src/config/config.ts';
import { configSchema } from '../../src/config/schema.ts';
import { openDirectoryLedger } from '../../src/ledger/ledger.ts';
import { findScripts } from '../../src/load/load.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { Failure } from '../../src/outcome/outcome.ts';
import { Book } from '../../src/stages/frame/book.ts';
import { stage } from '../../src/stages/load-test.ts';
import type { StageContext } from '../../src/stages/stage.ts';
import { failureOf, GET, HTTP, k6Here, LoadBench, never } from '../support/loading.ts';
import { applyMigrations, buildHost, migrationsOf } from '../support/shop.ts';

const bench = new LoadBench();

beforeAll(() => bench.open());

beforeEach(() => {
  bench.log = new RecordingLog();
});

afterAll(() => bench.close());

function context(change: {
  inputs?: object;
  section?: object;
  config?: false;
  more?: object;
}): StageContext<'load-test'> {
  const places = ['scratch', 'reports', 'cache', 'handover'].map((name) => [name, join(bench.root, name)] as const);
  for (const [, path] of places) mkdirSync(path, { recursive: true });
  const section = change.section ? { 'load-test': change.section } : {};
  const config = configSchema.parse({ name: 'shop', artifact: './shop-{version}', environments: { uat: section } });
  return {
    verb: 'load-test',
    inputs: {
      ...{ script: [], url: '', args: [], 'k6-version': '', environment: '', config: '', token: '' },
      ...change.inputs,
    },
    environment: change.config === false ? null : normalEnvironment(config, 'uat'),
    ...{ runner: null, book: null, ledger: null, change: null },
    log: bench.log,
    signal: never,
    place: { workspace: bench.root, ...Object.fromEntries(places) },
    github: () => {
      throw new Failure({ code: 'not-configured', what: 'there is no token', next: 'give one' });
    },
    ...change.more,
  } as unknown as StageContext<'load-test'>;
}

describe('the scripts', () => {
  beforeEach(() => {
    for (const name of ['find/b.js', 'find/a.js', 'find/deep/c.js', 'find/[x].js', 'find/notes.md'])
      bench.script(name, '');
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
    expect((await findScripts(patterns, bench.root)).map((found) => found.name)).toEqual(names);
  });

  it.each(['find/*.ts', 'find/deep', 'find/none.js', ''])('%j is none', async (pattern) => {
    const failure = await failureOf(findScripts(['find/a.js', pattern], bench.root));
    expect(failure).toMatchObject({ code: 'input-invalid', what: `no load test script matches ${pattern}` });
  });
});

describe.skipIf(!k6Here)('the stage', () => {
  const fine = () =>
    bench.script(
      'stage/fine.js',
      `${HTTP}import { check } from 'k6';\nexport const options = { iterations: 5, thresholds: { http_req_failed: ['rate<0.01'] } };\nexport default () => { check(http.get(\`\${__ENV.BASE_URL}/\${__ENV.PAGE}\`), { ok: (r) => r.status === 200 }); };`,
    );
  const crossed = () =>
    bench.script(
      'stage/slow.js',
      `${HTTP}export const options = { iterations: 1, thresholds: { http_req_duration: ['avg<0.0001'] } };\nexport default () => { ${GET} };`,
    );

  it('runs the scripts of the section and writes what it measured', async () => {
    fine();
    bench.script('stage/second.js', readFileSync(join(bench.root, 'stage/fine.js'), 'utf8'));
    const result = await stage.run(
      context({ section: { scripts: ['stage/fine.js', 'stage/second.js'], url: bench.url, env: { PAGE: 'widgets' } } }),
    );
    expect(result).toMatchObject({ outcome: 'passed', code: 'ok' });
    expect(result.summary).toMatch(/^2 scripts, 10 requests, p95 \S+ ms, 0 failed$/);
    expect(result.outputs!.summary).toBe(join(bench.root, 'reports/load-test-uat.json'));
    expect(JSON.parse(readFileSync(String(result.outputs!.summary), 'utf8'))).toMatchObject(result.facts);
    expect(result.facts).toMatchObject({
      schema: 1,
      k6: { version: k6Here!.version, source: 'path' },
      scripts: [
        { script: 'stage/fine.js', requests: 5, failedShare: 0, checks: [{ name: 'ok', passes: 5, fails: 0 }] },
        { script: 'stage/second.js' },
      ],
    });
    expect(result.markdown).toContain('| stage/second.js | passed | 5 |');
    rmSync(join(bench.root, 'stage/second.js'));
  });

  it('lets inputs override the section, runs all scripts, and fails for one', async () => {
    fine();
    crossed();
    const inputs = { script: ['stage/*.js'], url: bench.url, args: ['-e', 'PAGE=widgets'] };
    const result = await stage.run(context({ inputs, section: { scripts: 'never.js', url: 'http://127.0.0.1:1' } }));
    expect(result).toMatchObject({ outcome: 'failed', code: 'load-thresholds', next: expect.any(String) });
    expect(result.summary).toMatch(/^stage\/slow\.js: http_req_duration avg<0\.0001 was/);
    expect(result.facts.scripts).toHaveLength(2);
  });

  it('works without changeline.yml', async () => {
    fine();
    const inputs = { script: ['stage/fine.js'], url: bench.url, args: ['--env', 'PAGE=widgets'] };
    const result = await stage.run(context({ config: false, inputs }));
    expect(result.outcome).toBe('passed');
    expect(result.outputs!.summary).toBe(join(bench.root, 'reports/load-test.json'));
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
    bench.script('stage/no-thresholds.js', 'export default () => {};');
    const planned = await stage.plan(
      context({ section: { scripts: 'stage/[fn]*.js', url: 'http://me:secret@shop.test/?token=x' } }),
    );
    rmSync(join(bench.root, 'stage/no-thresholds.js'));
    expect(planned.map((line) => line.kind)).toEqual(['will', 'will', 'blind']);
    expect(planned[0]!.text).toMatch(
      /^run stage\/fine\.js, stage\/no-thresholds\.js against http:\/\/me@shop\.test\/$/,
    );
    expect(planned[1]!.text).toBe(`use k6 ${k6Here!.version} from ${k6Here!.file}`);
    expect(planned[2]!.text).toContain('no-thresholds.js');
  });

  it.each([
    ['a script that cannot be loaded', { script: ['broken.js'] }, 'load-script-error'],
    ['a pattern without a file', { script: ['none/*.js'] }, 'input-invalid'],
    ['an argument that is kept', { script: ['stage/fine.js'], args: ['--linger'] }, 'input-invalid'],
    ['a version that is none', { script: ['stage/fine.js'], 'k6-version': '$(x)' }, 'input-invalid'],
  ])('plans %s as an obstacle', async (_, inputs, code) => {
    bench.script('broken.js', 'export default (');
    expect(await stage.plan(context({ inputs }))).toMatchObject([{ kind: 'obstacle', failure: { code } }]);
  });
});

describe.skipIf(!k6Here)('against the live version', () => {
  const ledger = openDirectoryLedger(join(bench.root, 'ledger'));
  const section = { scripts: 'live/*.js', compare: { tolerate: 'x1.2' } };

  /** A run of the stage for one version; `live` makes it the live one. */
  async function tested(version: string, live: boolean) {
    const holder = { kind: 'shell', machine: 'here', pid: process.pid, started: '', actor: 'test' } as const;
    const opening = { verb: 'deliver', version, digest: null, commit: null, config: null, holder } as const;
    const directory = join(bench.root, 'handover');
    const book = await Book.open(ledger, directory, 'uat', opening, 'step', async () => ({
      exclusive: true,
      events: [],
    }));
    const asked = context({ section: { ...section, url: bench.url }, more: { book, ledger, change: book.change } });
    const planned = await stage.plan(asked);
    const result = await stage.run(asked);
    if (live) await book.commit({ version, digest: null, commit: null }, 'live');
    await book.close(live ? 'passed' : 'failed', live ? 'ok' : 'load-worse', '', false);
    return { result, planned: planned.map(({ text }) => text).join('\n'), said: bench.log.lines.join('\n') };
  }

  it('compares equal loads, fails what is slower than tolerated, and keeps what passed', async () => {
    bench.script(
      'live/steady.js',
      `${HTTP}import { sleep } from 'k6';\nexport const options = { vus: 8, duration: '2s' };\nexport default () => { ${GET} sleep(Math.random() / 20); };`,
    );
    // Well above what a busy machine adds, so that only the version is told apart.
    bench.delay = 30;
    const first = await tested('1.0.0', true);
    expect(first.result).toMatchObject({ outcome: 'passed', facts: { compared: [{ with: null }] } });
    expect(first.planned).toContain('no thresholds, and no version is live yet: whatever it measures passes');
    expect(first.said).toContain('whatever it measures passes');

    bench.delay = 400;
    const slower = await tested('1.1.0', false);
    expect(slower.planned).toMatch(
      /hold live\/steady\.js against the run of 1\.0\.0, and see p95 .*, p50 .*, requests /,
    );
    expect(slower.result).toMatchObject({ outcome: 'failed', code: 'load-worse', next: expect.any(String) });
    expect(slower.result.summary).toMatch(
      /^live\/steady\.js bears load worse than 1\.0\.0: (p\d\d|requests): (rose|fell) to ×/,
    );
    expect(slower.result.markdown).toMatch(/```mermaid\nxychart-beta\n {2}title "p95 of live#47;steady\.js, in ms"/);
    expect(slower.result.markdown).toContain('only the comparison with the live version judges it');
    expect(slower.result.charts).toMatchObject([
      { metric: 'p95 of live/steady.js', reference: { level: expect.any(Number) } },
    ]);

    const { loads, live } = await ledger.state('uat');
    expect(live?.version).toBe('1.0.0');
    expect(loads.map(({ version }) => version)).toEqual(['1.0.0']);
    expect(loads[0]!.scripts).toMatchObject([{ script: 'live/steady.js', step: 0.1 }]);
  });
});

describe.skipIf(!k6Here)('the scripts of the sample shop', () => {
  it('pass', async () => {
    const shop = await buildHost(bench.root, 'shop', ['1.1.0']);
    applyMigrations(bench.root, migrationsOf(shop, '1.1.0'));
    shop.point('1.1.0');
    expect((await shop.shop('start')).status).toBe(0);
    try {
      const folder = join(import.meta.dirname, '../../workflows-examples/widgets/load');
      const section = { scripts: `${folder}/*.js`, url: shop.url, env: { VUS: 2, DURATION: '1s' } };
      const result = await stage.run(context({ section }));
      expect(result).toMatchObject({ outcome: 'passed', code: 'ok' });
      expect(result.facts.scripts).toMatchObject([{ failed: 0 }, { failed: 0 }]);
    } finally {
      await shop.shop('stop');
    }
  });
});
