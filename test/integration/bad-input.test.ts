/**
 * What a person or an attacker may hand in, through the command line: each is refused or put back with one error that
 * says what, where and what next, and the hosts and the ledger stay as they were.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { buildArchive } from '../../workflows-examples/widgets/build.js';
import { changeline, type Said } from '../support/changeline.ts';
import { missing, startPostgres, type TestServer } from '../support/databases.ts';
import { freePort } from '../support/ports.ts';
import { type SshdFleet, sshdMissing, startSshds } from '../support/sshd.ts';
import { snapshot } from '../support/trees.ts';

let place: string;
let workspace: string;
let before: { hosts: Record<string, string>; live: unknown };

type Parts = Record<string, unknown>;
const deploy = { waves: ['100%'] };
const hosts = ['./hosts/a', './hosts/b'];

function configure(production: Parts, top: Parts = {}): void {
  const config = { name: 'app', artifact: './artifacts/app-{version}.tar.gz', ledger: './ledger', ...top };
  mkdirSync(join(workspace, '.github'), { recursive: true });
  writeFileSync(join(workspace, '.github/changeline.yml'), stringify({ ...config, environments: { production } }));
}

/** An archive of what `fill` puts into a folder, made by tar with these options. */
function archive(version: string, fill: (folder: string) => void, ...options: string[]): void {
  const folder = mkdtempSync(join(place, 'tree-'));
  fill(folder);
  execFileSync('tar', ['-czf', join(workspace, `artifacts/app-${version}.tar.gz`), '-C', folder, ...options, '.']);
}

const run = (args: string[], env: Record<string, string> = {}) => changeline(args, workspace, env);
const deliver = (version: string, env: Record<string, string> = {}) => run(['deliver', '--version', version], env);
const state = () => ({
  hosts: snapshot(join(workspace, 'hosts')),
  live: liveOf(join(workspace, 'ledger/production/state.json')),
});
const liveOf = (file: string) => JSON.parse(readFileSync(file, 'utf8')).live.version as unknown;

/** One error with a next step, the exit code, and nothing changed. */
function refused(said: Said, status: number, ...words: (string | RegExp)[]): void {
  expect(said.status, said.out).toBe(status);
  for (const word of words) expect(said.out).toMatch(word);
  expect(said.out.match(/\bNext: /gi), said.out).toHaveLength(1);
  expect(said.out).not.toMatch(/^ +at |node:internal|\[object|undefined/m);
}

function untouched(): void {
  expect(state()).toEqual(before);
}

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'changeline-bad-'));
  workspace = join(place, 'work');
  for (const folder of ['artifacts', 'hosts/a', 'hosts/b']) mkdirSync(join(workspace, folder), { recursive: true });
  for (const version of ['1.0.0', '2.0.0'])
    archive(version, (folder) => writeFileSync(join(folder, 'VERSION'), `${version}\n`));
  configure({ hosts, deploy });
  const first = await deliver('1.0.0');
  expect(first.status, first.out).toBe(0);
  before = state();
  expect(before.live).toBe('1.0.0');
});

afterAll(() => {
  execFileSync('chmod', ['-R', 'u+w', place]);
  rmSync(place, { recursive: true, force: true });
});

describe('changeline.yml', () => {
  it('without a key that it needs', async () => {
    writeFileSync(
      join(workspace, '.github/changeline.yml'),
      stringify({ name: 'app', environments: { production: { hosts, deploy } } }),
    );
    refused(await deliver('2.0.0'), 2, 'changeline.yml:1', 'artifact');
    untouched();
  });

  it('with a misspelt key', async () => {
    configure({ hosts, deplyo: deploy });
    refused(await deliver('2.0.0'), 2, 'changeline.yml:9', 'deplyo', 'did you mean "deploy"');
    untouched();
  });

  it('that is not there, or no YAML', async () => {
    refused(
      await run(['deliver', '--version', '2.0.0', '--config', 'elsewhere.yml']),
      2,
      'elsewhere.yml',
      /changeline\S* init/,
    );
    writeFileSync(join(workspace, '.github/changeline.yml'), 'name: [app\n');
    refused(await deliver('2.0.0'), 2, /changeline.yml:\d/, 'not valid YAML');
    untouched();
  });

  it('with a variable that is not set', async () => {
    configure({ hosts, deploy, database: '${SHOP_DATABASE_URL}', migrate: { from: 'db' } });
    refused(await deliver('2.0.0'), 2, '{SHOP_DATABASE_URL} is not set', /changeline.yml:\d+/);
    untouched();
  });
});

