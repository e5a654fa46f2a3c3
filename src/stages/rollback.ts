/** Takes the fleet to an earlier version: chosen, brought there, verified, committed; an incident is opened. */
import { checkVersion } from '../artifact/artifact.ts';
import type { Environment } from '../config/config.ts';
import {
  confirm,
  converge,
  type Fleet,
  type ForwardReport,
  type HostState,
  hostCount,
  openReachable,
  stageVersion,
  survey,
  unfinished,
  type Work,
} from '../fleet/fleet.ts';
import type { EnvironmentState, Live } from '../ledger/ledger.ts';
import { Failure, goesOn, type Json, type Result } from '../outcome/outcome.ts';
import { artifactOf } from './artifact-of.ts';
import { fleetOptions } from './fleet-options.ts';
import { writePapers } from './frame/papers.ts';
import { passStage } from './pass.ts';
import { type DataDone, dataAfter, dataBefore, planData, planOfData, stopForChoice } from './restoring/data.ts';
import type { Planned, Stage, StageContext } from './stage.ts';

type Context = StageContext<'rollback'>;

/** Where to go back to, and from where. */
export interface Target {
  version: string;
  from: string | null;
  /** Why this one, for people. */
  because: string;
}

export const stage: Stage<'rollback'> = {
  verb: 'rollback',

  async plan(context) {
    const { environment } = context;
    if (!environment!.deploy) return [{ kind: 'blind', text: UNCONFIGURED }];
    return withFleet(context, async (fleet) => {
      const states = await surveyReachable(fleet);
      const state = await context.ledger!.state(environment!.name);
      const target = chooseTarget(context.inputs.version, state, states);
      refuseForward(environment!, target.version, states, state);
      const data = await planOfData(context, planData(context, state, target.version), target.version);
      return [
        ...data,
        {
          kind: 'will',
          text: `take ${hostCount(fleet.hosts.length)} from ${target.from ?? 'nothing'} to ${target.version} (${target.because})`,
        } as Planned,
        ...fleet.lost.map(
          (lost): Planned => ({ kind: 'blind', text: `${lost.name} cannot be reached: ${lost.failure.what}` }),
        ),
      ];
    });
  },

  async run(context) {
    if (!context.environment!.deploy)
      return { outcome: 'skipped', code: 'not-configured', summary: UNCONFIGURED, facts: {} };
    return withFleet(context, (fleet) => rollBack(context, fleet));
  },
};

const UNCONFIGURED = 'the environment has no deploy section: there are no hosts to take back';

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

async function rollBack(context: Context, fleet: Fleet): Promise<Result> {
  const state = await context.ledger!.state(context.environment!.name);
  const states = await surveyReachable(fleet);
  const target = chooseTarget(context.inputs.version, state, states);
  const plan = planData(context, state, target.version);
  const stands = state.live?.version === target.version;
  const everywhere = fleet.lost.length === 0 && states.every((host) => host.current === target.version);
  if (stands && everywhere && plan.choice.kind !== 'restore' && plan.choice.kind !== 'down')
    return nothingToDo(target.version);
  const stop = await stopForChoice(context, plan, target.version);
  if (stop) return stop;
  await context.book!.learn({ version: target.version });
  const work = workOf(context);
  const known = onceLive(state, target.version)?.digest ?? null;
  const digest = await bringVersion(context, fleet, states, { version: target.version, known });
  const before = await dataBefore(context, plan, fleet.hosts);
  const reports = await converge(fleet, target.version, work);
  const bad = failuresOf(reports, fleet);
  if (reports.every((report) => report.failure !== null))
    throw notBack(context, target, bad, ['no host was moved', ...(before.words ? [before.words] : [])].join('; '));
  const data = await dataAfter(context, plan, before, bad.length === 0);
  return verified(context, fleet, { target, state, digest, reports, bad, data, commits: !(stands && everywhere) });
}

function nothingToDo(version: string): Result {
  return {
    outcome: 'passed',
    code: 'nothing-to-do',
    summary: `every host runs ${version} already`,
    facts: { version },
    outputs: { 'live-version': version, incident: null, data: '' },
  };
}

interface Back {
  target: Target;
  state: EnvironmentState;
  digest: string | null;
  reports: ForwardReport[];
  bad: string[];
  data: DataDone;
  /** False where the version was live everywhere, and only data were restored. */
  commits: boolean;
}

