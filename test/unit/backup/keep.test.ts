import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { clearOld, expired, type KeepPolicy } from '../../../src/backup/keep.ts';
import { ACROSS, backupId, type Level, type Manifest, manifestName, sealed } from '../../../src/backup/manifest.ts';
import { openVault } from '../../../src/vault/vault.ts';

/** A backup begun at that time, UTC; its id is shown as that time. */
function manifest(at: string, level: Level = 'compared'): Manifest {
  const began = new Date(at.length === 10 ? `${at}T12:00:00Z` : `${at}:00Z`);
  const [environment, version] = ['production', '1.0.0'];
  const times = { began: began.toISOString(), ended: began.toISOString() };
  const id = backupId(environment, began, 'ab12');
  return { schema: 2, id, environment, version, ...times, across: ACROSS, recipients: [], level, why: null, parts: [] };
}
const kept = (there: string[], policy: KeepPolicy, protectedIds: string[] = []) => {
  const manifests = there.map((each) => manifest(...(each.split(' ') as [string, Level?])));
  const gone = expired(manifests, policy, protectedIds);
  return there.filter((_, index) => !gone.includes(manifests[index]!));
};

describe('what is kept', () => {
  it.each<[string, KeepPolicy, string[], string[]]>([
    ['without a rule, all', {}, ['2026-01-01', '2026-01-02'], ['2026-01-01', '2026-01-02']],
    [
      'the newest, in whatever order they are given',
      { last: 2 },
      ['2026-01-01', '2026-01-03', '2026-01-02'],
      ['2026-01-03', '2026-01-02'],
    ],
    ['all, where there are few', { last: 7 }, ['2026-01-01'], ['2026-01-01']],
    ['none of nothing', { last: 7, daily: 7 }, [], []],
    [
      'the newest of each day, and a day without one does not count',
      { daily: 2 },
      ['2026-01-09T01:00', '2026-01-09T23:59', '2026-01-05T00:00', '2026-01-04T23:59'],
      ['2026-01-09T23:59', '2026-01-05T00:00'],
    ],
    [
      'days of UTC, whatever the clocks of a country do: 23 and 25 hours there are one day each here',
      { daily: 3 },
      [
        '2026-03-28T23:30',
        '2026-03-29T00:30',
        '2026-03-29T23:30',
        '2026-03-30T00:30',
        '2026-10-25T00:30',
        '2026-10-25T23:30',
      ],
      ['2026-03-29T23:30', '2026-03-30T00:30', '2026-10-25T23:30'],
    ],
    [
      'ISO weeks from Monday, over the turn of a year: Thursday 31 December 2026 and Sunday 3 January 2027 are one',
      { weekly: 2 },
      ['2026-12-27T23:59', '2026-12-28T00:00', '2026-12-31', '2027-01-03T23:59', '2027-01-04T00:00'],
      ['2027-01-03T23:59', '2027-01-04T00:00'],
    ],
    [
      'months by the calendar, the short one and the leap day too',
      { monthly: 3 },
      ['2028-01-31T23:59', '2028-02-01T00:00', '2028-02-29T23:59', '2028-03-01T00:00', '2028-03-31T23:59'],
      ['2028-01-31T23:59', '2028-02-29T23:59', '2028-03-31T23:59'],
    ],
    [
      'the same month of another year is another month',
      { monthly: 2 },
      ['2025-05-01', '2026-05-01'],
      ['2025-05-01', '2026-05-01'],
    ],
    [
      'what any rule keeps',
      { last: 1, daily: 2, monthly: 2 },
      ['2026-01-30', '2026-01-31', '2026-02-27', '2026-02-28T01:00', '2026-02-28T02:00'],
      ['2026-01-31', '2026-02-27', '2026-02-28T02:00'],
    ],
    [
      'the newest proven one, always',
      { last: 1 },
      ['2026-01-01', '2026-01-02', '2026-01-03 readable', '2026-01-04 stored'],
      ['2026-01-02', '2026-01-04 stored'],
    ],
    [
      'the newest of the best level where none is proven',
      { last: 1 },
      ['2026-01-01 readable', '2026-01-02 readable', '2026-01-03 stored', '2026-01-04 stored'],
      ['2026-01-02 readable', '2026-01-04 stored'],
    ],
  ])('%s', (_case, policy, there, wanted) => expect(kept(there, policy)).toEqual(wanted));

  it('what somebody may still need', () =>
    expect(
      kept(['2026-01-01', '2026-01-02', '2026-01-03'], { last: 1 }, [manifest('2026-01-01').id, 'no such']),
    ).toEqual(['2026-01-01', '2026-01-03']));
});

describe('clearing', () => {
  const ids = ['2026-01-01', '2026-01-02', '2026-01-03', '2026-01-04'].map((at) => manifest(at).id);
  const signal = new AbortController().signal;

  it('removes the manifest first, says what it did and what it spared, and does nothing twice', async () => {
    const workspace = mkdtempSync(join(tmpdir(), 'keep-'));
    const connect = () => Promise.reject(new Error('unused'));
    const vault = await openVault('./vault', { workspace, s3: null, connect, signal });
    const removed: string[] = [];
    const { remove } = vault;
    vault.remove = (name) => {
      removed.push(name);
      return remove(name);
    };
    const put = (name: string, body: string) => vault.put(name, Readable.from([Buffer.from(body)]), signal);
    const manifests = ['2026-01-01', '2026-01-02', '2026-01-03', '2026-01-04'].map((at) => manifest(at));
    for (const each of manifests) {
      await put(`${each.id}.database.main.zst`, 'x');
      const damaged = each.id === ids[2];
      await put(manifestName(each.id), damaged ? 'damaged' : sealed(each).text);
    }
    await put(manifestName(ids[0]!.replace('production', 'uat')), 'of another environment');
    await put('notes.txt', 'x');
    const wanted = { deleted: [ids[1]], gone: [manifests[1]], protected: [ids[0]], damaged: [manifestName(ids[2]!)] };
    const rest = { abandoned: [], perhapsRunning: [] };
    expect(await clearOld(vault, 'production', { last: 1 }, [ids[0]!])).toEqual({ ...wanted, ...rest });
    expect(removed[0]).toBe(manifestName(ids[1]!));
    const left = (await vault.list()).map(({ name }) => name);
    expect(left.filter((name) => name.includes(ids[1]!))).toEqual([]);
    expect(left.length).toBe(8);
    removed.length = 0;
    // Another run clears too: what it removes between our listing and our reading is no failure of ours.
    const { get } = vault;
    vault.get = async (name) => {
      if (name === manifestName(ids[3]!)) await remove(name);
      return get(name);
    };
    expect(await clearOld(vault, 'production', { last: 1 }, [ids[0]!])).toMatchObject({ deleted: [] });
    expect(removed).toEqual([]);
    rmSync(workspace, { recursive: true });
  });
});
