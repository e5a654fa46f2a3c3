/** Backups: every database and config file of an environment under one manifest, proven as far as can be. The noun's public face. */
export { type Drilled, type DrillWork, needsIdentity, proveBackup } from './drill.ts';
export { filesLie, newestFirst, newestId, readBackup, readPart } from './find.ts';
export { clearOld, type Kept } from './keep.ts';
export {
  type ConfigPart,
  type DatabasePart,
  type Level,
  type Manifest,
  type Part,
  type ProvidedPart,
  reaches,
} from './manifest.ts';
export { type Provider, type ProviderOptions, removeProvided } from './provider.ts';
export { type BackupWork, type ConfigFile, checkRecipients, type Taken, takeBackup } from './take.ts';
