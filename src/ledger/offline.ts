/**
 * The ledger while the real one is out of reach: a directory that starts from the copy on the hosts, and whose
 * changes are told to the real one later.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DataNote, noted } from './data.ts';
import { openDirectoryLedger, seedDirectoryLedger } from './directory.ts';
import { append, makeLive, openIncident } from './fold.ts';
import type { Change, EnvironmentState, Ledger, Live, Write } from './model.ts';

/** What the hosts know: copies of the ledger's state, and the largest fence that any of them has seen. */
export interface Known {
  copies: readonly string[];
  fence: number;
}

/**
 * Opens the offline ledger of an environment in `directory`. Where it holds nothing newer it begins with the newest
 * copy of the hosts; its fence is beyond every one that a host has seen, or the hosts would refuse it.
 */
export async function openOfflineLedger(directory: string, environment: string, known: Known): Promise<Ledger> {
  const newest = newestCopy(environment, known.copies);
  if (newest) {
    // Hosts are told at the commit point, when the change is still open: for them it is over.
    const open = newest.open?.committed ? null : newest.open;
    await seedDirectoryLedger(directory, { ...newest, open, fence: Math.max(newest.fence, known.fence) });
  }
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

/** Tells the real ledger of the changes that were ended offline, oldest first, and forgets them here. Returns their ids. */
export async function syncOffline(directory: string, environment: string, ledger: Ledger): Promise<string[]> {
  const offline = openDirectoryLedger(directory);
  const { open, incidents, migrations } = await offline.state(environment);
  if (open !== null) return [];
  const changes = await offline.recent(environment, Number.MAX_SAFE_INTEGER);
  for (const change of changes.reverse()) {
    const told = await ledger.change(environment, change.id);
    if (told?.closed) continue;
    const whole = told ? { ...change, events: append(told, change.events).events } : change;
    await ledger.write(environment, (state) => replay(state, whole, incidents, migrations));
  }
  if (changes.length > 0) await rm(join(directory, environment), { recursive: true, force: true });
  return changes.map((change) => change.id);
}

/**
 * What a change that was made offline makes of the present: its version is live unless something newer was committed
 * meanwhile; its incident waits for a post-mortem like every other; what it took back of the schemas (`migrations` as it
 * left them) is taken back.
 */
export function replay(
  state: EnvironmentState,
  change: Change,
  incidents: EnvironmentState['incidents'],
  migrations: EnvironmentState['migrations'] = [],
): Write {
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
  const write = live ? makeLive(state, change, live, committed!) : { state, change };
  const own = incidents.find((incident) => incident.change === change.id);
  const told = own ? openIncident(write.state, own) : write.state;
  const open = told.open?.change === change.id ? null : told.open;
  const undone = migrations.filter((step) => step.undone === change.id);
  const notes = undone.map(
    (step): DataNote => ({ kind: 'undone', database: step.database, changes: [step.change], by: change.id }),
  );
  return { change: write.change, state: { ...noted(told, notes), open, fence: Math.max(told.fence, change.fence) } };
}
