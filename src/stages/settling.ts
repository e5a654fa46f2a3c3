/** The good end of a deploy: the commit point in the ledger, then every host told, brought forward and tidied. */
import {
  confirm,
  converge,
  type Fleet,
  type HostState,
  hostCount,
  openReachable,
  prune,
  survey,
  type Work,
} from '../fleet/fleet.ts';
import { Failure, type Result } from '../outcome/outcome.ts';
import { fleetOptions } from './fleet-options.ts';
import type { StageContext } from './stage.ts';

type Context = StageContext<'deploy'>;

/**
 * Commits what the hosts run, then tells them. After the commit point a host that differs is brought forward, never
 * back; one that cannot be reached is named. Idempotent: a committed change is only brought forward and told.
 */
export async function settleDeploy(context: Context, work: Work): Promise<Result> {
  const fleet = await openReachable(context.environment!, fleetOptions(context));
  try {
    if (fleet.hosts.length === 0) throw fleet.lost[0]!.failure;
    const version = versionOf(context);
    if (!context.book!.committed) await commit(context, fleet, version);
    return await bringForward(context, fleet, work, version);
  } finally {
    await fleet.close();
  }
}

async function commit(context: Context, fleet: Fleet, version: string): Promise<void> {
  const states = await survey(fleet);
  const others = states.filter(({ current }) => current !== version);
  if (others.length > 0) throw notLive(others, version);
  const { digest, commit: sha } = context.change!;
  await context.book!.commit({ version, digest, commit: sha }, `${version} is live on ${hostCount(states.length)}`);
}

async function bringForward(context: Context, fleet: Fleet, work: Work, version: string): Promise<Result> {
  const reports = await converge(fleet, version, work);
  const failed = reports.flatMap(({ host, failure }) => (failure === null ? [] : [`${host}: ${failure.what}`]));
  const missing = [...failed, ...fleet.lost.map(({ name, failure }) => `${name}: ${failure.what}`)];
  const state = await context.ledger!.state(context.environment!.name);
  const untold = await confirm(fleet, { change: work.change, version, ledger: JSON.stringify(state) });
  const kept = [state.live?.version, state.before[0]?.version].filter((name) => name !== undefined);
  const untidy = await prune(fleet, work.section, kept);
  for (const { host, failure } of [...untold, ...untidy]) context.log.warn(`${host}: ${failure.message}`);
  const facts = {
    version,
    hosts: reports.map(({ host, from, outcome }) => ({ host, from, outcome })),
    untold: untold.map(({ host }) => host),
  };
  const outputs = { 'live-version': version, digest: context.change!.digest };
  if (missing.length > 0) {
    const summary = `${version} is committed, but not every host runs it: ${missing.join('; ')}`;
    return {
      outcome: 'failed',
      code: 'fleet-mixed',
      summary,
      facts,
      outputs,
      next: 'bring the hosts that are named within reach and run it again: they are brought forward',
    };
  }
  return {
    outcome: 'passed',
    code: 'ok',
    summary: `${version} is committed, and told to ${hostCount(fleet.hosts.length - untold.length)}`,
    facts,
    outputs,
  };
}

function versionOf({ change, inputs }: Context): string {
  return change?.version ?? inputs.version;
}

function notLive(others: readonly HostState[], version: string): Failure {
  return new Failure({
    code: 'fleet-mixed',
    where: others.map(({ host }) => host).join(', '),
    what: `the fleet does not run ${version}, so it is not committed`,
    why: others.map(({ host, current }) => `${host} runs ${current ?? 'no version'}`).join('; '),
    untouched: 'the hosts were left as they are',
    next: 'run rollback, or deploy again',
  });
}
