import { describe, expect, it } from 'vitest';
import { configSchema, type SmokeCheck } from '../../../src/config/config.ts';
import { seesNoErrorPage } from '../../../src/probe/blind.ts';
import type { Check } from '../../../src/probe/check.ts';
import { namesOf, programOf } from '../../../src/probe/obstacles.ts';
import { type CheckRequest, checksOf } from '../../../src/probe/read.ts';

const HOSTS = [
  { name: 'deploy@web1.example.com', with: { port: '8081' } },
  { name: 'deploy@web2.example.com:2222', with: { port: '8082' } },
];

/** The section as changeline.yml would give it. */
function section(list: unknown[]): SmokeCheck[] {
  const config = configSchema.parse({ name: 'shop', artifact: 'x', environments: { p: { 'smoke-test': list } } });
  return config.environments.p!['smoke-test']!;
}

const request = (list: unknown[], change: Partial<CheckRequest> = {}): CheckRequest => ({
  ...{ list: section(list), where: 'smoke-test of production', version: '1.2.0', everyVersion: false },
  ...{ hosts: HOSTS, hostUrl: null, databases: ['shop'] },
  ...change,
});
const read = (list: unknown[], change: Partial<CheckRequest> = {}) => checksOf(request(list, change));
const urls = (checks: readonly Check[]) =>
  checks.map((check) => (check.kind === 'http' ? [check.url, check.host, check.there] : check.kind));
const refusal = (list: unknown[], change: Partial<CheckRequest> = {}) => {
  try {
    return read(list, change);
  } catch (thrown) {
    return (thrown as { why: string }).why;
  }
};

