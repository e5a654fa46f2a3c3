/** What the ledger remembers of data: backups, what was done to schemas, what was held back. Pure folds. */
import { coarser } from '../load/load.ts';
import type { EnvironmentState, HeldMigration, KnownBackup, Live, LoadRun, SchemaStep } from './model.ts';

const KEPT_BACKUPS = 20;
const KEPT_STEPS = 50;
const KEPT_LOADS = 5;

/** One thing to remember. It is true whatever becomes of the change: a database that was migrated stays so. */
export type DataNote =
  /** A step noted again, with the same change, database and time, takes the place of itself; with nothing applied it goes. */
  | { kind: 'backup'; backup: KnownBackup }
  | { kind: 'migrated'; step: SchemaStep }
  | { kind: 'held'; held: HeldMigration }
  | { kind: 'loaded'; load: LoadRun }
  | { kind: 'undone'; database: string; changes: string[]; by: string };

/** The state with these notes; noting one twice changes nothing. */
export function noted(state: EnvironmentState, notes: readonly DataNote[]): EnvironmentState {
  return notes.reduce(one, state);
}

/** The newest load test of the version that is live; null where none is known. */
export function loadOfLive({ live, loads }: Pick<EnvironmentState, 'live' | 'loads'>): LoadRun | null {
  return loadOf(live, loads);
}

function loadOf(live: Live | null, loads: readonly LoadRun[]): LoadRun | null {
  if (live === null) return null;
  const known = (load: LoadRun) => load.digest !== null && live.digest !== null;
  const same = (load: LoadRun) => load.version === live.version && (!known(load) || load.digest === live.digest);
  return loads.find((load) => load.change === live.change || same(load)) ?? null;
}

function one(state: EnvironmentState, note: DataNote): EnvironmentState {
  if (note.kind === 'backup') {
    const others = state.backups.filter(({ id }) => id !== note.backup.id);
    const needed = new Set(state.incidents.map(({ change }) => change));
    const kept = [note.backup, ...others].filter(({ change }, at) => at < KEPT_BACKUPS || needed.has(change));
    return { ...state, backups: kept };
  }
  if (note.kind === 'migrated') {
    const { step } = note;
    const done = new Set(step.applied.map(({ version }) => version));
    const held = state.held.filter((each) => each.database !== step.database || !done.has(each.migration));
    const others = state.migrations.filter((each) => !isSame(each, step)).flatMap((each) => without(each, step, done));
    const own = done.size > 0 ? [step] : [];
    return { ...state, migrations: [...own, ...others].slice(0, KEPT_STEPS), held };
  }
  if (note.kind === 'held') {
    const { held } = note;
    const same = (each: HeldMigration) =>
      each.migration === held.migration && each.database === held.database && each.version === held.version;
    return state.held.some(same) ? state : { ...state, held: [held, ...state.held].slice(0, KEPT_STEPS) };
  }
  if (note.kind === 'loaded') {
    const others = state.loads.filter((load) => load.change !== note.load.change || load.version !== note.load.version);
    const loads = [note.load, ...others];
    // Versions that were tested and never delivered do not push out what the next one is held against.
    const kept = loads.slice(0, KEPT_LOADS);
    const live = loadOfLive({ ...state, loads });
    const all = live === null || kept.includes(live) ? kept : [...kept.slice(0, -1), live];
    // The next version is held against the one that is live then: this one, today's, or the one before where it goes back.
    const needed = [note.load, live, loadOf(state.before[0] ?? null, loads)];
    return { ...state, loads: all.map((load) => (needed.includes(load) ? load : inOneTick(load))) };
  }
  const undone = (step: SchemaStep) => step.database === note.database && note.changes.includes(step.change);
  return { ...state, migrations: state.migrations.map((step) => (undone(step) ? { ...step, undone: note.by } : step)) };
}

/** What a trend shows of a run: each script as one tick. */
function inOneTick(load: LoadRun): LoadRun {
  return { ...load, scripts: load.scripts.map((series) => coarser(series, Math.max(1, series.requests.length))) };
}

function isSame(one: SchemaStep, other: SchemaStep): boolean {
  return one.change === other.change && one.database === other.database && one.at === other.at;
}

/**
 * A step as a later one leaves it: what is applied now was not there any more, or never came, or came only by half. The
 * rest of it stays; it has no way down as a whole.
 */
function without(earlier: SchemaStep, { database }: SchemaStep, done: ReadonlySet<string>): SchemaStep[] {
  if (earlier.database !== database || earlier.undone !== null) return [earlier];
  const applied = earlier.applied.filter(({ version }) => !done.has(version));
  if (applied.length === earlier.applied.length) return [earlier];
  if (applied.length === 0) return [];
  return [{ ...earlier, applied, down: null, noDown: 'a part of it was applied again later' }];
}
