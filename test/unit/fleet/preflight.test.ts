import { describe, expect, it } from 'vitest';
import { deploySchema } from '../../../src/config/schema.ts';
import { type Load, preflight } from '../../../src/fleet/preflight.ts';
import type { HostState } from '../../../src/fleet/survey.ts';

const FIT: HostState = {
  host: 'h1',
  root: true,
  writable: true,
  closed: [],
  currentIsLink: true,
  link: 'versions/1.0',
  current: '1.0',
  previous: null,
  versions: [{ name: '1.0', digest: 'sha256:aa', at: '2026-01-01T00:00:00Z' }],
  fence: 3,
  journal: null,
  ledger: null,
  freeBytes: 1e9,
  freeFiles: 1e6,
  tools: { rename: true, sha256: true, flock: true, rsync: true },
};
const LOAD: Load = { version: '1.1', digest: 'sha256:bb', bytes: 1e6, files: 10, change: { id: 'c', fence: 4 } };
const SECTION = deploySchema.parse({
  restart: 'r',
  isolate: 'i',
  health: { url: 'http://x' },
  version: { url: 'http://x' },
});

const codes = (state: Partial<HostState>, load: Partial<Load> = {}) =>
  preflight([{ ...FIT, ...state }], { ...LOAD, ...load }, SECTION).flatMap((finding) =>
    finding.kind === 'obstacle' ? finding.failure.code : finding.text,
  );

describe('preflight', () => {
  it('has nothing to say about a fit fleet', () => expect(codes({})).toEqual([]));

  it.each<[string, Partial<HostState>, Partial<Load>, string]>([
    ['current is a directory', { currentIsLink: false }, {}, 'host-unfit'],
    ['not writable', { writable: false }, {}, 'host-unfit'],
    ['versions/ not writable', { closed: ['versions'] }, {}, 'host-unfit'],
    ['no mv -T', { tools: { ...FIT.tools, rename: false } }, {}, 'host-unfit'],
    ['no sha256sum', { tools: { ...FIT.tools, sha256: false } }, {}, 'host-unfit'],
    ['full', { freeBytes: 1_000_000 }, {}, 'disk-full'],
    ['no inodes', { freeFiles: 50 }, {}, 'disk-full'],
    ['a newer fence', { fence: 5 }, {}, 'host-busy'],
    [
      'an unfinished change',
      { journal: { change: 'x', fence: 1, from: '', to: 'versions/1.0', state: 'flipped' } },
      {},
      'host-busy',
    ],
    ['same version, other content', {}, { version: '1.0' }, 'deploy-failed'],
    ['same version, no digest known', { versions: [] }, { version: '1.0' }, 'deploy-failed'],
  ])('%s', (_, state, load, code) => expect(codes(state, load)).toEqual([code]));

  it.each<[string, Partial<HostState>, Partial<Load>]>([
    ['inodes that the file system does not count', { freeFiles: 0 }, {}],
    [
      'its own unfinished change',
      { journal: { change: 'c', fence: 4, from: '', to: 'versions/1.1', state: 'flipped' } },
      {},
    ],
    ['a finished change', { journal: { change: 'x', fence: 1, from: '', to: 'versions/1.0', state: 'confirmed' } }, {}],
    ['the same version with the same content', {}, { version: '1.0', digest: 'sha256:aa' }],
    ['unknown sizes', {}, { bytes: null, files: null }],
    ['no flock', { tools: { ...FIT.tools, flock: false } }, {}],
  ])('lets %s pass', (_, state, load) => expect(codes(state, load)).toEqual([]));

  it('names every obstacle on every host', () => {
    const bad = { ...FIT, writable: false, currentIsLink: false };
    const found = preflight([bad, { ...bad, host: 'h2' }], LOAD, SECTION);
    expect(found.map((finding) => finding.kind === 'obstacle' && finding.failure.where)).toEqual([
      'h1',
      'h1',
      'h2',
      'h2',
    ]);
  });

  it('says what it will not be able to judge', () => {
    const blind = preflight(
      [FIT, { ...FIT, host: 'h2', current: '0.9', tools: { ...FIT.tools, rsync: false } }],
      LOAD,
      deploySchema.parse({}),
    );
    expect(blind.map(({ kind }) => kind)).toEqual(Array(6).fill('blind'));
    expect(blind.map(({ text }) => text).join('\n')).toMatch(
      /restart[\s\S]*health[\s\S]*version[\s\S]*isolate[\s\S]*1\.0, 0\.9[\s\S]*rsync on h2/,
    );
  });
});
