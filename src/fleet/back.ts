/** Taking a change back: every host that it flipped, and no other; as often as is needed. */
import type { DeploySection } from '../config/config.ts';
import { Failure } from '../outcome/outcome.ts';
import { run } from '../process/process.ts';
import { fillCommand, type Host, type Named } from '../transport/transport.ts';
import { command, flipAndServe, restartAndServe, type Work } from './bring.ts';
import { mark, printable } from './flip.ts';
import { backStep } from './journal.ts';
import { onEach } from './many.ts';
import { sweep } from './staging.ts';
import { type HostState, surveyHost, versionOf } from './survey.ts';
import { planBatches } from './waves.ts';

/**
 * What came of one host. untouched: the change had not flipped it. back: it runs what it ran before. removed: there
 * was nothing before, and `current` is gone. lost: it could not be reached or taken back; `isolated` says whether the
 * user's hook took it out of traffic.
 */
export interface BackReport {
  host: string;
  outcome: 'untouched' | 'back' | 'removed' | 'lost';
  /** The version that it runs now; null where there is none or it is not known. */
  version: string | null;
  isolated: boolean;
  failure: Failure | null;
}

/** A host that could not be connected. */
export interface LostHost extends Named {
  failure: Failure;
}

/**
 * Takes the change back on all hosts. Never throws: each host has its report. `rooted`: every host is known to have had
 * its root directory. Where that is not known, a fleet without a trace of Changeline has not come to its first deploy.
 */
export async function turnBack(
  hosts: readonly Host[],
  lost: readonly LostHost[],
  work: Work,
  rooted = false,
): Promise<BackReport[]> {
  const looks = await onEach(hosts, async (host) => ({ host, state: await surveyHost(host) }));
  const reports = new Map<string, BackReport>();
  for (const { name, failure } of lost) reports.set(name, report(name, 'lost', null, failure));
  const known = rooted || looks.some((look) => look.ok && hasTrace(look.value.state));
  const seen = looks.flatMap((look, index) => {
    if (look.ok && (look.value.state.root || !known)) return [look.value];
    const host = hosts[index]!;
    reports.set(host.name, report(host.name, 'lost', null, look.ok ? rootMissing(host) : look.failure));
    return [];
  });
  const ofStep = (...steps: string[]) => seen.filter(({ state }) => steps.includes(backStep(state, work.change.id)));
  const take = async (those: typeof seen) => {
    const answers = await onEach(those, ({ host, state }) => backOne(host, state, work));
    answers.forEach((answer, index) => {
      const { name } = those[index]!.host;
      reports.set(name, answer.ok ? answer.value : report(name, 'lost', null, answer.failure));
    });
  };
  // Hosts that never served the change are out of traffic: at once. Those that serve it go as carefully as they came.
  await take(ofStep('nothing', 'close', 'finish', 'strange'));
  const toFlip = ofStep('flip');
  const serving = toFlip.filter(({ state }) => state.journal?.state === 'served');
  await take(toFlip.filter((host) => !serving.includes(host)));
  for (const batch of planBatches(serving, hosts.length + lost.length, work.section)) await take(batch);
  await isolateLost([...hosts, ...lost], reports, work.section);
  return [...reports.values()];
}

/** True for a host that Changeline has been on. */
function hasTrace({ journal, fence, versions }: HostState): boolean {
  return journal !== null || fence > 0 || versions.length > 0;
}

/** What runs there cannot be known: the journal lies in the root, and a service may run on without it. */
function rootMissing({ name, path }: Host): Failure {
  return new Failure({
    code: 'host-unfit',
    where: name,
    what: `the directory ${path} is missing there`,
    why: 'it may be unmounted; what the host runs cannot be known without it',
    untouched: 'nothing there was touched',
    next: 'mount it, or create it empty on a host that never had a version; then run again',
  });
}

async function backOne(host: Host, state: HostState, work: Work): Promise<BackReport> {
  const step = backStep(state, work.change.id);
  await sweep(host, work.change);
  if (step === 'nothing') return report(host.name, 'untouched', state.current, null);
  const journal = state.journal!;
  const before = versionOf(journal.from, host.path);
  if (step === 'strange') {
    const failure = new Failure({
      code: 'host-busy',
      where: host.name,
      what: 'current is neither what was there before the change nor what the change made it',
      why: `it is ${JSON.stringify(printable(state.link))}`,
      untouched: 'current there was left as it is',
      next: 'see who changed it, point it to the right version by hand, then run rollback',
    });
    return report(host.name, 'lost', state.current, failure);
  }
  // The fence that the host has seen is the change's own, or a later run's that takes it back.
  const flip = {
    expect: journal.to,
    target: journal.from,
    journal: { from: journal.from, to: journal.to, state: 'turning-back' as const },
  };
  if (journal.from === '') {
    if (step === 'flip') await flipToNothing(host, work, flip);
    await mark(host, work.change, 'turned-back');
    return report(host.name, 'removed', null, null);
  }
  if (step === 'flip') await flipAndServe(host, work, flip, before);
  if (step === 'finish') await restartAndServe(host, work, before);
  await mark(host, work.change, 'turned-back');
  return report(host.name, 'back', before, null);
}

/**
 * The first deploy of a host has nothing to go back to: `current` is removed, and the restart is run so that nothing of
 * the version stays in service. What it answers is no failure: without `current` most services cannot start.
 */
async function flipToNothing(host: Host, work: Work, how: Parameters<typeof flipAndServe>[2]): Promise<void> {
  const { restart: _, health: __, version: ___, admit: ____, ...quiet } = work.section;
  await flipAndServe(host, { ...work, section: quiet }, how, null);
  await command(host, work, 'restart', null).catch(() =>
    work.log.detail(`${host.name}: nothing runs, as before the first deploy`),
  );
}

/** Runs the user's hook here for each host that is lost. */
async function isolateLost(
  hosts: readonly Named[],
  reports: Map<string, BackReport>,
  section: DeploySection,
): Promise<void> {
  if (section.isolate === undefined) return;
  for (const host of hosts) {
    const entry = reports.get(host.name);
    if (entry?.outcome !== 'lost') continue;
    const finished = await run({ file: 'sh', args: ['-c', fillCommand(section.isolate, host)], timeout: 60_000 }).catch(
      () => null,
    );
    entry.isolated = finished?.status === 0;
  }
}

function report(
  host: string,
  outcome: BackReport['outcome'],
  version: string | null,
  failure: Failure | null,
): BackReport {
  return { host, outcome, version, isolated: false, failure };
}
