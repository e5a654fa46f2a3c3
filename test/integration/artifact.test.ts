import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Artifact, type ArtifactRequest, fetchArtifact, findArtifact } from '../../src/artifact/artifact.ts';
import { unpack } from '../../src/artifact/unpack.ts';
import { openGitHub } from '../../src/github/github.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { digestOf, type Repository, type StandIn, startStandIn } from '../support/github/stand-in.ts';

let home: string;
let log: RecordingLog;
const servers: Server[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'changeline-artifact-'));
  log = new RecordingLog();
});

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await rm(home, { recursive: true, force: true });
});

function request(source: string, change: Partial<ArtifactRequest> = {}): ArtifactRequest {
  return {
    source,
    digest: null,
    version: '1.2.0',
    workspace: home,
    scratch: join(home, 'scratch'),
    github: () => {
      throw new Error('GitHub is not asked');
    },
    log,
    signal: new AbortController().signal,
    ...change,
  };
}

/** Runs Python with the folder as its working directory: it writes archives that no well-meaning tool would. */
function python(script: string): void {
  execFileSync('python3', ['-c', `import tarfile, zipfile, io, stat\n${script}`], { cwd: home });
}

const TAR = `
def add(t, name, data=b'x', **k):
    i = tarfile.TarInfo(name); i.size = len(data)
    for key, value in k.items(): setattr(i, key, value)
    if i.type != tarfile.REGTYPE: i.size = 0
    t.addfile(i, io.BytesIO(data) if i.type == tarfile.REGTYPE else None)
`;

async function sourceTree(): Promise<string> {
  const tree = join(home, 'tree');
  await mkdir(join(tree, 'bin'), { recursive: true });
  await mkdir(join(tree, 'empty'));
  await writeFile(join(tree, 'bin', 'run'), '#!/bin/sh\n');
  await chmod(join(tree, 'bin', 'run'), 0o4775);
  await writeFile(join(tree, 'data'), Buffer.alloc(300_000, 7));
  await writeFile(join(tree, 'nothing'), '');
  await writeFile(join(tree, `${'long-'.repeat(30)}ünï`), 'a long name');
  await symlink('bin/run', join(tree, 'start'));
  await symlink('../data', join(tree, 'bin', 'data'));
  return tree;
}

const sha = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

