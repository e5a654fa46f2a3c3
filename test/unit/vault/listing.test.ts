import { describe, expect, it } from 'vitest';
import { entriesOf, freeOf } from '../../../src/vault/listing.ts';

describe('what a host says of its files', () => {
  it('as GNU, BusyBox and macOS say it, without what is no file of a vault', () => {
    const said = [
      'total 8',
      '-rw------- 1 0 0 11 Nov 21 16:36 ./b.zst',
      '-rw-------+   1 501  20  5368709120 Jan  1  2025 ./a-1',
      '-rw-------    1 0        0              3 Nov 21 16:36 c',
      '-rw------- 1 0 0 1 Nov 21 16:36 ./.unfinished-x',
      '-rw------- 1 0 0 1 Nov 21 16:36 ./a b',
      'drwx------ 2 0 0 4096 Nov 21 16:36 ./folder',
      'lrwxrwxrwx 1 0 0 1 Nov 21 16:36 ./link -> b.zst',
      '',
    ].join('\n');
    expect(entriesOf(said)).toEqual([
      { name: 'a-1', bytes: 5_368_709_120 },
      { name: 'b.zst', bytes: 11 },
      { name: 'c', bytes: 3 },
    ]);
    expect(entriesOf('')).toEqual([]);
  });
  it.each([
    [
      'Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 2048 1024 1000 51% /srv/my disk 5%',
      1_024_000,
    ],
    ['Filesystem 1024-blocks Used Available Capacity Mounted on\n//nas/my share 7 7 0 100% /mnt\n', 0],
    ['Filesystem 1024-blocks Used Available Capacity Mounted on\nover 9 9 -3 101% /', 0],
    ['df: no such file', null],
    ['', null],
  ])('free: %j', (said, bytes) => expect(freeOf(said)).toBe(bytes));
});
