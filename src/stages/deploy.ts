/** Brings every host of the fleet to one version, wave by wave, or puts all of them back. */
import { findArtifact } from '../artifact/artifact.ts';
import { inWords } from '../duration/duration.ts';
import {
  type AfterWave,
  backSummary,
  type DeployResult,
  deployFleet,
  type Fleet,
  hostCount,
  openFleet,
  openReachable,
  planWaves,
  preflight,
  survey,
  turnBack,
  type Work,
} from '../fleet/fleet.ts';
import { betweenLength, budget, lengthInWords } from '../observation/observation.ts';
import { Failure, type Json, type Result } from '../outcome/outcome.ts';
import { artifactOf, artifactRequest } from './artifact-of.ts';
import { fleetOptions } from './fleet-options.ts';
import { letPass, planLetPass } from './holding/undecided-watch.ts';
import { planPrecedence } from './precedence.ts';
import { settleDeploy } from './settling.ts';
import type { Planned, Stage, StageContext } from './stage.ts';
import { type OpenWatch, openWatch, resultOfWatch, tellingLedger } from './watching.ts';

type Context = StageContext<'deploy'>;

/** The stage of the verb `deploy`. */
export const stage: Stage<'deploy'> = {
  verb: 'deploy',

  async plan(context) {
    if (!configured(context)) return [{ kind: 'blind', text: UNCONFIGURED }];
    const passed = await planPrecedence(context);
    const fleet = await openFleet(context.environment!, fleetOptions(context));
    try {
      return [...passed, ...(await planOn(context, fleet))];
    } finally {
      await fleet.close();
    }
  },

  async run(context) {
    if (!configured(context)) return skipped();
    const artifact = await artifactOf(context);
    const fleet = await openFleet(context.environment!, fleetOptions(context));
    let watch: OpenWatch | null = null;
    try {
      watch = await openWatch(context, fleet.hosts);
      watch?.watcher.startReference();
      const beforeFlip = async () => watch?.watcher.endReference();
      const request = { ...workOf(context), artifact, beforeFlip, afterWave: watchBetween(context, watch) };
      return resultOf(await deployFleet(fleet, request), context, artifact.digest);
    } finally {
      await watch?.close();
      await fleet.close();
    }
  },

  async settle(context) {
    return configured(context) ? settleDeploy(context, workOf(context)) : skipped();
  },

  async turnBack(context, why) {
    if (!configured(context)) return skipped();
    // Putting back is what a cancelled run still has to do: it does not end with the run's signal.
    const signal = new AbortController().signal;
    const fleet = await openReachable(context.environment!, { ...fleetOptions(context), signal });
    try {
      const work = { ...workOf(context), signal };
      const reports = await turnBack(fleet.hosts, fleet.lost, work, await hadRoots(context));
      return backResult(reports, why);
    } finally {
      await fleet.close();
    }
  },
};

const UNCONFIGURED = 'the environment has no deploy section or no hosts: nothing is deployed';

function configured({ environment }: Context): boolean {
  return environment?.deploy !== undefined && environment.hosts.length > 0;
}

function skipped(): Result {
  return { outcome: 'skipped', code: 'not-configured', summary: UNCONFIGURED, facts: {} };
}

/** The change and the section; a deploy without a change in the ledger has no fence and is refused. */
function workOf(context: Context): Work {
  const { change, environment, log, signal } = context;
  if (change === null) {
    throw new Failure({
      code: 'internal',
      what: 'a deploy without a change',
      untouched: 'nothing was touched',
      next: 'please report it',
    });
  }
  return { change: { id: change.id, fence: change.fence }, section: environment!.deploy!, log, signal };
}

async function planOn(context: Context, fleet: Fleet): Promise<Planned[]> {
  const { environment, inputs, change } = context;
  const section = environment!.deploy!;
  const found = await findArtifact(artifactRequest(context));
  const load = {
    version: inputs.version,
    digest: found.digest,
    bytes: found.bytes,
    files: null,
    change: change && { id: change.id, fence: change.fence },
  };
  const waves = betweenWaves(context, fleet);
  const sizes = waves.map((wave) => wave.length).join(' + ');
  return [
    {
      kind: 'will',
      text: `deploy ${inputs.version} from ${found.from} to ${hostCount(fleet.hosts.length)} (${waves.length === 1 ? 'one wave' : `waves of ${sizes}`})`,
    },
    ...preflight(await survey(fleet), load, section),
    ...(waves.length > 1 ? await planWatch(context, fleet, waves) : []),
  ];
}