describe('a good artifact', () => {
  const tar = (name: string, ...options: string[]) => {
    execFileSync('tar', [...options, '-cf', join(home, name), '-C', join(home, 'tree'), '.']);
  };

  it.each<[string, (tree: string) => string]>([
    ['folder', (tree) => tree],
    [
      '.tar',
      () => {
        tar('a.tar');
        return 'a.tar';
      },
    ],
    [
      '.tar.gz',
      () => {
        tar('shop-1.2.0.tar.gz', '-z');
        return 'shop-{version}.tar.gz';
      },
    ],
    [
      '.tgz of pax',
      () => {
        tar('a.tgz', '--format=pax', '-z');
        return './a.tgz';
      },
    ],
    [
      '.zip',
      (tree) => {
        python(`
import os
z = zipfile.ZipFile('a.zip', 'w', zipfile.ZIP_DEFLATED)
for base, folders, files in os.walk('tree'):
    for n in folders + files:
        p = os.path.join(base, n); i = zipfile.ZipInfo(os.path.relpath(p, 'tree')); i.create_system = 3
        i.external_attr = os.lstat(p).st_mode << 16
        if os.path.islink(p): z.writestr(i, os.readlink(p))
        elif os.path.isdir(p): i.filename += '/'; z.writestr(i, b'')
        else: z.writestr(i, open(p, 'rb').read())
z.close()`);
        expect(tree).toContain(home);
        return 'a.zip';
      },
    ],
  ])('%s is unpacked as it was packed', async (_, pack) => {
    const source = pack(await sourceTree());
    const artifact = await fetchArtifact(request(source));
    const byPath = Object.fromEntries(artifact.manifest.map(({ path, ...rest }) => [path, rest]));
    expect(Object.keys(byPath)).toEqual([
      'bin/data',
      'bin/run',
      'data',
      `${'long-'.repeat(30)}ünï`,
      'nothing',
      'start',
    ]);
    expect(byPath['bin/run']).toEqual({ sha256: sha('#!/bin/sh\n'), mode: 0o755, bytes: 10 });
    expect(byPath.data).toEqual({ sha256: sha(Buffer.alloc(300_000, 7)), mode: 0o644, bytes: 300_000 });
    expect(byPath['bin/data']).toEqual({ sha256: sha('../data'), mode: 0o777, bytes: 0, link: '../data' });
    expect(artifact.bytes).toBe(300_021);
    expect((await lstat(join(artifact.tree, 'bin/run'))).mode & 0o7777).toBe(0o755);
    expect(await readFile(join(artifact.tree, 'start'), 'utf8')).toBe('#!/bin/sh\n');
  });

  it('has the digest of its file, and is fetched once a run', async () => {
    await sourceTree();
    execFileSync('tar', ['-czf', join(home, 'a.tgz'), '-C', home, 'tree']);
    const digest = `sha256:${sha(await readFile(join(home, 'a.tgz')))}`;
    expect(await findArtifact(request('a.tgz'))).toMatchObject({
      from: 'a.tgz',
      digest: null,
      bytes: expect.any(Number),
    });
    const [first, second] = await Promise.all([
      fetchArtifact(request('a.tgz', { digest })),
      fetchArtifact(request('a.tgz', { digest })),
    ]);
    expect(first.digest).toBe(digest);
    expect(second.tree).toBe(first.tree);
    expect(first.manifest.every((entry) => entry.path.startsWith('tree/'))).toBe(true);
  });

  it('a folder has the digest of its manifest, and a copy that later edits do not reach', async () => {
    const tree = await sourceTree();
    const artifact = await fetchArtifact(request(tree));
    await writeFile(join(tree, 'data'), 'edited');
    expect((await readFile(join(artifact.tree, 'data'))).length).toBe(300_000);
    const edited = await fetchArtifact(request(tree, { scratch: join(home, 'other') }));
    expect(edited.digest).not.toBe(artifact.digest);
    await expect(
      fetchArtifact(request(tree, { scratch: join(home, 'third'), digest: artifact.digest })),
    ).rejects.toMatchObject({ code: 'artifact-digest' });
  });

  it('keeps a hard link to an earlier file as a copy', async () => {
    python(`${TAR}
t = tarfile.open('h.tar', 'w'); add(t, 'a', b'one'); add(t, 'b', type=tarfile.LNKTYPE, linkname='a'); t.close()`);
    const { tree, manifest } = await fetchArtifact(request('h.tar'));
    expect(manifest.map(({ path, sha256 }) => [path, sha256])).toEqual([
      ['a', sha('one')],
      ['b', sha('one')],
    ]);
    expect((await lstat(join(tree, 'b'))).nlink).toBe(1);
  });
});

