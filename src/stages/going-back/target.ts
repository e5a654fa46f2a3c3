/** Which version a rollback goes to, and whether it may be brought there. Pure. */
import { checkVersion } from '../../artifact/artifact.ts';
import type { Environment } from '../../config/config.ts';
import { type HostState, unfinished } from '../../fleet/fleet.ts';
import type { EnvironmentState, Live } from '../../ledger/ledger.ts';
import { Failure } from '../../outcome/outcome.ts';

/** Where to go back to, and from where. */
export interface Target {
  version: string;
  from: string | null;
  /** Why this one, for people. */
  because: string;
}

/**
 * The version to go to: the one asked for, else the one that was live before by the ledger, else what most hosts
 * remember. Pure. Throws version-absent, version-invalid.
 */
export function chooseTarget(asked: string, state: EnvironmentState, hosts: readonly HostState[]): Target {
  const from = state.live?.version ?? mostCommon(hosts.map((host) => host.current));
  if (asked) {
    checkVersion(asked);
    return { version: asked, from, because: 'asked for' };
  }
  const { live } = state;
  if (live && hosts.some((host) => host.current !== live.version || unfinished(host.journal))) {
    const now = mostCommon(hosts.map((host) => host.current));
    return { version: live.version, from: now, because: 'live by the ledger, and not every host runs it' };
  }
  const before = state.before.find((each) => each.version !== from);
  if (before) return { version: before.version, from, because: `live before, since ${before.since}` };
  const remembered = mostCommon(hosts.map((host) => (host.previous === from ? null : host.previous)));
  if (remembered) return { version: remembered, from, because: 'what the hosts ran before' };
  throw new Failure({
    code: 'version-absent',
    what: 'there is no earlier version to go back to',
    where: state.environment,
    why: from ? `${from} is the first one` : 'nothing has been live',
    untouched: 'nothing was changed',
    next: 'name a version in the input version',
  });
}

/** The version as it was live here by the ledger; null where it never was. Pure. */
export function onceLive({ live, before }: EnvironmentState, version: string): Live | null {
  return [live, ...before].find((each): each is Live => each?.version === version) ?? null;
}

/**
 * A rollback asks nobody, so it brings only what was let in once where something else lets in: a version that lies on a
 * host or, where it must pass in another environment first, whose bytes were live here by the ledger, which that rule goes
 * by too. Where people must approve the ledger is no evidence. Pure. Throws version-absent.
 */
export function refuseForward(
  { name, approve, after }: Pick<Environment, 'name' | 'approve' | 'after'>,
  version: string,
  hosts: readonly HostState[],
  state: EnvironmentState,
): void {
  const asksPeople = approve?.asks === 'delivery';
  const isLetIn = asksPeople ? false : after === undefined || (onceLive(state, version)?.digest ?? null) !== null;
  if (isLetIn || hosts.some(({ versions }) => versions.some((each) => each.name === version))) return;
  throw new Failure({
    code: 'version-absent',
    what: `${version} lies on no host${asksPeople ? '' : ' and was never live here'}, so it is not known that it was ever let in`,
    where: name,
    why: asksPeople ? 'people must approve what comes here' : `what comes here passes in ${after} first`,
    untouched: 'nothing was changed',
    next: `go back to a version that lies on the hosts (${versionsOn(hosts)}), or deliver ${version}`,
  });
}

function versionsOn(hosts: readonly HostState[]): string {
  const names = hosts.flatMap(({ versions }) => versions.map((each) => each.name));
  return [...new Set(names)].join(', ') || 'there is none';
}

function mostCommon(versions: readonly (string | null)[]): string | null {
  const counts = new Map<string, number>();
  for (const version of versions) if (version) counts.set(version, (counts.get(version) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
}
