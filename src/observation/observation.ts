/** Watching: what the metrics of an environment did after a change, against what they did before. The noun's public face. */
import type { DatabaseSection, Environment } from '../config/config.ts';
import { isLoopback } from '../metrics/metrics.ts';
import { placeholdersIn } from '../transport/transport.ts';

export type { Drill } from './drilling.ts';
export { betweenLength, budget, lengthInWords, watchLength } from './length.ts';
export type {
  Length,
  Observation,
  ObserveOptions,
  PlanLine,
  TwoVersions,
  WatchEvent,
  Watcher,
  WatcherOptions,
} from './types.ts';
export { openWatcher } from './watcher.ts';

/** The databases that the metrics of an environment ask; only these need to be opened for a watch. */
export function watchedDatabases(environment: Environment): DatabaseSection[] {
  const asked = (environment.watch?.metrics ?? []).filter(({ sql }) => sql !== undefined);
  const all = environment.databases;
  return all.filter(({ name }) =>
    asked.some(({ database }) => (database === undefined ? all.length === 1 : database === name)),
  );
}

/** True where a metric is read on the hosts themselves. */
export function watchesHosts(environment: Environment): boolean {
  const overSsh = environment.hosts.some(({ at }) => !/^\.{0,2}\//.test(at));
  const onHost = (url: string) => placeholdersIn(url).length > 0 || (overSsh && isLoopback(url));
  return (
    environment.hosts.length > 0 &&
    (environment.watch?.metrics ?? []).some(
      ({ log, http }) => log !== undefined || (http !== undefined && onHost(http)),
    )
  );
}