describe('an evil artifact', () => {
  const evil: Record<string, string> = {
    'a path outside': `add(t, '../evil')`,
    'a path outside behind a folder': `add(t, 'a/../../evil')`,
    'an absolute path': `add(t, '/tmp/changeline-evil')`,
    'a symlink outside': `add(t, 'l', type=tarfile.SYMTYPE, linkname='..')`,
    'a symlink outside, then a file through it': `add(t, 'l', type=tarfile.SYMTYPE, linkname='..'); add(t, 'l/evil')`,
    'a symlink inside, then a file through it': `add(t, 'd/f'); add(t, 'l', type=tarfile.SYMTYPE, linkname='d'); add(t, 'l/evil')`,
    'an absolute symlink': `add(t, 'l', type=tarfile.SYMTYPE, linkname='/etc')`,
    'a hard link outside': `add(t, 'h', type=tarfile.LNKTYPE, linkname='../evil')`,
    'a hard link to an absolute path': `add(t, 'h', type=tarfile.LNKTYPE, linkname='/etc/passwd')`,
    'a pipe': `add(t, 'p', type=tarfile.FIFOTYPE)`,
    'a device': `add(t, 'p', type=tarfile.CHRTYPE, devmajor=1, devminor=3)`,
    'a kind nobody knows': `add(t, 'ok'); add(t, 'p', type=b'S')`,
    'a file twice': `add(t, 'a'); add(t, 'a')`,
  };

  it.each(Object.entries(evil))('tar with %s', async (_, script) => {
    python(`${TAR}\nt = tarfile.open('evil.tar.gz', 'w:gz'); ${script}; t.close()`);
    await expect(fetchArtifact(request('evil.tar.gz'))).rejects.toMatchObject({
      code: 'artifact-unsafe',
      where: 'evil.tar.gz',
    });
    await nothingLeft();
  });

  it.each([
    ['a path outside', `z.writestr('../evil', 'x')`],
    ['an absolute path', `z.writestr('/tmp/changeline-evil', 'x')`],
    ['a backslash', `i = zipfile.ZipInfo('x'); i.filename = '..\\\\\\\\evil'; z.writestr(i, 'x')`],
    [
      'a symlink outside',
      `i = zipfile.ZipInfo('l'); i.create_system = 3; i.external_attr = 0o120777 << 16; z.writestr(i, '../..')`,
    ],
    ['a pipe', `i = zipfile.ZipInfo('p'); i.create_system = 3; i.external_attr = 0o010644 << 16; z.writestr(i, '')`],
    ['a file twice', `z.writestr('a', 'x'); z.writestr('a', 'y')`],
  ])('zip with %s', async (_, script) => {
    python(`z = zipfile.ZipFile('evil.zip', 'w'); ${script}; z.close()`);
    await expect(fetchArtifact(request('evil.zip'))).rejects.toMatchObject({ code: 'artifact-unsafe' });
    await nothingLeft();
  });

  it('a folder with a link outside or a pipe', async () => {
    await mkdir(join(home, 'd'));
    await symlink('/etc', join(home, 'd', 'l'));
    await expect(fetchArtifact(request('./d'))).rejects.toMatchObject({ code: 'artifact-unsafe' });
    await rm(join(home, 'd', 'l'));
    execFileSync('mkfifo', [join(home, 'd', 'p')]);
    await expect(fetchArtifact(request('./d'))).rejects.toMatchObject({ code: 'artifact-unsafe' });
  });

  it.each(['tar', 'zip'])('a %s with more entries or bytes than allowed', async (kind) => {
    python(
      kind === 'tar'
        ? `${TAR}\nt = tarfile.open('bomb', 'w:gz')\nfor n in range(50): add(t, str(n), b'0' * 10000)\nt.close()`
        : `z = zipfile.ZipFile('bomb', 'w', zipfile.ZIP_DEFLATED)\nfor n in range(50): z.writestr(str(n), b'0' * 10000)\nz.close()`,
    );
    const of = { from: join(home, 'bomb'), folder: false, where: 'bomb', signal: new AbortController().signal };
    const most = { entries: 50, bytes: 500_000, free: null };
    expect(await unpack({ ...of, tree: join(home, 't1'), limits: most })).toHaveLength(50);
    const tree = join(home, 't2');
    await expect(unpack({ ...of, tree, limits: { ...most, entries: 49 } })).rejects.toMatchObject({
      code: 'artifact-unsafe',
      why: expect.stringContaining('49'),
    });
    await expect(unpack({ ...of, tree, limits: { ...most, bytes: 499_999 } })).rejects.toMatchObject({
      code: 'artifact-unsafe',
    });
    await expect(unpack({ ...of, tree, limits: { ...most, free: 499_999 } })).rejects.toMatchObject({
      code: 'disk-full',
    });
  });

  async function nothingLeft(): Promise<void> {
    const left = await readdir(home, { recursive: true });
    expect(left.filter((path) => path.includes('tree') || path.endsWith('/evil') || path === 'evil')).toEqual([]);
  }
});

