import { describe, expect, it } from 'vitest';
import type { Manifest, Part } from '../../../../src/backup/backup.ts';
import { insufficient, type Needed } from '../../../../src/stages/backing-up/recent.ts';

const parts = [
  { kind: 'database', name: 'shop', fingerprint: 'f1' },
  { kind: 'provided', name: 'orders', fingerprint: 'f2' },
  { kind: 'config', host: 'web2', path: 'app.env' },
  { kind: 'config', host: 'web1', path: 'app.env' },
] as Part[];
const manifest = {
  began: '2026-11-21T12:00:00.000Z',
  level: 'compared',
  recipients: ['age1a', 'age1b'],
  parts,
} as Manifest;
const needed: Needed = {
  now: new Date('2026-11-21T13:00:00.000Z'),
  maxAge: 3_600_001,
  level: 'restored',
  databases: { shop: 'f1', orders: 'f2' },
  files: ['web1', 'web2'].map((host) => ({ host, path: 'app.env' })),
  recipients: ['age1b', 'age1a'],
};

describe('a backup', () => {
  it('that is young, proven and of the same things suffices', () => expect(insufficient(manifest, needed)).toBeNull());

  it.each<[string, Partial<Needed>, Partial<Manifest>, string]>([
    ['as old as max-age', { maxAge: 3_600_000 }, {}, 'it is 60 min old'],
    ['of the future', {}, { began: '2026-11-21T13:00:01.000Z' }, 'old'],
    ['of no time', {}, { began: 'yesterday' }, 'old'],
    ['of a lower level', { level: 'compared' }, { level: 'restored' }, 'compared is required'],
    ['of fewer databases', { databases: { shop: 'f1', orders: 'f2', more: 'f3' } }, {}, 'other databases'],
    ['of more databases', { databases: { shop: 'f1' } }, {}, 'other databases'],
    ['of an earlier schema', { databases: { shop: 'f1', orders: 'f9' } }, {}, 'the schema of orders has changed'],
    ['for other keys', { recipients: ['age1a'] }, {}, 'the recipients of now'],
    ['that lies open', {}, { recipients: [] }, 'the recipients of now'],
    ['of another host', { files: [{ host: 'web1', path: 'app.env' }] }, {}, 'other config files'],
    ['of another file', { files: needed.files.map(({ host }) => ({ host, path: 'b' })) }, {}, 'other config files'],
  ])('%s does not', (_case, need, other, why) =>
    expect(insufficient({ ...manifest, ...other }, { ...needed, ...need })).toContain(why),
  );
});
