/** Runs k6 scripts against an environment, holds them against the live version's run, and says whether it bears load. */
import { inWords } from '../duration/duration.ts';
import { parseTolerance, type Tolerance } from '../judge/judge.ts';
import type { EnvironmentState } from '../ledger/ledger.ts';
import {
  canRecord,
  findK6,
  findScripts,
  inspectScript,
  type K6,
  loadDigest,
  obtainK6,
  PINNED_K6,
  refuseArguments,
  resultInWords,
  runScript,
  type Script,
  tickFor,
} from '../load/load.ts';
import { Failure, failureFrom } from '../outcome/outcome.ts';
import { withoutCredentials } from '../secret/secret.ts';
import { againstLive, compare, wouldSee } from './loading/comparison.ts';
import { type Run, resultOf, thresholdless } from './loading/result.ts';
import type { Planned, Stage, StageContext } from './stage.ts';

type Context = StageContext<'load-test'>;

/** What is to be run: the inputs, and where they are silent the load-test section. */
interface Work {
  scripts: Script[];
  url: string | undefined;
  args: string[];
  env: Record<string, string | number>;
  /** undefined: any k6 on the PATH will do. */
  version: string | undefined;
  /** How much worse than the live version it may be; null where it is not compared. */
  tolerate: Tolerance | null;
}

/** The stage of the verb `load-test`. */
export const stage: Stage<'load-test'> = {
  verb: 'load-test',

  async plan(context) {
    try {
      const work = await workOf(context);
      if (!work) return [{ kind: 'blind', text: `${UNCONFIGURED}; how it bears load is not judged` }];
      return [will(work), ...(await planK6(context, work))];
    } catch (thrown) {
      if (context.signal.aborted) throw thrown;
      const failure = failureFrom(thrown);
      return [{ kind: 'obstacle', text: failure.message, failure }];
    }
  },

  async run(context) {
    const work = await workOf(context);
    if (!work) return { outcome: 'skipped', code: 'not-configured', summary: UNCONFIGURED, facts: { schema: 1 } };
    const k6 = await obtainK6({
      version: work.version,
      cache: context.place.cache,
      ...apiOf(context),
      log: context.log,
      signal: context.signal,
    });
    const state = await stateOf(context, work);
    const began = Date.now();
    const runs: Run[] = [];
    for (const script of work.scripts) {
      const run = await runOne(context, work, k6, script, state);
      context.log.info(`${resultInWords([run.result])}, ${inWords(run.result.took)}`);
      runs.push(run);
    }
    const result = await resultOf(context, { url: work.url, k6, runs, loads: state?.loads ?? [], began });
    if (result.outcome === 'passed') await remember(context, runs, began);
    return result;
  },
};

const UNCONFIGURED = 'the environment has no load-test section';

/** null where changeline.yml has no load-test section and no script is given. Throws where one cannot be run. */
async function workOf({ inputs, environment, place }: Context): Promise<Work | null> {
  const section = environment?.['load-test'];
  const patterns = inputs.script.length > 0 ? inputs.script : [section?.scripts ?? []].flat();
  if (patterns.length === 0) {
    if (environment) return null;
    throw new Failure({
      code: 'input-missing',
      what: 'there is no script to run',
      where: 'script',
      untouched: 'nothing was run',
      next: 'give the input script, or add a load-test section to changeline.yml',
    });
  }
  const args = inputs.args.length > 0 ? inputs.args : (section?.args ?? []);
  refuseArguments(args);
  return {
    scripts: await findScripts(patterns, place.workspace),
    url: inputs.url || section?.url,
    args,
    env: section?.env ?? {},
    version: inputs['k6-version'] || section?.['k6-version'],
    tolerate: section && section.compare !== false ? toleranceOf(section.compare.tolerate) : null,
  };
}

function toleranceOf(text: string): Tolerance {
  const tolerate = parseTolerance(text);
  if (tolerate !== null) return tolerate;
  throw new Failure({
    code: 'config-invalid',
    what: `tolerate ${text} bears nothing or everything`,
    where: 'load-test: compare',
    untouched: 'nothing was run',
    next: 'write a factor (x1.5, +50%), milliseconds (20), or one "or" the other; or compare: false',
  });
}

/** What the ledger knows of the environment; null where nothing is compared. */
async function stateOf({ ledger, environment }: Context, { tolerate }: Work): Promise<EnvironmentState | null> {
  return tolerate === null || !ledger || !environment ? null : ledger.state(environment.name);
}

