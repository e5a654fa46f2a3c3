/** What came of a load test: its code, its words, its facts and its pictures. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { escapeMarkdown } from '../../escape/escape.ts';
import type { EnvironmentState, LoadSeries } from '../../ledger/ledger.ts';
import {
  doubtOf,
  factsOf,
  type K6,
  remarksOn,
  resultInMarkdown,
  resultInWords,
  type ScriptResult,
} from '../../load/load.ts';
import type { Facts, Json, Result } from '../../outcome/outcome.ts';
import { withoutCredentials } from '../../secret/secret.ts';
import type { StageContext } from '../stage.ts';
import { type Against, type Compared, comparisonInWords } from './comparison.ts';
import { chartsOf, loadInMarkdown } from './pictures.ts';

type Context = StageContext<'load-test'>;

/** One script that was run, with what it was or could have been held against. */
export interface Run {
  result: ScriptResult;
  /** null where nothing was recorded. */
  series: LoadSeries | null;
  /** null where nothing is to be compared. */
  against: Against | null;
  compared: Compared | null;
}

/** All that was run. */
export interface Ran {
  /** What the scripts were given as BASE_URL. */
  url: string | undefined;
  k6: K6;
  runs: readonly Run[];
  loads: EnvironmentState['loads'];
  /** Milliseconds since 1970. */
  began: number;
}

/** The first script that did not pass decides the code, else the first that is worse; the summary names all. */
export async function resultOf(context: Context, ran: Ran): Promise<Result> {
  const { runs, loads, began } = ran;
  const results = runs.map(({ result }) => result);
  const compared = runs.flatMap((run) => run.compared ?? []);
  const series = runs.flatMap((run) => run.series ?? []);
  const remarks = [...remarksOn(results), ...runs.flatMap(judgedBy)];
  for (const remark of remarks) context.log.warn(remark);
  for (const one of compared) context.log.info(comparisonInWords(one));
  const bad = results.find(({ outcome }) => outcome !== 'passed');
  const worse = runs.flatMap((run) => (run.compared && run.compared.worse.length > 0 ? worseInWords(run) : []));
  const code = bad?.code ?? (worse.length > 0 ? 'load-worse' : 'ok');
  const facts = factsOfRun(ran);
  const markdown = [
    resultInMarkdown(results),
    remarks.map((remark) => `- ${escapeMarkdown(remark)}\n`).join(''),
    loadInMarkdown(context.change?.version ?? null, series, compared, loads),
  ];
  return {
    outcome: code === 'ok' ? 'passed' : 'failed',
    code,
    summary: bad || worse.length === 0 ? resultInWords(results) : worse.join('; '),
    facts,
    outputs: { summary: await writeSummary(context, { ...facts, series: series.map((one): Json => ({ ...one })) }) },
    markdown: markdown.filter(Boolean).join('\n'),
    charts: chartsOf(series, compared, began),
    ...(code === 'ok' ? {} : { next: NEXT[code] }),
  };
}

/** What a person should know about what judged a passed run; nothing where thresholds and the live version did. */
function judgedBy({ result, against }: Run): string[] {
  if (result.outcome !== 'passed' || !result.measured) return [];
  if (result.measured.thresholds.length === 0) return [thresholdless(result.script, against)];
  return against && against.series === null
    ? [`${result.script} is judged by its thresholds alone: ${against.why}`]
    : [];
}

function worseInWords({ result, compared }: Run): string {
  const doubt = doubtOf(result);
  return `${comparisonInWords(compared!)}${doubt === null ? '' : `; ${doubt}`}`;
}

function factsOfRun({ url, k6, runs }: Ran): Facts {
  return {
    schema: 1,
    k6: { version: k6.version, source: k6.source },
    url: url === undefined ? null : withoutCredentials(url),
    scripts: runs.map(({ result }) => factsOf(result)),
    compared: runs.flatMap(({ result, against, compared }): Json[] => {
      if (against === null) return [];
      if (compared === null) return [{ script: result.script, with: null, why: against.why ?? 'nothing was recorded' }];
      const verdicts = compared.verdicts.map(({ metric, outcome, code, effect, interval, visible, sentence }): Json => {
        return { metric, outcome, code, effect, interval, visible: { ...visible }, sentence };
      });
      return [{ script: result.script, with: compared.with, why: null, worse: compared.worse, verdicts }];
    }),
  };
}

const NEXT: Record<Exclude<ScriptResult['code'], 'ok'> | 'load-worse', string> = {
  'load-thresholds': 'find what became slower or fails under load, or change the thresholds if they ask too much',
  'load-script-error': 'correct the script; run it by hand with `k6 run`',
  'load-nothing-measured': 'check the url that the scripts are given and that something answers there',
  'load-overloaded':
    'give the script more users (maxVUs), the generator a larger machine, or a threshold on dropped_iterations that says how many it bears',
  'load-killed': 'give the machine more memory or the script fewer users; see who ended k6',
  'load-worse': 'find what became slower since the live version, or tolerate more in load-test: compare',
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

/** What a script without thresholds is judged by: by the live version's run, or by nothing. */
export function thresholdless(script: string, against: Against | null): string {
  if (against?.series) return `${script} has no thresholds: only the comparison with the live version judges it`;
  const why = against?.why ?? 'it is not compared with the live version';
  return `${script} has no thresholds, and ${why}: whatever it measures passes`;
}