describe('a command line', () => {
  beforeAll(() => configure({ hosts, deploy }));

  it.concurrent.each([
    [['deliver', '--verison', '2.0.0'], '--verison', 'did you mean --version'],
    [['deliver', '--version', '2.0.0', '--environment', 'prodution'], 'prodution', 'production'],
    [['deliver', '--version'], '--version has no value', '--version value'],
    [['deliver', '2.0.0'], '"2.0.0" is not an option', '--name value'],
    [['deliver'], 'needs --version', '--version'],
    [['deliver', '--version', '2.0.0', '--token', 'abcdef'], '--token would show a secret', 'CHANGELINE_TOKEN'],
    [['delivr', '--version', '2.0.0'], '"delivr"', 'changeline help'],
    [['unlock', '--environment', 'production'], '--why', 'dead'],
    [['demo', '--keep'], '--keep', 'npm start'],
    [['init', '--host', 'a'], '--host', 'init --help'],
  ])('%j', async (args, ...words) => {
    refused(await run(args), 2, ...words);
    untouched();
  });

  it.concurrent.each([
    '..',
    '../1',
    '1.0.0/../../x',
    'a b',
    '$(touch x)',
    '`touch x`',
    '-rf',
    '1;touch x',
    'x\ny',
    '\u001b[2J',
    'a'.repeat(300),
  ])('with the version %j', async (version) => {
    const said = await run(['deliver', `--version=${version}`]);
    refused(said, 2, 'version');
    expect(said.out).not.toContain('\u001b');
    expect(existsSync(join(workspace, 'x'))).toBe(false);
    untouched();
  });
});

describe('an artifact', () => {
  beforeAll(() => configure({ hosts, deploy }));

  it('that is missing', async () => {
    refused(await deliver('3.0.0'), 1, 'app-3.0.0.tar.gz');
    untouched();
  });

  it('that is empty, or no archive', async () => {
    for (const bytes of ['', 'no archive']) {
      writeFileSync(join(workspace, 'artifacts/app-3.0.1.tar.gz'), bytes);
      refused(await deliver('3.0.1'), 1, 'app-3.0.1.tar.gz');
      untouched();
    }
  });

  it.each([
    ['3.1.0', 'a link to a file outside', (folder: string) => symlinkSync('/etc/passwd', join(folder, 'innocent')), []],
    ['3.2.0', 'a link that climbs out', (folder: string) => symlinkSync('../../shared', join(folder, 'innocent')), []],
    [
      '3.3.0',
      'a path that climbs out',
      (folder: string) => writeFileSync(join(folder, 'innocent'), 'x'),
      ['-P', '--transform=s,innocent,../../innocent,'],
    ],
    [
      '3.4.0',
      'an absolute path',
      (folder: string) => writeFileSync(join(folder, 'innocent'), 'x'),
      ['-P', '--transform=s,\\./innocent,/tmp/innocent,'],
    ],
  ] as const)('%s with %s', async (version, _, fill, options) => {
    archive(version, fill, ...options);
    refused(await deliver(version), 1, 'innocent');
    expect(existsSync('/tmp/innocent')).toBe(false);
    untouched();
  });
});

describe.skipIf(sshdMissing() !== null)('a host over SSH', () => {
  let fleet: SshdFleet;
  beforeAll(async () => {
    fleet = await startSshds(2);
  });
  afterAll(() => fleet?.stop());

  const remote = (known: string) => {
    const [one, two] = fleet.hosts;
    writeFileSync(join(workspace, '.github/known_hosts'), known);
    configure({ hosts: fleet.hosts.map(({ at }) => at), path: './srv', deploy });
    configure({ hosts: [one!.at, two!.at], path: one!.directory, deploy });
    return {
      env: { CHANGELINE_SSH_KEY: fleet.key },
      places: () => fleet.hosts.map(({ directory }) => snapshot(directory)),
    };
  };

  it('that does not answer', async () => {
    const { env, places } = remote(readFileSync(fleet.knownHosts, 'utf8'));
    await fleet.hosts[1]!.kill();
    const said = await deliver('2.0.0', env);
    await fleet.hosts[1]!.start();
    refused(said, 1, '127.0.0.3', 'does not answer', 'refused');
    expect(places()).toEqual([{}, {}]);
    untouched();
  });

  it('that shows another key', async () => {
    const { env, places } = remote(
      readFileSync(fleet.knownHosts, 'utf8').replaceAll(fleet.hosts[1]!.publicKey, fleet.hosts[0]!.publicKey),
    );
    refused(await deliver('2.0.0', env), 1, '127.0.0.3', /host key/i);
    expect(places()).toEqual([{}, {}]);
    untouched();
  });

  it('that does not know the key', async () => {
    const { places } = remote(readFileSync(fleet.knownHosts, 'utf8'));
    refused(await deliver('2.0.0', { CHANGELINE_SSH_KEY: fleet.strangerKey }), 1, '127.0.0', /key|denied/i);
    refused(await deliver('2.0.0', { CHANGELINE_SSH_KEY: 'no key' }), 1, /key/i);
    expect(places()).toEqual([{}, {}]);
    untouched();
  });
});

