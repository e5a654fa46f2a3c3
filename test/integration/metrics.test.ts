import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSource } from '../../src/metrics/metrics.ts';
import { connect, type Host } from '../../src/transport/transport.ts';
import { around, failureOf, metric, serve, span } from '../support/metrics.ts';

const directory = mkdtempSync(join(tmpdir(), 'metrics-'));
const signal = new AbortController().signal;
const here = (values: Record<string, string>) =>
  connect(
    { at: directory, with: values },
    { path: null, key: null, knownHosts: null, scratch: directory, workspace: directory, signal },
  );

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('HTTP', () => {
  let server: Awaited<ReturnType<typeof serve>>;
  let total = 100;

  beforeAll(async () => {
    server = await serve((request, response) => {
      const path = request.url!;
      if (path === '/stats') response.end('{"users": 12, "pools": [{"active": "3"}], "state": "fine"}');
      else if (path === '/metrics') response.end('# HELP q\nq{a="1",b="2"} 4\nq{a="2"} 5 1700000000\nqq 100\n');
      else if (path === '/growing') {
        total += 30;
        response.end(`orders_total{a="1"} ${total}\norders_total{a="2"} 1\n`);
      } else if (path === '/error') response.end('<!DOCTYPE html><html>sorry</html>');
      else if (path === '/old')
        response.setHeader('date', new Date(Date.now() - 600_000).toUTCString()).end('{"users": 1}');
      else if (path === '/cached') {
        response
          .setHeader('date', new Date(Date.now() - 600_000).toUTCString())
          .setHeader('age', '600')
          .end('{"users": 1}');
      } else if (path === '/moved') response.writeHead(302, { location: '/login?token=secret' }).end();
      else if (path === '/slow') request.resume();
      else response.writeHead(503).end();
    });
  });

  afterAll(() => server.stop());

  it.each([
    ['/stats', '$.users', 12],
    ['/stats', '$.pools[0].active', 3],
    ['/metrics', 'q', 9],
    ['/metrics', 'q{b="2"}', 4],
    ['/cached', '$.users', 1],
  ])('%s %s is %d', async (path, where, expected) => {
    const source = await openSource(metric({ http: `${server.url}${path}`, path: where }), around());
    expect(source).toMatchObject({ kind: 'gauge', keepsHistory: false, replays: false });
    expect(await source.sample(span())).toMatchObject([{ value: expected, host: null }]);
  });

  it.each([
    ['/stats', '$.user', 'metric-missing', /has no \$\.user/],
    ['/stats', 'users', 'metric-missing', /it is JSON, whose places are written \$\.users/],
    ['/stats', undefined, 'metric-error', /it is JSON: name the number with path/],
    ['/metrics', 'r', 'metric-missing', /no series r/],
    ['/stats', '$.state', 'metric-error', /no number/],
    ['/error', '$.users', 'metric-error', /an HTML page/],
    ['/error', undefined, 'metric-error', /an HTML page/],
    ['/metrics', '$.users', 'metric-error', /not JSON/],
    ['/away', '$.users', 'metric-error', /HTTP 503/],
    ['/moved', '$.users', 'metric-error', /redirects to http:\/\/127[^?]*\/login; redirects are not followed/],
    ['/slow', '$.users', 'metric-unreachable', /no answer in 0.2 s/],
    ['/old', '$.users', 'metric-clock', /10 min( \d s)? behind this machine's/],
  ])('%s %s is no number, and says why', async (path, where, code, why) => {
    const section = metric({ http: `${server.url}${path}`, path: where });
    const source = await openSource(section, around(path === '/slow' ? { patience: 200 } : {}));
    expect(await failureOf(source.sample(span()))).toEqual({ code, why: expect.stringMatching(why) });
  });

  it('counts what a total grew by, from reading to reading', async () => {
    const source = await openSource(metric({ http: `${server.url}/growing`, path: 'orders_total' }), around());
    expect(source.kind).toBe('count');
    const [first] = await source.sample(span(0.2));
    expect(first!.value).toBe(30);
    const [second] = await source.sample({ from: first!.at, to: first!.at + 200 });
    expect(second!.value).toBe(30);
    total = 0;
    expect(await source.sample({ from: second!.at, to: second!.at + 200 })).toMatchObject([{ value: 31 }]);
    const late = { from: Date.now() + 5000, to: Date.now() + 5200 };
    expect(await source.sample(late)).toMatchObject([
      { value: null, why: expect.stringContaining('counting begins now') },
    ]);
  });

  it.each([
    ['http://{host}:{port}/stats', /^http:\/\/web1:81\/stats on 2 hosts/],
    ['http://u:hunter22@127.0.0.1/', /^http:\/\/u@127.0.0.1\/ on 2 hosts/],
    ['http://u:hunter22@{host}:{prt}/', /\{prt\}, which this host does not have/],
    ['http://localhost', /^http:\/\/localhost\/ on 2 hosts/],
  ])('%s of two hosts over SSH', async (http, says) => {
    const hosts = ['deploy@web1:22', 'deploy@web2'].map(
      (name) => ({ name, kind: 'ssh', with: { port: '81' } }) as unknown as Host,
    );
    const said = await openSource(metric({ http }), around({ hosts })).then(
      ({ notes }) => notes[0],
      (thrown) => thrown.what,
    );
    expect(said).toMatch(says);
    expect(said).not.toContain('hunter22');
  });

  it('asks each host where the URL has placeholders; one that is silent is a fact', async () => {
    const ports = [server.port, 9].map(String);
    const hosts = await Promise.all(ports.map((port) => here({ port })));
    const section = metric({ http: 'http://127.0.0.1:{port}/stats', path: '$.users' });
    const source = await openSource(section, around({ hosts }));
    expect(await source.sample(span())).toMatchObject([
      { value: 12, host: directory },
      { value: null, host: directory, why: expect.stringContaining('ECONNREFUSED') },
    ]);
    await source.close();
    await Promise.all(hosts.map((host) => host.close()));
  });
});

describe('commands', () => {
  let hosts: Host[];

  beforeAll(async () => {
    writeFileSync(join(directory, 'log'), 'ok\nERROR one\r\nERROR two\nerror three\n');
    hosts = [await here({})];
  });

  afterAll(async () => void (await hosts[0]?.close()));

  it.each([
    ['cat log; echo "ERROR in {seconds} s"', 'ERROR', 3],
    ['cat log', 'one$', 1],
    ['cat log', 'no such line', 0],
  ])('counts the lines of %s that match %s', async (log, match, expected) => {
    const source = await openSource(metric({ log, match }), around({ hosts }));
    expect(source.kind).toBe('count');
    expect(await source.sample(span(5))).toMatchObject([{ value: expected, host: directory }]);
  });

  it('a log that cannot be read is no number, with the host and how it ended', async () => {
    const silent = async (log: string, patience?: number) =>
      (await openSource(metric({ log, match: 'x' }), around({ hosts, patience }))).sample(span());
    const why = (text: RegExp) => [{ value: null, host: directory, why: expect.stringMatching(text) }];
    expect(await silent('cat nothing')).toMatchObject(why(/: status 1: .*nothing/));
    expect(await silent('grep FATAL log')).toMatchObject(why(/grep ends so where no line matches/));
    expect(await silent('sleep 60', 300)).toMatchObject(why(/no end in time/));
  });

  it('reads the number that a command prints', async () => {
    const source = await openSource(metric({ command: 'wc -l < log' }), around({ workspace: directory }));
    expect(await source.sample(span())).toMatchObject([{ value: 4 }]);
  });

  it('gives commands their own variables, here and on hosts', async () => {
    const env = { TOKEN: 'a $b "c"\'' };
    const open = around({ hosts, workspace: directory });
    const log = await openSource(metric({ log: 'echo "$TOKEN"', match: `^a \\$b "c"'$`, env }), open);
    expect(await log.sample(span())).toMatchObject([{ value: 1 }]);
    const command = await openSource(metric({ command: 'printf %s "$TOKEN" | wc -c', env }), open);
    expect(await command.sample(span())).toMatchObject([{ value: env.TOKEN.length }]);
  });

  it.each(['exit 3', 'echo many', 'true', 'no-such-program'])('%s is no number', async (command) => {
    const source = await openSource(metric({ command }), around({ workspace: directory }));
    expect(await failureOf(source.sample(span()))).toMatchObject({ code: 'metric-error' });
  });

  it('a pattern that takes too long is no number', async () => {
    const log = "printf '%060d\\n' 0";
    const source = await openSource(metric({ log, match: '^(0+)+1$' }), around({ workspace: directory }));
    const failed = await failureOf(source.sample(span()));
    expect(failed).toEqual({ code: 'metric-error', why: expect.stringContaining('was not through') });
  });
});
