import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MetricSection } from '../../src/config/config.ts';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { openSource, type SourceContext } from '../../src/metrics/metrics.ts';
import type { Failure } from '../../src/outcome/outcome.ts';
import { connect, type Host } from '../../src/transport/transport.ts';
import { ask, Exporter, eventually, missingPrometheus, startPrometheus } from '../support/prometheus.ts';

const directory = mkdtempSync(join(tmpdir(), 'metrics-'));
const signal = new AbortController().signal;
const metric = (section: Partial<MetricSection>): MetricSection =>
  ({ name: 'm', worse: 'up', critical: true, ...section }) as MetricSection;
const around = (context: Partial<SourceContext> = {}): SourceContext => ({
  hosts: [],
  databases: [],
  prometheus: undefined,
  workspace: directory,
  signal,
  ...context,
});
const span = (seconds = 1) => ({ from: Date.now() - seconds * 1000, to: Date.now() });
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it should have failed'),
    (error: Failure) => ({ code: error.code, why: error.why ?? error.what }),
  );

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe.skipIf(missingPrometheus())('Prometheus', () => {
  const exporter = new Exporter();
  let server: Awaited<ReturnType<typeof startPrometheus>>;
  let total = 0;
  let timer: NodeJS.Timeout;
  let open: SourceContext;

  beforeAll(async () => {
    server = await startPrometheus(await exporter.start());
    open = around({ prometheus: server.url });
    timer = setInterval(() => {
      total += 5;
      exporter.text = `orders_total{host="a"} ${total}\norders_total{host="b"} ${total}\nusers 7\nratio NaN\n`;
    }, 100);
    await eventually(async () => (await ask(server.url, 'count_over_time(users[10s])')) >= 6);
  });

  afterAll(async () => {
    clearInterval(timer);
    await server?.stop();
    await exporter.stop();
  });

  it('reads a gauge, and learns how often it is scraped', async () => {
    const source = await openSource(metric({ prometheus: 'users' }), open);
    expect(source.kind).toBe('gauge');
    expect(source.cadence).toBeGreaterThan(200);
    expect(source.cadence).toBeLessThan(2000);
    expect(await source.sample(span())).toMatchObject([{ value: 7, why: null, host: null }]);
  });

  it('reads the counter itself where a rate is asked for, over all its series', async () => {
    const source = await openSource(metric({ prometheus: 'sum(rate(orders_total[1m]))' }), open);
    expect(source.kind).toBe('count');
    const now = Date.now();
    const history = await source.history({ from: now - 2000, to: now }, 1000);
    const grown = history.filter((value) => value !== null);
    expect(grown.length).toBeGreaterThan(0);
    for (const value of grown) expect(value).toBeGreaterThan(20);
    const [sample] = await source.sample({ from: now - 1000, to: now });
    expect(sample!.value).toBeGreaterThan(20);
  });

  it.each([
    ['a misspelt metric', 'usres', /no series answers/],
    ['NaN', 'ratio', /NaN/],
  ])('%s is no number, and says why', async (_, query, why) => {
    const source = await openSource(metric({ prometheus: query }), open);
    const [sample] = await source.sample(span());
    expect(sample).toMatchObject({ value: null, why: expect.stringMatching(why) });
  });

  it.each([
    ['several series', 'orders_total', /2 series \(orders_total\{host="a"/, 'gauge'],
    ['a query that is none', 'sum(users', /parse error|unclosed/, undefined],
  ] as const)('%s is an error of the source', async (_, query, why, kind) => {
    const read = async () => (await openSource(metric({ prometheus: query, kind }), open)).sample(span());
    expect(await failure(read())).toEqual({ code: 'metric-error', why: expect.stringMatching(why) });
  });

  it('a server that is away is an error of the source', async () => {
    const away = around({ prometheus: 'http://127.0.0.1:9' });
    expect(await failure(openSource(metric({ prometheus: 'users' }), away))).toMatchObject({ code: 'metric-error' });
  });

  it('a server that is no Prometheus is an error of the source', async () => {
    const other = createServer((_, response) => response.end('<html>hello</html>'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    expect(await failure(openSource(metric({ prometheus: 'users' }), around({ prometheus: url })))).toEqual({
      code: 'metric-error',
      why: expect.stringContaining('not JSON'),
    });
    other.closeAllConnections();
    other.close();
  });

  it('a scrape that has stopped is no number, although a rate goes on for its window', async () => {
    const source = await openSource(metric({ prometheus: 'max_over_time(users[5m])', kind: 'gauge' }), open);
    expect(await source.sample(span())).toMatchObject([{ value: 7 }]);
    const text = exporter.text;
    clearInterval(timer);
    exporter.text = null;
    await eventually(async () => (await source.sample(span()))[0]!.value === null);
    exporter.text = text;
  });
});

describe('SQL on SQLite', () => {
  const file = join(directory, 'shop.db');
  const start = Date.UTC(2026, 0, 1);
  let databases: Database[];

  beforeAll(async () => {
    const db = new DatabaseSync(file);
    db.exec('CREATE TABLE orders (at TEXT, ms INTEGER, price REAL)');
    const insert = db.prepare('INSERT INTO orders VALUES (?, ?, ?)');
    for (let i = 0; i < 600; i++) insert.run(new Date(start + i * 100).toISOString(), start + i * 100, 2.5);
    db.close();
    databases = [
      await openDatabase({ name: 'main', url: `sqlite:${file}` }, { workspace: directory, scratch: directory, signal }),
    ];
  });

  afterAll(async () => void (await Promise.all(databases.map((database) => database.close()))));

  it.each([
    ['times', 'SELECT count(*) FROM orders WHERE at >= {from} AND at < {to}', undefined, 10],
    ['milliseconds', 'SELECT count(*) FROM orders WHERE ms >= {from:ms} AND ms < {to:ms};', undefined, 10],
    ['money', 'SELECT sum(price) FROM orders WHERE ms >= {from:ms} AND ms < {to:ms}', 'money', 25],
  ] as const)('counts spans by %s, in history and tick by tick', async (_, sql, kind, expected) => {
    const source = await openSource(metric({ sql, kind }), around({ databases }));
    const history = await source.history({ from: start, to: start + 60_000 }, 1000);
    expect(history).toEqual(new Array(60).fill(expected));
    for (let i = 0; i < 3; i++) {
      const at = start + i * 1000;
      expect(await source.sample({ from: at, to: at + 1000 })).toMatchObject([{ value: expected }]);
    }
  });

  it('a sum over no rows is 0', async () => {
    const source = await openSource(
      metric({ sql: 'SELECT sum(price) FROM orders WHERE ms >= {from:ms} AND ms < {to:ms}', kind: 'money' }),
      around({ databases }),
    );
    expect(await source.sample({ from: start - 2000, to: start - 1000 })).toMatchObject([{ value: 0 }]);
  });

  it('a row that is written late is counted in the next tick', async () => {
    const source = await openSource(
      metric({ sql: 'SELECT count(*) FROM orders WHERE ms >= {from:ms} AND ms < {to:ms}' }),
      around({ databases }),
    );
    const later = start + 600_000;
    expect(await source.sample({ from: later, to: later + 1000 })).toMatchObject([{ value: 0 }]);
    await databases[0]!.query('INSERT INTO orders VALUES (NULL, ?, 1)', [later + 500]);
    expect(await source.sample({ from: later + 1000, to: later + 2000 })).toMatchObject([{ value: 1 }]);
  });

  it.each([
    ['SELECT nothing FROM orders', /nothing/],
    ['SELECT ms FROM orders', /600|601 rows/],
    ['SELECT ms, price FROM orders LIMIT 1', /2 columns/],
    ["SELECT 'many'", /no number/],
  ])('%s is an error of the source', async (sql, why) => {
    const source = await openSource(metric({ sql, kind: 'gauge' }), around({ databases }));
    expect(await failure(source.sample(span()))).toEqual({ code: 'metric-error', why: expect.stringMatching(why) });
  });

  it('without a name among several databases nothing is guessed', async () => {
    const two = around({ databases: [databases[0]!, databases[0]!] });
    expect(await failure(openSource(metric({ sql: 'SELECT 1' }), two))).toMatchObject({ code: 'config-invalid' });
  });
});

describe('HTTP', () => {
  let server: Server;
  let port: number;

  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === '/stats') response.end('{"users": 12, "pools": [{"active": "3"}], "state": "fine"}');
      else if (request.url === '/metrics') response.end('# HELP q\nq{a="1",b="2"} 4\nq{a="2"} 5 1700000000\nqq 100\n');
      else if (request.url === '/error') response.end('<html>sorry</html>');
      else response.writeHead(503).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });

  afterAll(() => void server.close());

  it.each([
    ['/stats', '$.users', 12],
    ['/stats', '$.pools[0].active', 3],
    ['/metrics', 'q', 9],
    ['/metrics', 'q{b="2"}', 4],
  ])('%s %s is %d', async (path, where, expected) => {
    const source = await openSource(metric({ http: `http://127.0.0.1:${port}${path}`, path: where }), around());
    expect(await source.sample(span())).toMatchObject([{ value: expected, host: null }]);
  });

  it.each([
    ['/stats', '$.user', /has no \$\.user/],
    ['/stats', '$.state', /no number/],
    ['/error', '$.users', /not JSON/],
    ['/away', '$.users', /HTTP 503/],
    ['/metrics', 'r', /no series r/],
  ])('%s %s is no number, and says why', async (path, where, why) => {
    const source = await openSource(metric({ http: `http://127.0.0.1:${port}${path}`, path: where }), around());
    expect(await source.sample(span())).toMatchObject([{ value: null, why: expect.stringMatching(why) }]);
  });

  it('asks each host where the URL has placeholders', async () => {
    const connecting = [port, 9].map((number) =>
      connect(
        { at: directory, with: { port: String(number) } },
        { path: null, key: null, knownHosts: null, scratch: directory, workspace: directory, signal },
      ),
    );
    const hosts = await Promise.all(connecting);
    const source = await openSource(
      metric({ http: 'http://127.0.0.1:{port}/stats', path: '$.users' }),
      around({ hosts }),
    );
    expect(await source.sample(span())).toMatchObject([
      { value: 12 },
      { value: null, why: expect.stringContaining('ECONNREFUSED') },
    ]);
    await source.close();
    await Promise.all(hosts.map((host) => host.close()));
  });
});

describe('commands', () => {
  let hosts: Host[];

  beforeAll(async () => {
    writeFileSync(join(directory, 'log'), 'ok\nERROR one\nERROR two\nerror three\n');
    hosts = [
      await connect(
        { at: directory, with: {} },
        { path: null, key: null, knownHosts: null, scratch: directory, workspace: directory, signal },
      ),
    ];
  });

  afterAll(async () => void (await hosts[0]?.close()));

  it('counts the lines of a log on a host', async () => {
    const source = await openSource(
      metric({ log: 'cat log; echo "ERROR in {seconds} s"', match: 'ERROR' }),
      around({ hosts }),
    );
    expect(source.kind).toBe('count');
    expect(await source.sample(span(5))).toMatchObject([{ value: 3, host: directory }]);
  });

  it('reads the number that a command prints', async () => {
    const source = await openSource(metric({ command: 'wc -l < log' }), around());
    expect(await source.sample(span())).toMatchObject([{ value: 4 }]);
  });

  it.each(['exit 3', 'echo many', 'true', 'no-such-program'])('%s is no number', async (command) => {
    const source = await openSource(metric({ command }), around());
    expect(await source.sample(span())).toMatchObject([{ value: null, why: expect.any(String) }]);
  });

  it('a pattern that is none is refused', async () => {
    expect(await failure(openSource(metric({ log: 'cat log', match: '(' }), around()))).toMatchObject({
      code: 'config-invalid',
    });
  });
});
