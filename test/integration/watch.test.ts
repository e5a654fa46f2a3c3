import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Environment, MetricSection, WatchSection } from '../../src/config/config.ts';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { openWatcher, type Watcher } from '../../src/observation/observation.ts';
import { connect, type Host } from '../../src/transport/transport.ts';
import {
  ask,
  Exporter,
  eventually,
  missingPrometheus,
  startPrometheus,
  type TestPrometheus,
} from '../support/prometheus.ts';

/** Events a second of the shop; every random number comes from here, so a run can be repeated. */
const BUSY = 60;
const SUM = 'SELECT sum(price) FROM orders WHERE ms >= {from:ms} AND ms < {to:ms}';
const COUNT = 'SELECT count(*) FROM orders WHERE ms >= {from:ms} AND ms < {to:ms}';

const directory = mkdtempSync(join(tmpdir(), 'watch-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A seeded random number generator (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A watch of so many milliseconds, and no longer. */
const of = (ms: number) => ({ min: ms, max: ms });

/** Orders in a SQLite file: Poisson arrivals before now, and from now on at a share of the pace, written ahead. */
class Shop {
  readonly database: Promise<Database>;
  private readonly db: DatabaseSync;

  constructor(seed: number, share: number, aheadMs = 10_000) {
    const file = join(directory, `shop-${seed}-${share}.db`);
    this.db = new DatabaseSync(file);
    this.db.exec('CREATE TABLE orders (ms INTEGER, price REAL); CREATE INDEX at ON orders (ms); BEGIN');
    const insert = this.db.prepare('INSERT INTO orders VALUES (?, ?)');
    const random = seeded(seed);
    const now = Date.now();
    for (
      let at = now - 20_000;
      at < now + aheadMs;
      at += (-Math.log(1 - random()) * 1000) / (BUSY * (at < now ? 1 : share))
    )
      insert.run(Math.round(at), 5 + 20 * random());
    this.db.exec('COMMIT');
    this.database = openDatabase(
      { name: 'main', url: `sqlite:${file}` },
      { workspace: directory, scratch: directory, signal: new AbortController().signal },
    );
  }

  async close(): Promise<void> {
    await (await this.database).close();
    this.db.close();
  }
}

const section = (metrics: Partial<MetricSection>[], more: Partial<WatchSection> = {}): WatchSection => ({
  for: '3s',
  every: '250ms',
  reference: '1h',
  replay: '0s',
  metrics: metrics.map((metric) => ({ critical: true, worse: 'down', ...metric }) as MetricSection),
  ...more,
});

const exporter = new Exporter();
let server: TestPrometheus;
let starting: Promise<void>;
let timer: NodeJS.Timeout;
let pace = 4;
let count = 0;

/** Users of three days, each minute until now: none of it is harmed. */
function pastUsers(): string {
  const random = seeded(9);
  const end = Math.floor(Date.now() / 1000);
  const length = 3.3 * 86_400;
  let wave = 0;
  const lines = Array.from({ length: length / 60 }, (_, i) => {
    const at = end - length + i * 60;
    wave = 0.9 * wave + random() - 0.5;
    return `shop_users ${Math.round(300 + 8 * wave)} ${at}`;
  });
  return `# TYPE shop_users gauge\n${lines.join('\n')}\n# EOF\n`;
}

// It has points enough for a reference by the time that the first tests are done.
beforeAll(() => {
  if (missingPrometheus()) return;
  starting = (async () => {
    server = await startPrometheus(await exporter.start(), [], pastUsers());
    const random = seeded(8);
    timer = setInterval(() => {
      if (exporter.text === null) return;
      for (let i = 0; i < 2 * pace; i++) if (random() < 0.5) count++;
      exporter.text = `orders_total ${count}\n`;
    }, 50);
  })();
});

afterAll(async () => {
  clearInterval(timer);
  await server?.stop();
  await exporter.stop();
});

describe('a watch', () => {
  let cleanUp: (() => Promise<void>)[] = [];
  let log: RecordingLog;
  let aborter: AbortController;

  beforeEach(() => {
    log = new RecordingLog();
    aborter = new AbortController();
  });

  afterEach(async () => {
    for (const close of cleanUp.reverse()) await close();
    cleanUp = [];
  });

  async function watcherOf(
    watch: WatchSection,
    databases: Database[] = [],
    handover = mkdtempSync(join(directory, 'handover-')),
    first = false,
    hosts: readonly Host[] = [],
  ): Promise<Watcher> {
    const environment = { name: 'production', hosts: [], databases: [], 'config-files': [], watch } as Environment;
    const watcher = await openWatcher({
      section: watch,
      environment,
      hosts,
      databases,
      workspace: directory,
      handover,
      log,
      signal: aborter.signal,
      first,
    });
    cleanUp.push(() => watcher.close());
    return watcher;
  }

  async function shopOf(seed: number, share: number): Promise<Database> {
    const shop = new Shop(seed, share);
    cleanUp.push(() => shop.close());
    return shop.database;
  }

  const revenue = { name: 'revenue', sql: SUM, kind: 'money', tolerate: '-50%' } as const;
  const orders = { name: 'orders', sql: COUNT, tolerate: '-50%' } as const;

  it('passes where nothing changed, and says what could be seen', async () => {
    const watcher = await watcherOf(section([revenue, orders]), [await shopOf(1, 1)]);
    const plan = await watcher.plan(of(3000));
    expect(plan.filter(({ kind }) => kind === 'obstacle')).toEqual([]);
    expect(plan.map(({ text }) => text).join('\n')).toMatch(
      /watch "revenue" \(money.*against the time before[\s\S]*\nrevenue +×0\.\d+ +×0\.[89]/,
    );
    const seen = await watcher.observe({ for: of(3000), label: 'watch' });
    expect(seen).toMatchObject({ outcome: 'passed', code: 'ok' });
    expect(seen.verdicts.map(({ outcome, ticks, silent }) => ({ outcome, ticks, silent }))).toEqual([
      { outcome: 'passed', ticks: 12, silent: 0 },
      { outcome: 'passed', ticks: 12, silent: 0 },
    ]);
    expect(seen.markdown).toContain('xychart-beta');
  });

  it('sees revenue fall to a third long before its end, and says how much is missing', async () => {
    const watcher = await watcherOf(section([revenue, { ...orders, critical: false }]), [await shopOf(2, 0.3)]);
    const seen = await watcher.observe({ for: of(8000), label: 'watch' });
    expect(seen).toMatchObject({ outcome: 'failed', code: 'metric-worse' });
    const [verdict] = seen.verdicts;
    expect(verdict).toMatchObject({ side: 'down', outcome: 'failed' });
    expect(verdict!.alarm!).toBeLessThanOrEqual(10);
    expect(verdict!.effect!).toBeLessThan(0.6);
    expect(verdict!.missing!.low).toBeGreaterThan(0);
    expect(seen.summary).toMatch(/revenue: fell to ×0\.\d+ of the reference/);
  });

  it('does not stop for a metric that is not critical, and reports it', async () => {
    const watcher = await watcherOf(section([{ ...orders, critical: false }]), [await shopOf(3, 0.3)]);
    const seen = await watcher.observe({ for: of(3000), label: 'watch' });
    expect(seen.outcome).toBe('passed');
    expect(seen.verdicts[0]).toMatchObject({ outcome: 'failed', ticks: 12 });
    expect(seen.summary).toContain('worse, but not critical: orders');
  });

  it('refuses in the plan what could not be seen', async () => {
    const watcher = await watcherOf(section([{ ...orders, tolerate: '-5%' }]), [await shopOf(4, 1)]);
    const obstacle = (await watcher.plan(of(3000))).find(({ kind }) => kind === 'obstacle');
    expect(obstacle?.failure).toMatchObject({ code: 'metric-blind', next: expect.stringContaining('critical: false') });
  });

  it('is inconclusive without a reference', async () => {
    const watcher = await watcherOf(section([{ name: 'users', command: 'echo 5' }]));
    expect(await watcher.plan(of(3000))).toMatchObject([
      { kind: 'blind', text: expect.stringContaining('keeps no history') },
    ]);
    expect(await watcher.observe({ for: of(1000), label: 'watch' })).toMatchObject({
      outcome: 'inconclusive',
      code: 'metric-unsure',
    });
  });

  it('compares sources without history with what was sampled before, also by an earlier stage', async () => {
    const handover = mkdtempSync(join(directory, 'handover-'));
    const watch = section([{ name: 'users', command: 'echo 5', worse: 'either', critical: true }], { every: '100ms' });
    const before = await watcherOf(watch, [], handover);
    const flip = new Date();
    before.startReference();
    await sleep(2500);
    await before.endReference();
    await before.close();
    const after = await watcherOf(watch, [], handover);
    expect(await after.observe({ for: of(1500), label: 'watch', referenceEnd: flip })).toMatchObject({
      outcome: 'passed',
      code: 'ok',
    });
  });

  it('holds new hosts against old ones, whatever the load does', async () => {
    const way = { path: null, key: null, knownHosts: null };
    const options = { ...way, workspace: directory, scratch: directory, signal: aborter.signal };
    const names = ['./new', './old1', './old2'];
    const lines = (host: string, count: number) => {
      mkdirSync(join(directory, host), { recursive: true });
      writeFileSync(join(directory, host, 'log'), 'GET /\n'.repeat(count));
    };
    for (const name of names) lines(name, 20);
    const hosts = await Promise.all(names.map((at) => connect({ at, with: {} }, options)));
    cleanUp.push(async () => void (await Promise.all(hosts.map((host) => host.close()))));
    const requests = { name: 'requests', log: 'cat log', match: 'GET', worse: 'either' } as const;
    const watcher = await watcherOf(section([requests], { every: '100ms' }), [], undefined, false, hosts);
    watcher.startReference();
    await sleep(2000);
    await watcher.endReference();
    const versions = { newHosts: names.slice(0, 1), oldHosts: names.slice(1) };
    for (const name of names) lines(name, 60);
    expect(await watcher.observe({ for: of(800), label: 'wave 1', ...versions })).toMatchObject({ outcome: 'passed' });
    lines('./new', 6);
    const worse = await watcher.observe({ for: of(2000), label: 'wave 1', ...versions });
    expect(worse).toMatchObject({ outcome: 'failed', verdicts: [{ side: 'down' }] });
  });

  it('a source that goes silent in the middle is no success', async () => {
    let silent = false;
    const server: Server = createServer((_, response) =>
      silent ? response.writeHead(502).end() : response.end('{"users": 5}'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUp.push(async () => void server.close());
    const http = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const watcher = await watcherOf(section([{ name: 'users', http, path: '$.users' }], { every: '100ms' }));
    watcher.startReference();
    await sleep(1800);
    setTimeout(() => (silent = true), 800);
    const seen = await watcher.observe({ for: of(1600), label: 'watch' });
    expect(seen).toMatchObject({
      outcome: 'inconclusive',
      code: 'metric-error',
      summary: expect.stringContaining('502'),
    });
  });

  it('a query with an error is an obstacle of the plan, and no success of the watch', async () => {
    const watcher = await watcherOf(section([{ ...orders, sql: COUNT.replace('orders', 'ordres') }]), [
      await shopOf(5, 1),
    ]);
    expect((await watcher.plan(of(1000)))[0]).toMatchObject({ kind: 'obstacle', failure: { code: 'metric-missing' } });
    expect(await watcher.observe({ for: of(1000), label: 'watch' })).toMatchObject({
      outcome: 'inconclusive',
      code: 'metric-missing',
      summary: expect.stringContaining('ordres'),
    });
  });

  it('a clock that is off is an obstacle of the plan, and no success of the watch', async () => {
    const server = createServer((_, response) => {
      response.setHeader('date', new Date(Date.now() - 600_000).toUTCString()).end('{"users": 5}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUp.push(async () => void server.close());
    const http = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const watcher = await watcherOf(section([{ name: 'users', http, path: '$.users' }]));
    expect((await watcher.plan(of(1000)))[0]).toMatchObject({ kind: 'obstacle', failure: { code: 'metric-clock' } });
    expect(await watcher.observe({ for: of(1000), label: 'watch' })).toMatchObject({
      outcome: 'inconclusive',
      code: 'metric-clock',
    });
  });

  it('what never came before may come as often as the absolute tolerance says, and no more', async () => {
    const errors = { name: 'errors', worse: 'up', tolerate: '20/s' } as const;
    const calm = { ...errors, sql: COUNT.replace('WHERE', 'WHERE price < 0 AND') };
    const sudden = { ...errors, name: 'sudden', sql: COUNT.replace('WHERE', `WHERE ms > ${Date.now() + 1000} AND`) };
    const watcher = await watcherOf(section([calm, sudden]), [await shopOf(9, 1)]);
    expect((await watcher.plan(of(3000))).filter(({ kind }) => kind === 'obstacle')).toEqual([]);
    const seen = await watcher.observe({ for: of(3000), label: 'watch' });
    expect(seen).toMatchObject({ outcome: 'failed', code: 'metric-worse' });
    expect(seen.verdicts).toMatchObject([
      { metric: 'errors', alarm: null },
      { metric: 'sudden', side: 'up', outcome: 'failed' },
    ]);
  });

  it('ends at once when the run is cancelled', async () => {
    const watcher = await watcherOf(section([orders]), [await shopOf(6, 1)]);
    setTimeout(() => aborter.abort(), 300);
    await expect(watcher.observe({ for: of(60_000), label: 'watch' })).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('goes on where it cannot tell, and says so the moment it does', async () => {
    const watcher = await watcherOf(section([{ ...orders, tolerate: '-2%' }]), [await shopOf(8, 1)]);
    const events: string[] = [];
    const seen = await watcher.observe({
      for: { min: 500, max: 1500 },
      label: 'watch',
      onEvent: ({ kind, text }) => void events.push(`${kind}: ${text}`),
    });
    expect(events).toEqual([
      expect.stringMatching(/^extended: goes on for 1\.0 s at most: orders: .* cannot be excluded/),
      `verdict: ${seen.summary}`,
    ]);
    expect(seen).toMatchObject({ outcome: 'inconclusive', facts: { 'for-ms': 500, 'extended-to-ms': 1500 } });
    expect(seen.charts[0]!.marks.map(({ label }) => label)).toEqual(['watch begins', 'extended']);
  });

  it('watches an absolute limit of a first version, with nothing to compare with', async () => {
    const limit = { above: 4, for: '300ms' };
    const users = { name: 'users', command: 'echo 5', worse: 'up', limit } as const;
    const calm = { ...users, name: 'calm', limit: { above: 6 } } as const;
    const watch = section([users, calm, orders], { every: '100ms' });
    const watcher = await watcherOf(watch, [], undefined, true);
    const plan = (await watcher.plan(of(1000))).map(({ kind, text }) => `${kind} ${text}`);
    expect(plan).toEqual([
      expect.stringMatching(/^will watch "users".*; an alarm where it stays above 4 for 0\.3 s$/),
      expect.stringMatching(/^blind "users": judged by its limit alone/),
      expect.stringMatching(/^will watch "calm".*above 6 for 0\.3 s$/),
      expect.stringMatching(/^blind "calm": judged by its limit alone/),
      expect.stringMatching(/^blind the first version here/),
    ]);
    const seen = await watcher.observe({ for: of(1000), label: 'watch' });
    expect(seen).toMatchObject({ outcome: 'failed', code: 'metric-worse' });
    expect(seen.verdicts).toMatchObject([{ metric: 'users', alarm: 3 }, { metric: 'calm' }]);
  });

  it('escapes names in the summary', async () => {
    const name = 'a|b <img src=x> "q"';
    const watcher = await watcherOf(section([{ ...orders, name }]), [await shopOf(7, 1)]);
    const { markdown } = await watcher.observe({ for: of(1000), label: 'watch' });
    expect(markdown).not.toMatch(/[^\\]<img/);
    expect(markdown).not.toMatch(/a\|b/);
    expect(markdown).not.toContain('title "a|b');
  });
});

describe.skipIf(missingPrometheus())('a watch of Prometheus', () => {
  beforeAll(async () => {
    await starting;
    await eventually(async () => (await ask(server.url, 'count_over_time(orders_total[30s])')) >= 20);
  });

  const open = (
    metric: Partial<MetricSection>,
    more: Partial<WatchSection> = {},
    disturbed: () => Promise<{ from: number; to: number }[]> = async () => [],
  ) => {
    const length = { every: '500ms', reference: '10s', prometheus: server.url, ...more };
    const options = {
      section: section([{ name: 'orders', ...metric }], length),
      disturbed,
      environment: { name: 'production', hosts: [], databases: [], 'config-files': [] } as Environment,
      hosts: [],
      databases: [],
      workspace: directory,
      handover: directory,
      log: new RecordingLog(),
      signal: new AbortController().signal,
    };
    return openWatcher(options);
  };

  it('a misspelt metric is an obstacle of the plan', async () => {
    const watcher = await open({ prometheus: 'sum(rate(ordrs_total[1m]))' });
    expect(await watcher.plan(of(3000))).toMatchObject([
      { kind: 'obstacle', failure: { code: 'metric-missing', why: expect.stringContaining('ordrs_total') } },
    ]);
    await watcher.close();
  });

  it('replays unharmed days, drills on them, and knows the same clock time on the days before', async () => {
    const users = { name: 'users', prometheus: 'max(shop_users)', worse: 'down', tolerate: '-30%' } as const;
    const asked: number[] = [];
    const length = { every: '1m', reference: '6h', for: '30m', replay: '3d' };
    const now = Date.now();
    const incident = { from: now - 86_400_000 - 600_000, to: now - 86_400_000 };
    const watcher = await open(users, length, async () => [incident].filter(() => asked.push(1)));
    const texts = (await watcher.plan(of(1_800_000))).map(({ text }) => text).join('\n');
    expect(texts).toMatch(/\d+ of 19 replayed watches of the last 3 days would have alarmed/);
    const { summary } = await watcher.drill({ for: of(1_800_000), harm: 'x0.2' });
    expect(summary).toMatch(/users ×0\.2: fires in (1[5-9]) of 19 watches/);
    expect(asked).toHaveLength(1);
    await watcher.close();
    const again = await open({ ...users, compare: 'days' }, length);
    const days = (await again.plan(of(1_800_000))).map(({ text }) => text).join('\n');
    expect(days).toMatch(/against the same clock time on 3 days before/);
    await again.close();
  });

  it('sees a counter stand still, and a scrape that stops', async () => {
    const watcher = await open({ prometheus: 'sum(rate(orders_total[1m]))' });
    pace = 0;
    const fallen = await watcher.observe({ for: of(6000), label: 'watch' });
    expect(fallen).toMatchObject({ outcome: 'failed', code: 'metric-worse' });
    pace = 4;
    exporter.text = null;
    const blind = await watcher.observe({ for: of(3000), label: 'watch', referenceEnd: new Date(Date.now() - 6000) });
    expect(blind).toMatchObject({
      outcome: 'inconclusive',
      code: 'metric-silent',
      summary: expect.stringContaining('not scraped any more'),
    });
    await watcher.close();
  });
});

it('keeps samples readable by this user only', async () => {
  const { Recording } = await import('../../src/observation/recording.ts');
  const { statSync, readdirSync } = await import('node:fs');
  const place = join(directory, 'kept');
  await new Recording(place, 'production', { name: 'm' } as MetricSection).add(1, [
    { at: 1, host: null, value: 2, why: null },
  ]);
  const [file] = readdirSync(place);
  expect(statSync(join(place, file!)).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(place, file!), 'utf8')).toBe('{"at":1,"host":null,"value":2}\n');
});
