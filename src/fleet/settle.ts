/** After the commit point: telling the hosts, bringing stragglers forward, removing what is old. */
import type { DeploySection } from '../config/config.ts';
import { Failure } from '../outcome/outcome.ts';
import type { Host } from '../transport/transport.ts';
import { restartAndServe, serve, verify, type Work } from './bring.ts';
import type { ChangeMark } from './change.ts';
import { answerFailure, mark } from './flip.ts';
import { forwardStep } from './journal.ts';
import { onEach } from './many.ts';
import type { Fleet } from './open.ts';
import { CONFIRM, PRUNE } from './scripts.ts';
import { type HostState, surveyHost } from './survey.ts';
import { planBatches } from './waves.ts';

/** What the hosts are told of a change that is committed. */
export interface Confirmation {
  change: ChangeMark;
  version: string;
  /** The ledger's state as text, so that a shell can roll back from the hosts alone. */
  ledger: string;
}

/** A host that could not be told, brought or cleaned. */
export interface HostFailure {
  host: string;
  failure: Failure;
}

/** Tells every host, in parallel, that the change is final. Best effort: names the hosts that could not be told. */
export async function confirm(fleet: Fleet, { change, version, ledger }: Confirmation): Promise<HostFailure[]> {
  const at = new Date().toISOString();
  const answers = await onEach(fleet.hosts, async (host) => {
    const state = await surveyHost(host);
    const previous = previousOf(state, host.path, version);
    const live = JSON.stringify({ version, previous, change: change.id, at, ledger });
    const result = await host.sh(CONFIRM, { args: [host.path, change.id, live] });
    if (result.status !== 0) throw answerFailure(host, result, `it runs ${version} all the same`);
  });
  return failuresOf(fleet.hosts, answers);
}

/** The version to go back to: what the change came from; where it changed nothing here, what was noted before. */
function previousOf(state: HostState, root: string, version: string): string | null {
  const from = state.journal?.to === `versions/${version}` ? state.journal.from : '';
  const name = from.startsWith(`${root}/`) ? from.slice(root.length + 1) : from;
  return name.startsWith('versions/') && name !== `versions/${version}`
    ? name.slice('versions/'.length)
    : state.previous;
}

/** One host of `converge`. */
export interface ForwardReport {
  host: string;
  from: string | null;
  outcome: 'already' | 'moved' | 'failed';
  failure: Failure | null;
}

/**
 * Brings every host forward to a version that lies there: after the commit point, and for a rollback to any earlier
 * version. Goes on after a failure, as many hosts as possible reach the version; never throws.
 */
export async function converge(fleet: Fleet, version: string, work: Work): Promise<ForwardReport[]> {
  const reports: ForwardReport[] = [];
  for (const batch of planBatches(fleet.hosts, fleet.hosts.length, work.section)) {
    const answers = await onEach(batch, (host) => forwardOne(host, version, work));
    answers.forEach((answer, index) => {
      const host = batch[index]!.name;
      reports.push(
        answer.ok
          ? { host, ...answer.value, failure: null }
          : { host, from: null, outcome: 'failed', failure: answer.failure },
      );
    });
  }
  return reports;
}

async function forwardOne(host: Host, version: string, work: Work): Promise<Pick<ForwardReport, 'from' | 'outcome'>> {
  const state = await surveyHost(host);
  const step = forwardStep(state, version);
  if (step === 'verify') {
    await verify(host, work, version);
    return { from: state.current, outcome: 'already' };
  }
  if (!state.versions.some(({ name }) => name === version)) throw absent(host, version, state);
  if (step === 'flip') await serve(host, work, state.link, `versions/${version}`, version);
  else {
    await restartAndServe(host, work, version);
    await mark(host, { id: state.journal!.change }, 'served');
  }
  return { from: state.current, outcome: 'moved' };
}

/** Removes old versions from every host. Names the hosts where it failed. */
export async function prune(
  fleet: Fleet,
  section: Pick<DeploySection, 'keep'>,
  protectedVersions: readonly string[],
): Promise<HostFailure[]> {
  const answers = await onEach(fleet.hosts, async (host) => {
    const old = prunable(await surveyHost(host), section.keep, protectedVersions);
    if (old.length === 0) return;
    const result = await host.sh(PRUNE, { args: [host.path, ...old] });
    if (result.status !== 0) throw answerFailure(host, result, 'the live version is untouched');
  });
  return failuresOf(fleet.hosts, answers);
}

/**
 * The versions that may go: ours, beyond the `keep` newest; never the live one, the one before it, one that a journal
 * names, or a protected one.
 */
export function prunable(state: HostState, keep: number, protectedVersions: readonly string[]): string[] {
  const journal =
    state.journal === null ? [] : [state.journal.from, state.journal.to].map((link) => link.replace(/^.*\//, ''));
  const needed = new Set([state.current, state.previous, ...journal, ...protectedVersions]);
  const ours = state.versions.filter(({ at }) => at !== null).sort((a, b) => (a.at! < b.at! ? 1 : -1));
  return ours
    .slice(keep)
    .map(({ name }) => name)
    .filter((name) => !needed.has(name));
}

function failuresOf(hosts: readonly Host[], answers: Awaited<ReturnType<typeof onEach<Host, void>>>): HostFailure[] {
  return answers.flatMap((answer, index) => (answer.ok ? [] : [{ host: hosts[index]!.name, failure: answer.failure }]));
}

function absent(host: Host, version: string, state: HostState): Failure {
  const names = state.versions.map(({ name }) => name).join(', ') || 'none';
  return new Failure({
    code: 'version-absent',
    where: host.name,
    what: `version ${version} does not lie there`,
    why: `there are: ${names}`,
    untouched: `it runs ${state.current ?? 'what it ran'}`,
    next: `deploy ${version} again from its artifact, or choose a version that lies on every host`,
  });
}
