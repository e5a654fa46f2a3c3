/** Backups: every database and config file of an environment under one manifest, proven as far as can be. The noun's public face. */
export { type Kept, keepNewest } from './keep.ts';
export { type Level, type Manifest, type Part, reaches } from './manifest.ts';
export { type BackupWork, type ConfigFile, checkRecipients, type Taken, takeBackup } from './take.ts';