describe('a bad artifact', () => {
  it.each([
    ['an empty file', `open('bad', 'wb').close()`, 'artifact-unreadable'],
    ['text', `open('bad', 'w').write('not found\\n' * 200)`, 'artifact-unreadable'],
    ['a tar with nothing in it', `tarfile.open('bad', 'w').close()`, 'artifact-empty'],
    [
      'a tar with folders only',
      `${TAR}\nt = tarfile.open('bad', 'w:gz'); add(t, 'a/', type=tarfile.DIRTYPE); t.close()`,
      'artifact-empty',
    ],
    ['a zip with nothing in it', `zipfile.ZipFile('bad', 'w').close()`, 'artifact-empty'],
  ])('%s', async (_, script, code) => {
    python(script);
    await expect(fetchArtifact(request('bad'))).rejects.toMatchObject({ code });
  });

  it.each([
    ['tar.gz', `t = tarfile.open('bad', 'w:gz')`, -20],
    ['tar.gz in the middle', `t = tarfile.open('bad', 'w:gz')`, 0.5],
    ['tar', `t = tarfile.open('bad', 'w')`, 0.5],
    ['tar between two entries', `t = tarfile.open('bad', 'w')`, 512 + 200_192],
  ])('a %s that is cut off', async (_, opening, at) => {
    python(
      `${TAR}\nimport os\n${opening}; add(t, 'a', os.urandom(200000)); add(t, 'b', os.urandom(200000)); t.close()`,
    );
    const { size } = await lstat(join(home, 'bad'));
    await truncate(join(home, 'bad'), at < 0 ? size + at : at < 1 ? Math.floor(size * at) : at);
    await expect(fetchArtifact(request('bad'))).rejects.toMatchObject({ code: 'artifact-unreadable' });
  });

  it('a zip with one byte flipped, and one cut off', async () => {
    python(`z = zipfile.ZipFile('bad', 'w'); z.writestr('a', b'0' * 1000); z.close()`);
    const bytes = await readFile(join(home, 'bad'));
    bytes[500]! ^= 1;
    await writeFile(join(home, 'bad'), bytes);
    await expect(fetchArtifact(request('bad'))).rejects.toMatchObject({
      code: 'artifact-unreadable',
      why: expect.stringContaining('checksum'),
    });
    await truncate(join(home, 'bad'), 900);
    await expect(fetchArtifact(request('./bad'))).rejects.toMatchObject({ code: 'artifact-unreadable' });
  });

  it('is not there', async () => {
    await expect(findArtifact(request('no/such'))).rejects.toMatchObject({ code: 'artifact-missing' });
    await expect(fetchArtifact(request('x', { version: '../1' }))).rejects.toMatchObject({ code: 'version-invalid' });
  });
});

