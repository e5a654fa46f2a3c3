import { describe, expect, it } from 'vitest';
import { type EntryHead, Guard, type Limits, safeMode } from '../../../src/artifact/guard.ts';

const file = (path: string, bytes = 0): EntryHead => ({ path, kind: 'file', bytes });
const folder = (path: string): EntryHead => ({ path, kind: 'directory', bytes: 0 });
const symlink = (path: string, link: string): EntryHead => ({ path, kind: 'symlink', link, bytes: 0 });

function admitAll(heads: EntryHead[], limits?: Limits): (string | null)[] {
  const guard = new Guard('shop.tar.gz', limits);
  return heads.map((head) => guard.admit(head));
}

describe('what may be unpacked', () => {
  it.each<[string, EntryHead[], (string | null)[]]>([
    ['plain files', [file('a'), file('b/c')], ['a', 'b/c']],
    ['the root and dots', [folder('./'), file('./a'), file('b//c/./d')], [null, 'a', 'b/c/d']],
    ['a folder named twice', [folder('a/'), file('a/b'), folder('a/')], ['a', 'a/b', 'a']],
    [
      'names with dots and spaces',
      [file('...'), file('a..b'), file('a b'), file('-rf')],
      ['...', 'a..b', 'a b', '-rf'],
    ],
    ['a link beside it', [symlink('bin/x', 'y')], ['bin/x']],
    ['a link up and down inside', [symlink('node_modules/.bin/x', '../x/cli.js')], ['node_modules/.bin/x']],
    ['a link to the root itself', [symlink('a/b/root', '../..')], ['a/b/root']],
    ['a link to nothing inside', [symlink('later', 'not/there')], ['later']],
  ])('%s', (_, heads, paths) => expect(admitAll(heads)).toEqual(paths));
});

describe('what may not', () => {
  it.each<[string, EntryHead[], RegExp]>([
    ['an absolute path', [file('/etc/passwd')], /absolute/],
    ['a drive', [file('C:/x')], /absolute/],
    ['a path upwards', [file('../x')], /upwards/],
    ['a path upwards in the middle', [file('a/../../x')], /upwards/],
    ['a path up and back', [file('a/../b')], /upwards/],
    ['a backslash', [file('..\\x')], /backslash/],
    ['a line break', [file('a\nb')], /control/],
    ['a NUL', [file('a\u0000b')], /control/],
    ['a file without a name', [file('./')], /no name/],
    ['a device, pipe or socket', [{ path: 'p', kind: 'special', bytes: 0 }], /special/],
    ['the same file twice', [file('a'), file('./a')], /twice/],
    ['a file, then a link in its place', [file('a'), symlink('a', 'b')], /twice/],
    ['a folder that was implied, then a link in its place', [file('a/b'), symlink('a', 'c')], /twice/],
    ['a link, then a folder in its place', [symlink('a', 'c'), folder('a')], /twice/],
    ['a file through a link', [symlink('a', 'b'), file('a/x')], /below "a", which is a symlink/],
    ['a file deep through a link', [symlink('a', 'b'), file('a/x/y/z')], /below "a"/],
    ['a file below a file', [file('a'), file('a/x')], /below "a", which is a file/],
    ['a link to an absolute path', [symlink('a', '/etc')], /link to "\/etc"/],
    ['a link outside', [symlink('a', '../x')], /outside/],
    ['a link outside from below', [symlink('a/b', '../../x')], /outside/],
    ['a link outside behind dots', [symlink('a', './.././x')], /outside/],
    ['a link that climbs after going down', [symlink('a/b/c/up', '../../..'), symlink('t', 'a/b/c/up/..')], /middle/],
    ['a link to nothing', [symlink('a', '')], /empty/],
    ['a link with a backslash', [symlink('a', '..\\..\\x')], /link to/],
  ])('%s', (_, heads, why) => {
    expect(() => admitAll(heads)).toThrow(
      expect.objectContaining({ code: 'artifact-unsafe', why: expect.stringMatching(why) }),
    );
  });

  it('a hard link to anything but an earlier file', () => {
    const guard = new Guard('x');
    guard.admit(file('a/b'));
    guard.admit(symlink('l', 'a'));
    expect(guard.original({ path: 'h', kind: 'hardlink', link: './a/b', bytes: 0 })).toBe('a/b');
    for (const link of ['../a', '/etc/passwd', 'a', 'l', 'l/b', 'later', '']) {
      expect(() => guard.original({ path: 'h', kind: 'hardlink', link, bytes: 0 })).toThrow(
        expect.objectContaining({ code: 'artifact-unsafe' }),
      );
    }
  });
});

describe('how large it may be', () => {
  const limits: Limits = { entries: 3, bytes: 100, free: 50 };

  it('counts entries', () => {
    expect(() => admitAll([file('a'), file('b'), file('c')], limits)).not.toThrow();
    expect(() => admitAll([file('a'), file('b'), file('c'), file('d')], limits)).toThrow(/more than 3 entries/);
  });

  it('tells a full disk from a bomb', () => {
    expect(() => admitAll([file('a', 50)], limits)).not.toThrow();
    expect(() => admitAll([file('a', 30), file('b', 21)], limits)).toThrow(
      expect.objectContaining({ code: 'disk-full' }),
    );
    expect(() => admitAll([file('a', 101)], limits)).toThrow(expect.objectContaining({ code: 'artifact-unsafe' }));
  });

  it('counts what is written, whatever was declared', () => {
    const guard = new Guard('x', { ...limits, free: null });
    guard.admit(file('a', 1));
    guard.count(100);
    expect(() => guard.count(1)).toThrow(expect.objectContaining({ code: 'artifact-unsafe' }));
  });
});

it('keeps the executable bit and little else of a mode', () => {
  const modes: [number | undefined, number][] = [
    [undefined, 0o644],
    [0o100755, 0o755],
    [0o4755, 0o755],
    [0o2755, 0o755],
    [0o1777, 0o755],
    [0o666, 0o644],
    [0o600, 0o600],
    [0, 0o600],
  ];
  for (const [given, kept] of modes) expect(safeMode(given)).toBe(kept);
});
