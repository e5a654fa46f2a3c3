/** The door of GitHub's runner: the same file is `main` and `post`, told apart by a saved state. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Runner, runnerFrom } from '../github/github.ts';
import type { Holder } from '../ledger/ledger.ts';
import type { Log, StageEnded } from '../log/log.ts';
import type { Result } from '../outcome/outcome.ts';
import { failureFrom, goesOn } from '../outcome/outcome.ts';
import { redact, whenHidden } from '../secret/secret.ts';
import { ACTIONS, COMMON_INPUTS, type InputSpec, type Verb } from '../stages/contract.ts';
import { cacheDirectory, type Doorway, placeAt } from '../stages/frame/context.ts';
import { finish, type JobStatus } from '../stages/frame/ending.ts';
import { type Performed, perform } from '../stages/frame/frame.ts';
import { shellHolder } from '../stages/frame/liveness.ts';
import { stageSummary } from '../stages/frame/papers.ts';
import { stageLine } from './lines.ts';

type Core = typeof import('@actions/core');

const STATE = 'changeline';

/** What main leaves for post. */
interface Saved {
  step: string;
  /** Null where main was killed before its end. */
  result: Pick<Result, 'outcome' | 'code' | 'summary' | 'facts'> | null;
}

/** Runs a verb as GitHub's runner asks for it: main first, post at the end of the job. */
export async function action(verb: Verb): Promise<void> {
  const saved = process.env[`STATE_${STATE}`];
  const cancel = new AbortController();
  // On cancel main only stops, ten seconds are all it gets; post puts things back, and no second signal may end it half-way.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => saved || cancel.abort());
  const core = await import('@actions/core');
  whenHidden((secret) => core.setSecret(secret));
  const door = await doorway(verb, core, cancel.signal, saved ? (JSON.parse(saved) as Saved).step : randomUUID());
  try {
    await (saved ? postOf(verb, door, core, JSON.parse(saved) as Saved) : mainOf(verb, door, core));
  } finally {
    await rm(door.place.scratch, { recursive: true, force: true });
  }
}

async function mainOf(verb: Verb, door: Doorway, core: Core): Promise<void> {
  // Before anything can be opened: where main is killed, post must still know that it was begun.
  core.saveState(STATE, { step: door.step, result: null } satisfies Saved);
  const performed = await perform(verb, door);
  const { outcome, code, summary, facts } = performed.result;
  core.saveState(STATE, { step: door.step, result: { outcome, code, summary, facts } } satisfies Saved);
  await publish(performed, door, core);
  process.exitCode = goesOn(outcome) || goesOnByItself(performed.result) ? 0 : 1;
}

/** True for a run that people are asked about and that is started again by their answer. A choice about data needs a new run: a green job would hide it. */
function goesOnByItself({ outcome, code }: Pick<Result, 'outcome' | 'code'>): boolean {
  return outcome === 'waiting' && code !== 'data-undecided';
}

async function postOf(verb: Verb, door: Doorway, core: Core, saved: Saved): Promise<void> {
  try {
    const ending = await finish(verb, door, saved.result, jobStatus(door.given['job-status']));
    if (!ending || ending.code === 'nothing-to-do') return;
    door.log.info(stageLine({ verb, result: ending, took: 0 }));
    await summarise(core, await stageSummary(`${verb}, at the end of the job`, ending, null));
    if (!goesOn(ending.outcome)) core.setFailed(redact(ending.summary));
  } catch (thrown) {
    core.setFailed(redact(failureFrom(thrown).message));
  }
}

async function summarise(core: Core, markdown: string): Promise<void> {
  if (process.env.GITHUB_STEP_SUMMARY) await core.summary.addRaw(redact(markdown), true).write();
}

function jobStatus(text: string | undefined): JobStatus {
  return text === 'success' || text === 'cancelled' ? text : 'failure';
}