describe('checksOf', () => {
  it('resolves a path against the last whole URL before it', () => {
    const list = ['https://a.example/x/y?z=1', { get: '/widgets' }, 'http://b.example:81', '/w?q=%20'];
    expect(urls(read(list)).map(([url]) => url)).toEqual([
      'https://a.example/x/y?z=1',
      'https://a.example/widgets',
      'http://b.example:81/',
      'http://b.example:81/w?q=%20',
    ]);
  });

  it('asks each host what has placeholders or `on: hosts`, and paths where the URL before them was asked', () => {
    const [one, two] = HOSTS.map(({ name }) => name);
    const list = [
      'http://127.0.0.1:{port}/health',
      { get: '/v' },
      'https://shop.example/',
      '/a',
      { get: '/b', on: 'hosts' },
    ];
    expect(urls(read(list))).toEqual([
      ['http://127.0.0.1:8081/health', one, true],
      ['http://127.0.0.1:8082/health', two, true],
      ['http://127.0.0.1:8081/v', one, true],
      ['http://127.0.0.1:8082/v', two, true],
      ['https://shop.example/', null, false],
      ['https://shop.example/a', null, false],
      ['http://127.0.0.1:8081/b', one, true],
      ['http://127.0.0.1:8082/b', two, true],
    ]);
    expect(read(list)[0]!.name).toBe('http://127.0.0.1:{port}/health');
    expect(urls(read([{ get: 'http://{host}:{port}/', on: 'here' }]))).toEqual([
      ['http://web1.example.com:8081/', one, false],
      ['http://web2.example.com:8082/', two, false],
    ]);
  });

  it('takes a path on hosts by the URL of their health, never by the front door', () => {
    const list = ['https://shop.example/', { get: '/b', on: 'hosts' }];
    expect(urls(read(list, { hostUrl: 'http://127.0.0.1:9000/health' }))[1]).toEqual([
      'http://127.0.0.1:9000/b',
      HOSTS[0]!.name,
      true,
    ]);
    expect(refusal(list)).toMatch(/entry 2: a path on hosts comes before any URL of theirs/);
  });

  it('reads all that HTTP has', () => {
    const entry = {
      post: 'https://u:p@a.example/login?k=1',
      send: { user: 'x' },
      headers: { 'x-probe': '1' },
      connect: '[::1]:8443',
      expect: {
        status: [201, '3xx'],
        location: '/in',
        headers: { a: 'b', c: { matches: 'd' } },
        absent: 'x',
        tls: '14d',
        within: '20s',
      },
    };
    expect(read([entry])[0]).toMatchObject({
      name: 'POST https://a.example/login',
      method: 'POST',
      body: '{"user":"x"}',
      headers: { 'content-type': 'application/json', 'x-probe': '1' },
      connect: { hostname: '::1', port: 8443 },
      latency: 20_000,
      patience: { tries: 1, timeout: 20_000 },
      expect: {
        status: {
          inWords: '201 or 3xx',
          ranges: [
            [201, 201],
            [300, 399],
          ],
        },
        location: 'https://u:p@a.example/in',
        headers: [
          ['a', { is: 'b' }],
          ['c', { matches: /d/ }],
        ],
        absent: ['x'],
        tls: 14 * 86_400_000,
      },
    });
  });

  it('reads the other kinds', () => {
    const checks = read([
      { tcp: 'shop.example.com:5432', expect: { greeting: '220' } },
      { dns: 'shop.example.com', expect: { address: ['2001:DB8:0::1', '192.0.2.1'] } },
      { sql: 'select count(*) from widgets', expect: { above: 0 } },
      { command: './check.sh {port}', expect: { output: 'ok', version: true } },
      { command: 'echo $' + '{HOME}' },
    ]);
    expect(checks).toMatchObject([
      {
        kind: 'tcp',
        name: 'tcp shop.example.com:5432',
        hostname: 'shop.example.com',
        port: 5432,
        greeting: { holds: ['220'] },
      },
      { kind: 'dns', addresses: ['2001:db8::1', '192.0.2.1'] },
      { kind: 'sql', database: 'shop', value: { above: 0 } },
      { kind: 'command', script: './check.sh 8081', host: HOSTS[0]!.name, output: { holds: ['ok'], version: '1.2.0' } },
      { kind: 'command', script: './check.sh 8082' },
      { kind: 'command', host: null, there: false, version: '1.2.0', output: { version: null } },
    ]);
  });

  it.each([
    [{}, { tries: 3, deadline: 5000 }],
    [{ tries: 7 }, { tries: 7, deadline: Number.POSITIVE_INFINITY }],
    [{ within: '30s' }, { tries: Number.POSITIVE_INFINITY, deadline: 30_000 }],
    [
      { tries: 2, within: '1m' },
      { tries: 2, deadline: 60_000 },
    ],
  ])('is patient by %j', (given, patience) =>
    expect(read([{ get: 'http://a/', ...given }])[0]!.patience).toMatchObject({ ...patience, pause: 1000 }),
  );

  it('names every entry that cannot be asked', () => {
    const list = [
      '/first',
      'ftp://a.example',
      '//evil.example/x',
      'https://',
      'no URL',
      'https://ok.example',
      { get: 'http://{zone}/' },
      { tcp: 'nowhere' },
      { dns: 'a b' },
      { dns: 'a', expect: { address: 'b' } },
      { sql: 'select 1', database: 'orders' },
      { get: 'http://a', expect: { tls: '14d' } },
      { get: 'http://a', follow: 1, expect: { location: '/' } },
    ];
    const entries = [...String(refusal(list)).matchAll(/entry (\d+): /g)].map(([, entry]) => Number(entry));
    expect(entries).toEqual([1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13]);
    expect(refusal(list)).toContain('deploy@web1.example.com and 1 more has no {zone}');
    expect(() => read(['/first'], { where: 'the url input' })).toThrow(
      expect.objectContaining({ code: 'input-invalid' }),
    );
  });

  it('fails where there are no hosts, or where a version or a database is asked for and not known', () => {
    expect(refusal([{ command: 'true', on: 'hosts' }], { hosts: [] })).toMatch(/there are no hosts/);
    expect(refusal(['http://{host}/'], { hosts: [] })).toMatch(/by \{host\}, and there are no hosts/);
    expect(refusal([{ get: 'http://a/', expect: { version: true } }], { version: null })).toMatch(/expect-version/);
    expect(refusal([{ sql: 'select 1' }], { databases: ['a', 'b'] })).toMatch(/which database to ask; there are: a, b/);
  });

  it('shows no password', () => {
    const list = [
      'ftp://u:hunter22@a.example',
      'u:hunter22@a',
      '/x?key=hunter22',
      'https://u:hunter22@',
      'http://u:hunter22@a:{nope}/',
      'http://u:p/hunter22@a/',
    ];
    expect(JSON.stringify(refusal(list))).not.toContain('hunter22');
    expect(read(['https://u:hunter22@a.example/@x?k=hunter22'])[0]!.name).toBe('https://a.example/@x');
  });
});