async function planWatch(context: Context, fleet: Fleet, waves: readonly string[][]): Promise<Planned[]> {
  const watch = await openWatch(context, fleet.hosts);
  if (watch === null) {
    const why = context.environment!.watch ? 'it is the first version here' : 'no watch is configured';
    return [{ kind: 'blind', text: `${why}: whether a wave harms users is not judged` }];
  }
  try {
    const length = betweenLength(context.environment!.watch!);
    const lines = await watch.watcher.plan(length, {
      newHosts: waves[0]!,
      oldHosts: waves.slice(1).flat(),
      share: shareOf(context),
    });
    const passed = await planLetPass(context, lines);
    return [
      { kind: 'will', text: `watch each wave but the last for ${lengthInWords(length)}` },
      ...passed.filter(({ kind, shown, text }) => kind !== 'will' || shown || text.startsWith('override:')),
    ];
  } finally {
    await watch.close();
  }
}

function betweenWaves({ environment }: Context, fleet: Fleet): string[][] {
  return planWaves(
    fleet.hosts.map(({ name }) => name),
    environment!.deploy!,
  );
}

/** The part of the change's error budget that one watch between waves may spend. */
function shareOf({ environment }: Context): number {
  return budget(environment!.deploy!.waves.length).between;
}

function watchBetween(context: Context, watch: OpenWatch | null): AfterWave {
  if (watch === null) return async () => ({ goOn: true });
  const began = new Date();
  const length = betweenLength(context.environment!.watch!);
  return async (wave, newHosts, oldHosts) => {
    const label = `wave ${wave + 1}`;
    context.log.info(
      `${label}: ${context.inputs.version} on ${hostCount(newHosts.length)}; watching for ${inWords(length.min)}`,
    );
    const seen = await watch.watcher.observe({
      for: length,
      label,
      referenceEnd: began,
      newHosts: newHosts.map(({ name }) => name),
      oldHosts: oldHosts.map(({ name }) => name),
      share: shareOf(context),
      onEvent: tellingLedger(context),
    });
    context.log.info(seen.summary);
    const result = await letPass(context, resultOfWatch(seen));
    return { goOn: result.outcome === 'passed', why: result.summary, result };
  };
}

function resultOf(deployed: DeployResult, context: Context, digest: string): Result {
  const { outcome, code, summary, next, hosts, waves, watch } = deployed;
  const live = outcome === 'passed' ? context.inputs.version : commonVersion(hosts.map(({ version }) => version));
  return {
    outcome,
    code,
    summary,
    facts: {
      version: context.inputs.version,
      digest,
      waves,
      hosts: hosts.map((host): Json => ({ ...host })),
      ...(watch === null ? {} : { watch: watch.facts }),
    },
    outputs: { 'live-version': live, digest },
    ...(next === null ? {} : { next }),
    ...(watch?.markdown === undefined ? {} : { markdown: watch.markdown }),
    ...(watch?.charts === undefined ? {} : { charts: watch.charts }),
    ...(watch?.impact === undefined ? {} : { impact: watch.impact }),
  };
}

/** The one version that all hosts run; null where they differ or it is not known. */
function commonVersion(versions: readonly (string | null)[]): string | null {
  const [first = null] = versions;
  return versions.every((version) => version === first) ? first : null;
}

/** True where every host has had its root: a version is live, or this change was deployed. A missing one is then lost. */
async function hadRoots({ ledger, environment, change }: Context): Promise<boolean> {
  const deployed = change!.events.some(({ stage, outcome }) => stage === 'deploy' && outcome === 'passed');
  return deployed || (await ledger!.state(environment!.name)).live !== null;
}

function backResult(reports: Awaited<ReturnType<typeof turnBack>>, why: string): Result {
  const lost = reports.filter(({ outcome }) => outcome === 'lost');
  const moved = reports.some(({ outcome }) => outcome === 'back' || outcome === 'removed');
  const hosts = reports.map(({ host, outcome, version, isolated, failure }) => ({
    host,
    outcome,
    version,
    isolated,
    code: failure?.code ?? null,
  }));
  const facts = { hosts, why };
  const live = commonVersion(reports.map(({ version }) => version));
  if (lost.length > 0) {
    const next = [...new Set(lost.flatMap(({ failure }) => failure?.next ?? []))].join('; ');
    return {
      outcome: 'failed',
      code: 'fleet-mixed',
      summary: backSummary(reports),
      facts,
      next,
      outputs: { 'live-version': live },
    };
  }
  const summary = moved ? backSummary(reports) : 'no host runs it: nothing was left to put back';
  return {
    outcome: 'passed',
    code: moved ? 'rolled-back' : 'nothing-to-do',
    summary,
    facts,
    outputs: { 'live-version': live },
  };
}
