import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSource, type SourceContext } from '../../src/metrics/metrics.ts';
import { redact } from '../../src/secret/secret.ts';
import type { Host } from '../../src/transport/transport.ts';
import { around, failureOf, metric, serve, span } from '../support/metrics.ts';
import {
  ask,
  Exporter,
  eventually,
  missingPrometheus,
  startPrometheus,
  type TestPrometheus,
} from '../support/prometheus.ts';

const RATE = 'sum(rate(orders_total[1m]))';

describe.skipIf(missingPrometheus())('Prometheus', () => {
  const web = [new Exporter(), new Exporter()];
  let ports: number[];
  let hosts: Host[];
  let server: TestPrometheus;
  let open: SourceContext;
  let total = 0;
  let more = '';
  let timer: NodeJS.Timeout;

  beforeAll(async () => {
    ports = await Promise.all(web.map((exporter) => exporter.start()));
    hosts = ports.map(
      (port, i) => ({ name: `deploy@127.0.0.1:${i}`, kind: 'ssh', with: { port: `${port}` } }) as unknown as Host,
    );
    server = await startPrometheus(ports, [
      ['job:orders:rate1m', 'sum(rate(orders_total[1m]))'],
      ['job:ratio:rate1m', 'sum(rate(orders_total[1m])) / sum(rate(visits_total[1m]))'],
    ]);
    open = around({ prometheus: server.url, hosts });
    timer = setInterval(() => {
      total += 5;
      for (const exporter of web)
        if (exporter.text !== null)
          exporter.text = `orders_total{path="/a"} ${total}\norders_total{path="/b"} ${total}\nvisits_total ${total * 10}\nusers 7\nratio NaN\n${more}`;
    }, 100);
    await eventually(async () => (await ask(server.url, 'count_over_time(job:ratio:rate1m[10s])')) >= 6);
  });

  afterAll(async () => {
    clearInterval(timer);
    await server?.stop();
    await Promise.all(web.map((exporter) => exporter.stop()));
  });

  it('reads a level, and learns how often it is scraped', async () => {
    const source = await openSource(metric({ prometheus: 'max(users)' }), open);
    expect(source).toMatchObject({ kind: 'gauge', window: null, replays: true });
    expect(source.cadence).toBeGreaterThan(200);
    expect(source.cadence).toBeLessThan(2000);
    expect(await source.sample(span())).toMatchObject([{ value: 7, why: null, host: null }]);
  });

  it.each([
    ['a rate', RATE],
    ['the totals', 'sum(orders_total)'],
    ['a recorded rate', 'job:orders:rate1m'],
  ])('reads the counter itself where %s is asked for, over all its series', async (_, prometheus) => {
    const source = await openSource(metric({ prometheus }), open);
    expect(source.kind).toBe('count');
    expect(source.notes.join()).toContain('the counter orders_total is read itself');
    const { from, to } = span(2);
    const [past] = await source.history({ from, to }, 1000);
    const grown = past!.values.filter((value) => value !== null);
    expect(grown.length).toBeGreaterThan(0);
    for (const value of grown) expect(value).toBeGreaterThan(50);
    const [sample] = await source.sample({ from: from + 1000, to });
    expect(sample!.value).toBeGreaterThan(50);
    expect(sample!.value).toBeLessThan(800);
  });

  it('leaves the rest as windows: a recorded ratio', async () => {
    const source = await openSource(metric({ prometheus: 'job:ratio:rate1m' }), open);
    expect(source).toMatchObject({ kind: 'window', window: 60_000 });
    expect((await source.sample(span()))[0]!.value).toBeCloseTo(0.2, 2);
  });

  it.each([
    ['of a counter', 'sum by (instance) (rate(orders_total[1m]))'],
    ['of a level', 'users'],
  ])('gives each host its number, by the names in changeline.yml: %s', async (_, prometheus) => {
    const source = await openSource(metric({ prometheus, host: 'instance' }), open);
    const names = hosts.map(({ name }) => name);
    const samples = await source.sample(span());
    expect(samples.map(({ host }) => host).sort()).toEqual(names);
    for (const { value } of samples) expect(value).toBeGreaterThan(0);
    const pasts = await source.history(span(2), 1000);
    expect(pasts.map(({ host }) => host).sort()).toEqual(names);
  });

  it('reads more of the past than the server gives at once', async () => {
    const source = await openSource(metric({ prometheus: 'max(users)' }), open);
    const [past] = await source.history(span(1200), 100);
    expect(past!.values).toHaveLength(12_000);
    expect(past!.values.filter((value) => value === 7).length).toBeGreaterThan(20);
  });

  it('0 is a number where the query says so, and what it names is unknown is said', async () => {
    const source = await openSource(metric({ prometheus: 'sum(rate(faults_total[1m])) or vector(0)' }), open);
    expect(source.notes.join()).toContain('the server does not know faults_total');
    expect(await source.sample(span())).toMatchObject([{ value: 0 }]);
    expect((await source.history(span(1), 500))[0]!.values).toEqual([0, 0]);
    more = 'faults_total 40\n';
    const began = Date.now();
    await eventually(async () => (await ask(server.url, 'sum(faults_total)')) === 80);
    expect(await source.sample({ from: began, to: Date.now() })).toMatchObject([{ value: 80 }]);
    more = '';
  });

  it('says of a series that is not there any more that the server knew it', async () => {
    await eventually(async () => (await ask(server.url, 'count(faults_total)')) === 0);
    const source = await openSource(metric({ prometheus: 'sum(faults_total)', kind: 'gauge' }), open);
    expect(await source.sample(span())).toMatchObject([
      { value: null, why: expect.stringContaining('knows the name') },
    ]);
  });

  it('NaN is no number, and says why', async () => {
    const source = await openSource(metric({ prometheus: 'max(ratio)' }), open);
    expect(await source.sample(span())).toMatchObject([
      { value: null, why: expect.stringMatching(/NaN: a division by zero/) },
    ]);
  });

  it.each([
    [
      'a misspelt name',
      { prometheus: 'sum(oders_total)' },
      'metric-missing',
      /know oders_total; did you mean orders_total\?/,
    ],
    [
      'a name without its ending',
      { prometheus: 'sum(rate(orders[1m]))' },
      'metric-missing',
      /did you mean orders_total\?/,
    ],
    [
      'a misspelt label',
      { prometheus: 'sum(users{job="shp"})' },
      'metric-missing',
      /users has never had job="shp"; did you mean shop\?/,
    ],
    [
      'several series',
      { prometheus: 'orders_total', kind: 'gauge' },
      'metric-error',
      /4 series \(orders_total.*differ in instance, path.*`host:`/,
    ],
    [
      'several series of a host',
      { prometheus: 'rate(orders_total[1m])', host: 'instance' },
      'metric-error',
      /2 series for deploy@.*differ in path/,
    ],
    [
      'a label that the query drops',
      { prometheus: 'max(users)', host: 'instance' },
      'metric-error',
      /\{\} has no label instance/,
    ],
    ['a text', { prometheus: '"seven"' }, 'metric-error', /a text, not a number/],
    ['a query that is none', { prometheus: 'sum(users' }, 'metric-error', /parse error|unclosed/],
    ['a label that is none', { prometheus: 'users', host: 'a-b' }, 'config-invalid', /a-b is not the name of a label/],
  ] as const)('%s is refused', async (_, section, code, why) => {
    const read = async () => (await openSource(metric(section), open)).sample(span());
    expect(await failureOf(read())).toEqual({ code, why: expect.stringMatching(why) });
  });

  it('a clock that is ten minutes off is refused, with both times', async () => {
    // The clock of a Go program cannot be faked from outside: a proxy lets the server itself answer time() + 600.
    const proxy = await serve(async (request, response) => {
      const body = (await text(request)).replace('query=time%28%29', 'query=time%28%29%2B600');
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const answer = await fetch(`${server.url}${request.url}`, { method: 'POST', headers, body });
      response.end(await answer.text());
    });
    const read = openSource(metric({ prometheus: 'max(users)' }), around({ prometheus: proxy.url }));
    const why = /(10 min|9 min 59 s) ahead of this machine's: it says \d{4}-.*Z, here it is \d{4}-.*Z/;
    expect(await failureOf(read)).toEqual({ code: 'metric-clock', why: expect.stringMatching(why) });
    proxy.stop();
  });

  it.each([
    ['says nothing in time', null, 'metric-unreachable', /did not answer in time/],
    ['answers an HTML page with 200', '<html>hello</html>', 'metric-error', /an HTML page: is this a Prometheus/],
    ['answers an error with 200', '{"status":"error","error":"bad"}', 'metric-error', /bad/],
    ['redirects', 302, 'metric-error', /redirects to https:\/\/sso\.example\.com\/login/],
    ['refuses the login', 401, 'metric-error', /refuses the login \(HTTP 401\)/],
  ] as const)('a server that %s', async (_, answer, code, why) => {
    const other = await serve((request, response) => {
      if (typeof answer === 'number') response.writeHead(answer, { location: 'https://sso.example.com/login' }).end();
      else if (answer !== null) response.end(answer);
      else request.resume();
    });
    const read = openSource(
      metric({ prometheus: 'users' }),
      around({ prometheus: other.url, patience: answer === null ? 200 : undefined }),
    );
    expect(await failureOf(read)).toEqual({ code, why: expect.stringMatching(why) });
    other.stop();
  });

  it('a server that is away is unreachable', async () => {
    const read = openSource(metric({ prometheus: 'users' }), around({ prometheus: 'http://127.0.0.1:9' }));
    const why = expect.stringContaining('no answer from http://127.0.0.1:9');
    expect(await failureOf(read)).toMatchObject({ code: 'metric-unreachable', why });
  });

  it('proves who asks by password or token, and says neither', async () => {
    const asked: unknown[] = [];
    const other = await serve((request, response) => {
      asked.push(request.headers.authorization);
      response.writeHead(500).end();
    });
    const url = other.url.replace('//', '//me:p%40ssword@');
    const failed = await openSource(metric({ prometheus: 'users' }), around({ prometheus: url })).catch(String);
    expect(asked[0]).toBe(`Basic ${Buffer.from('me:p@ssword').toString('base64')}`);
    expect(failed).not.toMatch(/p@ssword|p%40ssword/);
    const token = { prometheus: other.url, prometheusToken: 'a.b-c~1\n' };
    await openSource(metric({ prometheus: 'users' }), around(token)).catch(String);
    expect(asked.at(-1)).toBe('Bearer a.b-c~1');
    expect(redact('a.b-c~1')).toBe('***');
    const both = openSource(metric({ prometheus: 'users' }), around({ ...token, prometheus: url }));
    expect(await failureOf(both)).toMatchObject({ code: 'config-invalid' });
    const broken = openSource(metric({ prometheus: 'users' }), around({ ...token, prometheusToken: 'to ken\nx' }));
    const refused = await failureOf(broken);
    expect(refused).toEqual({ code: 'config-invalid', why: expect.not.stringContaining('ken\nx') });
    other.stop();
  });

  it('a host that goes away is a fact, with its name', async () => {
    const source = await openSource(metric({ prometheus: 'users', host: 'instance' }), open);
    await source.sample(span());
    const last = web[1]!.text;
    web[1]!.text = null;
    await eventually(async () => (await ask(server.url, 'count(users)')) === 1);
    expect(await source.sample(span())).toMatchObject([
      { host: hosts[0]!.name, value: 7 },
      { host: hosts[1]!.name, value: null, why: expect.stringMatching(/its scrape fails \(last seen \d\d:/) },
    ]);
    web[1]!.text = last;
    await eventually(async () => (await ask(server.url, 'count(users)')) === 2);
  });

  it('a restart of the server is a gap: no fall, no leap', async () => {
    const source = await openSource(metric({ prometheus: RATE }), open);
    const began = Date.now();
    let away = 0;
    await server.restart(async () => {
      expect(await failureOf(source.sample(span()))).toMatchObject({ code: 'metric-unreachable' });
      await eventually(async () => Date.now() - began > 3 * source.cadence);
      away = Date.now();
    });
    await eventually(async () => (await ask(server.url, 'time() - min(timestamp(users))')) < 1);
    const [past] = await source.history({ from: began, to: Date.now() }, 500);
    expect(past!.values).toContain(null);
    for (const value of past!.values) if (value !== null) expect(value).toBeLessThan(400);
    expect(await source.sample({ from: away, to: Date.now() })).toMatchObject([
      { value: null, why: expect.stringContaining('not scraped when this tick began') },
    ]);
  });

  it('a scrape that has stopped is no number, although a rate goes on for its window', async () => {
    const source = await openSource(metric({ prometheus: 'max(max_over_time(users[5m]))', kind: 'gauge' }), open);
    expect(await source.sample(span())).toMatchObject([{ value: 7 }]);
    for (const exporter of web) exporter.text = null;
    await eventually(async () => (await source.sample(span()))[0]!.value === null);
  });
});