describe('before anything is asked', () => {
  it('a check of the status alone is known to see no error page', () => {
    const list = [
      'https://a.example/',
      { head: '/' },
      { get: '/', expect: { status: [200, 404], headers: { a: 'b' } } },
      { get: '/', expect: { body: 'x' } },
      { get: '/', expect: { absent: 'x' } },
      { get: '/', expect: { version: true } },
      { get: '/', expect: { json: { $: 1 } } },
      { get: '/', expect: { matches: 'x' } },
      { get: '/', expect: { status: 404 } },
      { tcp: 'a:1' },
    ];
    expect(read(list).map(seesNoErrorPage)).toEqual([true, true, true, ...Array(7).fill(false)]);
  });

  it('the names that are looked up from here are known', () => {
    const list = [
      'https://a.example/',
      '/x',
      'https://[::1]/',
      { get: 'http://b/', connect: 'c:1' },
      { tcp: 'd:1' },
      { dns: 'e' },
      { tcp: 'f:1', on: 'hosts' },
    ];
    expect(namesOf(read(list))).toEqual(['a.example', 'c', 'd', 'e']);
  });

  it.each([
    ['./check.sh -v', false, './check.sh'],
    ['./check.sh -v', true, ''],
    ['/usr/bin/check', true, '/usr/bin/check'],
    ['test -e x; true', true, 'test'],
    ['X=1 "$Y" z', false, ''],
    ['"a b" c', false, ''],
  ])('the program of %j (there: %s) is %j', (script, there, program) =>
    expect(programOf({ script, there })).toBe(program),
  );
});

describe('the section smoke-test', () => {
  const wrong = (entry: unknown) => {
    const { error } = configSchema.safeParse({
      name: 'a',
      artifact: 'b',
      environments: { p: { 'smoke-test': [entry] } },
    });
    return JSON.stringify(error?.issues);
  };

  it.each([
    [{ get: '/', tcp: 'a:1' }, 'exactly one of get, head, post, tcp, dns, sql, command'],
    [{ expect: {} }, 'exactly one of'],
    [{ tcp: 'a:1', expect: { status: 200 } }, 'a check with tcp can expect greeting, matches, within'],
    [{ head: '/', expect: { body: 'x' } }, 'a check with head can expect status, headers'],
    [{ get: '/', send: 'x' }, 'a check with get has no send'],
    [{ sql: 'x', on: 'hosts' }, 'through the host of its via'],
    [{ get: '/', expect: { status: '2x' } }, 'a class such as 2xx'],
    [{ get: '/', expect: { matches: '(' } }, 'a regular expression'],
    [{ get: '/', expect: { json: { '$.a': {} } } }, 'or one or more of is'],
    [{ get: '/', expect: { json: { '$.a[': 1 } } }, 'a path such as $.a.b[0]'],
  ])('refuses %j', (entry, why) => expect(wrong(entry)).toContain(why));
});
