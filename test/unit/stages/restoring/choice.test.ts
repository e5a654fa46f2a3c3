import { describe, expect, it } from 'vitest';
import { type EnvironmentState, emptyState, type SchemaStep } from '../../../../src/ledger/ledger.ts';
import {
  askedFor,
  backupFor,
  choose,
  downsOf,
  stepsSince,
  timeDown,
  undoneBy,
  wasTakenBack,
} from '../../../../src/stages/restoring/choice.ts';

const day = (at: number) => `2026-11-${String(at).padStart(2, '0')}T00:00:00.000Z`;

function step(version: string, at: number, kinds: string, more: Partial<SchemaStep> = {}): SchemaStep {
  const applied = [...kinds].map((kind, index) => ({
    version: `${version}${index}`,
    name: `m${version}${index}`,
    kind: kind === 'c' ? ('contract' as const) : ('expand' as const),
  }));
  return {
    ...{
      change: `c${version}`,
      version,
      at: day(at),
      database: 'main',
      before: `before ${version}`,
      after: '',
      applied,
    },
    ...{ down: 100, noDown: null, backup: `b${version}`, ratio: null, undone: null },
    ...more,
  };
}

const live = (version: string, since: number, change = `c${version}`) => ({
  version,
  digest: null,
  commit: null,
  change,
  since: day(since),
});

/** Version 1, 2 and 3 delivered on days 1, 2 and 3, each with its migrations. */
function delivered(parts: Partial<EnvironmentState> = {}): EnvironmentState {
  return {
    ...emptyState('production'),
    live: live('3', 3),
    before: [live('2', 2), live('1', 1)],
    migrations: [step('3', 3, 'ec'), step('2', 2, 'e'), step('1', 1, 'e')],
    ...parts,
  };
}

const versions = (steps: SchemaStep[]) => steps.map(({ version }) => version);

describe('what was applied since a version was live', () => {
  // A step is written before its version is live: at the very moment, or before.
  it.each([
    ['the one before', '2', delivered(), ['3']],
    ['two before', '1', delivered(), ['3', '2']],
    ['the live one', '3', delivered(), []],
    [
      'what was undone does not count',
      '1',
      delivered({ migrations: [step('3', 3, 'c', { undone: 'x' }), step('2', 2, 'e')] }),
      ['2'],
    ],
    [
      'of a delivery that was turned back',
      '3',
      delivered({ migrations: [step('4', 4, 'c'), step('3', 3, 'e')] }),
      ['4'],
    ],
    [
      'brought back by a rollback that kept the data',
      '2',
      delivered({
        live: live('2', 5, 'r'),
        before: [live('1', 1)],
        incidents: [{ id: 'i', change: 'r', opened: day(5), from: '3', to: '2', why: '' }],
      }),
      ['3'],
    ],
    ['never live here, with migrations of its own', '2', delivered({ live: null, before: [] }), ['3']],
    ['never live here', '9', delivered(), ['3', '2', '1']],
  ])('%s', (_, version, state, expected) => expect(versions(stepsSince(state, version))).toEqual(expected));
});

describe('what was taken back before', () => {
  const undone = (by: string) => [step('3', 3, 'c', { undone: by }), step('2', 2, 'e')];
  it.each([
    ['by a run that did not bring the hosts', delivered({ migrations: undone('r9') }), true],
    ['before what is live now', delivered({ migrations: undone('a1') }), false],
    ['not at all', delivered(), false],
    ['where nothing was to take back', delivered({ migrations: [] }), false],
  ])('%s', (_, state, expected) => expect(wasTakenBack(state, '2')).toBe(expected));
  it('a rollback that made the version live, too', () => {
    const incidents = [{ id: 'i', change: 'r9', opened: day(5), from: '3', to: '2', why: '' }];
    const state = delivered({ migrations: undone('r9'), live: live('2', 5, 'r9'), before: [live('1', 1)], incidents });
    expect(wasTakenBack(state, '2')).toBe(true);
  });
});

describe('what a restore takes back', () => {
  const state = delivered({ migrations: [...delivered().migrations, step('0', 3, 'e', { database: 'other' })] });
  it.each([
    ['all that came after the backup was begun, whatever the version', day(1), ['c3', 'c2']],
    ['not what the backup holds', day(2), ['c3']],
    ['nothing', day(4), []],
  ])('%s', (_, began, changes) => expect(undoneBy(state, 'main', began)).toEqual(changes));
});

