import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RecordingLog } from '../../src/log/log.ts';
import { type Check, type Patience, probe } from '../../src/probe/probe.ts';
import { stage } from '../../src/stages/smoke-test.ts';
import type { StageContext } from '../../src/stages/stage.ts';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const serve = async (listener: RequestListener) => `http://127.0.0.1:${await listen(createServer(listener))}`;

const ONCE: Patience = { timeout: 2000, tries: 1, deadline: 2000, pause: 1 };
const THRICE: Patience = { timeout: 2000, tries: 3, deadline: 5000, pause: 5 };
const never = new AbortController().signal;
const ask = (url: string, change: Partial<Check> = {}, patience = ONCE) =>
  probe({ url, status: 200, ...change }, never, patience);

describe('a probe', () => {
  it('that fails at first and then passes says so', async () => {
    let asked = 0;
    const url = await serve((_, answer) => void answer.writeHead(asked++ === 0 ? 500 : 200).end());
    expect(await ask(url, {}, THRICE)).toMatchObject({
      passed: true,
      tries: 2,
      status: 200,
      before: ['status 500 instead of 200'],
    });
  });

  it('that always fails stops after its tries, with the last reason', async () => {
    let asked = 0;
    const url = await serve((_, answer) => void answer.writeHead(500 + asked++).end());
    expect(await ask(url, {}, THRICE)).toMatchObject({
      passed: false,
      tries: 3,
      status: 502,
      why: ['status 502 instead of 200'],
    });
    expect(asked).toBe(3);
  });

  it('begins no try after its deadline', async () => {
    const url = await serve((_, answer) => void answer.writeHead(500).end());
    expect(await ask(url, {}, { ...THRICE, pause: 50, deadline: 10 })).toMatchObject({ passed: false, tries: 1 });
  });

  it('tells the wrong version', async () => {
    const url = await serve((_, answer) => void answer.end('{"version":"1.1.0"}'));
    expect((await ask(url, { version: '1.2.0' })).why).toEqual([expect.stringContaining('"1.1.0"')]);
  });

  it('does not wait for a server that says nothing, or never ends', async () => {
    const silent = await serve(() => {});
    expect(await ask(silent, {}, { ...ONCE, timeout: 50 })).toMatchObject({
      passed: false,
      status: null,
      why: ['no whole answer within 50 ms'],
    });
    const endless = await serve((_, answer) => void answer.write('x'));
    expect(await ask(endless, {}, { ...ONCE, timeout: 50 })).toMatchObject({
      passed: false,
      why: ['no whole answer within 50 ms'],
    });
  });

  it('reads no more than a mebibyte', async () => {
    const url = await serve((_, answer) => {
      const more = () => {
        while (answer.write('x'.repeat(65_536)));
      };
      answer.on('drain', more);
      more();
    });
    expect(await ask(url, { body: 'y' })).toMatchObject({
      passed: false,
      why: [expect.stringContaining('first 1048576 characters')],
    });
    expect(await ask(url, { body: 'xxx' })).toMatchObject({ passed: true });
  });

  it('takes a redirect as it is', async () => {
    let followed = false;
    const url = await serve((question, answer) => {
      followed ||= question.url === '/login';
      answer.writeHead(302, { location: '/login' }).end();
    });
    expect(await ask(url)).toMatchObject({ passed: false, status: 302 });
    expect(await ask(url, { status: 302, headers: { location: '/login' } })).toMatchObject({ passed: true });
    expect(followed).toBe(false);
  });

  it('names what is wrong with the connection', async () => {
    const port = await listen(createServer());
    await new Promise((resolve) => servers.pop()!.close(resolve));
    expect((await ask(`http://127.0.0.1:${port}`)).why).toEqual(['the connection was refused (ECONNREFUSED)']);
    expect((await ask('http://no-such-host.invalid')).why[0]).toMatch(/host name/);
    const broken = await serve((question) => void question.socket.destroy());
    expect((await ask(broken)).why[0]).toMatch(/broken off/);
  });

  it('names what is wrong with TLS', async () => {
    const home = await mkdtemp(join(tmpdir(), 'changeline-tls-'));
    try {
      const subject = ['-subj', '/CN=other.example', '-addext', 'subjectAltName=DNS:other.example'];
      const files = ['-keyout', join(home, 'key'), '-out', join(home, 'cert')];
      execFileSync(
        'openssl',
        [
          'req',
          '-x509',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:prime256v1',
          '-nodes',
          '-days',
          '1',
          ...subject,
          ...files,
        ],
        { stdio: 'ignore' },
      );
      const [key, cert] = await Promise.all(['key', 'cert'].map((name) => readFile(join(home, name))));
      const port = await listen(createTlsServer({ key: key!, cert: cert! }, (_, answer) => void answer.end()));
      expect((await ask(`https://127.0.0.1:${port}`)).why).toEqual([
        expect.stringMatching(/^TLS: the certificate is signed by itself/),
      ]);
      const plain = await serve((_, answer) => void answer.end());
      expect((await ask(plain.replace('http:', 'https:'))).why).toEqual([expect.stringMatching(/^TLS: /)]);
    } finally {
      await rm(home, { recursive: true });
    }
  });

  it('sends a password as a header and never shows it', async () => {
    const url = await serve((question, answer) => {
      const right = question.headers.authorization === `Basic ${Buffer.from('u:p@ss word').toString('base64')}`;
      answer.writeHead(right ? 200 : 401).end();
    });
    const probed = await ask(url.replace('//', '//u:p%40ss%20word@'));
    expect(probed.passed).toBe(true);
    expect(probed.url).not.toContain('p%40ss');
  });

  it('stops when the run is cancelled', async () => {
    const cancel = new AbortController();
    const url = await serve(() => cancel.abort());
    await expect(probe({ url, status: 200 }, cancel.signal, ONCE)).rejects.toThrow();
  });
});

