/** Finds Changeline's own jobs in workflow files, and what a job's token may do. Pure. */
import type { WorkflowFile } from './facts.ts';
import type { Job, Permissions, Step, Workflow } from './workflow.ts';

/** A step of Changeline's in its place. */
export interface Found {
  workflow: Workflow;
  job: Job;
  step: Step;
  /** The events that start it with their keys, those of local workflows that call this one included. */
  on: Map<string, Record<string, unknown>[]>;
  /** job: the token of the job. own: one that the step was given. */
  token: 'job' | 'own';
  /** The environment that it was given; '' for none, null where an expression decides. */
  environment: string | null;
}

/** The files that can be read. */
export function workflowsOf(files: readonly WorkflowFile[]): Workflow[] {
  return files.flatMap((file) => ('workflow' in file ? [file.workflow] : []));
}

/** The steps that use Changeline's action of a verb; `deliver` is the root action. */
export function stepsOf(files: readonly WorkflowFile[], verb: 'gate' | 'approve' | 'deploy' | 'deliver'): Found[] {
  const workflows = workflowsOf(files);
  const pattern =
    verb === 'deliver'
      ? /^[^/\s]+\/changeline(?:@.*)?$/i
      : new RegExp(`^(?:\\./(?:.*/)?|[^/\\s]+/[^/\\s]+/)actions/${verb}/?(?:@.*)?$`, 'i');
  return workflows.flatMap((workflow) =>
    workflow.jobs.flatMap((job) =>
      job.steps
        .filter((step) => pattern.test(step.uses))
        .map((step) => ({ workflow, job, step, ...circumstances(workflow, job, step, workflows) })),
    ),
  );
}

/** Reusable workflows of other repositories: what is in them is not known here. */
export function foreignCalls(files: readonly WorkflowFile[]): string[] {
  return workflowsOf(files)
    .flatMap((workflow) => workflow.jobs.map((job) => job.calls))
    .filter((called) => called !== '' && !called.startsWith('./'));
}

/** What the token of a job may do with one thing; null where nothing is declared, so that the default decides. */
export function levelOf(permissions: Permissions, name: string): string | null {
  if (permissions === null) return null;
  if (typeof permissions === 'string') return permissions === 'write-all' ? 'write' : 'read';
  return permissions[name] ?? 'none';
}

function circumstances(workflow: Workflow, job: Job, step: Step, workflows: Workflow[]) {
  const env = { ...workflow.env, ...job.env, ...step.env };
  const token = step.with.token || env.CHANGELINE_TOKEN || '';
  const isJobs = token === '' || /github\.token|secrets\.GITHUB_TOKEN/i.test(token);
  const environment = step.with.environment || env.CHANGELINE_ENVIRONMENT || '';
  return {
    on: eventsOf(workflow, workflows, new Set()),
    token: isJobs ? ('job' as const) : ('own' as const),
    environment: environment.includes('${{') ? null : environment,
  };
}

function eventsOf(workflow: Workflow, workflows: Workflow[], seen: Set<string>): Found['on'] {
  if (seen.has(workflow.path)) return new Map();
  seen.add(workflow.path);
  const events: Found['on'] = new Map([...workflow.on].map(([event, keys]) => [event, [keys]]));
  if (!events.delete('workflow_call')) return events;
  const callers = workflows.filter((one) => one.jobs.some((job) => job.calls === `./${workflow.path}`));
  for (const [event, keys] of callers.flatMap((caller) => [...eventsOf(caller, workflows, seen)])) {
    events.set(event, [...(events.get(event) ?? []), ...keys]);
  }
  return events;
}
