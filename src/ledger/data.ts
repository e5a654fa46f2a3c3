/** What the ledger remembers of data: backups, what was done to schemas, what was held back. Pure folds. */
import type { EnvironmentState, HeldMigration, KnownBackup, SchemaStep } from './model.ts';

const KEPT_BACKUPS = 20;
const KEPT_STEPS = 50;

/** One thing to remember. It is true whatever becomes of the change: a database that was migrated stays so. */
export type DataNote =
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
    return { ...state, backups: [note.backup, ...others].slice(0, KEPT_BACKUPS) };
  }
  if (note.kind === 'migrated') {
    const { step } = note;
    const others = state.migrations.filter((each) => each.change !== step.change || each.database !== step.database);
    const done = new Set(step.applied.map(({ version }) => version));
    const held = state.held.filter((each) => each.database !== step.database || !done.has(each.migration));
    return { ...state, migrations: [step, ...others].slice(0, KEPT_STEPS), held };
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
