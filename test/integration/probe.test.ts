/** Checks against real servers: HTTP, TLS, TCP, names, commands. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/config.ts';
import { type Check, checksOf, type Probed, probeAll, type Reach } from '../../src/probe/probe.ts';
import { connect } from '../../src/transport/transport.ts';
import { type Certificate, certificate, closeAll, listen, serve, serveTls, shutPort } from '../support/listening.ts';

const never = new AbortController().signal;
let home: string;
let here: Reach;
/** A certificate for shop.example and 127.0.0.1 that is trusted in this file, and one that nobody knows. */
let trusted: Certificate;
let unknown: Certificate;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'changeline-probe-'));
  await mkdir(join(home, 'scratch'));
  const options = {
    key: null,
    knownHosts: null,
    scratch: join(home, 'scratch'),
    workspace: home,
    signal: never,
    path: null,
  };
  const none = () => {
    throw new Error('not opened');
  };
  here = { here: await connect({ at: home, with: {} }, options), host: none, database: async () => none() };
  [trusted, unknown] = [await certificate(home, 'shop.example'), await certificate(home, 'other.example')];
  setDefaultCACertificates([...getCACertificates(), trusted.cert.toString()]);
});
afterEach(closeAll);
afterAll(() => rm(home, { recursive: true, force: true }));

/** A check, as changeline.yml would have it. */
function checks(...list: unknown[]): Check[] {
  const config = configSchema.parse({ name: 'a', artifact: 'b', environments: { p: { 'smoke-test': list } } });
  const section = config.environments.p!['smoke-test']!;
  const nowhere = { hosts: [], hostUrl: null, databases: [] };
  return checksOf({ list: section, where: 'a test', version: '1.2.0', everyVersion: false, ...nowhere });
}

/** Asks one entry, once unless it says otherwise, without pausing long. */
async function ask(entry: unknown, patience: Partial<Check['patience']> = {}): Promise<Probed> {
  const quick = checks(entry).map((check) => ({
    ...check,
    patience: { ...check.patience, tries: 1, pause: 5, ...patience },
  }));
  return (await probeAll(quick, here, never))[0]!;
}

