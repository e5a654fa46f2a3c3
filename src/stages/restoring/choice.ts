/** What becomes of the data when the code goes back: decided from what the ledger knows. Pure. */
import type { EnvironmentState, KnownBackup, SchemaStep } from '../../ledger/ledger.ts';
import { Failure } from '../../outcome/outcome.ts';

/** The ways: leave the data as they are, undo the migrations, or put the backup in their place. */
export const WAYS = ['keep', 'down', 'restore'] as const;
export type Way = (typeof WAYS)[number];
export type Asked = Way | 'ask';

/** What was decided, and why, for people. `undecided`: a person must choose. */
export interface Choice {
  kind: Way | 'nothing' | 'undecided';
  because: string;
}

/** The input before the section rollback of changeline.yml; `ask` by default. Throws `input-invalid`. */
export function askedFor(input: string, section: Asked | undefined): Asked {
  if (input === '') return section ?? 'ask';
  if (input === 'ask' || (WAYS as readonly string[]).includes(input)) return input as Asked;
  throw new Failure({
    code: 'input-invalid',
    what: 'this is no way to go about the data',
    where: `data: ${input.slice(0, 40)}`,
    untouched: 'nothing was changed',
    next: 'give keep, down, restore or ask',
  });
}

/**
 * What was done to schemas since `version` was live and was not undone, newest first. Where a rollback brought the
 * version back and left the data, what had come with the versions that it left counts too. Of a version that was never
 * live here nobody knows what it lived with: everything counts that was done after its own migrations.
 */
export function stepsSince(state: EnvironmentState, version: string): SchemaStep[] {
  return allSince(state, version).filter(({ undone }) => undone === null);
}

/**
 * True where something was done to schemas since `version` was live, and all of it was undone, with nothing made live
 * since (ids of changes sort by time): this run goes on where an earlier one stopped.
 */
export function wasTakenBack(state: EnvironmentState, version: string): boolean {
  const all = allSince(state, version);
  const live = state.live?.change ?? '';
  return all.length > 0 && all.every(({ undone }) => undone !== null && undone >= live);
}

function allSince(state: EnvironmentState, version: string): SchemaStep[] {
  const { migrations } = state;
  const lives = [state.live, ...state.before];
  const at = lives.findIndex((each) => each?.version === version);
  const live = lives[at];
  if (!live) {
    const own = migrations.findIndex((step) => step.version === version && step.undone === null);
    return own < 0 ? migrations : migrations.slice(0, own);
  }
  const broughtBack = state.incidents.some(({ change, to }) => change === live.change && to === version);
  const fitting = new Set<string | null>(lives.slice(at).map((each) => each?.version ?? null));
  return migrations.filter(
    (step) => (step.change !== live.change && step.at > live.since) || (broughtBack && !fitting.has(step.version)),
  );
}

/**
 * The changes whose steps a restore takes back in one database: what was done to its schema after its part of the
 * backup was begun (`began`, ISO 8601), whatever version they came with. What the backup holds already stays.
 */
export function undoneBy({ migrations }: EnvironmentState, database: string, began: string): string[] {
  const since = migrations.filter((step) => step.database === database && step.undone === null && step.at > began);
  return [...new Set(since.map(({ change }) => change))];
}

/** A migration that old code cannot live with. */
export interface Contracting {
  database: string;
  version: string;
  name: string;
}

/** Those of the steps, newest first. */
export function contractingIn(steps: readonly SchemaStep[]): Contracting[] {
  return steps.flatMap(({ database, applied }) =>
    applied
      .filter(({ kind }) => kind === 'contract')
      .toReversed()
      .map(({ version, name }) => ({ database, version, name })),
  );
}

/** What `choose` goes by beside the steps. */
export interface Asking {
  asked: Asked;
  /** The input backup; empty where none was named. */
  backup: string;
  /** True where the input asked, for this one run. */
  now: boolean;
  /** True where there were steps, and all of them were taken back. */
  takenBack: boolean;
}

/**
 * The way that is taken. A restore without a backup that was named needs steps to take back: a second run of the same
 * must not throw away what was written since the first. Throws `data-irreversible` where what was asked for cannot be.
 */
