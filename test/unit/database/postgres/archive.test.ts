import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ArchiveContents } from '../../../../src/database/postgres/archive.ts';
import type { Contents } from '../../../../src/database/types.ts';

/** Made by pg_dump 15.18 -Fc -Z0 of a small database. */
const RECORDED = readFileSync(new URL('recorded.dump', import.meta.url));

function read(bytes: Buffer, size = bytes.length): Contents {
  const archive = new ArchiveContents();
  for (let at = 0; at < bytes.length; at += size) archive.push(bytes.subarray(at, at + size));
  return archive.end();
}

const rowsOf = (contents: Contents) =>
  Object.fromEntries(Object.entries(contents.tables).map(([name, { rows }]) => [name, rows]));

/** Writes the format as pg_backup_archiver.c describes it. */
const int = (value: number) => {
  const bytes = Buffer.alloc(5);
  bytes[0] = value < 0 ? 1 : 0;
  bytes.writeUInt32LE(Math.abs(value), 1);
  return bytes;
};
const text = (value: string | null) =>
  value === null ? int(-1) : Buffer.concat([int(Buffer.byteLength(value)), Buffer.from(value)]);

interface Entry {
  id: number;
  kind: string;
  tag: string;
  data?: boolean;
  definition?: string;
}

function archive(
  minor: number,
  entries: Entry[],
  blocks: Buffer[],
  head: { compression?: number; format?: number } = {},
) {
  const { compression = 0, format = 1 } = head;
  const entry = ({ id, kind, tag, data = false, definition = '' }: Entry) =>
    Buffer.concat([
      ...[int(id), int(data ? 1 : 0), text('1259'), text('16384'), text(tag), text(kind), int(3), text(definition)],
      ...[text(''), text(null), text('public'), text(null), ...(minor >= 14 ? [text('heap')] : [])],
      ...[...(minor >= 16 ? [int(114)] : []), text('owner'), text('false'), text('7'), text(null)],
      Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0]),
    ]);
  return Buffer.concat([
    ...[Buffer.from('PGDMP'), Buffer.from([1, minor, 0, 4, 8, format])],
    ...[minor < 15 ? int(compression) : Buffer.from([compression]), ...Array.from({ length: 7 }, () => int(0))],
    ...[text('shop'), text('15.1'), text('15.1'), int(entries.length), ...entries.map(entry), ...blocks],
  ]);
}

const pieces = (...parts: string[]) => [...parts.map(text), int(0)];
const tableBlock = (id: number, ...parts: string[]) => Buffer.concat([Buffer.from([1]), int(id), ...pieces(...parts)]);
const END = '\\.\n\n\n';
const TABLE: Entry = { id: 5, kind: 'TABLE DATA', tag: 't', data: true };

describe('an archive of pg_dump', () => {
  const whole = read(RECORDED);

  it('shows what it holds', () => {
    expect(rowsOf(whole)).toEqual({ customers: 4, '"Side"."a b"': 300, empty: 0, 'large objects': 2 });
    expect(whole.sequences).toEqual({ customers_id_seq: '4', fresh: '7, not yet taken' });
  });

  it.each([1, 7, 4096])('is read the same in pieces of %i bytes', (size) => {
    expect(read(RECORDED, size)).toEqual(whole);
  });

  it('is refused wherever it is cut off', () => {
    // At the end of a block too: another one is announced. Each place would do; every 13th is enough.
    for (let length = 0; length < RECORDED.length; length += 13)
      expect(() => read(RECORDED.subarray(0, length))).toThrow(expect.objectContaining({ code: 'backup-failed' }));
  });

  it.each([12, 13, 14, 15, 16])('is read in version 1.%i', (minor) => {
    const entries: Entry[] = [
      TABLE,
      { id: 6, kind: 'SEQUENCE SET', tag: 's', definition: "SELECT pg_catalog.setval('public.s', -3, true);\n" },
      { id: 8, kind: 'BLOBS', tag: 'BLOBS', data: true },
      { id: 9, kind: 'BLOBS', tag: 'BLOBS', data: true },
    ];
    const objects = (id: number, number: number) =>
      Buffer.concat([Buffer.from([3]), int(id), int(number), ...pieces('ab', 'c'), int(0)]);
    const contents = read(archive(minor, entries, [tableBlock(5, '1\n', '2\n', END), objects(8, 41), objects(9, 42)]));
    expect(rowsOf(contents)).toEqual({ t: 2, 'large objects': 2 });
    expect(contents.sequences).toEqual({ s: '-3' });
  });

  it('does not depend on how rows lie in its pieces', () => {
    const one = read(archive(16, [TABLE], [tableBlock(5, '1\n', '2\n', END)]));
    expect(read(archive(16, [TABLE], [tableBlock(5, '1\n2', '\n\\', '.\n\n\n')]))).toEqual(one);
  });

  it.each<[string, Buffer]>([
    ['is of version 1.17', archive(17, [], [])],
    ['is of version 1.11', archive(11, [], [])],
    ['is compressed', archive(15, [], [], { compression: 1 })],
    ['is compressed', archive(14, [], [], { compression: -1 })],
    ['not in the custom format', archive(15, [], [], { format: 3 })],
    ['begin as one', Buffer.from('-- PostgreSQL database dump')],
    ['kind that is not known: NEW DATA', archive(16, [{ ...TABLE, kind: 'NEW DATA' }], [])],
    ['has t twice', archive(16, [TABLE, { ...TABLE, id: 6 }], [])],
    ['that no entry announces', archive(16, [TABLE], [tableBlock(6, END)])],
    ['that no entry announces', archive(16, [{ ...TABLE, kind: 'BLOBS' }], [tableBlock(5, END)])],
    ['the data of t are not in it', archive(16, [TABLE], [])],
    ['the data of t have no end', archive(16, [TABLE], [tableBlock(5, '1\n')])],
    ['go on after their end', archive(16, [TABLE], [tableBlock(5, END, '1\n')])],
    ['ends in the middle', archive(16, [TABLE], [tableBlock(5, '1\n', END).subarray(0, -2)])],
    [
      'the sequence s stands nowhere',
      archive(16, [{ id: 1, kind: 'SEQUENCE SET', tag: 's', definition: 'SELECT 1;' }], []),
    ],
  ])('is refused where it %s', (why, bytes) => {
    expect(() => read(bytes)).toThrow(
      expect.objectContaining({ code: 'backup-failed', why: expect.stringContaining(why) }),
    );
  });
});
