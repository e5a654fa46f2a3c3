/**
 * Runs actions as GitHub's runner does: one job, its steps in order, then their posts in reverse. Inputs, files and
 * variables are the runner's; a cancel is SIGINT, SIGTERM after 7.5 s, SIGKILL 2.5 s later, scaled for tests.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { type Annotation, applyMasks, readCommands, readPairs } from './runner-commands.ts';

export type { Annotation } from './runner-commands.ts';

/** One step that uses an action. */
export interface StepGiven {
  id?: string;
  /** The folder that holds action.yml. */
  action: string;
  with?: Record<string, string>;
  env?: Record<string, string>;
  /** `continue-on-error: true`: its failure is not the job's. */
  continueOnError?: boolean;
  /** `if: always()`: runs after a failure too. */
  always?: boolean;
  /** Cancels the run as soon as the output so far fits; asked at each output, and often in between. */
  cancelWhen?: (output: string) => boolean;
  /** Kills the main of this step, as lack of memory would, as soon as the output so far fits. */
  killWhen?: (output: string) => boolean;
}

/** One job. */
export interface JobGiven {
  steps: StepGiven[];
  workspace: string;
  /** A folder of this job alone, for RUNNER_TEMP and the runner's files. */
  temp: string;
  /** RUNNER_TOOL_CACHE; below `temp` by default. */
  toolCache?: string;
  /** `${{ github.token }}` */
  token?: string;
  event?: { name: string; payload?: unknown };
  /** More variables: GITHUB_API_URL, GITHUB_SHA … */
  env?: Record<string, string>;
  /** What the cancel's times are multiplied with. */
  patience?: number;
  /** The machine is lost together with a step that is killed: no post runs. */
  lost?: boolean;
}

/** How one process of a step (its main or its post) ended. */
export interface PhaseResult {
  /** Null where a signal ended it. */
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  /** What the log shows: workflow commands taken out, secrets masked. */
  log: string;
  /** What the process wrote, as it wrote it. */
  raw: string;
  annotations: Annotation[];
}

export interface StepResult {
  id: string;
  outcome: 'success' | 'failure' | 'cancelled' | 'skipped';
  outputs: Record<string, string>;
  /** The job summary that main and post wrote, in Markdown. */
  summary: string;
  main: PhaseResult | null;
  post: PhaseResult | null;
}

export interface JobResult {
  status: 'success' | 'failure' | 'cancelled';
  steps: StepResult[];
  /** What was hidden from the logs. */
  masks: string[];
}

interface Manifest {
  inputs?: Record<string, { default?: unknown }>;
  runs: { using: string; main: string; post?: string };
}

/** SIGINT, then milliseconds until SIGTERM, then until SIGKILL. */
const CANCEL = [7500, 2500] as const;

/** Runs one job to its end. */
export function runJob(given: JobGiven): Promise<JobResult> {
  return new Job(given).run();
}

class Job {
  readonly #given: JobGiven;
  readonly #masks: string[] = [];
  readonly #env: Record<string, string> = {};
  readonly #path: string[] = [];
  readonly #states = new Map<StepResult, Record<string, string>>();
  #status: JobResult['status'] = 'success';

  constructor(given: JobGiven) {
    this.#given = given;
    if (given.token) this.#masks.push(given.token);
  }

