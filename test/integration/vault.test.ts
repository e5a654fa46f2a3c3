/** The three kinds of vault behave alike, on the real thing: a directory, sshd, and an S3 server. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Failure } from '../../src/outcome/outcome.ts';
import { connect } from '../../src/transport/transport.ts';
import { bucketUrl } from '../../src/vault/s3/address.ts';
import { Requests } from '../../src/vault/s3/requests.ts';
import { Taken, upload } from '../../src/vault/s3/upload.ts';
import { uploadsOf } from '../../src/vault/s3/xml.ts';
import { openVault, type Vault, type VaultOptions } from '../../src/vault/vault.ts';
import { eventually } from '../support/prometheus.ts';
import { type S3Server, s3Missing, startS3 } from '../support/s3.ts';
import { type SshdFleet, sshdMissing, startSshds } from '../support/sshd.ts';

const live = new AbortController().signal;
/** More than two parts of an upload, and than the buffers of a connection hold. */
const LARGE = 20_000_000;
const PREFIX = 'shop & co/ü+%41 (x)';

let folder: string;
let sshds: SshdFleet | null = null;
let s3: S3Server | null = null;
const without = { ssh: sshdMissing(), s3: s3Missing() };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vaults-'));
  if (without.ssh === null) sshds = await startSshds(1);
  if (without.s3 === null) s3 = await startS3(['backups']);
});
afterAll(async () => {
  await sshds?.stop();
  await s3?.stop();
  await rm(folder, { recursive: true, force: true });
});

function options(changes: Partial<VaultOptions> = {}): VaultOptions {
  const { key, knownHosts } = sshds ?? { key: null, knownHosts: null };
  const how = { path: '/', key, knownHosts, scratch: folder, workspace: folder, signal: live };
  return {
    workspace: folder,
    s3: s3?.section ?? null,
    connect: (at) => connect({ at, with: {} }, how),
    signal: live,
    ...changes,
  };
}

/** Where a kind of vault lies as `backup.to` has it, and the folder behind it. */
interface Kind {
  kind: string;
  missing: string | null;
  to(): string;
  behind(): string;
}

const kinds: Kind[] = [
  { kind: 'a directory', missing: null, to: () => './new/vault', behind: () => join(folder, 'new/vault') },
  {
    kind: 'a host over SSH',
    missing: without.ssh,
    to: () => `ssh://${sshds!.hosts[0]!.at}${sshds!.hosts[0]!.directory}/it's a "new"/vault`,
    behind: () => join(sshds!.hosts[0]!.directory, `it's a "new"/vault`),
  },
  {
    kind: 'a bucket',
    missing: without.s3,
    to: () => `s3://backups/${PREFIX}`,
    behind: () => join(s3!.folder, 'backups', PREFIX),
  },
];

const bytes = (content: string | Buffer) => Readable.from([Buffer.from(content)]);
const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');

/** A stream of which so many bytes came before `then` is called: more than a part of an upload, or than pipes hold. */
function largeThen(then: () => Promise<unknown> | unknown, size = 9_000_000): Readable {
  const come = async function* () {
    for (let sent = 0; sent < size; sent += 100_000) yield randomBytes(100_000);
    await then();
    yield Buffer.from('the rest');
  };
  return Readable.from(come(), { objectMode: false });
}

/** All that lies in the folder behind a vault, and unfinished uploads. */
function lying(behind: string): string[] {
  if (!existsSync(behind)) return [];
  const uploads = s3 === null ? [] : readdirSync(join(s3.folder, 'backups'), { recursive: true }).map(String);
  const parts = uploads.filter((path) => path.includes('.sgwtmp') && /\/\d+$/.test(path));
  return [...readdirSync(behind).filter((name) => !name.startsWith('.sgwtmp')), ...parts];
}