describe('a check over HTTP', () => {
  it('that fails at first and then passes says so', async () => {
    let asked = 0;
    const url = await serve((_, answer) => void answer.writeHead(asked++ === 0 ? 500 : 200).end());
    expect(await ask(url, { tries: 3 })).toMatchObject({
      passed: true,
      tries: 2,
      status: 200,
      before: ['status 500 instead of 200'],
    });
  });

  it('that always fails stops after its tries, with the last reason', async () => {
    let asked = 0;
    const url = await serve((_, answer) => void answer.writeHead(500 + asked++).end());
    expect(await ask(url, { tries: 3 })).toMatchObject({
      passed: false,
      tries: 3,
      status: 502,
      why: ['status 502 instead of 200'],
    });
    expect(asked).toBe(3);
  });

  it('begins no try after its deadline', async () => {
    const url = await serve((_, answer) => void answer.writeHead(500).end());
    expect(await ask(url, { tries: 3, pause: 50, deadline: 10 })).toMatchObject({ passed: false, tries: 1 });
  });

  it('finds an error page with status 200, and another version', async () => {
    const url = await serve((_, answer) => void answer.end('<h1>Something went wrong</h1> v1.1.0'));
    const expected = { absent: 'went wrong', json: { '$.ok': true }, version: true, within: '20s' };
    expect((await ask({ get: url, expect: expected })).why).toEqual([
      'the body holds "went wrong"',
      'the body does not name version 1.2.0; the first it names is "v1.1.0"',
      'the body is no JSON',
    ]);
    expect(await ask({ get: url, expect: { version: true } })).toMatchObject({ passed: false, mismatch: true });
    const slow = await ask({ get: url, expect: { within: '0.001ms' } });
    expect(slow.why).toEqual([expect.stringMatching(/^it took \d+ ms instead of at most 0.001 ms$/)]);
  });

  it('does not wait for a server that says nothing, or never ends', async () => {
    const silent = await serve(() => {});
    const late = { passed: false, status: null, why: ['no whole answer within 50 ms'] };
    expect(await ask(silent, { timeout: 50 })).toMatchObject(late);
    const endless = await serve((_, answer) => void answer.write('x'));
    expect(await ask(endless, { timeout: 50 })).toMatchObject(late);
  });

  it('reads no more than a mebibyte', async () => {
    const url = await serve((_, answer) => {
      const more = () => {
        while (answer.write('x'.repeat(65_536)));
      };
      answer.on('drain', more);
      more();
    });
    const why = [expect.stringContaining('first 1048576 characters')];
    expect(await ask({ get: url, expect: { body: 'y' } })).toMatchObject({ passed: false, why });
    expect(await ask({ get: url, expect: { body: 'xxx' } })).toMatchObject({ passed: true });
  });

  it('does not take a packed page for one without the word, and reads the charset it names', async () => {
    const url = await serve((question, answer) => {
      if (question.url === '/packed') answer.setHeader('content-encoding', 'gzip').end(gzipSync('went wrong'));
      else answer.setHeader('content-type', 'text/html; charset=iso-8859-1').end(Buffer.from('gestört', 'latin1'));
    });
    expect((await ask({ get: `${url}/packed`, expect: { absent: 'wrong' } })).why).toEqual([
      'no answer: the body is packed (content-encoding: gzip) although that was not asked for',
    ]);
    expect(await ask({ get: url, expect: { absent: 'gestört' } })).toMatchObject({ passed: false });
  });

  it('hides what it proved itself by, where the server repeats it', async () => {
    const url = await serve((question, answer) => void answer.end(question.headers['x-api-key']));
    const headers = { 'x-api-key': 'letmein-1' };
    const { why } = await ask({ get: url, headers, expect: { version: true } });
    expect(why).toEqual(['the body does not name version 1.2.0: "***"']);
  });

  it('sends what it is told to, and nothing twice unless that is said', async () => {
    const seen: string[] = [];
    const url = await serve((question, answer) => {
      const { method, headers } = question;
      question
        .setEncoding('utf8')
        .on('data', (text) => seen.push(`${method} ${headers['content-type']} ${headers['x-probe']} ${text}`));
      question.on('end', () => answer.writeHead(method === 'POST' ? 201 : 405).end('ignored'));
    });
    const post = {
      post: `${url}/login`,
      send: { user: 'probe' },
      headers: { 'x-probe': 'yes' },
      expect: { status: '2xx' },
    };
    expect(await ask(post)).toMatchObject({ passed: true, status: 201, name: `POST ${url}/login` });
    expect(seen).toEqual(['POST application/json yes {"user":"probe"}']);
    expect(await ask({ head: url, expect: { status: 405 } })).toMatchObject({ passed: true });
  });

  it('takes a redirect as it is, or follows it as far as it may', async () => {
    const followed: (string | undefined)[] = [];
    const away = await serve((question, answer) => {
      followed.push(question.headers.authorization, question.headers['x-key'] as string | undefined);
      answer.end('arrived');
    });
    const url = await serve((question, answer) => {
      const to = { '/': '/login', '/login': `${away}/home`, '/round': '/round' }[question.url!];
      answer.writeHead(302, { location: to }).end();
    });
    expect(await ask(url)).toMatchObject({ passed: false, status: 302 });
    expect(await ask({ get: url, expect: { location: '/login' } })).toMatchObject({ passed: true });
    expect((await ask({ get: url, expect: { location: '/' } })).why).toEqual([
      `it redirects to ${url}/login instead of ${url}/`,
    ]);
    expect(followed).toEqual([]);
    const secret = url.replace('//', '//u:secret@');
    expect(
      await ask({ get: secret, headers: { 'x-key': 'secret' }, follow: 2, expect: { body: 'arrived' } }),
    ).toMatchObject({ passed: true });
    expect(followed).toEqual([undefined, undefined]);
    expect((await ask({ get: url, follow: 1 })).why).toEqual([
      `status 302 instead of 200, redirected once more than it may be, to ${away}/home`,
    ]);
    expect((await ask({ get: `${url}/round`, follow: 5 })).why[0]).toMatch(/redirected once more/);
  });

  it('names what is wrong with the connection', async () => {
    expect((await ask(`http://127.0.0.1:${await shutPort()}`)).why).toEqual([
      'the connection was refused (ECONNREFUSED)',
    ]);
    expect((await ask('http://no-such-host.invalid')).why[0]).toMatch(/host name/);
    const broken = await serve((question) => void question.socket.destroy());
    expect((await ask(broken)).why[0]).toMatch(/broken off/);
    const foreign = await listen(createTcpServer((socket) => socket.end('220 mail\r\n')));
    expect((await ask(`http://127.0.0.1:${foreign}`)).why[0]).toMatch(/is not HTTP/);
  });

  it('names what is wrong with TLS', async () => {
    const url = `https://127.0.0.1:${await serveTls(unknown)}`;
    expect((await ask(url)).why).toEqual([expect.stringMatching(/^TLS: the certificate is signed by itself/)]);
    const plain = await serve((_, answer) => void answer.end());
    expect((await ask(plain.replace('http:', 'https:'))).why).toEqual([expect.stringMatching(/^TLS: /)]);
  });

  it('asks how long a certificate is valid, at another address than that of its name too', async () => {
    const port = await serveTls(trusted);
    const url = `https://127.0.0.1:${port}/`;
    expect(await ask({ get: url, expect: { tls: '9d', version: true } })).toMatchObject({ passed: true });
    expect((await ask({ get: url, expect: { tls: '14d' } })).why).toEqual([
      expect.stringMatching(/^the certificate is valid for (10 d|9 d 2\d h) more and not for 14 d$/),
    ]);
    const connected = { connect: `127.0.0.1:${port}`, expect: { body: 'shop.example' } };
    expect(await ask({ get: 'https://shop.example/', ...connected })).toMatchObject({ passed: true });
    expect((await ask({ get: 'https://wrong.example/', ...connected })).why).toEqual([
      expect.stringMatching(/for another host name/),
    ]);
  });

  it('sends a password as a header and never shows it', async () => {
    const url = await serve((question, answer) => {
      const right = question.headers.authorization === `Basic ${Buffer.from('u:p@ss word').toString('base64')}`;
      answer.writeHead(right ? 200 : 401).end();
    });
    const probed = await ask(url.replace('//', '//u:p%40ss%20word@'));
    expect(probed.passed).toBe(true);
    expect(JSON.stringify(probed)).not.toContain('p%40ss');
  });

  it('stops when the run is cancelled', async () => {
    const cancel = new AbortController();
    const url = await serve(() => cancel.abort());
    await expect(probeAll(checks(url), here, cancel.signal)).rejects.toThrow();
  });

  it('is one of at most 64 at a time', async () => {
    let [open, most] = [0, 0];
    const url = await serve((_, answer) => {
      most = Math.max(most, ++open);
      setImmediate(() => answer.end(() => open--));
    });
    const probed = await probeAll(checks(...Array(200).fill(url)), here, never);
    expect(probed.filter(({ passed }) => passed)).toHaveLength(200);
    expect(most).toBeLessThanOrEqual(64);
  });
});