describe('an artifact by URL', () => {
  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async function archive(): Promise<Buffer> {
    await sourceTree();
    execFileSync('tar', ['-czf', join(home, 'a.tgz'), '-C', home, 'tree']);
    return readFile(join(home, 'a.tgz'));
  }

  it('is fetched with its digest, given or answered, through a redirect', async () => {
    const bytes = await archive();
    const base = await serve((asked, answer) => {
      if (asked.url === '/s-1.2.0.tgz.sha256') answer.end(`${sha(bytes)}  s-1.2.0.tgz\n`);
      else if (asked.url === '/s-1.2.0.tgz') answer.writeHead(302, { location: '/stored' }).end();
      else answer.end(bytes);
    });
    const source = `${base}/s-{version}.tgz`;
    const found = await findArtifact(request(source, { digest: `${source}.sha256` }));
    expect(found.digest).toBe(`sha256:${sha(bytes)}`);
    expect((await fetchArtifact(request(source, { digest: `${source}.sha256` }))).manifest).toHaveLength(6);
    expect((await fetchArtifact(request(source, { digest: `sha256:${sha(bytes)}` }))).manifest).toHaveLength(6);
  });

  it('is refused without a digest, and with a wrong one', async () => {
    const bytes = await archive();
    const base = await serve((_, answer) => answer.end(bytes));
    await expect(fetchArtifact(request(`${base}/a`))).rejects.toMatchObject({ code: 'config-invalid' });
    await expect(fetchArtifact(request(`${base}/a`, { digest: 'md5:1' }))).rejects.toMatchObject({
      code: 'config-invalid',
    });
    await expect(fetchArtifact(request(`${base}/a`, { digest: `${base}/b` }))).rejects.toMatchObject({
      code: 'artifact-digest',
    });
    await expect(fetchArtifact(request(`${base}/a`, { digest: 'a'.repeat(64) }))).rejects.toMatchObject({
      code: 'artifact-digest',
    });
  });

  it('is tried again where the server dies midway, and the tries are told', async () => {
    const bytes = await archive();
    let asked = 0;
    const base = await serve((question, answer) => {
      if (question.method === 'HEAD') return void answer.writeHead(405).end();
      asked++;
      if (asked > 1) return void answer.end(bytes);
      answer.writeHead(200, { 'content-length': bytes.length });
      answer.write(bytes.subarray(0, 100), () => answer.socket?.destroy());
    });
    const artifact = await fetchArtifact(request(`${base}/a`, { digest: sha(bytes) }));
    expect(artifact.manifest).toHaveLength(6);
    expect(log.lines).toEqual([expect.stringMatching(/^warning: fetching .*try 2 of 3$/)]);
  });

  it('is unreachable where the server dies each time, and missing where it answers 404', async () => {
    const base = await serve((question, answer) => {
      if (question.url === '/gone') return void answer.writeHead(404).end();
      if (question.method === 'HEAD') return void answer.writeHead(405).end();
      answer.writeHead(200, { 'content-length': 1000 });
      answer.write('x', () => answer.socket?.destroy());
    });
    const digest = 'a'.repeat(64);
    await expect(fetchArtifact(request(`${base}/a`, { digest }))).rejects.toMatchObject({
      code: 'artifact-unreachable',
    });
    await expect(findArtifact(request(`${base}/gone`, { digest }))).rejects.toMatchObject({ code: 'artifact-missing' });
    await expect(findArtifact(request('http://127.0.0.1:1/a', { digest }))).rejects.toMatchObject({
      code: 'artifact-unreachable',
    });
  });

  it('shows no password', async () => {
    const bytes = await archive();
    const base = await serve((asked, answer) => {
      const right = asked.headers.authorization === `Basic ${Buffer.from('u:hunter22').toString('base64')}`;
      answer.writeHead(right ? 200 : 401).end(bytes);
    });
    const source = base.replace('//', '//u:hunter22@');
    const artifact = await fetchArtifact(request(source, { digest: sha(bytes) }));
    expect(JSON.stringify([artifact.from, log.lines])).not.toContain('hunter22');
  });

  it('stops when the run is cancelled', async () => {
    const base = await serve((question, answer) => {
      if (question.method === 'HEAD') return void answer.end();
      answer.write('x');
      cancel.abort();
    });
    const cancel = new AbortController();
    await expect(fetchArtifact(request(base, { digest: 'a'.repeat(64), signal: cancel.signal }))).rejects.toMatchObject(
      { code: 'cancelled' },
    );
  });
});

