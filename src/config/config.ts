/** changeline.yml: read, checked, and told apart by environment. The noun's public face. */
export { type ApproveSection, type FreezeSection, type FreezeWindow, type GateSection, gateOf } from './control.ts';
export { type Environment, type HostAddress, normalEnvironment } from './environment.ts';
export { type Loaded, loadConfig, parseConfig } from './load.ts';
export { closest } from './problems.ts';
export {
  type BackupSection,
  type Config,
  configSchema,
  type DatabaseSection,
  type DeploySection,
  type LoadTestSection,
  type MetricSection,
  type MigrateSection,
  type RollbackSection,
  type S3Section,
  type SmokeCheck,
  type WatchSection,
} from './schema.ts';
export { type Point, parsePoint } from './windows.ts';
