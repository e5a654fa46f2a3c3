/** Migrations: read from a folder, rehearsed on a copy, applied once. The noun's public face. */
export { type Applied, applyMigrations, findPending } from './apply.ts';
export { commandMigrator } from './commands.ts';
export { readEfScript } from './ef-script.ts';
export { readMigrations } from './folder.ts';
export {
  type Forecast,
  forecastOf,
  type HeldLock,
  rangeInWords,
  ratioOf,
  refuseLongLocks,
  roundedRange,
} from './forecast.ts';
export type { Held } from './hold.ts';
export { lagGate, lagOf } from './lag.ts';
export { type Finding, findingsOfRehearsal, findLinter, lintScripts, NO_LINTER } from './lint.ts';
export { type Migrated, migrateLive } from './migrate.ts';
export { type Found, type Migrator, type Run, sqlMigrator, type Waiting } from './migrator.ts';
export type { Pending } from './pending.ts';
export { checkRoom, copyOf, type Rehearsal, rehearse } from './rehearse.ts';
export { type Down, findDowns, revertMigrations } from './revert.ts';
export type { Migration, Tool } from './script.ts';
