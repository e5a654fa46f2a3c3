/** Which ledger a run writes to; in a shell also what is done while it is out of reach. */
import { isAbsolute, join, resolve } from 'node:path';
import type { Environment } from '../../config/config.ts';
import { openReachable, survey } from '../../fleet/fleet.ts';
import type { GitHub } from '../../github/github.ts';
import {
  isOfflineOpen,
  type Ledger,
  openBranchLedger,
  openDirectoryLedger,
  openOfflineLedger,
  syncOffline,
} from '../../ledger/ledger.ts';
import { type Code, Failure } from '../../outcome/outcome.ts';
import type { Doorway } from './context.ts';

/** What is known when the ledger is to be opened. */
export interface LedgerRequest {
  /** The key `ledger` of changeline.yml. */
  key: string | undefined;
  /** The key `ledger-details`. */
  details: boolean;
  /** Null where no environment was named: the ledger is asked about several, and nothing goes on without it. */
  environment: Environment | null;
  /** owner/name; '' where the checkout belongs to none. */
  repository: string;
  github: () => GitHub;
  sshKey: string;
  /** True for a rollback: the one thing that must go on without the ledger. */
  urgent: boolean;
}

/** Why a ledger counts as out of reach: the network, or no token in this shell. */
const OUT_OF_REACH: Code[] = ['github-unreachable', 'github-denied', 'ledger-unreachable', 'not-configured'];

/** Opens the ledger. The branch of the repository is the default wherever there is one; else a directory. */
export async function ledgerOf(door: Doorway, request: LedgerRequest): Promise<Ledger> {
  const { workspace } = door.place;
  const key = request.key ?? (request.repository ? 'github' : './.changeline/ledger');
  if (key.startsWith('.') || isAbsolute(key)) return openDirectoryLedger(resolve(workspace, key));
  const open = () =>
    openBranchLedger({
      github: request.github(),
      details: request.details,
      ...(key === 'github' ? {} : { repository: key }),
    });
  if (door.runner || !request.environment) return open();
  return inShell(door, { ...request, environment: request.environment }, open);
}

/** A request for one environment: only then can anything be done offline. */
type ForOne = LedgerRequest & { environment: Environment };

async function inShell(door: Doorway, request: ForOne, open: () => Ledger): Promise<Ledger> {
  const directory = join(door.place.workspace, '.changeline', 'offline');
  const { name } = request.environment;
  try {
    // A rollback that began offline goes on offline, even if the ledger has come back meanwhile.
    if (request.urgent && (await isOfflineOpen(directory, name))) return await offline(door, request, directory);
    const ledger = open();
    if (request.urgent) await ledger.state(name);
    const synced = await syncOffline(directory, name, ledger);
    if (synced.length > 0) door.log.info(`the ledger was told of what happened offline: ${synced.join(', ')}`);
    return ledger;
  } catch (thrown) {
    if (!request.urgent || !(thrown instanceof Failure) || !OUT_OF_REACH.includes(thrown.code)) throw thrown;
    door.log.warn(
      `the ledger is out of reach (${thrown.what}): going by what the hosts know; it is told later, by the next run in this folder`,
    );
    return offline(door, request, directory);
  }
}

async function offline(door: Doorway, request: ForOne, directory: string): Promise<Ledger> {
  const { scratch, workspace } = door.place;
  const fleet = await openReachable(request.environment, {
    key: request.sshKey || null,
    knownHosts: null,
    scratch,
    workspace,
    signal: door.signal,
  });
  try {
    if (fleet.hosts.length === 0) throw fleet.lost[0]!.failure;
    const states = await survey(fleet);
    const copies = states.flatMap((state) => state.ledger ?? []);
    const fence = Math.max(...states.map((state) => state.fence));
    return await openOfflineLedger(directory, request.environment.name, { copies, fence });
  } finally {
    await fleet.close();
  }
}