export function choose({ asked, backup, now, takenBack }: Asking, steps: readonly SchemaStep[]): Choice {
  if (asked === 'restore' && (steps.length > 0 || backup)) return { kind: 'restore', because: 'asked for' };
  if (steps.length === 0) {
    if (takenBack)
      return { kind: 'nothing', because: 'the migrations since that version was live were taken back before' };
    if (asked === 'restore' && now)
      throw irreversible(
        'it is not said which backup to restore',
        'no migration was applied since that version was live, so none belongs to it',
        'name it in the input backup: what was written since is lost, and counted first',
      );
    return { kind: 'nothing', because: 'no migration was applied since that version was live' };
  }
  if (asked === 'keep') return { kind: 'keep', because: 'asked for' };
  if (asked === 'down') {
    const lacking = noWayDown(steps);
    if (lacking === null) return { kind: 'down', because: 'asked for' };
    throw irreversible('not every migration can be undone', lacking, 'choose data: keep or data: restore');
  }
  if (contractingIn(steps).length > 0)
    return { kind: 'undecided', because: 'old code cannot live with what was done to the schema' };
  return { kind: 'keep', because: 'the migrations since then only added, and old code can live with that' };
}

/** A Failure `data-irreversible`: nothing was begun. */
export function irreversible(what: string, why: string, next: string): Failure {
  return new Failure({ code: 'data-irreversible', what, why, untouched: 'nothing was changed', next });
}

/** Why the steps cannot be undone, in words; null where they can. */
export function noWayDown(steps: readonly SchemaStep[]): string | null {
  const [first] = steps.filter(({ down }) => down === null);
  return first
    ? `${first.database}, version ${first.version ?? 'unknown'}: ${first.noDown ?? 'no way down was rehearsed'}`
    : null;
}

/** Milliseconds that the way down takes as it was measured in rehearsal, slowed as the live database was; null where it was not. */
export function timeDown(steps: readonly SchemaStep[]): number | null {
  if (noWayDown(steps) !== null) return null;
  return steps.reduce((sum, { down, ratio }) => sum + down! * Math.max(1, ratio ?? 1), 0);
}

/** The migrations of one database to undo, newest first: before the hosts go back, and after. */
export interface Downs {
  database: string;
  before: string[];
  after: string[];
  /** The fingerprint that the schema has when all is undone. */
  leaves: string;
}

/**
 * The order is that of the database, newest first, and never another. What contracted must be there again before old
 * code comes back; what was added must stay until new code has gone. So all that is newer than the oldest contracting
 * migration, and it, is undone before the hosts go back, and the rest after.
 */
export function downsOf(steps: readonly SchemaStep[]): Downs[] {
  const names = [...new Set(steps.map(({ database }) => database))];
  return names.map((database) => {
    const own = steps.filter((step) => step.database === database);
    const applied = own.flatMap((step) => step.applied.toReversed());
    const until = applied.findLastIndex(({ kind }) => kind === 'contract') + 1;
    const versions = applied.map(({ version }) => version);
    return { database, before: versions.slice(0, until), after: versions.slice(until), leaves: own.at(-1)!.before };
  });
}

/**
 * The backup to restore: the one asked for, else the one that was taken before the oldest of the steps, else, with no
 * step to go by, the newest that was restored in proof. Null where the ledger knows none. `known` is null for a backup
 * that was asked for and is not in the ledger.
 */
export function backupFor(
  { backups }: EnvironmentState,
  steps: readonly SchemaStep[],
  asked: string,
): { id: string; known: KnownBackup | null } | null {
  if (asked) return { id: asked, known: backups.find(({ id }) => id === asked) ?? null };
  const oldest = steps.at(-1);
  const proven = backups.filter(({ level }) => level === 'restored' || level === 'compared');
  const known = oldest
    ? (backups.find(({ id }) => id === oldest.backup) ?? proven.find(({ ended }) => ended <= oldest.at))
    : proven[0];
  return known ? { id: known.id, known } : null;
}
