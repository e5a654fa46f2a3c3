/** The workflow files of a repository: what they are called, what starts them. */
import { parse } from 'yaml';
import type { GitHubEvent } from './host.ts';
import { workflowId } from './world-checks.ts';
import type { Code } from './world-code.ts';

export interface WorkflowFile {
  id: number;
  name: string;
  path: string;
  /** `on:` by event; an event without filters is an empty object. */
  on: Record<string, Trigger>;
}

interface Trigger {
  types?: string[];
  branches?: string[];
  inputs?: Record<string, Input>;
  workflows?: string[];
}

interface Input {
  required?: boolean;
  default?: unknown;
  type?: string;
  options?: unknown[];
}

/** The workflows that a commit holds. One that is no YAML is left away, as GitHub cannot start it. */
export function workflowsAt(repository: Code, sha: string): WorkflowFile[] {
  return [...repository.filesAt(sha)]
    .filter(([path]) => /^\.github\/workflows\/[^/]+\.ya?ml$/.test(path))
    .flatMap(([path, text]) => {
      const known = parsed(text);
      if (!known) return [];
      const name = typeof known.name === 'string' ? known.name : path;
      return [{ id: workflowId(name), name, path, on: triggersFrom(known.on) }];
    });
}

function parsed(text: string): { name?: unknown; on?: unknown } | null {
  try {
    return parse(text) as { name?: unknown; on?: unknown } | null;
  } catch {
    return null;
  }
}

function triggersFrom(on: unknown): Record<string, Trigger> {
  if (typeof on === 'string') return { [on]: {} };
  if (Array.isArray(on)) return Object.fromEntries(on.map((event) => [String(event), {}]));
  return Object.fromEntries(Object.entries((on ?? {}) as object).map(([event, trigger]) => [event, trigger ?? {}]));
}

/** A workflow that an event starts, and the event's name for it. */
export interface Started {
  workflow: WorkflowFile;
  event: string;
}

const USUAL: Record<string, string[]> = {
  pull_request: ['opened', 'synchronize', 'reopened'],
  pull_request_target: ['opened', 'synchronize', 'reopened'],
};

/**
 * Which workflows of the default branch an event starts. A pull request starts those on pull_request (none where it
 * conflicts with its base) and on pull_request_target.
 */
export function startedBy(repository: Code, event: GitHubEvent): Started[] {
  const head = repository.find('HEAD');
  const { payload } = event;
  const names = event.name === 'pull_request' ? ['pull_request', 'pull_request_target'] : [event.name];
  return workflowsAt(repository, head?.sha ?? '').flatMap((workflow) =>
    names
      .filter((name) => {
        const trigger = workflow.on[name];
        if (!trigger) return false;
        if (name === 'workflow_dispatch') return payload.workflow === workflow.path;
        if (name === 'workflow_run' && !followsRun(trigger, payload.workflow_run)) return false;
        const types = trigger.types ?? USUAL[name];
        return !types || types.includes(String(payload.action));
      })
      .map((name) => ({ workflow, event: name })),
  );
}

/** Whether a trigger on runs names this one's workflow and branch. */
function followsRun({ workflows, branches }: Trigger, run: unknown): boolean {
  const { name, head_branch: branch } = (run ?? {}) as { name?: string; head_branch?: string };
  return (workflows ?? []).includes(name ?? '') && (!branches || branches.includes(branch ?? ''));
}

/** The inputs of a dispatch with their defaults, or GitHub's reason to refuse it. */
export function inputsOf(workflow: WorkflowFile, given: Record<string, unknown>): Record<string, string> | string {
  const trigger = workflow.on.workflow_dispatch;
  if (!trigger) return "Workflow does not have 'workflow_dispatch' trigger";
  const declared = trigger.inputs ?? {};
  const unknown = Object.keys(given).filter((name) => !(name in declared));
  if (unknown.length > 0) return `Unexpected inputs provided: ${JSON.stringify(unknown)}`;
  const inputs: Record<string, string> = {};
  for (const [name, input] of Object.entries(declared)) {
    const value = given[name] ?? input?.default;
    if (value === undefined || value === '') {
      if (input?.required) return `Required input '${name}' not provided`;
    } else if (input?.type === 'choice' && !(input.options ?? []).map(String).includes(String(value))) {
      return `Provided value '${value}' for input '${name}' not in the list of allowed values`;
    }
    inputs[name] = value === undefined ? (input?.type === 'boolean' ? 'false' : '') : String(value);
  }
  return inputs;
}
