import { describe, expect, it } from 'vitest';
import { digestOfManifest, type ManifestEntry, sortManifest } from '../../../src/artifact/manifest.ts';
import { digestIn, plainDigest, sourceOf } from '../../../src/artifact/source.ts';

const hex = 'ab'.repeat(32);
const other = 'cd'.repeat(32);

describe('sourceOf', () => {
  it.each([
    ['release:shop-{version}.tar.gz', { kind: 'release', asset: 'shop-1.2.tar.gz' }],
    ['run:shop', { kind: 'run', name: 'shop' }],
    ['https://x.example/{version}/s-{version}.zip', { kind: 'url', url: 'https://x.example/1.2/s-1.2.zip' }],
    ['./dist', { kind: 'path', path: './dist' }],
    ['/srv/{version}.tgz', { kind: 'path', path: '/srv/1.2.tgz' }],
    ['releases/x', { kind: 'path', path: 'releases/x' }],
  ])('%s', (text, source) => expect(sourceOf(text, '1.2')).toEqual(source));

  it.each(['', 'release:', 'run: ', 'ftp://x/y', 's3://b/k', 'https://'])('refuses %j', (text) => {
    expect(() => sourceOf(text, '1')).toThrow(expect.objectContaining({ code: 'input-invalid' }));
  });

  it('does not show a password', () => {
    expect(() => sourceOf('ftp://u:hunter22@x/y', '1')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter22') }),
    );
  });
});

describe('digests', () => {
  it.each([
    [hex, `sha256:${hex}`],
    [`sha256:${hex.toUpperCase()}`, `sha256:${hex}`],
    [` ${hex}\n`, `sha256:${hex}`],
    [hex.slice(1), null],
    [`md5:${hex}`, null],
    [`sha256:${hex}0`, null],
    ['', null],
  ])('%s', (text, digest) => expect(plainDigest(text)).toBe(digest));

  it.each<[string, string, string | null]>([
    ['bare', hex, hex],
    ['with prefix', `sha256:${hex}\n`, hex],
    ['a line of sha256sum', `${hex}  s.zip\n`, hex],
    ['binary mark', `${hex} *s.zip`, hex],
    ['with a folder', `${hex}  ./dist/s.zip`, hex],
    ['one of several', `${other}  t.zip\n${hex}  s.zip\n`, hex],
    ['BSD', `SHA256 (s.zip) = ${hex}`, hex],
    ['of another file', `${hex}  t.zip`, null],
    ['several without names', `${hex}\n${other}`, null],
    ['two for one name', `${hex}  s.zip\n${other}  s.zip`, null],
    ['a page', '<html>not found</html>', null],
    ['nothing', '', null],
  ])('in a digest file: %s', (_, text, expected) => {
    expect(digestIn(text, 'https://x.example/a/s.zip?x=1')).toBe(expected === null ? null : `sha256:${expected}`);
  });
});

describe('the digest of a manifest', () => {
  const entry = (path: string, change: Partial<ManifestEntry> = {}): ManifestEntry => ({
    path,
    sha256: hex,
    mode: 0o644,
    bytes: 1,
    ...change,
  });
  const base = digestOfManifest([entry('a'), entry('b')]);

  it('does not hang on the order of writing', () => {
    expect(digestOfManifest(sortManifest([entry('b'), entry('a')]))).toBe(base);
  });

  it.each<[string, ManifestEntry[]]>([
    ['a name', [entry('a'), entry('c')]],
    ['a content', [entry('a', { sha256: other }), entry('b')]],
    ['a mode', [entry('a', { mode: 0o755 }), entry('b')]],
    ['a file for a link', [entry('a', { link: 'x' }), entry('b')]],
    ['one less', [entry('a')]],
  ])('changes with %s', (_, manifest) => expect(digestOfManifest(manifest)).not.toBe(base));
});
