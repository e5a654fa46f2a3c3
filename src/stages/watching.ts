/** Opens what a watch of this change reads: the hosts and databases that its metrics ask, and no others. */
import { join } from 'node:path';
import { openDatabase } from '../database/database.ts';
import { openFleet } from '../fleet/fleet.ts';
import { event } from '../ledger/ledger.ts';
import {
  type Observation,
  openWatcher,
  type WatchEvent,
  type Watcher,
  watchedDatabases,
  watchesHosts,
} from '../observation/observation.ts';
import { Failure, type Result } from '../outcome/outcome.ts';
import type { Host } from '../transport/transport.ts';
import { disturbedSpans } from './disturbed.ts';
import { fleetOptions } from './fleet-options.ts';
import type { StageContext } from './stage.ts';

/** A stage that may watch: all that reach hosts have the key among their inputs. */
export type WatchingContext = StageContext<'watch'> | StageContext<'deploy'> | StageContext<'rollback'>;

/** An open watcher with everything that was opened for it. */
export interface OpenWatch {
  watcher: Watcher;
  close(): Promise<void>;
}

/**
 * Opens the watcher of the environment; null where it has no watch section, and for a first version where no metric
 * has a limit. `hosts` are connected ones that stay the caller's; without them they are connected here. Throws what connecting to hosts and databases throws.
 */
export async function openWatch(context: WatchingContext, hosts?: readonly Host[]): Promise<OpenWatch | null> {
  const { environment, place, log, signal } = context;
  if (environment?.watch === undefined) return null;
  const first = !isDrill(context) && (await isFirstVersion(context));
  if (first && environment.watch.metrics.every(({ limit }) => limit === undefined)) return null;
  const opened: { close(): Promise<void> }[] = [];
  const close = async () => void (await Promise.allSettled(opened.reverse().map((one) => one.close())));
  try {
    const sections = watchedDatabases(environment);
    const needsHosts = watchesHosts(environment) || sections.some(({ via }) => via !== undefined);
    const fleet =
      hosts === undefined && needsHosts ? await openFleet(context.environment!, fleetOptions(context)) : null;
    if (fleet !== null) opened.push(fleet);
    const reached = hosts ?? fleet?.hosts ?? [];
    const databases = [];
    for (const section of sections) {
      const tunnel = section.via === undefined ? undefined : throughHost(reached, section.via);
      const database = await openDatabase(section, {
        workspace: place.workspace,
        scratch: place.scratch,
        tunnel,
        signal,
      });
      opened.push(database);
      databases.push(database);
    }
    const handover = join(place.handover, 'watch', context.change?.id ?? 'alone');
    const watcher = await openWatcher({
      section: environment.watch,
      environment,
      hosts: reached,
      databases,
      workspace: place.workspace,
      handover,
      log,
      signal,
      first,
      disturbed: () => disturbedSpans(context.ledger, environment.name),
    });
    opened.push(watcher);
    return { watcher, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Keeps each event of a watch for the ledger, the moment it happens. */
export function tellingLedger({ book, verb }: WatchingContext): (event: WatchEvent) => Promise<void> {
  return async ({ at, kind, metric, text }) => {
    const facts = { event: kind, ...(metric === null ? {} : { metric }) };
    await book?.record({ ...event('watched', { stage: verb, summary: text, facts }), at: at.toISOString() });
  };
}

/** A drill asks of the past what an environment that was only just adopted has too. */
function isDrill(context: WatchingContext): boolean {
  return context.verb === 'watch' && (context as StageContext<'watch'>).inputs.drill;
}

/** What a stage returns of what it watched. */
export function resultOfWatch({ outcome, code, summary, facts, charts, impact, markdown, next }: Observation): Result {
  return { outcome, code, summary, facts, charts, impact, markdown, ...(next === null ? {} : { next }) };
}

/** True where no version is live before this change: then there is nothing to compare with. */
export async function isFirstVersion({ ledger, environment, change }: WatchingContext): Promise<boolean> {
  if (ledger === null) return false;
  const { live, before } = await ledger.state(environment!.name);
  return before.length === 0 && (live === null || live.change === change?.id);
}

function throughHost(hosts: readonly Host[], via: string): Host['tunnel'] {
  const host = hosts.find(({ name }) => name === via);
  if (host === undefined) {
    throw new Failure({
      code: 'config-invalid',
      what: `the database is reached via ${via}, which is not among the hosts`,
      where: 'database: via',
      untouched: 'nothing was changed',
      next: 'name a host of the environment, as it stands in hosts:',
    });
  }
  return (hostname, port) => host.tunnel(hostname, port);
}
