/** What the ledger remembers of data: backups, what was done to schemas, what was held back. Pure folds. */
import type { EnvironmentState, HeldMigration, KnownBackup, SchemaStep } from './model.ts';

const KEPT_BACKUPS = 20;
const KEPT_STEPS = 50;

/** One thing to remember. It is true whatever becomes of the change: a database that was migrated stays so. */
export type DataNote =
  /** A step noted again, with the same change, database and time, takes the place of itself; with nothing applied it goes. */
  | { kind: 'backup'; backup: KnownBackup }
  | { kind: 'migrated'; step: SchemaStep }
  | { kind: 'held'; held: HeldMigration }
  | { kind: 'undone'; database: string; changes: string[]; by: string };

/** The state with these notes; noting one twice changes nothing. */
export function noted(state: EnvironmentState, notes: readonly DataNote[]): EnvironmentState {
  return notes.reduce(one, state);
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
  const undone = (step: SchemaStep) => step.database === note.database && note.changes.includes(step.change);
  return { ...state, migrations: state.migrations.map((step) => (undone(step) ? { ...step, undone: note.by } : step)) };
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
