import { describe, expect, it } from 'vitest';
import {
  ACROSS,
  backupId,
  type Level,
  leftovers,
  type Manifest,
  manifestName,
  type Part,
  parseName,
  reaches,
  sealed,
  unsealed,
  weakest,
} from '../../../src/backup/manifest.ts';

const day = (n: number) => new Date(Date.UTC(2026, 0, n, 12));
const manifest = (n: number, level: Level, environment = 'production'): Manifest => ({
  schema: 2,
  across: ACROSS,
  id: backupId(environment, day(n), 'ab12'),
  environment,
  version: '1.0.0',
  began: day(n).toISOString(),
  ended: day(n).toISOString(),
  recipients: [],
  level,
  why: null,
  parts: [],
});
const part = (name: string, level: Level): Part =>
  ({
    kind: 'config',
    name: `deploy@web1: ${name}`,
    host: 'deploy@web1',
    path: name,
    level,
    why: level === 'compared' ? null : 'because',
  }) as Part;

describe('names', () => {
  it('are taken apart again, with dashes in the environment', () => {
    const id = backupId('pro-d_1', day(3), 'ab12');
    expect(parseName(`${id}.database.main.zst.age`)).toEqual({
      id,
      scope: 'pro-d_1',
      at: day(3),
      manifest: false,
    });
    expect(parseName(manifestName(id))?.manifest).toBe(true);
  });
  it.each([
    '',
    'x',
    'production.20260101T120000Z-ab.x',
    '../production.20260103T120000000Z-ab12.x',
    'notes.txt',
    'production.20260103T120000000Z-ab12',
  ])('%s is none of ours', (name) => expect(parseName(name)).toBeNull());
  it('sort by time', () =>
    expect([day(10), day(2)].map((at) => backupId('p', at, 'a')).sort()[0]).toContain('20260102'));
});

describe('levels', () => {
  it('of a backup are those of its weakest part, whose host is not told', () => {
    expect(weakest([part('a', 'compared'), part('b', 'readable'), part('c', 'restored')])).toEqual({
      level: 'readable',
      why: 'b: because',
    });
    expect(weakest([part('a', 'compared')])).toEqual({ level: 'compared', why: null });
  });
  it('without parts prove nothing', () =>
    expect(weakest([])).toEqual({ level: 'stored', why: 'the backup has no part' }));
  it('are ordered', () => {
    expect(reaches('compared', 'restored')).toBe(true);
    expect(reaches('readable', 'restored')).toBe(false);
  });
});

describe('a sealed manifest', () => {
  const { text, digest } = sealed(manifest(1, 'compared'));
  const name = manifestName(manifest(1, 'compared').id);
  it('comes back', () => expect(unsealed(text, name)).toEqual({ manifest: manifest(1, 'compared'), digest }));
  it.each([
    ['one changed word', text.replace('compared', 'restored'), name],
    ['half of it', text.slice(0, text.length / 2), name],
    ['nothing', '', name],
    ['null', 'null', name],
    ['an unknown schema', sealed({ ...manifest(1, 'compared'), schema: 3 as 2 }).text, name],
    ['another name', text, manifestName(manifest(2, 'compared').id)],
  ])('is refused: %s', (_case, damaged, under) =>
    expect(() => unsealed(damaged, under)).toThrow(expect.objectContaining({ code: 'backup-failed' })),
  );
});

describe('a manifest of schema 1', () => {
  it('is read with what it did not know as null', () => {
    const id = manifest(1, 'compared').id;
    const database = {
      kind: 'database',
      name: 'main',
      file: 'f',
      counts: { t: 2 },
      counted: 'copy',
      level: 'compared',
    };
    const { across: _, ...older } = {
      ...manifest(1, 'compared'),
      schema: 1 as const,
      parts: [database, part('a', 'compared')],
    };
    const sealedThen = sealed(older as unknown as Manifest);
    const read = unsealed(sealedThen.text, manifestName(id));
    expect(read.digest).toBe(sealedThen.digest);
    expect(read.manifest).toMatchObject({
      ...{ schema: 1, across: ACROSS },
      parts: [
        { name: 'main', contents: null, dumped: null, restored: null, unlike: [], from: 'primary' },
        { kind: 'config' },
      ],
    });
  });
});

describe('leftovers', () => {
  it('are files of this environment without a manifest; young ones may still be written', () => {
    const [whole, old, young, other] = [
      manifest(1, 'compared').id,
      manifest(2, 'compared').id,
      manifest(9, 'compared').id,
      manifest(2, 'compared', 'uat').id,
    ];
    const names = [
      `${whole}.database.a.zst`,
      manifestName(whole),
      `${old}.database.a.zst`,
      `${young}.config.0.zst`,
      `${other}.database.a.zst`,
      'readme.txt',
    ];
    expect(leftovers(names, 'production', day(10), 86_400_001)).toEqual({
      abandoned: [`${old}.database.a.zst`],
      perhapsRunning: [`${young}.config.0.zst`],
    });
  });
});