async function publish(performed: Performed, door: Doorway, core: Core): Promise<void> {
  const { verb, result, failure, change } = performed;
  const { outcome, code } = result;
  const outputs = { outcome, code, change: change?.id ?? '', facts: { schema: 1, ...result.facts }, ...result.outputs };
  for (const [name, value] of Object.entries(outputs)) core.setOutput(name, value ?? '');
  await summarise(core, await stageSummary(verb, result, verb === 'deliver' ? change : null));
  door.log.info(stageLine(performed));
  if (goesOnByItself(result)) door.log.warn(result.next ? `${result.summary}. Next: ${result.next}` : result.summary);
  else if (failure) door.log.error(failure.message, failure.where);
  else if (!goesOn(outcome)) door.log.error(result.next ? `${result.summary}. Next: ${result.next}` : result.summary);
}

async function doorway(verb: Verb, core: Core, signal: AbortSignal, step: string): Promise<Doorway> {
  const env = process.env;
  const runner = runnerFrom(env);
  const temporary = join(env.RUNNER_TEMP || tmpdir(), 'changeline');
  const cache = env.RUNNER_TOOL_CACHE ? join(env.RUNNER_TOOL_CACHE, 'changeline') : cacheDirectory(env);
  const place = await placeAt(env.GITHUB_WORKSPACE || process.cwd(), temporary, cache, join(temporary, 'reports'));
  return {
    given: givenInputs(verb, env),
    style: (name) => `\`${name}\``,
    env,
    log: new RunnerLog(core),
    signal,
    runner,
    holder: runner ? runHolder(runner) : await shellHolder(env),
    step,
    place,
  };
}

function runHolder({ repository, run, attempt, job, url, actor }: Runner): Holder {
  return { kind: 'actions', repository, run, attempt, job, url, actor };
}

/**
 * The runner gives every `with:` as INPUT_<NAME>, and the defaults of action.yml too: those are left out here, since
 * otherwise CHANGELINE_<NAME> could never win over a default.
 */
function givenInputs(verb: Verb, env: NodeJS.ProcessEnv): Record<string, string> {
  const specs: Record<string, InputSpec> = { ...COMMON_INPUTS, ...ACTIONS[verb].inputs };
  const known = new Map(Object.keys(specs).map((name) => [name.toUpperCase(), name]));
  const given: Record<string, string> = {};
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('INPUT_')) continue;
    const name = variable.slice('INPUT_'.length);
    const input = known.get(name) ?? name.toLowerCase();
    if (value !== specs[input]?.default) given[input] = value ?? '';
  }
  return given;
}

/** GitHub's log: workflow commands for what a reader should not miss; text from outside can start none. */
class RunnerLog implements Log {
  readonly #core: Core;
  #shown = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  info(line: string): void {
    this.#core.info(plain(line));
  }

  detail(line: string): void {
    this.#core.debug(redact(line));
  }

  warn(line: string): void {
    this.#core.warning(redact(line));
  }

  error(line: string, where?: string): void {
    const [, file, number] = /^([^\s:]+):(\d+)/.exec(where ?? '') ?? [];
    this.#core.error(redact(line), file ? { file, startLine: Number(number) } : {});
  }

  stage(ended: StageEnded): void {
    this.info(stageLine(ended));
  }

  /** The runner overwrites nothing, so what changes all the time shows now and then. */
  progress(line: string | null): void {
    if (line === null || Date.now() - this.#shown < PROGRESS_MS) return;
    this.#shown = Date.now();
    this.info(line);
  }
}

/** How far apart lines of progress are at least: each tick of a watch of 5 s, and no more of a download. */
const PROGRESS_MS = 4000;

/** A line that the runner cannot take for a command: `::` and the older `##[` only count at its start. */
function plain(text: string): string {
  return redact(text)
    .replace(/[\r\n]+\s*/g, ' ')
    .replace(/^(\s*)(::|##\[)/, '$1\u200b$2');
}
