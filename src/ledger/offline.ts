/**
 * The ledger while the real one is out of reach: a directory that starts from the copy on the hosts, and whose
 * changes are told to the real one later.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openDirectoryLedger, seedDirectoryLedger } from './directory.ts';
import { append, commitChange, openIncident } from './fold.ts';
import type { Change, EnvironmentState, Ledger, Live, Write } from './model.ts';

/**
 * Opens the offline ledger of an environment in `directory`. Where it holds nothing yet it begins with `copies`: of
 * the states that the hosts keep, the one with the largest fence.
 */
export async function openOfflineLedger(
  directory: string,
  environment: string,
  copies: readonly string[],
): Promise<Ledger> {
  const newest = newestCopy(environment, copies);
  // Hosts are told at the commit point, when the change is still open: for them it is over.
  if (newest) await seedDirectoryLedger(directory, newest.open?.committed ? { ...newest, open: null } : newest);
  return openDirectoryLedger(directory);
}

/** The newest of the copies that are a state of this environment; null where none is. What a host says is text from outside. */
export function newestCopy(environment: string, copies: readonly string[]): EnvironmentState | null {
  const states = copies.flatMap((text) => {
    try {
      const state = JSON.parse(text) as EnvironmentState;
      return state.schema === 1 && state.environment === environment && Number.isInteger(state.fence) ? [state] : [];
    } catch {
      return [];
    }
  });
  return states.sort((a, b) => b.fence - a.fence)[0] ?? null;
}

/** True where a change that was opened offline is still open: it goes on there. */
export async function isOfflineOpen(directory: string, environment: string): Promise<boolean> {
  return (await openDirectoryLedger(directory).state(environment)).open !== null;
}

/** Tells the real ledger of the changes that were made offline, oldest first, and forgets them here. Returns their ids. */
export async function syncOffline(directory: string, environment: string, ledger: Ledger): Promise<string[]> {
  const offline = openDirectoryLedger(directory);
  const changes = (await offline.recent(environment, Number.MAX_SAFE_INTEGER)).filter(
    (change) => change.closed !== null,
  );
  if (changes.length === 0) return [];
  const { incidents } = await offline.state(environment);
  for (const change of changes.reverse()) {
    if (await ledger.change(environment, change.id)) continue;
    await ledger.write(environment, (state) => replay(state, change, incidents));
  }
  await rm(join(directory, environment), { recursive: true, force: true });
  return changes.map((change) => change.id);
}

/**
 * What a change that was made offline makes of the present: its version is live unless something newer was committed
 * meanwhile; its incident waits for a post-mortem like every other.
 */
export function replay(state: EnvironmentState, change: Change, incidents: EnvironmentState['incidents']): Write {
  const committed = change.events.find((event) => event.kind === 'committed');
  const newer = committed !== undefined && (state.live === null || state.live.since < committed.at);
  const live: Live | null =
    newer && change.version !== null
      ? {
          version: change.version,
          digest: change.digest,
          commit: change.commit,
          change: change.id,
          since: committed.at,
        }
      : null;
  const write = live ? commitChange(state, change, live, committed!) : { state, change: append(change, []) };
  const own = incidents.find((incident) => incident.change === change.id);
  const told = own ? openIncident(write.state, own) : write.state;
  return { change: write.change, state: { ...told, fence: Math.max(told.fence, change.fence) } };
}
