/** Watching: what the metrics of an environment did after a change, against what they did before. The noun's public face. */
import type { DatabaseSection, Environment } from '../config/config.ts';
import { isLoopback } from '../metrics/metrics.ts';

export type { Observation, ObserveOptions, PlanLine, Watcher, WatcherOptions } from './types.ts';
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
  const onHost = (url: string) => /\{[a-z][a-z0-9-]*\}/.test(url) || (overSsh && isLoopback(url));
  return (
    environment.hosts.length > 0 &&
    (environment.watch?.metrics ?? []).some(
      ({ log, http }) => log !== undefined || (http !== undefined && onHost(http)),
    )
  );
}

/**
 * How the error budget of a change is shared among its watches: half for the last one, the rest for those between
 * `waves` waves, equally. All of it where there is but one.
 */
export function budget(waves: number): { last: number; between: number } {
  return waves > 1 ? { last: 0.5, between: 0.5 / (waves - 1) } : { last: 1, between: 0 };
}
