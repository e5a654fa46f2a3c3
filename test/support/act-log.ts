/** act's JSON log, brought into jobs and steps. Pure. */

/** One step of a job. */
export interface ActStep {
  /** The `id:` of the step, else its number from 0. */
  id: string;
  name: string;
  main: 'success' | 'failure' | 'skipped' | null;
  post: 'success' | 'failure' | 'skipped' | null;
  outputs: Record<string, string>;
  summary: string;
  annotations: { level: string; message: string }[];
  log: string;
}

/** One job. */
export interface ActJob {
  id: string;
  name: string;
  /** `skipped` where no word came from it. */
  result: 'success' | 'failure' | 'skipped';
  /** In the order in which they began; `step(id)` finds one. */
  steps: ActStep[];
}

/** What a run of act came to. */
export interface ActResult {
  exitCode: number | null;
  jobs: Record<string, ActJob>;
  /** Everything that was written, as a person would see it. */
  log: string;
  /** The step of a job, by its id or number. Throws where it did not begin. */
  step(job: string, id: string): ActStep;
}

/** What the steps of Changeline handed back in a job, in their order; none where the job did not run. */
export function outputsIn(job: ActJob | undefined): Record<string, string>[] {
  return (job?.steps ?? []).flatMap(({ outputs }) => (outputs.outcome ? [outputs] : []));
}

interface Line {
  job?: string;
  jobID?: string;
  jobResult?: ActJob['result'];
  step?: string;
  stepID?: string[];
  stage?: string;
  stepResult?: ActStep['main'];
  command?: string;
  name?: string;
  arg?: string;
  content?: string;
  raw_output?: boolean;
  msg?: string;
}

const ANNOTATIONS = ['error', 'warning', 'notice'];

/** Reads a whole log. Lines that are no JSON are kept in `log` alone. */
export function readActLog(exitCode: number | null, output: string): ActResult {
  const jobs: Record<string, ActJob> = {};
  const words: string[] = [];
  for (const text of output.split('\n').filter(Boolean)) {
    const line = parsed(text);
    words.push(line?.msg ?? text);
    if (!line?.jobID) continue;
    const job = jobs[line.jobID] ?? { id: line.jobID, name: nameOf(line), result: 'skipped', steps: [] };
    jobs[line.jobID] = job;
    if (line.jobResult) job.result = line.jobResult;
    if (line.stepID?.[0] !== undefined) take(stepOf(job, line), line);
  }
  const step = (job: string, id: string) => {
    const found = jobs[job]?.steps.find((one) => one.id === id);
    if (!found) throw new Error(`the step ${id} of the job ${job} did not begin:\n${words.join('\n')}`);
    return found;
  };
  return { exitCode, jobs, log: words.join('\n'), step };
}

function take(step: ActStep, line: Line): void {
  if (line.stepResult && line.stage === 'Main') step.main = line.stepResult;
  if (line.stepResult && line.stage === 'Post') step.post = line.stepResult;
  if (line.command === 'set-output' && line.name) step.outputs[line.name] = line.arg ?? '';
  if (line.command === 'summary') step.summary += line.content ?? '';
  if (line.command && ANNOTATIONS.includes(line.command)) {
    step.annotations.push({ level: line.command, message: line.arg ?? '' });
  }
  if (line.raw_output) step.log += line.msg ?? '';
}

function stepOf(job: ActJob, line: Line): ActStep {
  const id = line.stepID![0]!;
  const known = job.steps.find((one) => one.id === id);
  if (known) return known;
  const step: ActStep = {
    id,
    name: line.step ?? '',
    main: null,
    post: null,
    outputs: {},
    summary: '',
    annotations: [],
    log: '',
  };
  job.steps.push(step);
  return step;
}

function nameOf(line: Line): string {
  return (line.job ?? '').replace(/^[^/]*\//, '').trim();
}

function parsed(text: string): Line | null {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return null;
  }
}
