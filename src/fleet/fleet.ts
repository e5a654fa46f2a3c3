/** The machines of an environment: looked at, brought to a version wave by wave, taken back. The noun's public face. */
export { type BackReport, type LostHost, turnBack } from './back.ts';
export type { Work } from './bring.ts';
export type { ChangeMark } from './change.ts';
export {
  type AfterWave,
  backSummary,
  type DeployRequest,
  type DeployResult,
  deployFleet,
  type HostReport,
  survey,
  type WaveVerdict,
} from './deploy.ts';
export { unfinished } from './journal.ts';
export { hostCount } from './many.ts';
export { type Fleet, type FleetOptions, openFleet, openReachable } from './open.ts';
export { type Finding, type Load, preflight } from './preflight.ts';
export { type Confirmation, confirm, converge, type ForwardReport, type HostFailure, prune } from './settle.ts';
export { type Staged, stageVersion } from './staging.ts';
export type { HostState, Journal, JournalState, VersionThere } from './survey.ts';
export { planWaves } from './waves.ts';
