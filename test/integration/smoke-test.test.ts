/** The stage smoke-test against real servers and SQLite, here and on hosts through real sshds. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { configSchema, normalEnvironment } from '../../src/config/config.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { stage } from '../../src/stages/smoke-test.ts';
import type { Planned, StageContext } from '../../src/stages/stage.ts';
import { certificate, closeAll, serve, serveTls, shutPort } from '../support/listening.ts';
import { type SshdFleet, sshdMissing, startSshds } from '../support/sshd.ts';

const never = new AbortController().signal;
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'changeline-smoke-'));
  for (const folder of ['scratch', '.github']) await mkdir(join(home, folder));
});
afterEach(closeAll);
afterAll(() => rm(home, { recursive: true, force: true }));

interface Given {
  url?: string[];
  expected?: string;
  version?: string;
  key?: string;
  /** The environment's sections; null without changeline.yml. */
  environment?: object | null;
}

function context({ url = [], expected = '', version, key = '', environment = {} }: Given): StageContext<'smoke-test'> {
  const config = configSchema.parse({ name: 'a', artifact: 'b', environments: { production: environment ?? {} } });
  const place = { workspace: home, scratch: join(home, 'scratch'), handover: home, cache: home, reports: home };
  return {
    verb: 'smoke-test',
    inputs: { url, 'expect-version': expected, 'ssh-key': key, environment: '', config: '', token: '' },
    environment: environment === null ? null : normalEnvironment(config, 'production'),
    change: version ? { version } : null,
    ledger: null,
    log: new RecordingLog(),
    signal: never,
    place,
  } as unknown as StageContext<'smoke-test'>;
}