/** Runs one script, and compares it where it passed and the live version was tested with the same load. */
async function runOne(
  context: Context,
  work: Work,
  k6: K6,
  script: Script,
  state: EnvironmentState | null,
): Promise<Run> {
  const request = { ...work, ...common(context), k6: k6.file, script };
  const inspected = await inspectScript(request);
  const tick = tickFor(inspected.error === null ? inspected.length : null);
  const result = await runScript({ ...request, ...(canRecord(k6.version) ? { tick } : {}) });
  if (work.tolerate === null || inspected.error !== null)
    return { result, series: null, against: null, compared: null };
  const load = await loadDigest({ ...request, k6, tick });
  const against = againstLive(state, script.name, load);
  const series = result.series && load !== null ? { script: script.name, load, ...result.series } : null;
  const compares = series !== null && against.series !== null && result.outcome === 'passed';
  const compared = compares ? compare(series, against, work.tolerate, inspected.closed) : null;
  return { result, series, against, compared };
}

/** Ticks of one run that the ledger keeps, of all scripts together: the state of an environment is read by every stage. */
const KEPT_TICKS = 1200;

/** Keeps what a passed run measured, for the next version to be held against. */
async function remember({ book, change, log }: Context, runs: readonly Run[], began: number): Promise<void> {
  const all = runs.flatMap(({ series }) => series ?? []);
  let room = KEPT_TICKS;
  const scripts = all.filter(({ requests }) => {
    room -= requests.length;
    return room >= 0;
  });
  if (!book || !change || scripts.length === 0) return;
  const more = all.length - scripts.length;
  if (more > 0) log.warn(`${more} of ${all.length} scripts are more than the ledger keeps: not compared next time`);
  const { id, version, digest } = change;
  await book.note({
    kind: 'loaded',
    load: { version, digest, at: new Date(began).toISOString(), change: id, scripts },
  });
}

function will({ scripts, url }: Work): Planned {
  const against = url === undefined ? '' : ` against ${withoutCredentials(url)}`;
  return { kind: 'will', text: `run ${scripts.map((script) => script.name).join(', ')}${against}` };
}

/** Says where k6 would come from, and loads the scripts where it is here already. */
async function planK6(context: Context, work: Work): Promise<Planned[]> {
  const { k6 } = await findK6({ version: work.version, cache: context.place.cache, signal: context.signal });
  if (!k6)
    return [
      { kind: 'will', text: `fetch k6 ${work.version ?? PINNED_K6} from its GitHub release, or build it with Go` },
    ];
  const planned: Planned[] = [
    { kind: 'will', text: `use k6 ${k6.version} from ${k6.source === 'path' ? k6.file : 'the cache'}` },
  ];
  const state = await stateOf(context, work);
  for (const script of work.scripts) planned.push(...(await planScript(context, work, k6, script, state)));
  return planned;
}

/** Loads one script, and says what its run would be judged by. Throws `load-script-error` where it cannot be loaded. */
async function planScript(
  context: Context,
  work: Work,
  k6: K6,
  script: Script,
  state: EnvironmentState | null,
): Promise<Planned[]> {
  const request = { ...work, ...common(context), k6: k6.file, script };
  const inspected = await inspectScript(request);
  if (inspected.error !== null) throw unloadable(script, inspected.error);
  const load = work.tolerate === null ? null : await loadDigest({ ...request, k6, tick: tickFor(inspected.length) });
  const against = work.tolerate === null ? null : againstLive(state, script.name, load);
  const planned: Planned[] = [];
  if (inspected.thresholds === 0) planned.push({ kind: 'blind', text: thresholdless(script.name, against) });
  if (work.tolerate !== null && against?.series) {
    const sees = wouldSee(against.series, work.tolerate, inspected.closed);
    const than = against.run.version ?? 'the live version';
    planned.push({ kind: 'will', text: `hold ${script.name} against the run of ${than}, and see ${sees}` });
  }
  return planned;
}

function unloadable(script: Script, why: string): Failure {
  return new Failure({
    code: 'load-script-error',
    what: 'the load test script cannot be loaded',
    where: script.name,
    why,
    untouched: 'nothing was run',
    next: 'correct the script; `k6 inspect` loads it without running it',
  });
}

function common({ place, log, signal }: Context) {
  return { workspace: place.workspace, scratch: place.scratch, log, signal };
}

/** GitHub as this run knows it; k6's releases are public, so a shell without a token asks without one. */
function apiOf(context: Context): { apiUrl: string; token: string | undefined } {
  try {
    return { apiUrl: context.github().apiUrl, token: context.inputs.token || undefined };
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    return { apiUrl: context.runner?.apiUrl ?? 'https://api.github.com', token: undefined };
  }
}
