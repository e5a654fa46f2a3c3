/** What GitHub knows about one commit, brought into one form. Pure. */

/** One check run, commit status or run without jobs, the newest of its name. */
export interface Check {
  name: string;
  state: 'green' | 'red' | 'pending';
  /** GitHub's own word: failure, timed_out, in_progress … */
  said: string;
  /** ISO 8601: when it ended or, while it runs, began. */
  at: string | null;
  /** Who pushed what it judged, where GitHub says so. */
  by: string | null;
  /** The page of the job or run. */
  url: string | null;
  /** The id of a job of GitHub Actions; null for anything else. */
  job: number | null;
}

/** One commit of the branch with everything that counts for the gate. */
export interface CommitEvidence {
  sha: string;
  /** The author's login or name. */
  author: string | null;
  checks: Check[];
}

/** A check run as the REST API gives it, as far as it is looked at. */
export interface CheckRunAnswer {
  id: number;
  name: string;
  status: string;
  conclusion: string | null;
  started_at: string | null;
  completed_at: string | null;
  html_url: string | null;
  details_url?: string | null;
  check_suite: { id: number } | null;
  app: { slug?: string | undefined } | null;
}

/** A commit status as the REST API gives it. */
export interface StatusAnswer {
  context: string;
  state: string;
  target_url: string | null;
  updated_at: string;
  creator: { login: string } | null;
}

/** A run of a workflow as the REST API gives it. */
export interface RunAnswer {
  id: number;
  event: string;
  status: string | null;
  conclusion: string | null;
  workflow_id: number;
  name?: string | null | undefined;
  check_suite_id?: number | undefined;
  html_url: string;
  updated_at: string;
  run_started_at?: string | undefined;
  actor?: { login: string } | null | undefined;
}

const GREEN = ['success', 'neutral', 'skipped'];
/** Events whose runs judge the branch itself; a run of a pull request judges something else. */
const COUNTED_EVENTS = ['push', 'merge_group'];
const OWN_CONTEXTS = 'changeline/';

/**
 * The checks that count for a commit: the newest of each name, app and workflow. Runs of other events than push and
 * merge_group, Changeline's own statuses, and what still runs in the run `ownRun` (the asking job itself) do not.
 */
export function checksFrom(
  runs: readonly CheckRunAnswer[],
  statuses: readonly StatusAnswer[],
  workflowRuns: readonly RunAnswer[],
  ownRun: string | null,
): Check[] {
  const bySuite = new Map(workflowRuns.map((run) => [run.check_suite_id, run]));
  const newest = new Map<string, { at: string; check: Check }>();
  const keep = (key: string, at: string, check: Check) => {
    const known = newest.get(key);
    if (!known || at >= known.at) newest.set(key, { at, check });
  };
  const suites = new Set<number | undefined>();
  for (const run of runs) {
    const workflow = bySuite.get(run.check_suite?.id);
    suites.add(run.check_suite?.id);
    if (workflow && !counts(workflow)) continue;
    if (String(workflow?.id) === ownRun && run.status !== 'completed') continue;
    const key = `check ${run.app?.slug ?? ''} ${workflow?.workflow_id ?? ''} ${run.name}`;
    keep(key, run.started_at ?? run.completed_at ?? '', fromCheckRun(run, workflow));
  }
  for (const run of workflowRuns) {
    // A run that never came to a job (a broken workflow file, one that waits) has no check run to speak for it.
    if (!counts(run) || suites.has(run.check_suite_id) || String(run.id) === ownRun) continue;
    keep(`run ${run.workflow_id}`, run.run_started_at ?? run.updated_at, fromWorkflowRun(run));
  }
  for (const status of statuses) {
    if (status.context.startsWith(OWN_CONTEXTS)) continue;
    keep(`status ${status.context}`, status.updated_at, fromStatus(status));
  }
  return [...newest.values()].map(({ check }) => check).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function counts(run: RunAnswer): boolean {
  return COUNTED_EVENTS.includes(run.event);
}

function fromCheckRun(run: CheckRunAnswer, workflow: RunAnswer | undefined): Check {
  return {
    name: run.name,
    ...stateOf(run.status, run.conclusion),
    at: run.completed_at ?? run.started_at,
    by: workflow?.actor?.login ?? null,
    url: run.html_url ?? run.details_url ?? null,
    job: run.app?.slug === 'github-actions' ? run.id : null,
  };
}

function fromWorkflowRun(run: RunAnswer): Check {
  return {
    name: run.name || `workflow ${run.workflow_id}`,
    ...stateOf(run.status ?? '', run.conclusion),
    at: run.updated_at,
    by: run.actor?.login ?? null,
    url: run.html_url,
    job: null,
  };
}

function fromStatus(status: StatusAnswer): Check {
  const state = status.state === 'success' ? 'green' : status.state === 'pending' ? 'pending' : 'red';
  return {
    name: status.context,
    state,
    said: status.state,
    at: status.updated_at,
    by: null,
    url: status.target_url,
    job: null,
  };
}

/** Only a word that is known to be good is green; a word that is not known is red. */
function stateOf(status: string, conclusion: string | null): Pick<Check, 'state' | 'said'> {
  if (status !== 'completed') return { state: 'pending', said: status };
  const said = conclusion ?? 'no conclusion';
  return { state: GREEN.includes(said) ? 'green' : 'red', said };
}
