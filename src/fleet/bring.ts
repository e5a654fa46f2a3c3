/** One host, brought to a version or taken back to one: drain, flip, restart, health, version, admit. */
import type { DeploySection } from '../config/config.ts';
import type { Log } from '../log/log.ts';
import { Failure } from '../outcome/outcome.ts';
import { fillCommand, type Host } from '../transport/transport.ts';
import { waitHealthy, waitVersion } from './answer.ts';
import type { ChangeMark } from './change.ts';
import { type Flip, flip, mark, printable } from './flip.ts';
import { COMMAND } from './scripts.ts';

/** What work on hosts needs to know. */
export interface Work {
  change: ChangeMark;
  section: DeploySection;
  log: Log;
  signal: AbortSignal;
}

/** No hook of a deploy is waited for longer. */
const LONGEST_COMMAND = 600_000;

/** Flips a host and brings it back into service. Where the drain or the flip fails, it is admitted again as it was. */
export async function flipAndServe(host: Host, work: Work, how: Flip, version: string | null): Promise<void> {
  try {
    await command(host, work, 'drain', version);
    await flip(host, work.change, how);
  } catch (error) {
    await command(host, work, 'admit', version).catch(() => {});
    throw error;
  }
  await restartAndServe(host, work, version);
}

/** After a flip: restart, wait until it is healthy and answers the version, take it back into traffic. */
export async function restartAndServe(host: Host, work: Work, version: string | null): Promise<void> {
  await command(host, work, 'restart', version);
  await verify(host, work, version);
  await command(host, work, 'admit', version);
}

/** Healthy, and answering the version: a restart that returns 0 proves neither. `version` null: whatever it is. */
export async function verify(
  host: Host,
  { section, signal }: Pick<Work, 'section' | 'signal'>,
  version: string | null,
): Promise<void> {
  if (section.health) await waitHealthy(host, section.health, signal);
  if (section.version && version !== null) await waitVersion(host, section.version, version, signal);
}

/** Brings a host to `to` as the change's work and notes that it serves. */
export async function serve(host: Host, work: Work, from: string, to: string, version: string): Promise<void> {
  const journal = { from, to, state: 'flipped' } as const;
  await flipAndServe(host, work, { expect: from, target: to, journal }, version);
  await mark(host, work.change, 'served');
}

/** Runs one of the user's commands in the root of the host. Throws `restart-failed`. */
export async function command(
  host: Host,
  work: Work,
  name: 'drain' | 'restart' | 'admit',
  version: string | null,
): Promise<void> {
  const template = work.section[name];
  if (template === undefined) return;
  const result = await host.sh(COMMAND, {
    args: [host.path, name, fillCommand(template, host)],
    env: { CHANGELINE_VERSION: version ?? '', CHANGELINE_CHANGE: work.change.id },
    timeout: LONGEST_COMMAND,
    signal: work.signal,
  });
  if (result.status === 0) return;
  throw new Failure({
    code: 'restart-failed',
    where: host.name,
    what: `deploy.${name} failed`,
    why: `${result.timedOut ? 'no end in time' : `status ${result.status}`}: ${printable(result.stdout || result.stderr)}`,
    next: `run the command on the host by hand and see what it says (its output is in .changeline/${name}.log)`,
  });
}