describe.each(kinds.filter(({ missing }) => missing === null))('$kind as a vault', ({ to, behind, kind }) => {
  let vault: Vault;
  beforeAll(async () => (vault = await openVault(to(), options())));
  afterAll(() => vault.close());

  it('stores, lists, reads and removes, and leaves nothing of a check', async () => {
    expect(await vault.list()).toEqual([]);
    await vault.check();
    expect(lying(dirname(behind())).filter((name) => name.startsWith('.'))).toEqual([]);
    const stored = await vault.put('a.b-c', Readable.from([Buffer.from('hello '), Buffer.from('world')]), live);
    expect(stored).toEqual({ bytes: 11, sha256: sha256(Buffer.from('hello world')) });
    await vault.put('empty', Readable.from([]), live);
    await vault.check();
    expect(lying(behind()).sort()).toEqual(['a.b-c', 'empty']);
    expect(await vault.list()).toEqual([
      { name: 'a.b-c', bytes: 11 },
      { name: 'empty', bytes: 0 },
    ]);
    expect(await text(await vault.get('a.b-c'))).toBe('hello world');
    expect(await text(await vault.get('empty'))).toBe('');
    expect((await vault.free()) ?? Number.POSITIVE_INFINITY).toBeGreaterThan(1_000_000);
    for (const name of ['a.b-c', 'a.b-c', 'empty', 'absent']) await vault.remove(name);
    expect(lying(behind())).toEqual([]);
  });

  it('carries many parts as they are', async () => {
    const content = randomBytes(LARGE + 1);
    const chunks = Array.from({ length: 21 }, (_, index) =>
      content.subarray(index * 1_000_000, (index + 1) * 1_000_000),
    );
    expect(await vault.put('large', Readable.from(chunks), live)).toEqual({
      bytes: LARGE + 1,
      sha256: sha256(content),
    });
    expect(sha256(await buffer(await vault.get('large')))).toBe(sha256(content));
    await vault.remove('large');
  });

  it('lies there for this user only', async () => {
    if (kind === 'a bucket') return;
    chmodSync(behind(), 0o755);
    await vault.put('mine', bytes('x'), live);
    expect(statSync(behind()).mode & 0o777).toBe(0o700);
    expect(statSync(join(behind(), 'mine')).mode & 0o777).toBe(0o600);
    await vault.remove('mine');
  });

  it('never replaces a file, and reads none that is not there', async () => {
    await vault.put('a', bytes('first'), live);
    const again = vault.put('a', bytes('second'), live);
    await expect(again).rejects.toMatchObject({ code: 'vault-unreachable', why: 'it has a file a already' });
    expect(await text(await vault.get('a'))).toBe('first');
    // Both begin while the name is free.
    const race = await Promise.allSettled([vault.put('b', bytes('one'), live), vault.put('b', bytes('two'), live)]);
    expect(race.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(lying(behind()).sort()).toEqual(['a', 'b']);
    for (const name of ['a', 'b']) await vault.remove(name);
    await expect(vault.get('a')).rejects.toMatchObject({ code: 'vault-unreachable', where: vault.where });
  });

  it('refuses names that are no plain file names', async () => {
    for (const name of ['', '.hidden', '-rf', 'a/b', '../a', 'a..b', 'a b', 'a\nb', 'é', 'x'.repeat(201)]) {
      await expect(vault.put(name, bytes('x'), live)).rejects.toMatchObject({ code: 'internal' });
      await expect(vault.get(name)).rejects.toMatchObject({ code: 'internal' });
      await expect(vault.remove(name)).rejects.toMatchObject({ code: 'internal' });
    }
    expect(lying(behind())).toEqual([]);
  });

  it('leaves nothing of a source that fails, breaks off, or is cancelled', async () => {
    const broken = new Failure({ code: 'backup-failed', what: 'the dump broke', next: 'x' });
    const fails = largeThen(() => Promise.reject(broken));
    await expect(vault.put('a', fails, live)).rejects.toBe(broken);
    const off = largeThen(() => off.destroy());
    await expect(vault.put('a', off, live)).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
    const stop = new AbortController();
    const stopped = largeThen(() => {
      stop.abort();
      return new Promise(() => {}); // and nothing more would ever come
    });
    await expect(vault.put('a', stopped, stop.signal)).rejects.toMatchObject({ code: 'cancelled' });
    await expect(vault.put('a', bytes('x'), stop.signal)).rejects.toMatchObject({ code: 'cancelled' });
    expect(lying(behind())).toEqual([]);
  });

  it('does not hide that a file is shorter than it was when its reading began', async () => {
    await vault.put('a', bytes(randomBytes(LARGE)), live);
    const reading = await vault.get('a');
    await once(reading, 'readable');
    truncateSync(join(behind(), 'a'), 10_000_000);
    await expect(buffer(reading)).rejects.toMatchObject({ code: 'vault-unreachable', where: vault.where });
    await vault.remove('a');
  });

  it('lets go of a file that is not read to its end', async () => {
    await vault.put('a', bytes(randomBytes(LARGE)), live);
    const reading = await vault.get('a');
    await once(reading, 'readable');
    reading.destroy();
    await once(reading, 'close');
    await vault.remove('a');
  });

  it('passes over what is not its own', async () => {
    mkdirSync(join(behind(), 'folder'), { recursive: true });
    for (const name of ['a b', '.unfinished-x', 'folder/a']) writeFileSync(join(behind(), name), 'x');
    await vault.put('a', bytes('x'), live);
    expect(await vault.list()).toEqual([{ name: 'a', bytes: 1 }]);
    expect(lying(behind()).sort()).toEqual(['.unfinished-x', 'a', 'a b', 'folder']);
    await rm(behind(), { recursive: true });
  });
});

/** What befalls a vault from outside. */
describe('a vault that fails', () => {
  const asRoot = process.getuid?.() === 0;

  it.skipIf(!asRoot)('says that it is full, and leaves nothing there', async () => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]);
    try {
      const places = [disk, ...(sshds ? [`ssh://${sshds.hosts[0]!.at}${disk}`] : [])];
      for (const to of places) {
        const vault = await openVault(to, options());
        const room = await vault.free();
        expect(room).toBeGreaterThan(3_000_000);
        const large = largeThen(() => {}, LARGE);
        await expect(vault.put('a', large, live)).rejects.toMatchObject({ code: 'disk-full', where: vault.where });
        expect(large.destroyed).toBe(true);
        expect(readdirSync(disk)).toEqual([]);
        expect(await vault.free()).toBe(room);
        await vault.close();
      }
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it.skipIf(without.ssh !== null)(
    'over SSH: is gone in the middle of a put and of a get, and is there again',
    async () => {
      const [host] = sshds!.hosts;
      const vault = await openVault(`ssh://${host!.at}${host!.directory}/gone`, options());
      const put = vault.put(
        'a',
        largeThen(() => host!.kill()),
        live,
      );
      await expect(put).rejects.toMatchObject({ code: 'vault-unreachable', where: vault.where });
      await expect(vault.list()).rejects.toMatchObject({ code: 'vault-unreachable' });
      await host!.start();
      expect(await vault.list()).toEqual([]);
      await vault.put(
        'a',
        largeThen(() => {}, LARGE),
        live,
      );
      const reading = await vault.get('a');
      await once(reading, 'readable');
      await host!.kill();
      await expect(buffer(reading)).rejects.toMatchObject({ code: 'vault-unreachable', where: vault.where });
      await host!.start();
      await vault.close();
    },
  );

  it.skipIf(without.ssh !== null)(
    'over SSH: clears what a killed run left a day ago, and no other bytes get a name',
    async () => {
      const [host] = sshds!.hosts;
      const behind = join(host!.directory, 'left');
      const vault = await openVault(`ssh://${host!.at}${behind}`, options());
      mkdirSync(behind);
      for (const name of ['.unfinished-old', '.unfinished-young']) writeFileSync(join(behind, name), 'x');
      utimesSync(join(behind, '.unfinished-old'), new Date(0), new Date(0));
      const tampers = largeThen(async () => {
        const [file] = readdirSync(behind).filter((name) => !name.endsWith('-young'));
        await eventually(async () => statSync(join(behind, file!)).size > 0);
        writeFileSync(join(behind, file!), 'not ours', { flag: 'r+' });
      });
      await expect(vault.put('a', tampers, live)).rejects.toMatchObject({
        why: expect.stringContaining('its sha256 there is'),
      });
      expect(readdirSync(behind)).toEqual(['.unfinished-young']);
      await vault.close();
    },
  );

  it.skipIf(without.ssh !== null)('over SSH: says that the user may not write there', async () => {
    const [host] = sshds!.hosts;
    writeFileSync(join(host!.directory, 'file'), '');
    const vault = await openVault(`ssh://${host!.at}${host!.directory}/file/below`, options());
    for (const attempt of [vault.check(), vault.put('a', bytes('x'), live), vault.free()])
      await expect(attempt).rejects.toMatchObject({ code: 'vault-unreachable' });
    await vault.close();
  });

  it.skipIf(without.s3 !== null)(
    'in a bucket: is gone in the middle of a put and of a get, and is there again',
    async () => {
      const vault = await openVault('s3://backups/gone', options());
      const put = vault.put(
        'a',
        largeThen(() => s3!.kill()),
        live,
      );
      await expect(put).rejects.toMatchObject({
        code: 'vault-unreachable',
        where: 's3://backups/gone',
        why: expect.any(String),
      });
      await s3!.start();
      expect(await vault.list()).toEqual([]);
      await vault.put(
        'a',
        largeThen(() => {}, LARGE),
        live,
      );
      const reading = await vault.get('a');
      await once(reading, 'readable');
      await s3!.kill();
      await expect(buffer(reading)).rejects.toMatchObject({ code: 'vault-unreachable', where: 's3://backups/gone' });
      const refused = expect(vault.check()).rejects.toMatchObject({
        code: 'vault-unreachable',
        why: 'ECONNREFUSED in connect',
      });
      await refused;
      await s3!.start();
    },
  );

  it.skipIf(without.s3 !== null)(
    'in a bucket: names wrong keys, a bucket that is not there, and a clock that is wrong',
    async () => {
      const wrong = { ...s3!.section, 'secret-key': 'wrong-secret-of-the-test' };
      const cases: [string, Partial<VaultOptions>, string, string][] = [
        ['s3://backups/x', { s3: wrong }, 'SignatureDoesNotMatch', 'check access-key and secret-key'],
        [
          's3://backups/x',
          { s3: { ...wrong, 'access-key': 'nobody' } },
          'UserNotFound',
          'check access-key and secret-key',
        ],
        ['s3://nowhere/x', {}, 'NoSuchBucket', 'create the bucket'],
        [
          's3://backups/x',
          { s3: { ...wrong, region: 'eu-central-1' } },
          'AuthorizationHeaderMalformed',
          'set backup.s3.region to us-east-1',
        ],
      ];
      for (const [to, changes, why, next] of cases) {
        const vault = await openVault(to, options(changes));
        for (const attempt of [() => vault.list(), () => vault.check(), () => vault.put('a', bytes('x'), live)]) {
          const failure = (await attempt().catch((error) => error)) as Failure;
          expect(failure).toMatchObject({
            code: 'vault-unreachable',
            why: expect.stringContaining(why),
            next: expect.stringContaining(next),
          });
          expect(failure.message).not.toContain('wrong-secret-of-the-test');
        }
      }
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 86_400_000 });
      try {
        const vault = await openVault('s3://backups/x', options());
        const skewed = { why: expect.stringContaining('RequestTimeTooSkewed'), next: expect.stringContaining('clock') };
        await expect(vault.list()).rejects.toMatchObject(skewed);
      } finally {
        vi.useRealTimers();
      }
    },
  );

  it.skipIf(without.s3 !== null)(
    'in a bucket: clears uploads of a day ago below its own prefix, and no other',
    async () => {
      const requests = new Requests(bucketUrl('backups', s3!.section), s3!.section);
      const begin = async (path: string) =>
        void (await requests.text({ method: 'POST', path, query: { uploads: '' } }));
      for (const path of ['left/a', 'left/below/a', 'leftover/a', 'left/a%20b']) await begin(path);
      const begun = join(s3!.folder, 'backups/.sgwtmp/multipart');
      for (const path of readdirSync(begun, { recursive: true }).map(String))
        utimesSync(join(begun, path), new Date(0), new Date(0));
      await begin('left/young');
      await (await openVault('s3://backups/left', options())).put('b', bytes('x'), live);
      const uploads = async () =>
        uploadsOf(await requests.text({ method: 'GET', query: { uploads: '' } })).found.map(({ key }) => key);
      expect((await uploads()).filter((key) => key.startsWith('left')).sort()).toEqual([
        'left/a b',
        'left/below/a',
        'left/young',
        'leftover/a',
      ]);
    },
  );

  it.skipIf(without.s3 !== null)(
    'in a bucket: never replaces, and takes its own object for its own where an answer was lost',
    async () => {
      const requests = new Requests(bucketUrl('backups', s3!.section), s3!.section);
      const put = (path: string) => upload(requests, path, Readable.from([Buffer.from('x')]), live);
      await put('twice/a');
      await expect(put('twice/a')).rejects.toBeInstanceOf(Taken);
      // The first answer is lost: the second try meets the object of the first.
      const send = requests.send.bind(requests);
      requests.send = (call, read) => {
        let lost = call.method !== 'PUT';
        return send(call, (response) => {
          if (lost) return read(response);
          lost = true;
          throw new TypeError('terminated');
        });
      };
      await put('twice/b');
      await expect(put('twice/a')).rejects.toBeInstanceOf(Taken);
      expect(readdirSync(join(s3!.folder, 'backups/twice')).sort()).toEqual(['a', 'b']);
    },
  );
});
