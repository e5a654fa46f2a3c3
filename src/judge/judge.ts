/**
 * Numbers in, a verdict out. Pure: no clock, no input or output. An alarm is valid at any look; `passed` is claimed
 * only where a harm as large as tolerated is excluded; what lies between is `inconclusive`. The noun's public face.
 */
export { discoveries, Family, type FamilyLook } from './family.ts';
export { type Diagnosis, diagnose, type HostSeries } from './hosts.ts';
export { FEWEST_TICKS, prepare } from './prepare.ts';
export { type Drilled, drill, harmed, type Replayed, replay, replaySteps, type Trace } from './replay.ts';
export { DEFAULT_TOLERANCE, parseTolerance, toleranceInWords } from './tolerance.ts';
export type {
  Alarm,
  Kind,
  Limit,
  Look,
  Metric,
  Plan,
  Prepared,
  Reference,
  Run,
  Side,
  Tolerance,
  Verdict,
  Visible,
} from './types.ts';
export { withoutBeginning } from './young.ts';