describe('a check of another kind', () => {
  it('finds a port that takes connections, and what it says first', async () => {
    const mail = await listen(createTcpServer((socket) => void socket.write('220 mail.example ESMTP\r\n')));
    const tcp = `127.0.0.1:${mail}`;
    expect(await ask({ tcp })).toMatchObject({ passed: true });
    expect(await ask({ tcp, expect: { greeting: '220 ', matches: 'ESMTP\r\n$' } })).toMatchObject({ passed: true });
    expect((await ask({ tcp, expect: { greeting: 'SSH-2' } }, { timeout: 50 })).why).toEqual([
      'the greeting does not hold "SSH-2"',
    ]);
    expect((await ask({ tcp: `127.0.0.1:${await shutPort()}` })).why).toEqual([
      'the connection was refused (ECONNREFUSED)',
    ]);
  });

  it('finds the addresses of a name', async () => {
    expect(await ask({ dns: 'localhost' })).toMatchObject({ passed: true });
    expect((await ask({ dns: 'localhost', expect: { address: '192.0.2.1' } })).why).toEqual([
      expect.stringMatching(/^it has .*127\.0\.0\.1|::1.* instead of 192\.0\.2\.1$/),
    ]);
    expect((await ask({ dns: 'no-such-host.invalid' })).why[0]).toMatch(/host name/);
  });

  it('runs a command, in the workspace and with the version', async () => {
    await writeFile(
      join(home, 'check.sh'),
      'echo "all good with $CHANGELINE_VERSION"; [ -z "$1" ] || { echo "$1" >&2; exit 3; }\n',
    );
    expect(await ask({ command: 'sh ./check.sh', expect: { output: 'all good', version: true } })).toMatchObject({
      passed: true,
    });
    expect((await ask({ command: 'sh ./check.sh "no stock"' })).why).toEqual(['it ended with status 3: no stock']);
    expect((await ask({ command: 'sh ./check.sh', expect: { matches: '^good', absent: 'all' } })).why).toHaveLength(2);
    expect((await ask({ command: 'yes' })).why).toEqual(['it printed more than 1048576 bytes and was ended']);
  });
});
