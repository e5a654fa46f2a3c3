/** A version on every host, wave by wave, or every host put back. */
import { type Code, Failure, failureFrom, type Outcome, type Result } from '../outcome/outcome.ts';
import type { Host } from '../transport/transport.ts';
import { type BackReport, turnBack } from './back.ts';
import { restartAndServe, serve, verify, type Work } from './bring.ts';
import { mark } from './flip.ts';
import { forwardStep } from './journal.ts';
import { allOrThrow, combined, hostCount, onEach } from './many.ts';
import type { Fleet } from './open.ts';
import { preflight } from './preflight.ts';
import { type Staged, stageVersion, sweep } from './staging.ts';
import { type HostState, surveyHost } from './survey.ts';
import { planBatches, planWaves } from './waves.ts';

/** What the watch between two waves says. `result` is its own, where it has one: its code becomes the deploy's. */
export interface WaveVerdict {
  goOn: boolean;
  why?: string;
  result?: Result;
}

/** Called after each wave but the last, with the hosts that run the new version and those that run the old one. */
export type AfterWave = (wave: number, newHosts: Host[], oldHosts: Host[]) => Promise<WaveVerdict>;

/** One host of a deploy. live: brought there now. already: was there. See BackReport for the others. */
export interface HostReport {
  host: string;
  from: string | null;
  /** The version that it runs now; null where there is none or it is not known. */
  version: string | null;
  outcome: 'live' | 'already' | 'waiting' | 'failed' | BackReport['outcome'];
  /** Milliseconds from drain to admit; 0 where nothing was done. */
  took: number;
  code: Code | null;
  why: string | null;
  isolated: boolean;
}

/** What came of a deploy. All failures are kept, in the order in which they came. */
export interface DeployResult {
  outcome: Extract<Outcome, 'passed' | 'failed' | 'inconclusive'>;
  code: Code;
  summary: string;
  next: string | null;
  hosts: HostReport[];
  waves: string[][];
  failures: Failure[];
  /** True where hosts were flipped and all of them run their former version again. */
  turnedBack: boolean;
  /** What the watch said that stopped it; null where none did. */
  watch: Result | null;
}

/** What a deploy is given. */
export interface DeployRequest extends Work {
  artifact: Staged;
  afterWave: AfterWave;
  /** Called once, when all hosts hold the version and the first is about to be flipped. */
  beforeFlip?: () => Promise<void>;
}

type Seen = { host: Host; state: HostState };

/** Looks at every host of the fleet. Throws one Failure that names each host that could not be looked at. */
export async function survey(fleet: Fleet): Promise<HostState[]> {
  return allOrThrow(await onEach(fleet.hosts, surveyHost), 'nothing was touched');
}

/**
 * Deploys. Before anything is flipped every problem is thrown as one Failure; after it, whatever goes wrong on a host
 * or in a watch puts every flipped host back and is told in the result. Where the signal fires it begins nothing new
 * and throws `cancelled`: `turnBack` puts back what was flipped.
 */
export async function deployFleet(fleet: Fleet, request: DeployRequest): Promise<DeployResult> {
  const seen = await prepare(fleet, request);
  await request.beforeFlip?.();
  const version = request.artifact.version;
  const reports = new Map(seen.map(({ host, state }) => [host.name, reportOf(state)]));
  const waves = planWaves([...reports.keys()], request.section);
  let trouble: { failures: Failure[]; verdict?: WaveVerdict } | null = null;
  for (const [index, names] of waves.entries()) {
    const wave = seen.filter(({ host }) => names.includes(host.name));
    const failures = await bringWave(wave, seen.length, request, reports);
    if (failures.length > 0) {
      trouble = { failures };
      break;
    }
    const done = new Set(waves.slice(0, index + 1).flat());
    const [newHosts, oldHosts] = [
      fleet.hosts.filter(({ name }) => done.has(name)),
      fleet.hosts.filter(({ name }) => !done.has(name)),
    ];
    if (oldHosts.length === 0 || nothingMoved(reports)) continue;
    stopIfCancelled(request.signal);
    const verdict = await request.afterWave(index, newHosts, oldHosts);
    if (verdict.goOn) continue;
    trouble = { failures: [], verdict };
    break;
  }
  if (trouble === null) return passed(version, reports, waves);
  stopIfCancelled(request.signal);
  return putBack(fleet, request, reports, waves, trouble);
}

/** Survey, preflight, staging: everything that happens before the first flip. */
async function prepare(fleet: Fleet, request: DeployRequest): Promise<Seen[]> {
  const { artifact, change, section, signal, log } = request;
  const states = await survey(fleet);
  const { version, digest, bytes } = artifact;
  const findings = preflight(states, { version, digest, bytes, files: artifact.manifest.length, change }, section);
  const obstacles = findings.flatMap((finding) => (finding.kind === 'obstacle' ? [finding.failure] : []));
  if (obstacles.length > 0) throw combined(obstacles, 'no host was touched');
  stopIfCancelled(signal);
  const seen = fleet.hosts.map((host, index) => ({ host, state: states[index]! }));
  const staged = await onEach(seen, ({ host, state }) => stageVersion(host, state, artifact, change, signal));
  const failed = staged.some((answer) => !answer.ok);
  if (failed) await onEach(fleet.hosts, (host) => sweep(host, change));
  const how = allOrThrow(staged, 'every host runs what it ran before');
  log.detail(
    `${version} lies on ${hostCount(how.length)}, verified (${how.filter((word) => word === 'reused').length} had it)`,
  );
  return seen;
}