describe('the smoke-test stage', () => {
  const shop: RequestListener = (question, answer) => {
    answer
      .writeHead(question.url === '/gone' ? 404 : 200)
      .end(question.url === '/version' ? '{"version":"1.2.0"}' : '[]');
  };

  const kinds = (lines: Planned[]) => lines.map(({ kind, failure }) => failure?.where ?? kind);

  it('asks the section, relative paths included, for the version of the change', async () => {
    const url = await serve(shop);
    const section = [
      `${url}/health`,
      { get: '/version', tries: 1, expect: { status: 200, version: true, json: { '$.version': '1.2.0' } } },
      { get: '/gone', expect: { status: 404 } },
    ];
    const environment = { 'smoke-test': section };
    const result = await stage.run(context({ environment, version: '1.2.0' }));
    expect(result).toMatchObject({ outcome: 'passed', summary: '3 of 3 checks passed', outputs: { checks: '3/3' } });
    const wrong = await stage.run(
      context({
        environment: { 'smoke-test': [section[0], { ...(section[1] as object), expect: { version: true } }] },
        version: '1.3.0',
      }),
    );
    expect(wrong).toMatchObject({ outcome: 'failed', code: 'version-mismatch', outputs: { checks: '1/2' } });
  });

  it('refuses an expect-version that no check would ask for', async () => {
    const url = await serve(shop);
    await expect(stage.run(context({ environment: { 'smoke-test': [url] }, expected: '1.2.0' }))).rejects.toMatchObject(
      {
        code: 'input-invalid',
      },
    );
    const environment = { 'smoke-test': [{ get: `${url}/version`, expect: { version: true } }] };
    expect(await stage.run(context({ environment, expected: '1.2.0', version: '9.9.9' }))).toMatchObject({
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

  it('asks a database, and can write nothing there', async () => {
    const file = join(home, 'shop.db');
    const db = new DatabaseSync(file);
    db.exec("CREATE TABLE widgets (id); INSERT INTO widgets VALUES ('a'), ('b')");
    const database = `sqlite:${file}`;
    const run = (sql: string, expected: object) =>
      stage.run(context({ environment: { database, 'smoke-test': [{ sql, tries: 1, expect: expected }] } }));
    expect(await run('SELECT count(*) FROM widgets', { above: 1, is: 2 })).toMatchObject({ outcome: 'passed' });
    expect((await run('SELECT count(*) FROM widgets', { 'at-least': 3 })).summary).toContain(
      'the value is 2 and not at least 3',
    );
    expect((await run('SELECT id FROM widgets', {})).summary).toContain('2 rows where one value is needed');
    expect((await run('DELETE FROM widgets', {})).summary).toMatch(/readonly|read-only/);
    expect(db.prepare('SELECT count(*) AS n FROM widgets').get()).toEqual({ n: 2 });
    db.close();
  });

  it('plans without asking, and sees what is not there', async () => {
    let asked = 0;
    const url = await serve((_, answer) => void answer.end(String(asked++)));
    const version = { get: '/version', expect: { version: true } };
    expect(await stage.plan(context({ environment: { 'smoke-test': [url, version, '/x'] } }))).toEqual([
      { kind: 'will', text: expect.stringContaining('3 checks') },
      { kind: 'blind', text: expect.stringMatching(/error page .* asked of \S+\/, \S+\/x;/) },
    ]);
    expect(asked).toBe(0);
    await expect(stage.plan(context({ environment: { 'smoke-test': ['/x'] } }))).rejects.toMatchObject({
      code: 'config-invalid',
    });
    expect(await stage.plan(context({}))).toEqual([{ kind: 'blind', text: expect.any(String) }]);
    new DatabaseSync(join(home, 'empty.db')).close();
    const environment = {
      database: [
        { name: 'empty', url: `sqlite:${join(home, 'empty.db')}` },
        { name: 'away', url: `sqlite:${join(home, 'away.db')}` },
      ],
      'smoke-test': [
        { dns: 'no-such-host.invalid' },
        { command: 'no-such-program -v' },
        { command: 'if then' },
        { command: 'true' },
        { sql: 'SELECT 1', database: 'away' },
        { sql: 'SELECT count(*) FROM soon', database: 'empty' },
        { sql: 'SELECT count(*) FROM order', database: 'empty' },
      ],
    };
    expect(kinds(await stage.plan(context({ environment })))).toEqual([
      'will',
      'no-such-host.invalid',
      'database away',
      'blind',
      'database empty',
      'here',
      'here',
    ]);
  });
});

describe.skipIf(sshdMissing())('checks on hosts over SSH', () => {
  let sshds: SshdFleet;

  beforeAll(async () => {
    sshds = await startSshds(2);
    await writeFile(join(home, '.github/known_hosts'), await readFile(sshds.knownHosts));
  });
  afterAll(() => sshds?.stop());

  /** Both hosts, whose services listen on these ports, in an environment with a deploy section and these checks. */
  const onHosts = (ports: number[], ...list: unknown[]): Given => ({
    key: sshds.key,
    version: '1.2.0',
    environment: {
      hosts: sshds.hosts.map(({ at }, index) => ({ at, with: { port: ports[index] ?? 1 } })),
      path: sshds.folder,
      deploy: { health: { url: 'http://127.0.0.1:{port}/health' } },
      'smoke-test': list.map((entry) => ({ tries: 1, ...(entry as object) })),
    },
  });

  it('asks each host for its version, its port, its names and its commands', async () => {
    const versions = await Promise.all(
      ['1.2.0', '1.1.0'].map((version) => serve((_, answer) => void answer.end(version))),
    );
    const ports = versions.map((url) => Number(new URL(url).port));
    const trusted = await certificate(home, 'shop.example');
    setDefaultCACertificates([...getCACertificates(), trusted.cert.toString()]);
    const tls = await serveTls(trusted);
    const others = [
      { get: '/version', on: 'hosts', expect: { matches: '^1\\.' } },
      { get: 'https://shop.example/', connect: `127.0.0.1:${tls}`, on: 'hosts', expect: { tls: '1d', version: true } },
      { tcp: '127.0.0.1:{port}' },
      { tcp: `${sshds.hosts[0]!.hostname}:${sshds.hosts[0]!.port}`, on: 'hosts', expect: { greeting: 'SSH-2' } },
      { dns: 'localhost', on: 'hosts' },
      { command: 'echo "{port} for $CHANGELINE_VERSION in $PWD"', expect: { output: 'for 1.2.0 in', version: true } },
    ];
    const plan = await stage.plan(context(onHosts(ports, ...others)));
    expect(plan).toEqual([
      { kind: 'will', text: 'ask 12 checks on 2 hosts; the answers are judged only after the deploy' },
    ]);
    const right = await stage.run(context(onHosts(ports, ...others)));
    expect(right).toMatchObject({ outcome: 'passed', summary: '12 of 12 checks passed' });
    const shut = await shutPort();
    const wrong = await stage.run(
      context(
        onHosts(
          ports,
          { tcp: `127.0.0.1:${shut}`, on: 'hosts' },
          { dns: 'no-such-host.invalid', on: 'hosts' },
          { command: 'exit 3', on: 'hosts' },
          { get: `http://127.0.0.1:${shut}/`, on: 'hosts' },
        ),
      ),
    );
    const reasons = (wrong.facts.failures as { why: string }[]).map(({ why }) => why);
    expect(reasons.filter((_, index) => index % 2 === 0)).toEqual([
      'the connection was refused (ECONNREFUSED)',
      'the host name is not known (ENOTFOUND)',
      'it ended with status 3',
      expect.stringContaining('the connection was broken off'),
    ]);
    const old = await stage.run(context(onHosts(ports, { get: '/version', on: 'hosts', expect: { version: true } })));
    expect(old).toMatchObject({ code: 'version-mismatch', outputs: { checks: '1/2' } });
    expect(old.summary).toContain(
      `on ${sshds.hosts[1]!.at}: the body does not name version 1.2.0; the first it names is "1.1.0"`,
    );
  });

  it('a host that is away fails its checks, not those of the others', async () => {
    const port = Number(new URL(await serve((_, answer) => void answer.end('ok'))).port);
    await sshds.hosts[1]!.kill();
    const given = onHosts(
      [port, port],
      { get: '/', on: 'hosts', expect: { body: 'ok' } },
      { command: 'no-such-program', on: 'hosts' },
    );
    const [first, second] = sshds.hosts.map(({ at }) => at);
    expect((await stage.plan(context(given))).map(({ kind, failure }) => failure?.where ?? kind)).toEqual([
      'will',
      second,
      first,
    ]);
    const { outcome, code, facts } = await stage.run(context(given));
    expect([outcome, code]).toEqual(['failed', 'smoke-failed']);
    expect(facts.failures).toMatchObject([
      { host: second, why: expect.stringMatching(/did not answer|refused|reached/) },
      { host: first, why: expect.stringContaining('status 127') },
      { host: second, tries: 1 },
    ]);
  });
});
