/** The history of every change in every environment, behind two adapters. The noun's public face. */
export { openBranchLedger } from './branch.ts';
export { type DataNote, loadOfLive, noted } from './data.ts';
export { openDirectoryLedger } from './directory.ts';
export {
  addFreeze,
  append,
  closeChange,
  commitChange,
  emptyState,
  endFreezes,
  event,
  holderInWords,
  isOver,
  type Opening,
  openChange,
  openIncident,
  sameHolder,
  stamp,
  takePlace,
} from './fold.ts';
export type {
  ApprovalRequest,
  Bound,
  Change,
  EnvironmentState,
  Freeze,
  HeldMigration,
  Holder,
  Incident,
  KnownBackup,
  Ledger,
  LedgerEvent,
  Live,
  LoadRun,
  LoadSeries,
  Override,
  SchemaStep,
  Write,
} from './model.ts';
export { isOfflineOpen, openOfflineLedger, syncOffline } from './offline.ts';