/** A wave in batches; the failures of the batch that failed. */
async function bringWave(
  wave: Seen[],
  total: number,
  request: DeployRequest,
  reports: Map<string, HostReport>,
): Promise<Failure[]> {
  for (const batch of planBatches(wave, total, request.section)) {
    stopIfCancelled(request.signal);
    const answers = await onEach(batch, (seen) => bringHost(seen, request, reports.get(seen.host.name)!), batch.length);
    const failures = answers.flatMap((answer) => (answer.ok ? [] : [answer.failure]));
    if (failures.length > 0) return failures;
  }
  return [];
}

async function bringHost({ host, state }: Seen, request: DeployRequest, report: HostReport): Promise<void> {
  const { artifact, change, log } = request;
  const step = forwardStep(state, artifact.version);
  const began = performance.now();
  try {
    if (step === 'verify') await verify(host, request, artifact.version);
    if (step === 'restart') {
      await restartAndServe(host, request, artifact.version);
      await mark(host, change, 'served');
    }
    if (step === 'flip') await serve(host, request, state.link, `versions/${artifact.version}`, artifact.version);
  } catch (error) {
    const failure = failureFrom(error);
    Object.assign(report, { outcome: 'failed', version: null, code: failure.code, why: failure.what });
    throw error;
  }
  const took = step === 'verify' ? 0 : Math.round(performance.now() - began);
  Object.assign(report, { outcome: step === 'verify' ? 'already' : 'live', version: artifact.version, took });
  log.detail(
    `${host.name}: ${step === 'verify' ? 'runs' : 'now runs'} ${artifact.version}${took ? ` (${took} ms)` : ''}`,
  );
}

async function putBack(
  fleet: Fleet,
  request: DeployRequest,
  reports: Map<string, HostReport>,
  waves: string[][],
  { failures, verdict }: { failures: Failure[]; verdict?: WaveVerdict },
): Promise<DeployResult> {
  const rooted = true; // every host holds the version since it was staged
  const back = await turnBack(fleet.hosts, [], request, rooted);
  for (const entry of back) {
    const report = reports.get(entry.host)!;
    // What a host failed of stays in its report; what it runs now is what the turning back found.
    Object.assign(report, { outcome: entry.outcome, version: entry.version, isolated: entry.isolated });
    if (entry.failure) Object.assign(report, { code: entry.failure.code, why: entry.failure.what });
  }
  const lost = back.filter(({ outcome }) => outcome === 'lost');
  const all = [...failures, ...lost.flatMap(({ failure }) => failure ?? [])];
  const why = verdict?.why ?? failures.map((failure) => `${failure.where ?? ''}: ${failure.what}`).join('; ');
  const state = backSummary(back);
  return {
    outcome: verdict?.result?.outcome === 'inconclusive' && lost.length === 0 ? 'inconclusive' : 'failed',
    code: lost.length > 0 ? 'fleet-mixed' : (verdict?.result?.code ?? 'deploy-failed'),
    summary: `${request.artifact.version} was not kept: ${why}; ${state}`,
    next: failures[0]?.next ?? lost[0]?.failure?.next ?? verdict?.result?.next ?? null,
    hosts: [...reports.values()],
    waves,
    failures: all,
    turnedBack: lost.length === 0 && back.some(({ outcome }) => outcome === 'back' || outcome === 'removed'),
    watch: verdict?.result ?? null,
  };
}

/** How the turning back ended, in one clause; names every host that is lost and who took it out of traffic. */
export function backSummary(reports: readonly BackReport[]): string {
  const names = (of: BackReport[]) => of.map(({ host }) => host).join(', ');
  const lost = reports.filter(({ outcome }) => outcome === 'lost');
  const isolated = lost.filter((entry) => entry.isolated);
  const serving = lost.filter((entry) => !entry.isolated);
  const count = (outcome: BackReport['outcome']) => reports.filter((entry) => entry.outcome === outcome).length;
  return [
    `${count('back')} put back`,
    count('removed') > 0 ? `${count('removed')} with nothing to go back to (first deploy; current was removed)` : '',
    `${count('untouched')} untouched`,
    isolated.length > 0 ? `not reached and taken out of traffic: ${names(isolated)}` : '',
    serving.length > 0 ? `not taken back and nobody took them out of traffic: ${names(serving)}` : '',
  ]
    .filter((clause) => clause !== '')
    .join(', ');
}

function passed(version: string, reports: Map<string, HostReport>, waves: string[][]): DeployResult {
  const nothing = nothingMoved(reports);
  const moved = [...reports.values()].filter(({ outcome }) => outcome === 'live').length;
  const summary = nothing
    ? `every host runs ${version} already`
    : `${version} is live on ${hostCount(reports.size)} (${moved} moved)`;
  const code = nothing ? 'nothing-to-do' : 'ok';
  return {
    outcome: 'passed',
    code,
    summary,
    next: null,
    hosts: [...reports.values()],
    waves,
    failures: [],
    turnedBack: false,
    watch: null,
  };
}

function nothingMoved(reports: Map<string, HostReport>): boolean {
  return ![...reports.values()].some(({ outcome }) => outcome === 'live');
}

function reportOf({ host, current }: HostState): HostReport {
  return { host, from: current, version: current, outcome: 'waiting', took: 0, code: null, why: null, isolated: false };
}

function stopIfCancelled(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new Failure({
    code: 'cancelled',
    what: 'the deploy was cancelled',
    untouched: 'hosts that were flipped are put back at the end of the job',
    next: 'run it again',
  });
}
