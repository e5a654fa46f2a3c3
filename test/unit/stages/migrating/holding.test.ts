import { describe, expect, test } from 'vitest';
import type { MigrateSection } from '../../../../src/config/config.ts';
import type { Migrator, Waiting } from '../../../../src/migration/migration.ts';
import { heldInWords, holdByLedger, type Known } from '../../../../src/stages/migrating/holding.ts';

const waiting = (version: string, kind: Waiting['kind']): Waiting => ({
  ...{ version, name: version, file: `${version}.sql`, kind, atomic: true },
  contracts: kind === 'contract' ? [{ line: 3, what: 'DROP COLUMN legacy' }] : [],
});
const PENDING = [waiting('1', 'expand'), waiting('2', 'contract')];
const migrator = {
  hold: (pending, known) => {
    const held = pending.filter(({ kind, version }) => kind === 'contract' && !known(version));
    return { apply: pending.filter((each) => !held.includes(each)), held };
  },
} as Migrator;
const live = (version: string) => ({ version, digest: null, commit: null, change: 'c', since: '' });
const record = (version: string, database = 'main') => ({ migration: '2', database, version, since: '' });
const DEPLOYED = { deploy: {}, hosts: [{ at: './a', with: {} }] };

/** As for a script of EF Core: one whole, of which nothing is held. */
const whole = {
  hold: (pending: Waiting[]) => ({ apply: pending, held: [] as Waiting[] }),
} as Partial<Migrator> as Migrator;

function held(known: Known, section: Partial<MigrateSection> = {}, environment: object = DEPLOYED, by = migrator) {
  const context = { environment } as unknown as Parameters<typeof holdByLedger>[0];
  const complete = { from: 'db', contract: 'hold', ...section } as MigrateSection;
  const { held: some, blind } = holdByLedger(context, complete, known, { name: 'main' }, by, PENDING);
  return { held: some.map(({ version }) => version), blind: blind !== null };
}
const known = (parts: Partial<NonNullable<Known>>): Known => ({ live: null, held: [], migrations: [], ...parts });

describe('a contracting migration', () => {
  test.each<[string, ReturnType<typeof held>, string[], boolean]>([
    ['is held where another version is live', held(known({ live: live('1.0') })), ['2'], false],
    ['goes where the live version came with it', held(known({ live: live('2.0'), held: [record('2.0')] })), [], false],
    ['is held after a rollback to before', held(known({ live: live('1.0'), held: [record('2.0')] })), ['2'], false],
    [
      'is held where another database had one',
      held(known({ live: live('2.0'), held: [record('2.0', 'b')] })),
      ['2'],
      false,
    ],
    ['goes on the first delivery', held(known({})), [], false],
    ['goes where no ledger is kept', held(null), [], false],
    ['goes where that is asked for', held(known({ live: live('1.0') }), { contract: 'apply' }), [], false],
    ['goes without a deploy section, which is said', held(known({ live: live('1.0') }), {}, { hosts: [] }), [], true],
    [
      'goes with its script of EF Core, which is said',
      held(known({ live: live('1.0') }), {}, DEPLOYED, whole),
      [],
      true,
    ],
    [
      'goes with its script of EF Core where the live version came with it',
      held(known({ live: live('2.0'), held: [record('2.0')] }), {}, DEPLOYED, whole),
      [],
      false,
    ],
    [
      'is not known of commands, which is said',
      held(known({ live: live('1.0') }), { commands: { pending: 'a', apply: 'b' } }),
      [],
      true,
    ],
  ])('%s', (_name, was, versions, blind) => expect(was).toEqual({ held: versions, blind }));
});

test('what is held is said with its reasons', () => {
  expect(heldInWords({ held: [PENDING[1]!], why: null }, '2.0')).toEqual([
    'held until no version before 2.0 runs: 2.sql (DROP COLUMN legacy, line 3)',
  ]);
  expect(heldInWords({ held: [waiting('2', 'contract')], why: 'web2 runs 1.0' }, '2.0')[0]).toMatch(/; web2 runs 1.0$/);
});