  async run(): Promise<JobResult> {
    const { steps, temp, event } = this.#given;
    await mkdir(join(temp, 'files'), { recursive: true });
    await writeFile(join(temp, 'event.json'), JSON.stringify(event?.payload ?? {}));
    const results: StepResult[] = [];
    for (const [index, step] of steps.entries()) results.push(await this.#main(step, index));
    const isLost = this.#given.lost && results.some((result) => result.main?.signal === 'SIGKILL');
    for (const [index, step] of isLost ? [] : [...steps.entries()].reverse()) {
      const result = results[index]!;
      if (result.main) result.post = await this.#post(step, result);
    }
    return { status: this.#status, steps: results, masks: this.#masks };
  }

  async #main(step: StepGiven, index: number): Promise<StepResult> {
    const id = step.id ?? `step-${index + 1}`;
    const result: StepResult = { id, outcome: 'skipped', outputs: {}, summary: '', main: null, post: null };
    if (this.#status !== 'success' && !step.always) return result;
    const { runs } = await manifestOf(step.action);
    const wasCancelled = this.#status === 'cancelled';
    result.main = await this.#phase(step, runs.main, result);
    const isCancelled = this.#status === 'cancelled' && !wasCancelled;
    result.outcome = isCancelled ? 'cancelled' : result.main.exitCode === 0 ? 'success' : 'failure';
    const counts = result.outcome === 'failure' && !step.continueOnError;
    if (counts && this.#status === 'success') this.#status = 'failure';
    return result;
  }

  async #post(step: StepGiven, result: StepResult): Promise<PhaseResult | null> {
    const { runs } = await manifestOf(step.action);
    if (!runs.post) return null;
    const phase = await this.#phase(step, runs.post, result);
    if (phase.exitCode !== 0 && this.#status === 'success') this.#status = 'failure';
    return phase;
  }

  /** Starts one process of the action and takes in what it left in the runner's files. */
  async #phase(step: StepGiven, entry: string, result: StepResult): Promise<PhaseResult> {
    const files = await this.#files(`${result.id}-${result.main === null ? 'main' : 'post'}`);
    const env = { ...(await this.#variables(step, result)), ...files };
    const child = spawn(process.execPath, [resolve(step.action, entry)], {
      cwd: this.#given.workspace,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { raw, exitCode, signal } = await this.#ended(child, step, result.main === null);
    const { lines, annotations, masks } = readCommands(raw);
    this.#masks.push(...masks);
    const read = async (file: string) => readPairs(await readFile(file, 'utf8'));
    Object.assign(result.outputs, await read(files.GITHUB_OUTPUT));
    this.#states.set(result, { ...this.#states.get(result), ...(await read(files.GITHUB_STATE)) });
    Object.assign(this.#env, await read(files.GITHUB_ENV));
    this.#path.unshift(...(await readFile(files.GITHUB_PATH, 'utf8')).split('\n').filter(Boolean));
    result.summary += await readFile(files.GITHUB_STEP_SUMMARY, 'utf8');
    return { exitCode, signal, raw, annotations, log: applyMasks(lines.join('\n'), this.#masks) };
  }

  async #ended(
    child: ChildProcess,
    step: StepGiven,
    isMain: boolean,
  ): Promise<Pick<PhaseResult, 'raw' | 'exitCode' | 'signal'>> {
    let raw = '';
    const timers: NodeJS.Timeout[] = [];
    const look = () => {
      if (!isMain) return;
      if (step.killWhen?.(raw)) child.kill('SIGKILL');
      if (this.#status === 'cancelled' || !step.cancelWhen?.(raw)) return;
      this.#status = 'cancelled';
      timers.push(...this.#cancel(child));
    };
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        raw += text;
        look();
      });
    }
    const looking = setInterval(look, 50);
    const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((done, fail) => {
      child.once('error', fail);
      child.once('close', (code, by) => done([code, by]));
    });
    clearInterval(looking);
    for (const timer of timers) clearTimeout(timer);
    return { raw, exitCode, signal };
  }

  #cancel(child: ChildProcess): NodeJS.Timeout[] {
    const patience = this.#given.patience ?? 1;
    const [toTerm, toKill] = CANCEL.map((time) => time * patience) as [number, number];
    child.kill('SIGINT');
    return [
      setTimeout(() => child.kill('SIGTERM'), toTerm),
      // At the end the runner ends the whole process tree.
      setTimeout(() => child.pid && process.kill(-child.pid, 'SIGKILL'), toTerm + toKill),
    ];
  }

  async #files(name: string) {
    const names = ['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_STEP_SUMMARY'] as const;
    const files = Object.fromEntries(names.map((key) => [key, join(this.#given.temp, 'files', `${name}-${key}`)]));
    for (const file of Object.values(files)) await writeFile(file, '');
    return files as Record<(typeof names)[number], string>;
  }

  async #variables(step: StepGiven, result: StepResult): Promise<Record<string, string>> {
    const { workspace, temp, toolCache, event, env = {} } = this.#given;
    await mkdir(join(temp, 'runner'), { recursive: true });
    return {
      CI: 'true',
      HOME: process.env.HOME ?? '/',
      GITHUB_ACTIONS: 'true',
      GITHUB_WORKSPACE: workspace,
      GITHUB_EVENT_NAME: event?.name ?? 'push',
      GITHUB_EVENT_PATH: join(temp, 'event.json'),
      GITHUB_REPOSITORY: 'acme/shop',
      GITHUB_RUN_ID: '1',
      GITHUB_RUN_ATTEMPT: '1',
      GITHUB_JOB: 'job',
      GITHUB_ACTOR: 'octocat',
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_ACTION: result.id,
      GITHUB_ACTION_PATH: step.action,
      RUNNER_OS: 'Linux',
      RUNNER_ARCH: 'X64',
      RUNNER_TEMP: join(temp, 'runner'),
      RUNNER_TOOL_CACHE: toolCache ?? join(temp, 'tools'),
      ...env,
      ...this.#env,
      ...step.env,
      PATH: [...this.#path, env.PATH ?? process.env.PATH ?? ''].join(delimiter),
      ...(await this.#inputs(step)),
      ...Object.fromEntries(
        Object.entries(this.#states.get(result) ?? {}).map(([key, value]) => [`STATE_${key}`, value]),
      ),
    };
  }

  /** Inputs with their defaults, evaluated anew for each process; what the action does not know is passed on too. */
  async #inputs(step: StepGiven): Promise<Record<string, string>> {
    const { inputs = {} } = await manifestOf(step.action);
    const values: Record<string, string> = {};
    for (const [name, { default: value }] of Object.entries(inputs))
      values[name] = this.#evaluated(String(value ?? ''));
    Object.assign(values, step.with);
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, value]),
    );
  }

  #evaluated(text: string): string {
    return text.replace(/\$\{\{\s*([\w.]+)\s*\}\}/g, (whole, expression) => {
      if (expression === 'github.token') return this.#given.token ?? '';
      if (expression === 'job.status') return this.#status;
      throw new Error(`${whole} is not played by this runner`);
    });
  }
}

async function manifestOf(action: string): Promise<Manifest> {
  return parse(await readFile(join(action, 'action.yml'), 'utf8')) as Manifest;
}
