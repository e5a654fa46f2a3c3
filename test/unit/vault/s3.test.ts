import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bucketUrl, keyPath } from '../../../src/vault/s3/address.ts';
import { failureOf, passing, refusalOf } from '../../../src/vault/s3/errors.ts';
import { atOnce, MOST_PARTS, partSize, partsOf } from '../../../src/vault/s3/parts.ts';
import { completion, objectsOf, uploadsOf } from '../../../src/vault/s3/xml.ts';

const MIB = 1_048_576;

describe('addresses', () => {
  it.each([
    ['backups', { region: 'eu-central-1' }, 'https://backups.s3.eu-central-1.amazonaws.com'],
    ['my.backups', { region: 'us-east-1' }, 'https://s3.us-east-1.amazonaws.com/my.backups'],
    ['backups', { region: 'cn-north-1' }, 'https://backups.s3.cn-north-1.amazonaws.com.cn'],
    ['backups', { region: 'x', endpoint: 'https://s3.example.com/' }, 'https://s3.example.com/backups'],
    ['backups', { region: 'x', endpoint: 'http://127.0.0.1:9000/base/' }, 'http://127.0.0.1:9000/base/backups'],
  ])('%s in %j', (bucket, section, url) => expect(bucketUrl(bucket, section)).toBe(url));
  it('keys are encoded, slashes stay', () => expect(keyPath('a b/ü+%41/c')).toBe('a%20b/%C3%BC%2B%2541/c'));
});

describe('parts', () => {
  it('are as large as S3 takes, and suffice for the largest object it has (5 TiB)', () => {
    const sizes = Array.from({ length: MOST_PARTS }, (_, index) => partSize(index + 1));
    expect([1, 1000, 1001, 2001, MOST_PARTS].map(partSize)).toEqual([8, 8, 16, 32, 4096].map((size) => size * MIB));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5 * 1024 * MIB);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(5 * MIB * MIB);
    expect([1, 2000, 2001].map(atOnce)).toEqual([2, 2, 1]);
  });

  it.each([
    [0, [0]],
    [1, [1]],
    [10, [10]],
    [11, [10, 1]],
    [20, [10, 10]],
    [45, [10, 10, 20, 5]],
  ])('%i bytes become %j', async (bytes, wanted) => {
    const size = (number: number) => (number < 3 ? 10 : 20);
    for (const step of [1, 7, 10, 100]) {
      const content = Buffer.from(Array.from({ length: bytes }, (_, index) => index));
      const chunks = async function* () {
        for (let at = 0; at < bytes; at += step) yield content.subarray(at, at + step);
      };
      const found: number[] = [];
      let whole = Buffer.alloc(0);
      for await (const part of partsOf(chunks(), size)) {
        const body = Buffer.concat(part.body);
        found.push(body.length);
        whole = Buffer.concat([whole, body]);
        expect(part.sha256).toBe(createHash('sha256').update(body).digest('hex'));
        expect([part.number, part.last]).toEqual([found.length, found.length === wanted.length]);
      }
      expect([found, whole]).toEqual([wanted, content]);
    }
  });

  it('more than 10,000 are refused', async () => {
    const chunks = async function* () {
      yield Buffer.alloc(MOST_PARTS + 1);
    };
    const read = async () => {
      for await (const _ of partsOf(chunks(), () => 1));
    };
    await expect(read()).rejects.toThrow('more than 10000 parts');
  });
});

