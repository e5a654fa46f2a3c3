/** Takes the fleet to an earlier version: chosen, brought there, verified, committed; an incident is opened. */
import {
  confirm,
  converge,
  type Fleet,
  type ForwardReport,
  type HostState,
  hostCount,
  openReachable,
  survey,
  type Work,
} from '../fleet/fleet.ts';
import type { EnvironmentState } from '../ledger/ledger.ts';
import { Failure, failureFrom, goesOn, type Json, type Result } from '../outcome/outcome.ts';
import { fleetOptions } from './fleet-options.ts';
import { writePapers } from './frame/papers.ts';
import { bringVersion } from './going-back/bringing.ts';
import { chooseTarget, onceLive, refuseForward, type Target } from './going-back/target.ts';
import { contextFor, passStage } from './pass.ts';
import {
  type DataDone,
  type DataPlan,
  dataAfter,
  dataBefore,
  planData,
  planOfData,
  stopForChoice,
} from './restoring/data.ts';
import { liftFences } from './restoring/fences.ts';
import { unverified } from './smoking/checks.ts';
import type { Planned, Stage, StageContext } from './stage.ts';

type Context = StageContext<'rollback'>;

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
        ...unverified(contextFor('smoke-test', context, { expectVersion: target.version }), target.version),
      ];
    });
  },

  async run(context) {
    if (!context.environment!.deploy)
      return { outcome: 'skipped', code: 'not-configured', summary: UNCONFIGURED, facts: {} };
    return withFleet(context, (fleet) => rollBack(context, fleet));
  },

  /** The hosts are for the next run to take on; what must not wait for it is that writes are let in again. */
  async turnBack(context) {
    const lifted = await liftFences(context);
    const summary = lifted.length
      ? `writes are let in again: ${lifted.join(', ')}`
      : 'nothing is turned back after a rollback: the next run takes the hosts on';
    return { outcome: 'passed', code: lifted.length ? 'ok' : 'nothing-to-do', summary, facts: {} };
  },
};

const UNCONFIGURED = 'the environment has no deploy section: there are no hosts to take back';

async function rollBack(context: Context, fleet: Fleet): Promise<Result> {
  const state = await context.ledger!.state(context.environment!.name);
  const states = await surveyReachable(fleet);
  const target = chooseTarget(context.inputs.version, state, states);
  const plan = planData(context, state, target.version);
  const stands = state.live?.version === target.version;
  const everywhere = fleet.lost.length === 0 && states.every((host) => host.current === target.version);
  if (stands && everywhere && (plan.choice.kind === 'nothing' || plan.choice.kind === 'keep')) {
    await liftFences(context);
    return nothingToDo(target.version, plan);
  }
  const stop = await stopForChoice(context, plan, target.version);
  if (stop) return stop;
  await context.book!.learn({ version: target.version });
  const known = onceLive(state, target.version)?.digest ?? null;
  const digest = await bringVersion(context, fleet, states, { version: target.version, known });
  const before = await dataBefore(context, plan, fleet);
  return alsoTold(context, before, async () => {
    const reports = await converge(fleet, target.version, workOf(context));
    const bad = failuresOf(reports, fleet);
    if (reports.every((report) => report.failure !== null)) throw notBack(context, target, bad);
    const data = await dataAfter(context, plan, before, bad.length === 0);
    return verified(context, fleet, { target, state, digest, reports, bad, data, commits: !(stands && everywhere) });
  });
}

function nothingToDo(version: string, { choice }: DataPlan): Result {
  return {
    outcome: 'passed',
    code: 'nothing-to-do',
    summary: `every host runs ${version} already; the data stay as they are: ${choice.because}`,
    facts: { version },
    outputs: { 'live-version': version, incident: null, data: '' },
  };
}

/** Whatever fails once the data were taken back says so: nobody may take them for untouched, or take them back twice. */
async function alsoTold<T>(context: Context, done: DataDone, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!done.touched) throw thrown;
    const failure = failureFrom(thrown);
    const cancelled = context.signal.aborted;
    throw new Failure({
      code: cancelled ? 'cancelled' : failure.code,
      what: cancelled ? 'the run was cancelled after the data were taken back' : failure.what,
      where: failure.where,
      why: cancelled ? failure.what : failure.why,
      untouched: [done.words, failure.untouched].filter(Boolean).join('; '),
      next: `mend what is named, then ${again(done)}`,
      facts: { ...failure.facts, ...done.facts },
      cause: failure,
    });
  }
}

/** How a run is repeated that has taken the data back already. */
function again({ output }: DataDone): string {
  return output === 'restored' ? 'run this again with data: keep, since the data are back' : 'run this again';
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
        ? `bring the hosts that are named within reach, then ${again(data)}`
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

function failuresOf(reports: readonly ForwardReport[], fleet: Fleet): string[] {
  return [
    ...reports.flatMap(({ host, failure }) => (failure ? [`${host}: ${failure.what}`] : [])),
    ...fleet.lost.map(({ name, failure }) => `${name}: ${failure.what}`),
  ];
}

function notBack(context: Context, target: Target, bad: readonly string[]): Failure {
  return new Failure({
    code: 'rollback-failed',
    what: `no host could be brought to ${target.version}`,
    where: context.environment!.name,
    why: bad.join('; '),
    untouched: 'no host was moved',
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
