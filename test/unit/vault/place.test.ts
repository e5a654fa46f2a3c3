import { describe, expect, it } from 'vitest';
import { parsePlace } from '../../../src/vault/place.ts';
import { openVault } from '../../../src/vault/vault.ts';

describe('the place of a vault', () => {
  it.each([
    ['/var/backups', { kind: 'directory', path: '/var/backups' }],
    ['./backups/', { kind: 'directory', path: '/work/backups' }],
    ['backups', { kind: 'directory', path: '/work/backups' }],
    ['../b', { kind: 'directory', path: '/b' }],
    ['ssh://web1/srv/b', { kind: 'ssh', host: 'web1', path: '/srv/b' }],
    [
      'ssh://deploy@web1.example.com:2222/srv/my b%20/',
      { kind: 'ssh', host: 'deploy@web1.example.com:2222', path: '/srv/my b%20' },
    ],
    ['SSH://deploy@[::1]:22/b'.replace('SSH', 'ssh'), { kind: 'ssh', host: 'deploy@[::1]:22', path: '/b' }],
    ['s3://backups', { kind: 's3', bucket: 'backups', prefix: '' }],
    ['s3://backups/', { kind: 's3', bucket: 'backups', prefix: '' }],
    ['s3://my.backups/shop/ü & co/', { kind: 's3', bucket: 'my.backups', prefix: 'shop/ü & co' }],
  ])('%s', (to, place) => expect(parsePlace(to, '/work')).toEqual(place));

  it.each([
    ['', /empty/],
    ['/', /root of a disk/],
    ['..', /root of a disk/],
    ['a\nb', /control/],
    ['ftp://user:s3cret@host/b', /ftp: is not a kind of vault/],
    ['https://host/b', /https: is not/],
    ['file:///b', /file: is not/],
    ['ssh://host', /absolute\/path/],
    ['ssh://host/', /root of a host/],
    ['ssh://user:s3cret@host/b', /absolute\/path/],
    ['ssh://-oProxyCommand=x/b', /absolute\/path/],
    ['ssh://host/a/../b', /has \.\./],
    ['s3://', /bucket\/prefix/],
    ['s3://a/b', /bucket\/prefix/],
    ['s3://bucket/a//b', /empty part/],
    ['s3://bucket/a/../b', /empty part/],
  ])('is not %j', (to, why) => {
    expect(() => parsePlace(to, '/work')).toThrow(
      expect.objectContaining({
        code: 'config-invalid',
        why: expect.stringMatching(why),
        message: expect.not.stringContaining('s3cret'),
      }),
    );
  });

  it('needs a section for a bucket, and a URL for its endpoint', async () => {
    const { signal } = new AbortController();
    const open = (s3: Parameters<typeof openVault>[1]['s3']) =>
      openVault('s3://backups', { workspace: '/', s3, connect: () => Promise.reject(new Error('unused')), signal });
    const invalid = (next: string) =>
      expect.objectContaining({ code: 'config-invalid', next: expect.stringContaining(next) });
    await expect(open(null)).rejects.toEqual(invalid('backup.s3'));
    const keys = { 'access-key': 'a', 'secret-key': 'bcde' };
    for (const endpoint of ['s3.example.com', 'ftp://x', 'https://user:pw@x', 'https://x?y'])
      await expect(open({ ...keys, region: 'us-east-1', endpoint })).rejects.toEqual(invalid('https://'));
    await expect(open({ ...keys, region: 'evil.example.com/' })).rejects.toEqual(invalid('region'));
  });
});
