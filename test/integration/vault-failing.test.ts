/** What befalls a vault from outside: full, gone, tampered with, refused. The real thing: a directory, sshd, an S3 server. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Failure } from '../../src/outcome/outcome.ts';
import { bucketUrl } from '../../src/vault/s3/address.ts';
import { Requests } from '../../src/vault/s3/requests.ts';
import { Taken, upload } from '../../src/vault/s3/upload.ts';
import { uploadsOf } from '../../src/vault/s3/xml.ts';
import { openVault, type VaultOptions } from '../../src/vault/vault.ts';
import { eventually } from '../support/prometheus.ts';
import type { S3Server } from '../support/s3.ts';
import type { SshdFleet } from '../support/sshd.ts';
import { bytes, LARGE, largeThen, live, VaultPlace, without } from '../support/vaults.ts';

const place = new VaultPlace();
const { folder } = place;
const options = (changes: Partial<VaultOptions> = {}) => place.options(changes);
let sshds: SshdFleet | null;
let s3: S3Server | null;
beforeAll(async () => {
  await place.start();
  ({ sshds, s3 } = place);
});
afterAll(() => place.stop());

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
        ...{ code: 'vault-unreachable', where: 's3://backups/gone', why: 'ECONNREFUSED in connect' },
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