describe('the way that is taken', () => {
  const asking = { backup: '', now: true, takenBack: false };
  it.each([
    ['ask', [], {}, 'nothing'],
    ['keep', [], {}, 'nothing'],
    ['down', [], {}, 'nothing'],
    ['restore', [], { backup: 'b3' }, 'restore'],
    ['restore', [], { now: false }, 'nothing'],
    ['restore', [], { takenBack: true }, 'nothing'],
    ['restore', [step('2', 2, 'e')], {}, 'restore'],
    ['ask', [step('2', 2, 'ee')], {}, 'keep'],
    ['ask', [step('2', 2, 'ec')], {}, 'undecided'],
    ['keep', [step('2', 2, 'c')], {}, 'keep'],
    ['down', [step('2', 2, 'c')], {}, 'down'],
  ] as const)('%s with %j and %j', (asked, steps, more, kind) =>
    expect(choose({ ...asking, asked, ...more }, steps).kind).toBe(kind),
  );

  it('a restore with nothing to take back must name its backup', () =>
    expect(() => choose({ ...asking, asked: 'restore' }, [])).toThrow(/which backup/));
  it('down is refused with the reason where one step has no way down', () => {
    const steps = [step('3', 3, 'c'), step('2', 2, 'e', { down: null, noDown: '020 has none' })];
    expect(() => choose({ ...asking, asked: 'down' }, steps)).toThrow(/main, version 2: 020 has none/);
  });

  it.each([
    ['', undefined, 'ask'],
    ['', 'keep', 'keep'],
    ['restore', 'keep', 'restore'],
  ] as const)('input %j over section %j', (input, section, asked) => expect(askedFor(input, section)).toBe(asked));
  it('refuses another word', () => expect(() => askedFor('drop', undefined)).toThrow(/no way/));
});

describe('the order of the way down', () => {
  it.each([
    ['only added: all after the hosts', [step('2', 2, 'ee')], [], ['21', '20']],
    ['only contracted: all before', [step('2', 2, 'cc')], ['21', '20'], []],
    ['added, then contracted', [step('2', 2, 'ec')], ['21'], ['20']],
    ['contracted, then added: never another order', [step('2', 2, 'ece')], ['22', '21'], ['20']],
    ['over two deliveries', [step('3', 3, 'e'), step('2', 2, 'ec')], ['30', '21'], ['20']],
  ])('%s', (_, steps, before, after) =>
    expect(downsOf(steps)).toEqual([{ database: 'main', before, after, leaves: 'before 2' }]),
  );

  it('is told apart by database', () =>
    expect(downsOf([step('3', 3, 'c', { database: 'a' }), step('2', 2, 'e', { database: 'b' })])).toMatchObject([
      { database: 'a', before: ['30'], after: [] },
      { database: 'b', before: [], after: ['20'] },
    ]));

  it.each([
    [[step('3', 3, 'e', { ratio: 3 }), step('2', 2, 'e', { ratio: 0.5 })], 400],
    [[step('3', 3, 'e'), step('2', 2, 'e', { down: null })], null],
  ])('takes its measured time, slowed as production was', (steps, time) => expect(timeDown(steps)).toBe(time));
});

describe('the backup that is restored', () => {
  const backup = (id: string, at: number, level = 'compared') => ({
    id,
    digest: 'd',
    level,
    ended: day(at),
    change: '',
    databases: [],
    restored: null,
  });
  const state = delivered({
    backups: [backup('b9', 9, 'readable'), backup('b3', 3), backup('x', 2), backup('old', 1)],
  });
  it.each([
    ['taken before the oldest step', [step('9', 9, 'c'), step('3', 3, 'c')], '', 'b3'],
    ['the newest proven one before it', [step('7', 2, 'c', { backup: null })], '', 'x'],
    ['none before it', [step('7', 0, 'c', { backup: null })], '', undefined],
    ['nothing to go by: the newest proven one', [], '', 'b3'],
    ['asked for', [step('3', 3, 'c')], 'old', 'old'],
    ['asked for, and unknown', [], 'other', 'other'],
  ])('%s', (_, steps, asked, id) => expect(backupFor(state, steps, asked)?.id).toBe(id));
  it('says that the ledger does not know it', () => expect(backupFor(state, [], 'other')?.known).toBeNull());
});
