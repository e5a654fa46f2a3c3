import { describe, expect, it } from 'vitest';
import type { EnvironmentState, KnownBackup, SchemaStep } from '../../../../src/ledger/ledger.ts';
import { protectedBackups } from '../../../../src/stages/backing-up/retention.ts';

const backups = ['a', 'b', 'c'].map((change) => ({ id: `of-${change}`, change }) as KnownBackup);
const migrations = [
  { change: 'a', backup: 'earlier' },
  { change: 'b', backup: null },
  { change: 'c', backup: 'of-c' },
] as SchemaStep[];
const state = (open: string | null, incidents: string[]) =>
  ({
    ...{ backups, migrations, incidents: incidents.map((change) => ({ change })) },
    open: open === null ? null : { change: open },
  }) as EnvironmentState;

describe('what somebody may still need', () => {
  it.each<[string, string | null, string[], string[]]>([
    ['nothing where all is closed', null, [], []],
    ['the backup of the open change', 'b', [], ['of-b']],
    ['that of an incident, and the one that its migration names', null, ['a'], ['of-a', 'earlier']],
    ['each once', 'c', ['c'], ['of-c']],
  ])('%s', (_case, open, incidents, kept) => expect(protectedBackups(state(open, incidents))).toEqual(kept));

  it('is the newest proven backup from before an incident, whose change may have taken none', () => {
    const known = ([id, ended, level]: string[]) => ({ id, ended, level, change: 'nightly' }) as KnownBackup;
    const nights = [
      ['after', '2026-11-23', 'compared'],
      ['unproven', '2026-11-21', 'stored'],
      ['before', '2026-11-20', 'compared'],
      ['older', '2026-11-19', 'compared'],
    ].map(known);
    const incidents = [{ change: 'x', opened: '2026-11-22' }] as EnvironmentState['incidents'];
    expect(protectedBackups({ open: null, incidents, migrations: [], backups: nights })).toEqual(['before']);
  });
});
