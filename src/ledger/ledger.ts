/** The history of every change in every environment, behind two adapters. The noun's public face. */
export { openBranchLedger } from './branch.ts';
export { openDirectoryLedger } from './directory.ts';
export {
  append,
  closeChange,
  commitChange,
  emptyState,
  event,
  holderInWords,
  type Opening,
  openChange,
  openIncident,
  sameHolder,
  stamp,
  takePlace,
} from './fold.ts';
export type { Change, EnvironmentState, Holder, Incident, Ledger, LedgerEvent, Live, Write } from './model.ts';
export { isOfflineOpen, openOfflineLedger, syncOffline } from './offline.ts';