describe('lists', () => {
  const list = (inside: string) =>
    `<?xml version="1.0"?>\n<ListBucketResult xmlns="http://s3">${inside}</ListBucketResult>`;
  it('give keys with every character as they are', () => {
    const contents = [
      ['a%2Bb+c%26%C3%BC%0A', 'a+b c&ü\n'],
      ['&lt;x&gt;&amp;amp;', '<x>&amp;'],
      ['100%', '100%'],
    ].map(([said, key]) => ({ said, key }));
    const xml = contents.map(
      ({ said }) => `<Contents><Key>${said}</Key><ETag>&quot;x&quot;</ETag><Size>5</Size></Contents>`,
    );
    const page = objectsOf(list(`<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${xml.join('\n')}`));
    expect(page).toEqual({ found: contents.map(({ key }) => ({ key, bytes: 5 })), next: null });
  });
  it('give keys that are not encoded as XML has them', () => {
    const xml = '<IsTruncated>false</IsTruncated><Contents><Key>a+b%20&#xFC;&#38;&#10;</Key><Size>0</Size></Contents>';
    expect(objectsOf(list(xml)).found).toEqual([{ key: 'a+b%20ü&\n', bytes: 0 }]);
  });
  it('go on where they say so, and are not believed where they do not say where', () => {
    const more = '<IsTruncated>true</IsTruncated>';
    const token = '<NextContinuationToken>a&amp;b=</NextContinuationToken>';
    expect(objectsOf(list(more + token)).next).toEqual({ 'continuation-token': 'a&b=' });
    expect(() => objectsOf(list(more))).toThrow('does not say where');
    expect(() => objectsOf('<html>a proxy</html>')).toThrow('is no list');
    expect(() => objectsOf('')).toThrow('is no list');
  });
  it('of uploads name key, id and time', () => {
    const upload = (time: string) =>
      `<Upload><Initiated>${time}</Initiated><Key>a+b</Key><UploadId>1/2</UploadId></Upload>`;
    const rest =
      '<IsTruncated>true</IsTruncated><NextKeyMarker>a%2Bb</NextKeyMarker><NextUploadIdMarker>2</NextUploadIdMarker>';
    expect(uploadsOf(list(upload('2026-01-02T03:04:05Z') + upload('soon') + rest))).toEqual({
      found: [
        { key: 'a+b', id: '1/2', began: new Date('2026-01-02T03:04:05Z') },
        { key: 'a+b', id: '1/2', began: null },
      ],
      next: { 'key-marker': 'a%2Bb', 'upload-id-marker': '2' },
    });
  });
  it('of parts are numbered and escaped', () => {
    const xml = completion(['"a"', '<b>']);
    expect(xml).toContain('<Part><PartNumber>1</PartNumber><ETag>&#34;a&#34;</ETag></Part>');
    expect(xml).toContain('<Part><PartNumber>2</PartNumber><ETag>&#60;b&#62;</ETag></Part>');
  });
});

describe('refusals', () => {
  const said = (code: string, more = '') => `<Error><Code>${code}</Code><Message>what it says</Message>${more}</Error>`;
  it.each([
    [403, said('InvalidAccessKeyId'), null, 'vault-unreachable', /access-key and secret-key/],
    [403, said('SignatureDoesNotMatch'), null, 'vault-unreachable', /access-key and secret-key/],
    [400, said('ExpiredToken'), null, 'vault-unreachable', /session-token/],
    [403, said('AccessDenied'), null, 'vault-unreachable', /docs\/vaults.md/],
    [403, said('RequestTimeTooSkewed'), null, 'vault-unreachable', /clock/],
    [404, said('NoSuchBucket'), null, 'vault-unreachable', /create the bucket/],
    [301, said('PermanentRedirect'), 'eu-west-1', 'vault-unreachable', /backup.s3.region to eu-west-1/],
    [
      400,
      said('AuthorizationHeaderMalformed', '<Region>eu-west-1</Region>'),
      null,
      'vault-unreachable',
      /region to eu-west-1/,
    ],
    [307, '', null, 'vault-unreachable', /endpoint and region/],
    [403, '', null, 'vault-unreachable', /access-key/],
    [507, '<html>', null, 'disk-full', /make room/],
    [403, said('QuotaExceeded'), null, 'disk-full', /make room/],
    [418, '<html><body>\u0007a proxy', null, 'vault-unreachable', /look at what the storage answers/],
  ])('%i %s', (status, body, region, code, next) => {
    const refusal = refusalOf(status, body, region);
    const failure = failureOf('s3://b', refusal);
    expect(failure).toMatchObject({ code, where: 's3://b', next: expect.stringMatching(next) });
    expect(failure.why).toContain(refusal.code || `status ${status}`);
  });
  it.each([
    [500, said('InternalError'), true],
    [503, said('SlowDown'), true],
    [429, '', true],
    [400, said('RequestTimeout'), true],
    [501, said('NotImplemented'), false],
    [507, '', false],
    [403, said('AccessDenied'), false],
    [404, '', false],
  ])('%i %s may pass: %s', (status, body, passes) => expect(passing(refusalOf(status, body, null))).toBe(passes));
});