describe('the smoke-test stage', () => {
  function context(change: {
    url?: string[];
    expected?: string;
    section?: unknown;
    version?: string;
    environment?: null;
  }): StageContext<'smoke-test'> {
    const environment =
      change.environment === null
        ? null
        : { name: 'production', hosts: [], databases: [], 'config-files': [], 'smoke-test': change.section };
    return {
      verb: 'smoke-test',
      inputs: {
        url: change.url ?? [],
        'expect-version': change.expected ?? '',
        environment: '',
        config: '',
        token: '',
      },
      environment,
      change: change.version ? { version: change.version } : null,
      ledger: null,
      log: new RecordingLog(),
      signal: never,
    } as unknown as StageContext<'smoke-test'>;
  }
  const shop: RequestListener = (question, answer) => {
    answer
      .writeHead(question.url === '/gone' ? 404 : 200)
      .end(question.url === '/version' ? '{"version":"1.2.0"}' : '[]');
  };

  it('asks the section, relative paths included, for the version of the change', async () => {
    const url = await serve(shop);
    const section = [
      `${url}/health`,
      { get: '/version', expect: { status: 200, version: true, json: { '$.version': '1.2.0' } } },
      { get: '/gone', expect: { status: 404 } },
    ];
    const result = await stage.run(context({ section, version: '1.2.0' }));
    expect(result).toMatchObject({ outcome: 'passed', summary: '3 of 3 checks passed', outputs: { checks: '3/3' } });
    const wrong = await stage.run(context({ section, version: '1.3.0' }));
    expect(wrong).toMatchObject({ outcome: 'failed', code: 'smoke-failed', outputs: { checks: '2/3' } });
  }, 15_000);

  it('refuses an expect-version that no check would ask for', async () => {
    const url = await serve(shop);
    await expect(stage.run(context({ section: [url], expected: '1.2.0' }))).rejects.toMatchObject({
      code: 'input-invalid',
    });
    const section = [{ get: `${url}/version`, expect: { status: 200, version: true } }];
    expect(await stage.run(context({ section, expected: '1.2.0', version: '9.9.9' }))).toMatchObject({
      outcome: 'passed',
    });
  });

  it('asks the URLs of the input without changeline.yml', async () => {
    const url = await serve(shop);
    const result = await stage.run(context({ url: [`${url}/version`], expected: '1.2.0', environment: null }));
    expect(result).toMatchObject({ outcome: 'passed', outputs: { checks: '1/1' } });
  });

  it('is skipped where nothing is configured, and fails where nothing is given', async () => {
    expect(await stage.run(context({}))).toMatchObject({ outcome: 'skipped', code: 'not-configured' });
    await expect(stage.run(context({ environment: null }))).rejects.toMatchObject({ code: 'input-missing' });
    await expect(stage.run(context({ expected: '1.2.0' }))).rejects.toMatchObject({ code: 'input-missing' });
  });

  it('plans without asking, and sees a host name that has no address', async () => {
    let asked = 0;
    const url = await serve((_, answer) => void answer.end(String(asked++)));
    const version = { get: '/version', expect: { status: 200, version: true } };
    expect(await stage.plan(context({ section: [url, version] }))).toEqual([
      { kind: 'will', text: expect.stringContaining('2 URLs') },
    ]);
    expect(asked).toBe(0);
    const [, obstacle] = await stage.plan(context({ section: ['http://no-such-host.invalid/'] }));
    expect(obstacle).toMatchObject({ kind: 'obstacle', failure: { code: 'smoke-failed' } });
    await expect(stage.plan(context({ section: ['/x'] }))).rejects.toMatchObject({ code: 'config-invalid' });
    expect(await stage.plan(context({}))).toEqual([{ kind: 'blind', text: expect.any(String) }]);
  });
});