describe('an artifact of GitHub', () => {
  let hub: StandIn;
  let shop: Repository;

  beforeEach(async () => {
    hub = await startStandIn();
    shop = hub.repository('acme', 'shop');
  });

  afterEach(async () => {
    await hub.close();
    expect(hub.violations).toEqual([]);
  });

  function ask(
    source: string,
    permissions: Record<string, 'read'> = { contents: 'read', actions: 'read' },
  ): ArtifactRequest {
    const github = openGitHub({ token: hub.token(permissions), apiUrl: hub.url, repository: 'acme/shop', pause: 1 });
    return request(source, { github: () => github });
  }

  /** The bytes of an archive of a few files, or of a zip around such an archive. */
  async function packed(name: 'a.tgz' | 'a.zip' | 'wrapped.zip', text = 'x'): Promise<Buffer> {
    python(`${TAR}
t = tarfile.open('a.tgz', 'w:gz'); add(t, 'bin/run', b'${text}'); add(t, 'b'); t.close()
z = zipfile.ZipFile('a.zip', 'w'); z.writestr('bin/run', '${text}'); z.writestr('b.tgz', 'x'); z.close()
z = zipfile.ZipFile('wrapped.zip', 'w'); z.write('a.tgz', 'shop-1.2.0.tgz'); z.close()`);
    return readFile(join(home, name));
  }

  const paths = (artifact: Artifact) => artifact.manifest.map((entry) => entry.path);

  it.each(['1.2.0', 'v1.2.0'])('is the asset of the release with the tag %s', async (tag) => {
    const bytes = await packed('a.tgz');
    shop.release('1.1.0', { 'shop-1.2.0.tgz': Buffer.from('old') });
    shop.release(tag, { 'other.txt': Buffer.from('x'), 'shop-1.2.0.tgz': bytes });
    const asked = ask('release:shop-{version}.tgz');
    expect(await findArtifact(asked)).toEqual({
      from: `release ${tag} of acme/shop: shop-1.2.0.tgz`,
      bytes: bytes.length,
      digest: digestOf(bytes),
    });
    const artifact = await fetchArtifact(asked);
    expect(artifact.digest).toBe(digestOf(bytes));
    expect(paths(artifact)).toEqual(['b', 'bin/run']);
  });

  it('is missing where there is no such release or asset, and says what there is', async () => {
    await expect(findArtifact(ask('release:a.tgz'))).rejects.toMatchObject({
      code: 'artifact-missing',
      why: expect.stringContaining('v1.2.0'),
    });
    shop.release('1.2.0', { 'b.tgz': Buffer.from('x') });
    await expect(findArtifact(ask('release:a.tgz'))).rejects.toMatchObject({
      code: 'artifact-missing',
      why: 'the release has "b.tgz"',
    });
    await expect(findArtifact(ask('release:a.tgz', {}))).rejects.toMatchObject({ code: 'github-denied' });
  });

  it('is refused where the configuration promises another digest than GitHub', async () => {
    shop.release('1.2.0', { 'a.tgz': await packed('a.tgz') });
    const asked = { ...ask('release:a.tgz'), digest: `sha256:${'a'.repeat(64)}` };
    await expect(findArtifact(asked)).rejects.toMatchObject({ code: 'artifact-digest' });
  });

  it('is refused where the bytes are not those that GitHub vouched for', async () => {
    const release = shop.release('1.2.0', { 'a.tgz': await packed('a.tgz') });
    const asked = ask('release:a.tgz');
    hub.fault({ kind: 'before', match: /assets/, run: () => (release.assets[0]!.bytes = Buffer.from('other')) });
    await expect(fetchArtifact(asked)).rejects.toMatchObject({ code: 'artifact-digest' });
  });

  it('is the newest artifact of the name that has not expired and is not of a fork', async () => {
    const sha = shop.commit();
    const run = shop.run(sha, {});
    shop.artifact('shop-1.2.0', await packed('a.zip', 'old'), run);
    const zip = await packed('a.zip', 'new');
    const newest = shop.run(sha, {});
    shop.artifact('shop-1.2.0', zip, newest);
    shop.artifact('shop-1.2.0', await packed('a.zip', 'gone'), shop.run(sha, {}), { expired: true });
    shop.artifact('shop-1.2.0', await packed('a.zip', 'evil'), shop.run(sha, {}), { fromFork: true });
    const artifact = await fetchArtifact(ask('run:shop-{version}'));
    expect(artifact).toMatchObject({
      digest: digestOf(zip),
      from: `artifact shop-1.2.0 of acme/shop, run ${newest.id}`,
    });
    expect(paths(artifact)).toEqual(['b.tgz', 'bin/run']);
    expect(await readFile(join(artifact.tree, 'bin/run'), 'utf8')).toBe('new');
  });

  it('is taken out of the zip that Actions made around one archive', async () => {
    const zip = await packed('wrapped.zip');
    shop.artifact('shop', zip, shop.run(shop.commit(), {}));
    const artifact = await fetchArtifact(ask('run:shop'));
    expect(artifact.digest).toBe(digestOf(zip));
    expect(paths(artifact)).toEqual(['b', 'bin/run']);
    expect(await readdir(artifact.tree)).toEqual(['b', 'bin']);
  });

  it('is missing where only forks have it', async () => {
    shop.artifact('shop', await packed('a.zip'), shop.run(shop.commit(), {}), { fromFork: true });
    await expect(findArtifact(ask('run:shop'))).rejects.toMatchObject({
      code: 'artifact-missing',
      why: expect.stringContaining('1 from forks'),
    });
    await expect(findArtifact(ask('run:shop', { contents: 'read' }))).rejects.toMatchObject({ code: 'github-denied' });
  });
});