/** Commits what is live now, verifies it from outside, opens the incident, writes the papers. */
async function verified(context: Context, fleet: Fleet, back: Back): Promise<Result> {
  const { target, bad } = back;
  const known = onceLive(back.state, target.version);
  const live = { version: target.version, digest: back.digest ?? known?.digest ?? null, commit: known?.commit ?? null };
  if (back.commits) {
    const after = await context.book!.commit(live, `${target.version} is live again`);
    const { id, fence } = context.change!;
    const ledger = JSON.stringify(after ?? back.state);
    await confirm(fleet, { change: { id, fence }, version: target.version, ledger });
  }
  const smoke = await passStage('smoke-test', context, { version: target.version, expectVersion: target.version });
  const why = context.inputs.why || `rolled back from ${target.from ?? 'nothing'} by hand`;
  const incident = await context.book!.openIncident({ from: target.from, to: target.version, why });
  const papers = await writePapers(context, { results: [smoke], incident, outcome: 'passed' });
  const { data } = back;
  const problems = [...bad, ...data.problems, ...(goesOn(smoke.outcome) ? [] : [smoke.summary])];
  return {
    outcome: problems.length ? 'failed' : 'passed',
    code: bad.length ? 'fleet-mixed' : problems.length ? 'rollback-failed' : 'rolled-back',
    summary: `${reachedInWords(back, fleet)}${data.words ? `; ${data.words}` : ''}${problems.length ? `, and not all is well: ${problems.join('; ')}` : verifiedInWords(smoke)}`,
    facts: { ...factsOf(back, incident.id, papers.postmortem), ...data.facts },
    next: problems.length
      ? bad.length
        ? 'bring the hosts that are named within reach, then run this again'
        : 'see what is named, and put it right'
      : `write the post-mortem: ${papers.postmortem}`,
    outputs: { 'live-version': target.version, incident: incident.id, data: data.output },
  };
}

function reachedInWords({ target, reports }: Back, fleet: Fleet): string {
  const good = reports.filter((report) => report.failure === null).length;
  return `${target.version} is live again on ${good} of ${hostCount(reports.length + fleet.lost.length)}`;
}

function verifiedInWords(smoke: Result): string {
  return smoke.outcome === 'passed' ? ' and verified' : '; no smoke test verified it';
}

function factsOf({ target, reports }: Back, incident: string, postmortem: string | null): Record<string, Json> {
  const hosts = reports.map(({ host, from, outcome }) => ({ host, from, outcome }));
  return { from: target.from, to: target.version, hosts, incident, postmortem };
}

/**
 * The version on every reachable host: where one was removed long ago, it is fetched and put there again, the very bytes
 * that ran. `known` is their digest by the ledger.
 */
async function bringVersion(
  context: Context,
  fleet: Fleet,
  states: readonly HostState[],
  { version, known }: { version: string; known: string | null },
): Promise<string | null> {
  const there = states.map((state) => state.versions.find((each) => each.name === version) ?? null);
  const digest = there.find((each) => each?.digest)?.digest ?? null;
  const missing = fleet.hosts.filter((_, index) => there[index] === null);
  if (missing.length === 0) return digest;
  context.log.info(`${version} no longer lies on ${hostCount(missing.length)}; it is fetched again`);
  const inputs = { ...context.inputs, version };
  const artifact = await artifactOf(Object.create(context, { inputs: { value: inputs } }) as Context);
  const ran = digest ?? known;
  if (ran !== null && artifact.digest !== ran) throw otherBytes(context, version, ran, artifact.digest);
  const { id, fence } = context.change!;
  for (const host of missing) {
    const state = states[fleet.hosts.indexOf(host)]!;
    await stageVersion(host, state, artifact, { id, fence }, context.signal);
  }
  return artifact.digest;
}

function otherBytes({ environment }: Context, version: string, there: string, fetched: string): Failure {
  return new Failure({
    code: 'artifact-digest',
    what: `the source gives other bytes for ${version} than those that ran`,
    where: environment!.name,
    why: `what ran here is ${there}; the source gives ${fetched}`,
    untouched: 'no host was moved',
    next: `go back to another version, or make ${there} available again`,
  });
}

function failuresOf(reports: readonly ForwardReport[], fleet: Fleet): string[] {
  return [
    ...reports.flatMap(({ host, failure }) => (failure ? [`${host}: ${failure.what}`] : [])),
    ...fleet.lost.map(({ name, failure }) => `${name}: ${failure.what}`),
  ];
}

function notBack(context: Context, target: Target, bad: readonly string[], untouched: string): Failure {
  return new Failure({
    code: 'rollback-failed',
    what: `no host could be brought to ${target.version}`,
    where: context.environment!.name,
    why: bad.join('; '),
    untouched,
    next: 'mend what is named and run this again; it goes on where it stopped',
  });
}

function workOf(context: Context): Work {
  const { id, fence } = context.change!;
  return { change: { id, fence }, section: context.environment!.deploy!, log: context.log, signal: context.signal };
}

async function surveyReachable(fleet: Fleet): Promise<HostState[]> {
  if (fleet.hosts.length > 0) return survey(fleet);
  throw fleet.lost[0]!.failure;
}

async function withFleet<T>(context: Context, work: (fleet: Fleet) => Promise<T>): Promise<T> {
  const fleet = await openReachable(context.environment!, fleetOptions(context));
  try {
    return await work(fleet);
  } finally {
    await fleet.close();
  }
}