describe('a machine', () => {
  it.skipIf(process.getuid?.() !== 0)('whose disk is full', async () => {
    const small = join(workspace, 'small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small]);
    try {
      archive('4.0.0', (folder) => writeFileSync(join(folder, 'big'), randomBytes(400_000)));
      configure({ hosts: ['./hosts/a', './small'], deploy });
      refused(await deliver('4.0.0'), 1, 'small', /space|room|full/);
      expect(Object.keys(snapshot(small)).filter((path) => path.startsWith('versions/'))).toEqual([]);
    } finally {
      execFileSync('umount', [small]);
    }
    untouched();
  });

  it('where another program has the port of the shop', async () => {
    const [good, taken] = [await freePort(), await freePort()];
    const shop = join(workspace, 'shop-hosts');
    const at = [good, taken].map((port) => ({ at: `./shop-hosts/${port}`, with: { port } }));
    for (const port of [good, taken]) {
      mkdirSync(join(shop, `${port}/shared`), { recursive: true });
      writeFileSync(join(shop, `${port}/shared/app.env`), `PORT=${port}\nDATABASE=../../../shop.db\n`);
    }
    writeFileSync(join(workspace, 'shop.db'), '');
    for (const version of ['1.0.0', '1.1.0'])
      buildArchive(version, join(workspace, `artifacts/shop-${version}.tar.gz`));
    const answers = (path: string) => ({ url: `http://127.0.0.1:{port}/${path}`, within: '3s' });
    configure(
      {
        hosts: at,
        database: 'sqlite:./shop.db',
        migrate: { from: 'db/migrations' },
        deploy: {
          restart: 'current/bin/shop restart',
          health: answers('health'),
          version: answers('version'),
          waves: [1, '100%'],
        },
      },
      { artifact: './artifacts/shop-{version}.tar.gz', ledger: './shop-ledger' },
    );
    const current = (port: number) =>
      snapshot(join(shop, String(port)), (path) => path.startsWith('versions') || path.startsWith('shared')).current;
    const stop = (port: number) =>
      execFileSync('sh', ['-c', 'current/bin/shop stop'], { cwd: join(shop, String(port)) });
    const first = await deliver('1.0.0');
    const other = createServer((socket) => socket.destroy());
    try {
      expect(first.status, first.out).toBe(0);
      stop(taken);
      await new Promise<void>((resolve) => other.listen(taken, '127.0.0.1', resolve));
      const said = await deliver('1.1.0');
      refused(said, 1, String(taken), '1.1.0 was not kept');
      expect([good, taken].map(current)).toEqual(['-> versions/1.0.0', '-> versions/1.0.0']);
      expect(await (await fetch(`http://127.0.0.1:${good}/version`)).json()).toEqual({ version: '1.0.0' });
      expect(liveOf(join(workspace, 'shop-ledger/production/state.json'))).toBe('1.0.0');
    } finally {
      other.close();
      for (const port of [good, taken]) stop(port);
    }
    untouched();
  });
});

describe.skipIf(missing('postgres') !== null)('a database that refuses the login', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  it('stops the line before anything is touched, and is not quoted', async () => {
    configure({ hosts, deploy, database: '${SHOP_DATABASE_URL}', migrate: { from: 'db' } });
    const url = `postgres://admin:wr0ng-passw0rd@127.0.0.1:${server.port}/postgres`;
    const said = await deliver('2.0.0', { SHOP_DATABASE_URL: url });
    refused(said, 1, `127.0.0.1:${server.port}`, /password|login/);
    expect(said.out).not.toContain('wr0ng');
    untouched();
  });
});

it('a load test whose script throws', async () => {
  mkdirSync(join(workspace, 'load'));
  writeFileSync(join(workspace, 'load/broken.js'), "export default function () { throw new Error('no such shop'); }\n");
  configure({ hosts, deploy, 'load-test': { scripts: 'load/*.js', url: 'http://127.0.0.1:9' } });
  const said = await deliver('2.0.0');
  expect([1, 3]).toContain(said.status);
  refused(said, said.status!, 'load-test', 'broken.js');
  untouched();
});
