/** A workflow file as far as the doctor reads it. Pure. */
import { LineCounter, parseDocument } from 'yaml';
import type { WorkflowFile } from './facts.ts';

/** The levels of a token by permission: `{ statuses: 'write' }`; all of them; or null where nothing is declared. */
export type Permissions = Record<string, string> | 'write-all' | 'read-all' | null;

export interface Step {
  uses: string;
  run: string;
  with: Record<string, string>;
  env: Record<string, string>;
}

export interface Job {
  id: string;
  /** Its name as the commit page shows it. */
  name: string;
  if: string;
  /** The job's own, else the workflow's. */
  permissions: Permissions;
  /** The environment of GitHub, '' where there is none. */
  environment: string;
  env: Record<string, string>;
  /** True where it waits for other jobs. */
  waits: boolean;
  /** The reusable workflow it calls, '' where it has steps. */
  calls: string;
  steps: Step[];
}

export interface Workflow {
  path: string;
  /** As `workflow_run` names it: its `name`, else its path. */
  name: string;
  /** The events it starts on, each with its own keys. */
  on: Map<string, Record<string, unknown>>;
  env: Record<string, string>;
  jobs: Job[];
}

/** Reads a workflow file; what cannot be read says where. */
export function workflowFrom(path: string, text: string): WorkflowFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const broken = document.errors[0];
  if (broken) return { path, broken: `line ${lines.linePos(broken.pos[0]).line}: ${broken.message}` };
  const raw = record(plainValue(document));
  if (!('on' in raw) || !('jobs' in raw)) return { path, broken: 'it has no `on` or no `jobs`' };
  const permissions = permissionsOf(raw.permissions);
  const jobs = Object.entries(record(raw.jobs)).map(([id, job]) => jobOf(id, record(job), permissions));
  return { path, workflow: { path, name: scalar(raw.name) || path, on: triggers(raw.on), env: texts(raw.env), jobs } };
}

/** Aliases that grow without end make `toJS` throw; such a file is as good as empty. */
function plainValue(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS();
  } catch {
    return null;
  }
}

function jobOf(id: string, raw: Record<string, unknown>, inherited: Permissions): Job {
  const environment = typeof raw.environment === 'string' ? raw.environment : scalar(record(raw.environment).name);
  return {
    id,
    name: scalar(raw.name) || id,
    if: scalar(raw.if),
    permissions: raw.permissions === undefined ? inherited : permissionsOf(raw.permissions),
    environment,
    env: texts(raw.env),
    waits: raw.needs !== undefined,
    calls: scalar(raw.uses),
    steps: (Array.isArray(raw.steps) ? raw.steps : []).map(record).map((step) => ({
      uses: scalar(step.uses),
      run: scalar(step.run),
      with: texts(step.with),
      env: texts(step.env),
    })),
  };
}

function triggers(on: unknown): Workflow['on'] {
  if (typeof on === 'string') return new Map([[on, {}]]);
  if (Array.isArray(on)) return new Map(on.map((event) => [String(event), {}]));
  return new Map(Object.entries(record(on)).map(([event, keys]) => [event, record(keys)]));
}

function permissionsOf(raw: unknown): Permissions {
  if (raw === undefined) return null;
  if (raw === 'write-all' || raw === 'read-all') return raw;
  return texts(raw);
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function texts(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(record(value)).map(([key, one]) => [key, scalar(one)]));
}

/** A scalar as text; '' for everything else. */
function scalar(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
