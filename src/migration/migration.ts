/** Migrations: read from a folder, rehearsed on a copy, applied once. The noun's public face. */
export { type Applied, applyMigrations, findPending } from './apply.ts';
export { readMigrations } from './folder.ts';
export { type Migrated, migrateLive } from './migrate.ts';
export type { Pending } from './pending.ts';
export { checkRoom, copyOf, type Rehearsal, rehearse } from './rehearse.ts';
export type { Migration } from './script.ts';
