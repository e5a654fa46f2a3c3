/** What stands in the way of a deploy, and what could not be judged afterwards: pure. */
import type { DeploySection } from '../config/config.ts';
import { type Code, Failure } from '../outcome/outcome.ts';
import { unfinished } from './journal.ts';
import type { HostState } from './survey.ts';

/** One finding. An obstacle carries its Failure. */
export type Finding = { kind: 'obstacle'; text: string; failure: Failure } | { kind: 'blind'; text: string };

/** What is to be deployed; sizes are null where they are not known yet. */
export interface Load {
  version: string;
  digest: string | null;
  bytes: number | null;
  files: number | null;
  change: { id: string; fence: number } | null;
}

/** Finds everything, on every host, and not only the first. */
export function preflight(states: readonly HostState[], load: Load, section: DeploySection): Finding[] {
  return [...states.flatMap((state) => obstaclesOf(state, load)), ...blindSpots(states, section)];
}

function obstaclesOf(state: HostState, load: Load): Finding[] {
  const found: Finding[] = [];
  const obstacle = (code: Code, what: string, next: string) => {
    const failure = new Failure({ code, where: state.host, what, untouched: 'no host was touched', next });
    found.push({ kind: 'obstacle', text: failure.message, failure });
  };
  if (!state.currentIsLink) {
    obstacle(
      'host-unfit',
      'current is a file or a directory, not a symlink',
      'move its content to versions/<version> and make current a symlink to it',
    );
  }
  if (!state.writable || state.closed.length > 0) {
    obstacle(
      'host-unfit',
      `the user may not write ${state.closed.join(' and ') || 'the path'} there`,
      'give the directory to the user that logs in (chown)',
    );
  }
  if (!state.tools.rename)
    obstacle(
      'host-unfit',
      'neither mv -T nor perl is there: a symlink cannot be replaced in one step',
      'install coreutils or perl there',
    );
  if (!state.tools.sha256)
    obstacle(
      'host-unfit',
      'neither sha256sum nor shasum is there: files cannot be verified',
      'install coreutils there',
    );
  roomObstacles(state, load, obstacle);
  if (load.change && load.change.fence < state.fence) {
    obstacle(
      'host-busy',
      `a newer change (fence ${state.fence}) has been here; this one has fence ${load.change.fence}`,
      'see in the ledger which change it was; start a new one',
    );
  }
  const left = unfinished(state.journal) ? state.journal : null;
  if (left && left.change !== load.change?.id) {
    obstacle(
      'host-busy',
      `the change ${printable(left.change)} was left unfinished here (${left.state})`,
      'take it back first: run rollback, or run the change again',
    );
  }
  const there = state.versions.find((version) => version.name === load.version);
  if (state.current === load.version && load.digest !== null && there?.digest !== load.digest) {
    obstacle(
      'deploy-failed',
      `version ${load.version} is live there with other content (${there?.digest ?? 'no digest recorded'}): versions are immutable`,
      'give the new content a new version',
    );
  }
  return found;
}

function roomObstacles(state: HostState, load: Load, obstacle: (code: Code, what: string, next: string) => void): void {
  const needed = (load.bytes ?? 0) * 1.1 + 1_048_576;
  if (state.freeBytes !== null && state.freeBytes < needed) {
    obstacle(
      'disk-full',
      `${megabytes(state.freeBytes)} are free there and ${megabytes(needed)} are needed`,
      'make room there, or lower deploy.keep',
    );
  }
  const files = (load.files ?? 0) + 100;
  // Some file systems (btrfs) have no fixed number of inodes and say 0.
  if (state.freeFiles !== null && state.freeFiles > 0 && state.freeFiles < files) {
    obstacle(
      'disk-full',
      `${state.freeFiles} inodes are free there and ${files} are needed`,
      'remove files there, or lower deploy.keep',
    );
  }
}

function blindSpots(states: readonly HostState[], section: DeploySection): Finding[] {
  const found: string[] = [];
  if (!section.restart)
    found.push('deploy.restart is not set: processes that run keep the old version until something restarts them');
  if (!section.health) found.push('deploy.health is not set: whether a host serves after the flip will not be known');
  if (!section.version)
    found.push('deploy.version is not set: whether the new version is the one that answers will not be known');
  const remote = states.some(({ host }) => !/^\.{0,2}\//.test(host)); // a directory of this machine cannot get lost
  if (!section.isolate && remote)
    found.push('deploy.isolate is not set: a host that gets lost cannot be taken out of traffic');
  const live = new Set(states.map((state) => state.current ?? '(none)'));
  if (live.size > 1) found.push(`the fleet runs more than one version now: ${[...live].join(', ')}`);
  const slow = states.filter((state) => !state.tools.rsync).map((state) => state.host);
  if (slow.length > 0) found.push(`no rsync on ${slow.join(', ')}: every file travels each time`);
  return found.map((text) => ({ kind: 'blind', text }));
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 80);
}
