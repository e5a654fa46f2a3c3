/** Runs k6 scripts against an environment and says whether it holds. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inWords } from '../duration/duration.ts';
import {
  factsOf,
  findK6,
  findScripts,
  inspectScript,
  type K6,
  obtainK6,
  PINNED_K6,
  refuseArguments,
  remarksOn,
  resultInMarkdown,
  resultInWords,
  runScript,
  type Script,
  type ScriptResult,
} from '../load/load.ts';
import { type Facts, Failure, failureFrom, type Result } from '../outcome/outcome.ts';
import { withoutCredentials } from '../secret/secret.ts';
import type { Planned, Stage, StageContext } from './stage.ts';

type Context = StageContext<'load-test'>;

/** What is to be run: the inputs, and where they are silent the load-test section. */
interface Work {
  scripts: Script[];
  url: string | undefined;
  args: string[];
  env: Record<string, string | number>;
  /** null: any k6 on the PATH will do. */
  version: string | undefined;
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
    const results: ScriptResult[] = [];
    for (const script of work.scripts) {
      const result = await runScript({ ...work, ...common(context), k6: k6.file, script });
      context.log.info(`${resultInWords([result])}, ${inWords(result.took)}`);
      results.push(result);
    }
    return resultOf(context, work, k6, results);
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
  };
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
  for (const script of work.scripts) {
    const inspected = await inspectScript({ ...work, ...common(context), k6: k6.file, script });
    if (inspected.error !== null) throw unloadable(script, inspected.error);
    if (inspected.thresholds === 0) {
      planned.push({ kind: 'blind', text: `${script.name} has no thresholds: nothing says how slow is too slow` });
    }
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

/** The first script that did not pass decides the code; the summary names all. */
async function resultOf(context: Context, work: Work, k6: K6, results: ScriptResult[]): Promise<Result> {
  for (const remark of remarksOn(results)) context.log.warn(remark);
  const bad = results.find((result) => result.outcome !== 'passed');
  const facts: Facts = {
    schema: 1,
    k6: { version: k6.version, source: k6.source },
    url: work.url === undefined ? null : withoutCredentials(work.url),
    scripts: results.map(factsOf),
  };
  return {
    outcome: bad ? 'failed' : 'passed',
    code: bad?.code ?? 'ok',
    summary: resultInWords(results),
    facts,
    outputs: { summary: await writeSummary(context, facts) },
    markdown: resultInMarkdown(results),
    ...(bad ? { next: NEXT[bad.code] } : {}),
  };
}

const NEXT: Record<ScriptResult['code'], string> = {
  ok: '',
  'load-thresholds': 'find what became slower or fails under load, or change the thresholds if they ask too much',
  'load-script-error': 'correct the script; run it by hand with `k6 run`',
  'load-nothing-measured': 'check the url that the scripts are given and that something answers there',
  'load-crashed': 'read what k6 said above; run it by hand with `k6 run`',
};

/** Writes the facts to a file of the reports and fulfils with its path. */
async function writeSummary({ place, environment }: Context, facts: Facts): Promise<string> {
  const file = join(place.reports, environment ? `load-test-${environment.name}.json` : 'load-test.json');
  await mkdir(place.reports, { recursive: true });
  await writeFile(`${file}.part`, `${JSON.stringify(facts, null, 2)}\n`);
  await rename(`${file}.part`, file);
  return file;
}
